//! A whole exchange with its door on a free port, for the tests of the door.

#![allow(dead_code)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use api::{ApiConfig, Serving};
use exchange::clock::{DateFormat, DisplayClock, TimeFormat};
use exchange::{ExchangeConfig, FIRMWARE, Identity};
use serde_json::{Value, json};
use settings::{Features, Options, Settings};
use store::{Store, StoreOptions, TokenHash, TokenRow};

pub const CLIENT_ID: &str = "an application";
pub const CLIENT_SECRET: &str = "with a secret";
/// Longest a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A directory that goes with the test.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("strowger-api-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The rules of the door.
#[derive(Clone, Default)]
pub struct Rules {
    pub permitted: Vec<&'static str>,
    pub requests_per_second: Option<u32>,
    /// The root of the organizations is not shown to users.
    pub root_hidden: bool,
    /// Zone, date and time format; UTC, `YYYY/MM/DD` and 24 hours.
    pub clock: Option<(&'static str, &'static str, &'static str)>,
}

pub struct Pbx {
    pub url: String,
    pub store: Store,
    pub handle: exchange::Handle,
    pub http: reqwest::Client,
    running: exchange::Running,
    serving: Serving,
    rules: Rules,
    pub dir: Dir,
}

impl Pbx {
    pub async fn start() -> Self {
        Self::start_with(Rules::default()).await
    }

    pub async fn start_with(rules: Rules) -> Self {
        Self::start_in(Dir::new(), rules).await
    }

    /// With a way to a mail server.
    pub async fn start_mailing(mail: exchange::mail::Mailer) -> Self {
        Self::start_all(Dir::new(), Rules::default(), Some(mail)).await
    }

    async fn start_in(dir: Dir, rules: Rules) -> Self {
        Self::start_all(dir, rules, None).await
    }

    async fn start_all(dir: Dir, rules: Rules, mail: Option<exchange::mail::Mailer>) -> Self {
        let url = format!("sqlite:{}", dir.0.join("strowger.db").display());
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let key_file = dir.0.join("secret.key");
        let options = Options {
            serial: "363A12345678".into(),
            features: Features {
                show_root_organization: !rules.root_hidden,
                ..Features::default()
            },
            ..Options::default()
        };
        let settings = Settings::open_with(store.clone(), &key_file, options)
            .await
            .unwrap();
        let (zone, date, time) = rules.clock.unwrap_or(("UTC", "YYYY/MM/DD", "HH:mm:ss"));
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let config = ExchangeConfig {
            sip_udp: SocketAddr::new(local, 0),
            rtp_listen: local,
            rtp_ports: 42_000..=42_999,
            external_address: None,
            local_networks: Vec::new(),
            digest: vec![exchange::DigestAlgorithm::Md5],
            mail,
            identity: Identity {
                name: "Test PBX".into(),
                serial: "363A12345678".into(),
                firmware: FIRMWARE,
                clock: DisplayClock {
                    zone: jiff::tz::TimeZone::get(zone).unwrap(),
                    date: DateFormat::from_name(date).unwrap(),
                    time: TimeFormat::from_name(time).unwrap(),
                },
                node: 1,
                started: Instant::now(),
            },
        };
        let running = exchange::start(config, store.clone(), settings)
            .await
            .unwrap();
        let address = SocketAddr::new(local, 0);
        let serving = open_door(address, &rules, &dir, running.handle.clone()).await;
        let url = format!("http://{}", serving.http.unwrap());
        let http = reqwest::Client::builder()
            .user_agent("OpenAPI")
            .timeout(PATIENCE);
        let http = http.tls_backend_preconfigured(plain_tls()).build().unwrap();
        Self {
            url,
            store,
            handle: running.handle.clone(),
            http,
            running,
            serving,
            rules,
            dir,
        }
    }

    /// Where its SIP socket is.
    pub fn sip_udp(&self) -> SocketAddr {
        self.running.sip_udp
    }

    /// The addresses that failed logins have blocked.
    pub fn blocklist(&self) -> api::Blocklist {
        self.serving.blocklist()
    }

    /// Stops all and starts all again, on the same data.
    pub async fn restart(self) -> Self {
        let rules = self.rules.clone();
        self.restart_with(rules).await
    }

    /// The same with other rules.
    pub async fn restart_with(self, rules: Rules) -> Self {
        let Self {
            store,
            running,
            serving,
            dir,
            ..
        } = self;
        running.stop().await;
        serving.stop().await;
        store.close().await;
        Self::start_in(dir, rules).await
    }

