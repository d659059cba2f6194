//! SIPp as a phone: a scenario from `scenarios/`, its users from a table, its
//! verdict from the exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::api::Account;
use crate::dir::TempDir;
use crate::ports::{free_port, is_bound};
use crate::wait::{LONG, SOON, until, within};

/// One line of a scenario's table: number, credentials, callee.
#[derive(Debug, Clone)]
pub struct User {
    /// The extension that acts.
    pub account: Account,
    /// Whom it calls; empty for one that is called.
    pub callee: String,
}

impl User {
    /// `account` calls `callee`.
    pub fn calls(account: &Account, callee: &str) -> Self {
        Self {
            account: account.clone(),
            callee: callee.to_owned(),
        }
    }
}

/// A SIPp that runs.
pub struct Sipp {
    child: Child,
    dir: TempDir,
}

/// How a scenario is run.
#[derive(Debug)]
pub struct Run<'a> {
    scenario: &'a str,
    server: &'a str,
    values: Vec<(&'a str, String)>,
    users: Vec<User>,
    port: Option<u16>,
    rate: u32,
    endless: bool,
}

impl Sipp {
    /// A scenario by its file's name, against a server's address.
    pub fn scenario<'a>(scenario: &'a str, server: &'a str) -> Run<'a> {
        Run {
            scenario,
            server,
            values: Vec::new(),
            users: Vec::new(),
            port: None,
            rate: 50,
            endless: false,
        }
    }

    /// Waits until all its calls went as the scenario says.
    pub async fn succeeds(mut self) {
        let status = within(LONG, "end of a SIPp", self.child.wait()).await;
        let status = status.unwrap();
        assert!(status.success(), "SIPp: {status}\n{}", self.story());
    }

    fn story(&self) -> String {
        let file = |name: &str| fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        format!("{}\n{}", file("errors.log"), file("messages.log"))
    }
}

impl<'a> Run<'a> {
    /// Replaces `@name@` in the scenario.
    pub fn with(mut self, name: &'a str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// One call for each user, in turn.
    pub fn users(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.users.extend(users);
        self
    }

    /// On this port, where a registration made it known.
    pub fn at(mut self, registered: &Registered) -> Self {
        self.port = Some(registered.port);
        self
    }

    /// Calls a second.
    pub fn rate(mut self, rate: u32) -> Self {
        self.rate = rate;
        self
    }

    /// Until it is dropped, instead of one call for each user.
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// Starts it; a phone that is to be called has its port open on return.
    pub async fn start(self) -> Sipp {
        let name = Path::new(self.scenario).with_extension("");
        let dir = TempDir::new(&format!("sipp-{}", name.display()));
        let scenario = dir.join("scenario.xml");
        fs::write(&scenario, self.text()).unwrap();
        let mut table = "SEQUENTIAL\n".to_owned();
        for User { account, callee } in &self.users {
            let Account {
                number,
                username,
                password,
                ..
            } = account;
            // SIPp replaces no field within `[authentication]`, but expands
            // one that a field holds.
            table.push_str(&format!(
                "{number};[authentication username={username} password={password}];{callee}\n"
            ));
        }
        let users = dir.join("users.csv");
        fs::write(&users, table).unwrap();
        let log = fs::File::create(dir.join("screen.log")).unwrap();
        let port = self.port.unwrap_or_else(free_port);
        let count = self.users.len().max(1).to_string();
        let seconds = LONG.as_secs().to_string();
        let mut command = Command::new("sipp");
        command
            .arg(self.server)
            .arg("-sf")
            .arg(&scenario)
            .args(["-i", "127.0.0.1", "-nostdin", "-trace_err", "-trace_msg"])
            .arg("-error_file")
            .arg(dir.join("errors.log"))
            .arg("-message_file")
            .arg(dir.join("messages.log"))
            .args(["-p", &port.to_string(), "-r", &self.rate.to_string()])
            .args(["-timeout", &seconds, "-timeout_error"]);
        if !self.users.is_empty() {
            command.arg("-inf").arg(&users);
        }
        if !self.endless {
            command.args(["-m", &count]);
        }
        let child = command
            .current_dir(&*dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("SIPp is installed (Debian: sip-tester)");
        until(SOON, "socket of a SIPp", || is_bound(port).then_some(())).await;
        Sipp { child, dir }
    }

    /// Starts it and waits until all its calls went as the scenario says.
    pub async fn succeeds(self) {
        self.start().await.succeeds().await;
    }

    fn text(&self) -> String {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("scenarios")
            .join(self.scenario);
        let mut text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (name, value) in &self.values {
            text = text.replace(&format!("@{name}@"), value);
        }
        assert!(
            !text.contains("=\"@"),
            "{}: a value is missing",
            self.scenario
        );
        text
    }
}

/// Extensions that are registered at a port, on which a SIPp can be called.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    port: u16,
}

/// Registers extensions, all at one port.
pub async fn register(accounts: &[&Account], server: &str) -> Registered {
    let registered = Registered { port: free_port() };
    let users = accounts.iter().map(|account| User::calls(account, ""));
    Sipp::scenario("register.xml", server)
        .users(users)
        .at(&registered)
        .succeeds()
        .await;
    registered
}

/// Milliseconds, as scenarios want them.
impl Run<'_> {
    /// Replaces `@hold@`: how long they talk.
    pub fn hold(self, time: Duration) -> Self {
        self.with("hold", time.as_millis())
    }
}
