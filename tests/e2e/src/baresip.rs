//! baresip as a phone: headless, sends a tone from a file, keeps what it hears
//! in another, and is operated over its control socket.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::api::Account;
use crate::dir::TempDir;
use crate::ports::free_port;
use crate::wait::{SOON, until, within};
use crate::wav::{Recording, tone};

const MODULES: &str = "/usr/lib/baresip/modules";
/// Longer than any call of a test: at its end baresip would hang up.
const TONE_SECONDS: usize = 120;

/// A baresip with one account.
pub struct Baresip {
    child: Child,
    dir: TempDir,
    control: BufReader<TcpStream>,
    port: u16,
    seen: Vec<Value>,
}

impl Baresip {
    /// A phone without a server, for calls straight to its port.
    pub async fn alone(name: &str, hertz: f64) -> Self {
        let port = free_port();
        let account = format!("<sip:{name}@127.0.0.1:{port}>;regint=0");
        Self::start(name, port, &account, hertz).await
    }

    /// A phone that registers with an account and answers by itself. It does
    /// not register again for an hour.
    pub async fn registered(account: &Account, server: &str, hertz: f64) -> Self {
        let Account {
            number,
            username,
            password,
            ..
        } = account;
        let line = format!(
            "<sip:{number}@{server}>;auth_user={username};auth_pass={password};regint=3600"
        );
        let mut phone = Self::start(number, free_port(), &line, hertz).await;
        let registered = async {
            loop {
                let answer = phone.command("reginfo", "").await;
                if answer["data"].as_str().unwrap_or("").contains("OK") {
                    return;
                }
                phone.any_event().await;
            }
        };
        within(SOON, "registration of a baresip", registered).await;
        phone
    }

    async fn start(name: &str, port: u16, account: &str, hertz: f64) -> Self {
        let dir = TempDir::new(&format!("baresip-{name}"));
        let control = free_port();
        let path = dir.display();
        tone(&dir.join("tone.wav"), hertz, TONE_SECONDS);
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\n\
             call_local_timeout 120\ncall_max_calls 4\n\
             audio_player aubridge,{name}\naudio_source aufile,{path}/tone.wav\n\
             audio_alert aubridge,alert\nausrc_srate 8000\nauplay_srate 8000\n\
             ausrc_channels 1\nauplay_channels 1\naudio_txmode poll\n\
             jitter_buffer_delay 1-5\nmodule_path {MODULES}\n\
             module g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
             module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control}\nsnd_path {path}\n"
        );
        fs::write(dir.join("config"), config).unwrap();
        let account = format!("{account};answermode=auto;audio_codecs=pcmu\n");
        fs::write(dir.join("accounts"), account).unwrap();
        fs::write(dir.join("contacts"), "").unwrap();
        let log = fs::File::create(dir.join("log")).unwrap();
        let child = Command::new("baresip")
            .arg("-f")
            .arg(&*dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("baresip is installed (Debian: baresip)");
        let stream = until(SOON, "control socket of a baresip", || {
            let stream = std::net::TcpStream::connect(("127.0.0.1", control)).ok()?;
            stream.set_nonblocking(true).ok()?;
            TcpStream::from_std(stream).ok()
        })
        .await;
        Self {
            child,
            dir,
            control: BufReader::new(stream),
            port,
            seen: Vec::new(),
        }
    }

    /// Its SIP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Types a command of its menu and returns the answer.
    pub async fn command(&mut self, command: &str, parameters: &str) -> Value {
        let request = json!({"command": command, "params": parameters, "token": command});
        let request = request.to_string();
        let netstring = format!("{}:{request},", request.len());
        self.control.write_all(netstring.as_bytes()).await.unwrap();
        loop {
            let message = self.message().await;
            if message["response"] == true {
                return message;
            }
            self.seen.push(message);
        }
    }

    /// Dials.
    pub async fn dial(&mut self, uri: &str) {
        let answer = self.command("dial", uri).await;
        assert_eq!(answer["ok"], true, "dial: {answer}");
    }

    /// Waits for an event of its own kind (`CALL_ESTABLISHED`), from the first
    /// that was not waited for yet.
    pub async fn event(&mut self, kind: &str) -> Value {
        loop {
            if let Some(at) = self.seen.iter().position(|event| event["type"] == kind) {
                return self.seen.drain(..=at).next_back().unwrap();
            }
            let what = format!("{kind} of a baresip (its log is in {})", self.dir.display());
            let message = within(SOON, &what, self.message()).await;
            self.seen.push(message);
        }
    }

    async fn any_event(&mut self) {
        let message = self.message().await;
        self.seen.push(message);
    }

    async fn message(&mut self) -> Value {
        let mut length = Vec::new();
        self.control.read_until(b':', &mut length).await.unwrap();
        let length = String::from_utf8(length).unwrap();
        let length: usize = length
            .trim_end_matches(':')
            .parse()
            .unwrap_or_else(|_| panic!("baresip left: {}", self.log()));
        let mut text = vec![0; length + 1];
        self.control.read_exact(&mut text).await.unwrap();
        serde_json::from_slice(&text[..length]).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Waits until it has recorded so much of what it hears.
    pub async fn has_heard(&self, seconds: f64) {
        let what = format!("{seconds} s recorded by a baresip ({})", self.dir.display());
        until(SOON, &what, || {
            let path = self.recording_path()?;
            // 44 bytes of header, 16,000 bytes a second.
            let size = fs::metadata(path).ok()?.len();
            (size as f64 >= 44.0 + seconds * 16_000.0).then_some(())
        })
        .await;
    }

    /// What it heard in its last call.
    pub fn recording(&self) -> Recording {
        let path = self.recording_path();
        Recording::read(&path.unwrap_or_else(|| panic!("no recording: {}", self.log())))
    }

    fn recording_path(&self) -> Option<PathBuf> {
        let files = fs::read_dir(&*self.dir).unwrap();
        files
            .filter_map(|file| Some(file.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .max()
    }

    /// Ends the program as a user does: it unregisters.
    pub async fn quit(mut self) {
        let _ = self.command("quit", "").await;
        let _ = within(SOON, "end of a baresip", self.child.wait()).await;
    }
}