    /// Closes the door and opens it again at the same place.
    pub async fn reopen(&mut self) {
        let address = self.serving.http.unwrap();
        let closed = std::mem::replace(&mut self.serving, nothing(self.handle.clone()).await);
        closed.stop().await;
        self.serving = open_door(address, &self.rules, &self.dir, self.handle.clone()).await;
    }

    pub async fn stop(self) {
        self.running.stop().await;
        self.serving.stop().await;
        self.store.close().await;
    }

    pub fn client(&self) -> client::Client {
        client::Client::builder(&self.url)
            .credentials(CLIENT_ID, CLIENT_SECRET)
            .build()
            .unwrap()
    }

    /// An answer of the API, which is always 200 and always JSON.
    pub async fn answer(request: reqwest::RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        let answer: Value = response.json().await.unwrap();
        assert!(
            answer["errcode"].is_i64() && answer["errmsg"].is_string(),
            "{answer}"
        );
        answer
    }

    pub fn path(&self, path: &str) -> String {
        format!("{}/openapi/v1.0/{path}", self.url)
    }

    pub async fn log_in(&self) -> Value {
        let body = json!({"username": CLIENT_ID, "password": CLIENT_SECRET});
        Self::answer(self.http.post(self.path("get_token")).json(&body)).await
    }

    pub async fn token(&self) -> String {
        self.log_in().await["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub async fn get(&self, path: &str, token: &str, query: &[(&str, &str)]) -> Value {
        let request = self
            .http
            .get(self.path(path))
            .query(&[("access_token", token)]);
        Self::answer(request.query(query)).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let request = self
            .http
            .post(self.path(path))
            .query(&[("access_token", token)]);
        Self::answer(request.json(&body)).await
    }

    /// What runs out after half an hour and a day, brought forward in the store:
    /// the process that opens it next believes the store.
    pub async fn age(&self, access: &Value, access_left: i64, refresh_left: i64) {
        let hash = TokenHash::of(access.as_str().unwrap());
        let row = self.store.token_by_access(&hash).await.unwrap().unwrap();
        let now = jiff::Timestamp::now().as_second();
        assert!((now + 1700..=now + 1800).contains(&row.access_expires));
        assert!((now + 86_300..=now + 86_400).contains(&row.refresh_expires));
        let aged = TokenRow {
            access_expires: now + access_left,
            refresh_expires: now + refresh_left,
            ..row
        };
        self.store.token_replace(hash, aged).await.unwrap();
    }

    /// Adds an extension; its id.
    pub async fn extension(&self, token: &str, number: &str) -> i64 {
        let answer = self
            .post("extension/create", token, extension(number))
            .await;
        assert_eq!(answer["errcode"], 0, "{answer}");
        answer["id"].as_i64().unwrap()
    }
}

/// What creates an extension.
pub fn extension(number: &str) -> Value {
    json!({
        "type": "SIP", "number": number, "first_name": "Extension", "last_name": number,
        "user_password": "Abcdefgh17", "reg_name": format!("reg{number}"),
        "reg_password": "Abcdefgh17", "concurrent_registrations": 1,
        "presence_status": "available",
    })
}

async fn open_door(
    address: SocketAddr,
    rules: &Rules,
    dir: &Dir,
    handle: exchange::Handle,
) -> Serving {
    let config = ApiConfig {
        http: Some(TcpListener::bind(address).unwrap()),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        permitted: rules
            .permitted
            .iter()
            .map(|net| net.parse().unwrap())
            .collect(),
        requests_per_second: rules.requests_per_second.and_then(NonZeroU32::new),
        extra: Some(axum::Router::new().route("/metrics", axum::routing::get("some metrics"))),
        downloads: Some(dir.0.join("downloads")),
        ..ApiConfig::default()
    };
    api::serve(config, handle).await.unwrap()
}

async fn nothing(handle: exchange::Handle) -> Serving {
    api::serve(ApiConfig::default(), handle).await.unwrap()
}

fn plain_tls() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// An HTTP client that comes from another address of this machine.
pub fn http_from(address: &str) -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .user_agent("OpenAPI")
        .timeout(PATIENCE)
        .local_address(Some(address.parse().unwrap()));
    builder
        .tls_backend_preconfigured(plain_tls())
        .build()
        .unwrap()
}
