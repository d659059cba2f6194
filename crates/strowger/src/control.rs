//! The control socket: how a command line on this machine speaks to the
//! exchange that runs on a data directory. A Unix socket in that directory, of
//! mode 0600, so that who may read the data may use it and nobody else; a line
//! of JSON asks, a line of JSON answers. It is for what the API must not be
//! able to do, such as lifting a block; it must never take anything else.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::Blocklist;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::credentials::Credentials;

/// The socket, in the data directory.
const FILE: &str = "control.sock";
/// Commands under way at once.
const MAX_COMMANDS: usize = 8;
/// The longest line taken, from either side.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// How long the one who asks may take to ask, and then to read.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "command",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Command {
    /// Lifts the block of an address, or of all; answers whose it was.
    Unblock {
        /// Whose; all where it is missing.
        address: Option<IpAddr>,
    },
    /// With what the API is logged in to, for the command line of the API.
    Credentials,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It is done; what came of it.
    Done(Value),
    /// It is not; a sentence why.
    Failed(String),
}

/// What the commands work on.
#[derive(Clone)]
pub struct Reach {
    /// The addresses that failed logins have blocked.
    pub blocklist: Blocklist,
    /// With what the API is logged in to.
    pub credentials: Credentials,
}

impl Reach {
    async fn carry_out(&self, command: Command) -> Answer {
        match command {
            Command::Unblock { address } => {
                let lifted = self.blocklist.unblock(address);
                tracing::info!(?lifted, "blocks lifted by the command line");
                answer(&lifted)
            }
            Command::Credentials => answer(&self.credentials),
        }
    }
}

/// The socket of an exchange that runs.
pub struct Control {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Control {
    /// Opens it. Whoever held it before is gone: the data directory is ours.
    pub fn open(data_dir: &Path, reach: Reach) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        let draft = data_dir.join(format!("{FILE}.new"));
        let _ = fs::remove_file(&draft);
        // Nobody finds it before nobody else may use it.
        let listener = UnixListener::bind(&draft)?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
        fs::rename(&draft, &path)?;
        Ok(Self {
            path,
            task: tokio::spawn(listen(listener, reach)),
        })
    }

    /// Closes it.
    pub fn close(self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

async fn listen(listener: UnixListener, reach: Reach) {
    let places = Arc::new(Semaphore::new(MAX_COMMANDS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let reach = reach.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &reach).await {
                        tracing::debug!(%error, "a command was not carried out");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "control socket");
                // Out of files, most likely: others give some back.
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, reach: &Reach) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let asked = timeout(PATIENCE, line(&mut stream)).await??;
    let answer = match serde_json::from_str(&asked) {
        Ok(command) => reach.carry_out(command).await,
        Err(error) => Answer::Failed(format!("this version does not know that command: {error}")),
    };
    timeout(PATIENCE, say(&mut stream, &answer)).await?
}

/// Asks the exchange that runs on a data directory.
pub async fn ask<T: DeserializeOwned>(data_dir: &Path, command: &Command) -> Result<T, AskError> {
    let path = data_dir.join(FILE);
    let stream = UnixStream::connect(&path)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                AskError::NobodyThere(data_dir.to_owned())
            }
            _ => AskError::Socket(path.clone(), error),
        })?;
    let mut stream = BufReader::new(stream);
    let socket = |error| AskError::Socket(path.clone(), error);
    say(&mut stream, command).await.map_err(socket)?;
    let answer = line(&mut stream).await.map_err(socket)?;
    match serde_json::from_str(&answer) {
        Ok(Answer::Done(value)) => {
            serde_json::from_value(value).map_err(|error| AskError::Strange(error.to_string()))
        }
        Ok(Answer::Failed(why)) => Err(AskError::Failed(why)),
        Err(error) => Err(AskError::Strange(error.to_string())),
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No exchange runs there.
    #[error("no exchange runs on the data directory {}", .0.display())]
    NobodyThere(PathBuf),
    /// The socket can't be used.
    #[error("{}: {}", .0.display(), .1)]
    Socket(PathBuf, io::Error),
    /// The exchange says why.
    #[error("{0}")]
    Failed(String),
    /// The answer is of another version.
    #[error("the exchange answered what this version does not know: {0}")]
    Strange(String),
}

/// `strowger unblock`.
pub async fn unblock(data_dir: &Path, address: Option<IpAddr>) -> Result<(), AskError> {
    let lifted: Vec<IpAddr> = ask(data_dir, &Command::Unblock { address }).await?;
    match (address, lifted.as_slice()) {
        (Some(address), []) => println!("{address} was not blocked"),
        (None, []) => println!("no address was blocked"),
        (_, lifted) => {
            for address in lifted {
                let network = if address.is_ipv6() { "/64" } else { "" };
                println!("{address}{network} may log in again");
            }
        }
    }
    Ok(())
}

fn answer<T: Serialize>(value: &T) -> Answer {
    match serde_json::to_value(value) {
        Ok(value) => Answer::Done(value),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

async fn line(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = String::new();
    stream.take(MAX_LINE_BYTES).read_line(&mut line).await?;
    if line.ends_with('\n') {
        Ok(line)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

async fn say<T: Serialize>(stream: &mut BufReader<UnixStream>, what: &T) -> io::Result<()> {
    let mut line = serde_json::to_string(what)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    stream.flush().await
}
