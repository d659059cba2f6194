//! Which PBX a command speaks to, and how it logs in there: the one that runs
//! on the data directory here, or a remote one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

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
/// Where an exchange that runs says how it is reached.
const RUN_FILE: &str = "run.json";
/// How long the PBX of a data directory may take to be there.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the PBX sees.
const USER_AGENT: &str = concat!("strowger-cli/", env!("CARGO_PKG_VERSION"));

/// Which PBX, and in which form.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which PBX, and how it is shown")]
pub struct Target {
    /// Address of a PBX; without it STROWGER_URL, then the one that runs on the
    /// data directory here, or else the one logged in to last. With
    /// STROWGER_CLIENT_ID and STROWGER_CLIENT_SECRET (and STROWGER_FINGERPRINT
    /// where its certificate is self-made) no login is needed.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// A login by its name (see `strowger logins`); without it
    /// STROWGER_PROFILE, which counts before STROWGER_URL.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// JSON for machines.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Which PBX is meant.
#[derive(Debug, PartialEq, Eq)]
enum Meant {
    Login(String),
    Address(String),
    /// Nobody has said.
    Any,
}

/// A variable of the environment; one that is empty is not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A PBX that a command speaks to.
pub struct Session {
    /// The client.
    pub client: Client,
    /// Tokens are kept for the next command.
    kept: bool,
}

impl Session {
    /// Whether its token is kept for the next command.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

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
    /// With what stood before the command; of the same flag the one after it
    /// counts.
    pub fn or(&mut self, before: Before) -> Result<()> {
        self.json |= before.json;
        self.url = self.url.take().or(before.url);
        self.profile = self.profile.take().or(before.profile);
        match (&self.url, &self.profile) {
            (Some(_), Some(_)) => Err(Failure::usage(
                "--url and --profile name a PBX each; which one is meant?",
            )),
            _ => Ok(()),
        }
    }

    /// A flag counts before the environment.
    fn meant(&self, variable: impl Fn(&str) -> Option<String>) -> Meant {
        let login = |name: String| Meant::Login(name);
        let flag = self.profile.clone().map(login);
        flag.or_else(|| self.url.clone().map(Meant::Address))
            .or_else(|| variable("STROWGER_PROFILE").map(login))
            .or_else(|| variable("STROWGER_URL").map(Meant::Address))
            .unwrap_or(Meant::Any)
    }

    /// Where output goes.
    pub fn out(&self) -> Out {
        Out { json: self.json }
    }

    /// A client of the PBX that is meant.
    pub async fn connect(&self, config: Option<&Path>) -> Result<Session> {
        match self.meant(variable) {
            Meant::Login(name) => {
                let logins = Logins::load()?;
                let (name, login) = logins.named(&name)?;
                return remote(name, login);
            }
            Meant::Address(url) => return at(&url),
            Meant::Any => {}
        }
        let told = config.is_some();
        let config = Config::load(config).map_err(|error| Failure::usage(error.to_string()))?;
        let dir = &config.data.dir;
        if told && dir.is_dir() {
            return local(&config).await;
        }
        // A directory that happens to be here and whose PBX does not run is not
        // what somebody means who has logged in elsewhere.
        let logins = Logins::load();
        let current = logins.as_ref().ok().and_then(|logins| {
            let name = logins.current.as_deref()?;
            logins.named(name).ok()
        });
        match current {
            Some((name, login)) if !runs(dir).await => remote(name, login),
            _ if dir.is_dir() => local(&config).await,
            Some((name, login)) => remote(name, login),
            None => {
                logins?;
                Err(Failure::Unreachable(format!(
                    "no PBX: there is no data directory {} and no login. \
                     `strowger serve` runs one, `strowger login URL` or --url finds one.",
                    dir.display()
                )))
            }
        }
    }
}

/// Whether somebody listens where the data directory's PBX says that it does.
async fn runs(dir: &Path) -> bool {
    let run = std::fs::read(dir.join(RUN_FILE)).ok();
    let run = run.and_then(|text| serde_json::from_slice::<RunFile>(&text).ok());
    let Some(run) = run else { return false };
    let connected = tokio::net::TcpStream::connect(reachable(run.http));
    matches!(tokio::time::timeout(PATIENCE, connected).await, Ok(Ok(_)))
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
    let from_environment = variable("STROWGER_CLIENT_ID").zip(variable("STROWGER_CLIENT_SECRET"));
    let logins = match (&from_environment, Logins::load()) {
        // A machine without a home has no logins.
        (Some(_), logins) => logins.unwrap_or_default(),
        (None, logins) => logins?,
    };
    match (from_environment, logins.of_url(url)) {
        (Some((client_id, client_secret)), known) => {
            let login = Login {
                url: url.into(),
                client_id,
                client_secret,
                fingerprint: variable("STROWGER_FINGERPRINT")
                    .or_else(|| known.and_then(|(_, login)| login.fingerprint.clone())),
                ca: known.and_then(|(_, login)| login.ca.clone()),
            };
            let mut builder = trusting(&login)?;
            // A token that is kept costs one place, however often a command is
            // run and however it ends.
            let file = logins::token_file_of(url, &login.client_id).ok();
            if let Some(file) = &file {
                builder = builder.token_file(file);
            }
            Ok(Session {
                client: builder.build()?,
                kept: file.is_some(),
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
    let run = folder.join(RUN_FILE);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: Option<&str>, profile: Option<&str>) -> Target {
        Target {
            url: url.map(str::to_owned),
            profile: profile.map(str::to_owned),
            json: false,
        }
    }

    fn before(url: Option<&str>, profile: Option<&str>) -> Before {
        Before {
            url: url.map(str::to_owned),
            profile: profile.map(str::to_owned),
            json: false,
        }
    }

    #[test]
    fn a_flag_counts_before_the_environment() {
        let both = |name: &str| match name {
            "STROWGER_PROFILE" => Some("of-environment".to_owned()),
            "STROWGER_URL" => Some("http://environment".to_owned()),
            _ => None,
        };
        let meant = |url, profile| target(url, profile).meant(both);
        assert_eq!(
            meant(Some("http://flag"), None),
            Meant::Address("http://flag".into())
        );
        assert_eq!(meant(None, Some("flag")), Meant::Login("flag".into()));
        assert_eq!(meant(None, None), Meant::Login("of-environment".into()));
        assert_eq!(target(None, None).meant(|_| None), Meant::Any);
    }

    #[test]
    fn an_address_and_a_login_at_once_make_no_sense() {
        let mut one = target(Some("http://after"), None);
        one.or(before(Some("http://before"), None)).unwrap();
        assert_eq!(one.url.as_deref(), Some("http://after"));
        let mut split = target(Some("http://after"), None);
        let ended = split.or(before(None, Some("login")));
        assert!(matches!(ended, Err(Failure::Usage(_))));
        let mut both = target(Some("http://after"), Some("login"));
        assert!(both.or(before(None, None)).is_err());
    }
}
