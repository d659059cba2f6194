//! The product under load: built, started on a data directory of its own with
//! ports that the kernel picks, given its extensions through its own API, and
//! ended when the bench ends.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::error::{BenchError, Tried as _};
use super::http::Api;
use super::phones::Account;

/// A server that has not told its ports after this has failed.
const START_TIME: Duration = Duration::from_secs(30);
/// How often `run.json` is looked for meanwhile.
const START_POLL: Duration = Duration::from_millis(20);
/// Below the kernel's ephemeral range, from which our own sockets come.
const RTP_PORTS: &str = "10000-31999";
const CLIENT_ID: &str = "bench";
const CLIENT_SECRET: &str = "bench-secret-0123456789";

/// The running product.
pub struct Server {
    child: Child,
    data: PathBuf,
    /// Where it takes SIP.
    pub sip: SocketAddr,
    http: SocketAddr,
}

/// The binary to load: the one named, or a fresh release build.
pub fn binary(named: Option<&Path>) -> Result<PathBuf, BenchError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "-p", "strowger"])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .tried(|| "cargo build".to_owned())?;
    if !output.status.success() {
        return Err(BenchError::Build);
    }
    // Cargo itself says where the binary is, wherever the target directory lies.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| Some(message.get("executable")?.as_str()?.to_owned()))
        .map(PathBuf::from)
        .find(|path| path.file_name().is_some_and(|name| name == "strowger"))
        .ok_or(BenchError::Build)
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(binary: &Path) -> Result<Self, BenchError> {
        let data = std::env::temp_dir().join(format!("strowger-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data).tried(|| data.display().to_string())?;
        let config = data.join("bench.toml");
        let text = format!(
            "log = \"warn\"\n[data]\ndir = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [https]\nlisten = \"127.0.0.1:0\"\n[sip]\nudp = \"127.0.0.1:0\"\n\
             [rtp]\nlisten = \"127.0.0.1\"\nports = \"{RTP_PORTS}\"\n\
             [api]\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n",
            data.join("data")
        );
        fs::write(&config, text).tried(|| config.display().to_string())?;
        let log = data.join("server.log");
        let out = fs::File::create(&log).tried(|| log.display().to_string())?;
        let err = out.try_clone().tried(|| log.display().to_string())?;
        let mut child = Command::new(binary)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .tried(|| binary.display().to_string())?;
        let told = wait_for_ports(&mut child, &data.join("data/run.json"), &log);
        let (http, sip) = match told {
            Ok(ports) => ports,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        Ok(Self {
            child,
            data,
            sip,
            http,
        })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Creates the phones' extensions by `extension/create`.
    pub fn create(&self, accounts: &[Account]) -> Result<(), BenchError> {
        let api = Api::login(self.http, CLIENT_ID, CLIENT_SECRET)?;
        for account in accounts {
            let body = json!({
                "type": "SIP",
                "number": account.number,
                "first_name": format!("Bench {}", account.number),
                "user_password": "Bench0Bench1",
                "reg_name": account.username,
                "reg_password": account.password,
                "concurrent_registrations": 1,
                "presence_status": "available",
            });
            api.post("extension/create", &body)?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

fn wait_for_ports(
    child: &mut Child,
    run: &Path,
    log: &Path,
) -> Result<(SocketAddr, SocketAddr), BenchError> {
    let deadline = Instant::now() + START_TIME;
    loop {
        if let Some(value) = fs::read(run)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        {
            return Ok((address(&value, "http")?, address(&value, "sip_udp")?));
        }
        if let Some(status) = child.try_wait().tried(|| "wait".to_owned())? {
            let why = format!("the server left with {status}");
            return Err(BenchError::Server(why, log.to_owned()));
        }
        if Instant::now() > deadline {
            let why = format!("no {} after {START_TIME:?}", run.display());
            return Err(BenchError::Server(why, log.to_owned()));
        }
        thread::sleep(START_POLL);
    }
}

/// An address of `run.json`: `"127.0.0.1:5060"`, or the port alone. Nothing
/// but loopback is ever loaded.
fn address(run: &Value, member: &str) -> Result<SocketAddr, BenchError> {
    let told = run.get(member).unwrap_or(&Value::Null);
    let parsed = match told {
        Value::String(text) => text.parse().ok(),
        Value::Number(port) => port
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port))),
        _ => None,
    };
    match parsed {
        Some(address) if is_loopback(address.ip()) => Ok(address),
        _ => Err(BenchError::NotLoopback(format!("{member}: {told}"))),
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loaded() {
        let run = json!({"a": "127.0.0.1:5", "b": 6, "c": "192.0.2.1:5", "d": "0.0.0.0:5"});
        assert_eq!(address(&run, "a").unwrap().port(), 5);
        assert_eq!(address(&run, "b").unwrap().to_string(), "127.0.0.1:6");
        assert!(address(&run, "c").is_err());
        assert!(address(&run, "d").is_err());
        assert!(address(&run, "missing").is_err());
    }
}
