//! `strowger login`, `logout` and `token`: an application's place on a PBX.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use client::{Error, Value, json};

use super::failure::{Failure, Result};
use super::logins::{Login, Logins};
use super::out::Out;
use super::target::{self, Session};

/// Logs in to a PBX and keeps the login for later commands.
#[derive(Debug, Args)]
pub struct LoginArguments {
    /// The PBX's address, such as `https://pbx.example:8088`.
    url: String,
    /// What to call this login; the host and port of the address if not told.
    #[arg(long)]
    name: Option<String>,
    /// The Client ID of the PBX's API page; asked for if not told.
    #[arg(long, env = "STROWGER_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    /// The file that has the Client Secret (- is the standard input); without
    /// it, `STROWGER_CLIENT_SECRET`, or it is asked for.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<String>,
    /// Trust this certificate: the SHA-256 that the PBX shows.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<String>,
    /// Trust what these authorities have signed: a PEM file.
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    ca: Option<PathBuf>,
    /// JSON for machines.
    #[arg(long)]
    json: bool,
}

/// Gives the token back and forgets the login.
#[derive(Debug, Args)]
pub struct LogoutArguments {
    /// The login's name; the current one if not told.
    name: Option<String>,
    /// JSON for machines.
    #[arg(long)]
    json: bool,
}

/// Lists the logins, or makes one the current one.
#[derive(Debug, Args)]
pub struct LoginsArguments {
    /// The login that counts from now on where none is named.
    name: Option<String>,
    /// JSON for machines.
    #[arg(long)]
    json: bool,
}

/// What one can do with the token.
#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Shows which token is in hand and how long it is good.
    Show {
        /// Show the access token itself, for use in another program.
        #[arg(long)]
        reveal: bool,
    },
    /// Takes a new token in the place of the old one.
    Refresh,
    /// Gives the token back: its place of the eight is free at once.
    Revoke,
}

/// `strowger login`
pub async fn login(arguments: LoginArguments) -> Result<()> {
    let out = Out {
        json: arguments.json,
    };
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => place(&arguments.url)?,
    };
    let client_id = match arguments.client_id {
        Some(id) => id,
        None => asked("Client ID: ")?,
    };
    let client_secret = secret(arguments.client_secret_file.as_deref())?;
    let ca = match arguments.ca {
        Some(path) => Some(std::path::absolute(path)?),
        None => None,
    };
    let mut login = Login {
        url: arguments.url,
        client_id,
        client_secret,
        fingerprint: arguments.fingerprint,
        ca,
    };
    // A login that is made anew proves itself, not the token of before.
    if let Some(before) = Logins::load()?.logins.get(&name) {
        if let Ok(session) = target::remote(&name, before) {
            let _ = session.client.close().await;
        }
        let _ = std::fs::remove_file(super::logins::token_file(&name)?);
    }
    let mut session = target::remote(&name, &login)?;
    let information = match session.client.system().information().await {
        Err(Error::Certificate(fingerprint)) if std::io::stdin().is_terminal() => {
            eprintln!(
                "{} shows a certificate that nobody known has signed, SHA-256\n  {fingerprint}",
                login.url
            );
            if !asked("Is that the one that the PBX itself shows? [y/N] ")?.starts_with(['y', 'Y'])
            {
                return Err(Error::Certificate(fingerprint).into());
            }
            login.fingerprint = Some(fingerprint.to_string());
            session = target::remote(&name, &login)?;
            session.client.system().information().await?
        }
        other => other?,
    };
    let device = information.data.unwrap_or_default();
    let said = format!(
        "logged in to {name}: {} {}, firmware {}",
        device.device_name.as_deref().unwrap_or_default(),
        device.sn.as_deref().unwrap_or_default(),
        device.firmware_version.as_deref().unwrap_or("unknown"),
    );
    let mut logins = Logins::load()?;
    logins.logins.insert(name.clone(), login);
    logins.current = Some(name.clone());
    logins.save()?;
    out.done(&said, json!({"login": name}))
}

