//! Which PBX a command speaks to, and how it logs in there: the one that runs
//! on the data directory here, or a remote one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use clap::Args;
use client::{Client, ClientBuilder, Fingerprint};
use serde::Deserialize;
use store::{Store, StoreOptions};

use super::failure::{Failure, Result};
use super::logins::{self, Login, Logins};
use super::out::Out;
use crate::config::Config;
use crate::control::{self, AskError};
use crate::credentials::{self, Credentials};

/// Tokens of the commands that speak to the PBX of this data directory.
const LOCAL_TOKENS: &str = "command-line-token.json";
/// What the PBX sees.
const USER_AGENT: &str = concat!("strowger-cli/", env!("CARGO_PKG_VERSION"));

/// Which PBX, and in which form.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which PBX, and how it is shown")]
pub struct Target {
    /// Address of a PBX; without it, the one of the data directory here, or
    /// else the one logged in to last.
    #[arg(long, global = true, env = "STROWGER_URL", value_name = "URL")]
    pub url: Option<String>,
    /// A login by its name (see `strowger logins`); counts before an address.
    #[arg(long, global = true, env = "STROWGER_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// JSON for machines.
    #[arg(long, global = true)]
    pub json: bool,
}

/// A PBX that a command speaks to.
pub struct Session {
    /// The client.
    pub client: Client,
    /// Tokens are kept for the next command.
    kept: bool,
}

impl Session {
    /// Gives the token back, unless the next command is to have it.
    pub async fn end(self) {
        if !self.kept {
            // The command has done its work; the place frees itself in time.
            let _ = self.client.close().await;
        }
    }
}

/// Where the exchange of a data directory listens.
#[derive(Deserialize)]
struct RunFile {
    http: SocketAddr,
}

/// The same where it stands before the command's word.
#[derive(Debug, Args)]
pub struct Before {
    #[arg(long, hide = true)]
    url: Option<String>,
    #[arg(long, hide = true)]
    profile: Option<String>,
    #[arg(long, hide = true)]
    json: bool,
}

impl Target {
    /// With what stood before the command; what stands after it counts.
    pub fn or(&mut self, before: Before) {
        self.json |= before.json;
        if self.profile.is_none() && before.url.is_some() {
            self.url = before.url;
        } else if before.profile.is_some() {
            self.profile = before.profile;
        }
    }

    /// Where output goes.
    pub fn out(&self) -> Out {
        Out { json: self.json }
    }

    /// A client of the PBX that is meant.
    pub async fn connect(&self, config: Option<&Path>) -> Result<Session> {
        if let Some(name) = &self.profile {
            let logins = Logins::load()?;
            let (name, login) = logins.named(name)?;
            return remote(name, login);
        }
        if let Some(url) = &self.url {
            return at(url);
        }
        let config = Config::load(config).map_err(|error| Failure::usage(error.to_string()))?;
        if config.data.dir.is_dir() {
            return local(&config).await;
        }
        let logins = Logins::load()?;
        match &logins.current {
            Some(name) => {
                let (name, login) = logins.named(name)?;
                remote(name, login)
            }
            None => Err(Failure::Unreachable(format!(
                "no PBX: there is no data directory {} and no login. \
                 `strowger serve` runs one, `strowger login URL` or --url finds one.",
                config.data.dir.display()
            ))),
        }
    }
}

/// A client of a login.
pub fn remote(name: &str, login: &Login) -> Result<Session> {
    let client = trusting(login)?
        .token_file(logins::token_file(name)?)
        .build()?;
    Ok(Session { client, kept: true })
}

/// A builder that trusts what the login says.
fn trusting(login: &Login) -> Result<ClientBuilder> {
    let mut builder = Client::builder(&login.url)
        .credentials(&login.client_id, &login.client_secret)
        .user_agent(USER_AGENT);
    if let Some(fingerprint) = &login.fingerprint {
        let fingerprint: Fingerprint = fingerprint
            .parse()
            .map_err(|error| Failure::usage(format!("{fingerprint}: {error}")))?;
        builder = builder.fingerprint(fingerprint);
    }
    if let Some(ca) = &login.ca {
        let pem = std::fs::read(ca)
            .map_err(|error| Failure::usage(format!("{}: {error}", ca.display())))?;
        builder = builder.root_certificates_pem(&pem)?;
    }
    Ok(builder)
}

/// A client of an address: by its login, or by credentials in the environment.
fn at(url: &str) -> Result<Session> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let from_environment = set("STROWGER_CLIENT_ID").zip(set("STROWGER_CLIENT_SECRET"));
    let logins = Logins::load()?;
    match (from_environment, logins.of_url(url)) {
        (Some((client_id, client_secret)), known) => {
            let login = Login {
                url: url.into(),
                client_id,
                client_secret,
                fingerprint: set("STROWGER_FINGERPRINT")
                    .or_else(|| known.and_then(|(_, login)| login.fingerprint.clone())),
                ca: known.and_then(|(_, login)| login.ca.clone()),
            };
            let client = trusting(&login)?.build()?;
            Ok(Session {
                client,
                kept: false,
            })
        }
        (None, Some((name, login))) => remote(name, login),
        (None, None) => Err(Failure::usage(format!(
            "no login for {url}: `strowger login {url}`, \
             or STROWGER_CLIENT_ID and STROWGER_CLIENT_SECRET in the environment"
        ))),
    }
}

/// A client of the PBX that runs on the data directory.
async fn local(config: &Config) -> Result<Session> {
    let folder = &config.data.dir;
    let run = folder.join("run.json");
    let text = std::fs::read_to_string(&run).map_err(|_| {
        Failure::Unreachable(format!(
            "the PBX of {} does not run (no run.json there): `strowger serve` starts it",
            folder.display()
        ))
    })?;
    let run: RunFile = serde_json::from_str(&text)
        .map_err(|error| Failure::here(format!("{}: {error}", run.display())))?;
    let credentials = match control::ask(folder, &control::Command::Credentials).await {
        Ok(credentials) => credentials,
        Err(AskError::NobodyThere(_) | AskError::Socket(..)) => kept(config).await?,
        // Not from the database then: it is of another version.
        Err(error) => return Err(Failure::here(error.to_string())),
    };
    let client = Client::builder(&format!("http://{}", reachable(run.http)))
        .credentials(credentials.client_id, credentials.client_secret)
        .user_agent(USER_AGENT)
        .token_file(folder.join(LOCAL_TOKENS))
        .build()?;
    Ok(Session { client, kept: true })
}

/// The credentials from the database, for an exchange without a control socket.
async fn kept(config: &Config) -> Result<Credentials> {
    let told = |error: Box<dyn std::error::Error>| Failure::here(error.to_string());
    let store = Store::open(&config.database_url(), StoreOptions::default())
        .await
        .map_err(|error| told(error.into()))?;
    let key_file = config.data.dir.join("secret.key");
    let credentials = credentials::load_or_make(&store, &key_file, &config.api).await;
    store.close().await;
    credentials.map_err(told)
}

/// The address at which something that listens everywhere is reached from here.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port())
        }
        _ => address,
    }
}
