//! The real binary on a data directory of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::api::Api;
use crate::dir::TempDir;
use crate::wait::{SOON, within};

const CLIENT_ID: &str = "e2e";
const CLIENT_SECRET: &str = "e2e-secret-0123456789";
/// Each server has its own stretch of RTP ports, below the ephemeral range.
const RTP_STRETCH: u16 = 1_100;

/// The kernel picks the port.
const ANY: &str = "127.0.0.1:0";

/// A running server.
pub struct Server {
    child: Child,
    dir: TempDir,
    /// Host and port of HTTP.
    pub http: String,
    /// Host and port of SIP over UDP.
    pub sip: String,
}

/// The binary under test: `STROWGER_BIN`, or `strowger` in the directory in
/// which cargo put this test's own crate.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("STROWGER_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = profile.join("strowger");
    assert!(
        path.is_file(),
        "no {}: run `cargo build -p strowger` first, or set STROWGER_BIN",
        path.display()
    );
    path
}

impl Server {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_in(TempDir::new("pbx"), ANY, ANY).await
    }

    async fn start_in(dir: TempDir, sip: &str, http: &str) -> Self {
        let file = write_config(&dir, sip, http);
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join("server.log"))
            .unwrap();
        let mut child = serve()
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary().display()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("ready") {
                    return;
                }
            }
            let log = fs::read_to_string(dir.join("server.log")).unwrap_or_default();
            panic!("the server left before it was ready:\n{log}");
        };
        within(SOON, "line that says ready", ready).await;
        // Read on, or the pipe fills.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let run = fs::read(dir.join("data/run.json")).expect("run.json, now that it is ready");
        let run: Value = serde_json::from_slice(&run).unwrap();
        assert_eq!(run["pid"].as_u64(), child.id().map(u64::from));
        Self {
            child,
            http: address(&run["http"]),
            sip: address(&run["sip_udp"]),
            dir,
        }
    }

    /// Logs in to its API.
    pub async fn api(&self) -> Api {
        Api::login(&self.http, CLIENT_ID, CLIENT_SECRET).await
    }

    /// Asks for a token with a secret of one's own.
    pub async fn get_token(&self, secret: Option<&str>) -> Value {
        Api::get_token(&self.http, CLIENT_ID, secret.unwrap_or(CLIENT_SECRET)).await
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("strowger.toml")
    }

    /// Kills it as a power cut does: SIGKILL, no time for anything.
    pub async fn kill(mut self) -> Stopped {
        self.child.kill().await.unwrap();
        Stopped {
            dir: self.dir,
            sip: self.sip,
            http: self.http,
        }
    }

    /// Asks it to leave with SIGTERM and waits until it has.
    pub async fn terminate(mut self) -> (ExitStatus, Stopped) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        kill_process(Pid::from_raw(pid.unwrap()).unwrap(), Signal::TERM).unwrap();
        let status = within(SOON, "end after SIGTERM", self.child.wait()).await;
        let stopped = Stopped {
            dir: self.dir,
            sip: self.sip,
            http: self.http,
        };
        (status.unwrap(), stopped)
    }
}

/// A server that ended, with what it left on disk.
pub struct Stopped {
    dir: TempDir,
    sip: String,
    http: String,
}

impl Stopped {
    /// Starts it again on the same data and the same ports.
    pub async fn start(self) -> Server {
        Server::start_in(self.dir, &self.sip, &self.http).await
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

/// `strowger serve --config`, which wants its file.
fn serve() -> Command {
    let mut command = Command::new(binary());
    command.arg("serve").arg("--config").kill_on_drop(true);
    // Another's settings in the environment are not this test's.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("STROWGER_") && name != "STROWGER_BIN" {
            command.env_remove(name);
        }
    }
    command
}

fn write_config(dir: &TempDir, sip: &str, http: &str) -> PathBuf {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run one after the other or side by side differ in pid.
    let stretch = (std::process::id() % 50) as u16 + NEXT.fetch_add(1, Ordering::Relaxed);
    let first = 10_000 + stretch % 20 * RTP_STRETCH;
    let last = first + RTP_STRETCH - 1;
    let file = dir.join("strowger.toml");
    let text = format!(
        "log = \"info\"\n[data]\ndir = {:?}\n[http]\nlisten = \"{http}\"\n\
         [https]\nlisten = \"127.0.0.1:0\"\n[sip]\nudp = \"{sip}\"\n\
         [rtp]\nlisten = \"127.0.0.1\"\nports = \"{first}-{last}\"\n\
         [api]\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n\
         [pbx]\ntimezone = \"UTC\"\n",
        dir.join("data")
    );
    fs::write(&file, text).unwrap();
    file
}

fn address(told: &Value) -> String {
    match told {
        Value::String(text) => text.clone(),
        Value::Number(port) => format!("127.0.0.1:{port}"),
        other => panic!("run.json: {other} is no address"),
    }
}