/// `strowger logout`
pub async fn logout(arguments: LogoutArguments) -> Result<()> {
    let out = Out {
        json: arguments.json,
    };
    let mut logins = Logins::load()?;
    let name = arguments.name.or_else(|| logins.current.clone());
    let name = name.ok_or_else(|| Failure::usage("there is no login"))?;
    let (_, login) = logins.named(&name)?;
    let given_back = match target::remote(&name, login) {
        Ok(session) => session.client.close().await.map_err(Failure::from),
        Err(error) => Err(error),
    };
    logins.logins.remove(&name);
    if logins.current.as_ref() == Some(&name) {
        logins.current = None;
    }
    logins.save()?;
    // The secret is gone from here, whatever the PBX says.
    let _ = std::fs::remove_file(super::logins::token_file(&name)?);
    if let Err(error) = given_back {
        eprintln!("the token was not given back; it ends by itself within half an hour: {error}");
    }
    out.done(&format!("logged out of {name}"), json!({"login": name}))
}

/// `strowger logins`
pub fn logins(arguments: LoginsArguments) -> Result<()> {
    let out = Out {
        json: arguments.json,
    };
    let mut logins = Logins::load()?;
    if let Some(name) = arguments.name {
        logins.named(&name)?;
        logins.current = Some(name);
        logins.save()?;
    }
    let rows: Vec<Value> = logins
        .logins
        .iter()
        .map(|(name, login)| {
            let current = logins.current.as_ref() == Some(name);
            json!({"name": name, "url": login.url, "client_id": login.client_id,
                "current": current, "mark": if current { "*" } else { "" }})
        })
        .collect();
    let columns = [
        ("", "mark"),
        ("NAME", "name"),
        ("URL", "url"),
        ("CLIENT ID", "client_id"),
    ];
    out.rows(&columns, &rows)
}

/// `strowger token`
pub async fn token(verb: TokenVerb, session: &Session, out: Out) -> Result<()> {
    let client = &session.client;
    match verb {
        TokenVerb::Show { reveal: true } => {
            let token = client.token().await?;
            out.done(&token, json!({"access_token": token}))
        }
        TokenVerb::Show { reveal: false } => show(session, out).await,
        TokenVerb::Refresh => {
            client.refresh_token().await?;
            show(session, out).await
        }
        TokenVerb::Revoke => {
            client.close().await?;
            out.done("the token is given back", json!({"revoked": true}))
        }
    }
}

async fn show(session: &Session, out: Out) -> Result<()> {
    let life = session.client.token_life().await?;
    let left = |end: SystemTime| {
        end.duration_since(SystemTime::now())
            .map_or(0, |left| left.as_secs())
    };
    let url = session.client.base_url();
    match life {
        None => out.done(
            &format!("{url}: no token in hand"),
            json!({"url": url, "access_token_seconds": 0, "refresh_token_seconds": 0}),
        ),
        Some(life) => {
            let (access, refresh) = (left(life.access_until), left(life.refresh_until));
            out.done(
                &format!("{url}: access token good for {access} s, refresh token for {refresh} s"),
                json!({"url": url, "access_token_seconds": access,
                    "refresh_token_seconds": refresh}),
            )
        }
    }
}

/// Host and port of an address.
fn place(url: &str) -> Result<String> {
    let rest = url.split_once("://").map(|(_, rest)| rest);
    let place = rest.and_then(|rest| rest.split('/').next());
    place
        .filter(|place| !place.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::usage(format!(
                "{url:?} is no address; write http://… or https://…"
            ))
        })
}

fn secret(file: Option<&str>) -> Result<String> {
    if let Some(file) = file {
        let content = super::pairs::content(file)?;
        return String::from_utf8(content)
            .map(|secret| secret.trim().to_owned())
            .map_err(|_| Failure::usage(format!("{file}: no text")));
    }
    if let Ok(secret) = std::env::var("STROWGER_CLIENT_SECRET")
        && !secret.is_empty()
    {
        return Ok(secret);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "no Client Secret: --client-secret-file, or STROWGER_CLIENT_SECRET",
        ));
    }
    Ok(rpassword::prompt_password("Client Secret: ")?)
}

fn asked(question: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "nobody to ask: {}",
            question.trim_end_matches([' ', ':'])
        )));
    }
    eprint!("{question}");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
