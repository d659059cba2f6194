//! The command line as a person or a script uses it: the real binary, its
//! standard output, its exit code.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::dir::TempDir;
use crate::server::{Server, binary};
use crate::wait::{LONG, within};

/// A user's home, and which PBX the user speaks to.
pub struct CommandLine {
    home: TempDir,
    config: Option<PathBuf>,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Does what Ctrl-C does.
pub fn interrupt(child: &Child) {
    send(child, Signal::INT);
}

/// Does what a service manager does.
pub fn terminate(child: &Child) {
    send(child, Signal::TERM);
}

/// Does what a terminal that is closed does.
pub fn hang_up(child: &Child) {
    send(child, Signal::HUP);
}

fn send(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    kill_process(Pid::from_raw(pid.unwrap()).unwrap(), signal).unwrap();
}

impl CommandLine {
    /// On the machine of a server, with its configuration.
    pub fn at(server: &Server) -> Self {
        Self {
            config: Some(server.config()),
            ..Self::elsewhere()
        }
    }

    /// On another machine: no data directory, nothing configured.
    pub fn elsewhere() -> Self {
        Self {
            home: TempDir::new("home"),
            config: None,
            variables: Vec::new(),
        }
    }

    /// With this in the environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.into(), value.into()));
    }

    /// A path in the user's home, which commands also run in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Puts a file there.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Reads one from there.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(words)
            .current_dir(&*self.home)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STROWGER_") {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", &*self.home)
            .env_remove("XDG_CONFIG_HOME");
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, words: &[&str]) -> Ended {
        let what = format!("end of strowger {}", words.join(" "));
        let output = within(LONG, &what, self.command(words).output())
            .await
            .unwrap();
        Ended {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs one that must do what it should; its standard output.
    pub async fn ok(&self, words: &[&str]) -> String {
        let ended = self.run(words).await;
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        ended.out
    }

    /// As [`Self::ok`], with --json, and read.
    pub async fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let out = self.ok(&words).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
    }

    /// Starts one that goes on; its standard output is piped.
    pub fn start(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).spawn().unwrap()
    }
}
