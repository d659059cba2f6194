//! A real exchange on ephemeral ports with softphones around it.

#![allow(dead_code)]

pub mod wire;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use exchange::clock::{DateFormat, DisplayClock, TimeFormat};
use exchange::{ExchangeConfig, FIRMWARE, Identity, Running};
use media::Codec;
use serde_json::{Map, Value, json};
use settings::Settings;
use softphone::{Answer, PhoneEvent, Softphone, SoftphoneConfig};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor};
use store::{Store, StoreOptions};
use tokio::time::timeout;

/// Longest a test waits for any one thing.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// What phones send: a caller's tone and a callee's.
pub const TONES: [u32; 2] = [697, 1209];

pub struct House {
    pub running: Running,
    pub store: Store,
    dir: tempfile::TempDir,
}

pub fn identity() -> Identity {
    Identity {
        name: "test".into(),
        serial: "3633D2199432".into(),
        firmware: FIRMWARE,
        clock: DisplayClock {
            zone: jiff::tz::TimeZone::UTC,
            date: DateFormat::YearMonthDay,
            time: TimeFormat::Hours24,
        },
        node: 1,
        started: Instant::now(),
    }
}

impl House {
    pub async fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap()).await
    }

    pub async fn open_in(dir: tempfile::TempDir) -> Self {
        Self::open_by(dir, exchange::start).await
    }

    /// With no patience for who holds the database's lock.
    pub async fn open_impatient() -> Self {
        let options = StoreOptions {
            busy: Duration::from_millis(1),
            ..StoreOptions::default()
        };
        Self::open_on(tempfile::tempdir().unwrap(), options, exchange::start).await
    }

    /// On that data, started by `start`.
    pub async fn open_by<S, R>(dir: tempfile::TempDir, start: S) -> Self
    where
        S: FnOnce(ExchangeConfig, Store, Settings) -> R,
        R: Future<Output = Result<Running, exchange::StartError>>,
    {
        Self::open_on(dir, StoreOptions::default(), start).await
    }

    async fn open_on<S, R>(dir: tempfile::TempDir, options: StoreOptions, start: S) -> Self
    where
        S: FnOnce(ExchangeConfig, Store, Settings) -> R,
        R: Future<Output = Result<Running, exchange::StartError>>,
    {
        let url = format!("sqlite:{}", dir.path().join("test.db").display());
        let store = Store::open(&url, options).await.unwrap();
        let settings = Settings::open(
            store.clone(),
            &dir.path().join("secret.key"),
            "3633D2199432",
        )
        .await
        .unwrap();
        let config = ExchangeConfig {
            sip_udp: "127.0.0.1:0".parse().unwrap(),
            rtp_listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            rtp_ports: 21000..=29999,
            external_address: None,
            local_networks: Vec::new(),
            digest: vec![sip::digest::Algorithm::Md5],
            mail: None,
            identity: identity(),
        };
        let running = start(config, store.clone(), settings).await.unwrap();
        Self {
            running,
            store,
            dir,
        }
    }

    /// The database's file.
    pub fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("test.db")
    }

    /// Another program takes the database's lock, until what it is given goes.
    pub async fn lock(&self) -> SqliteConnection {
        let mut lock = SqliteConnectOptions::new()
            .filename(self.database())
            .connect()
            .await
            .unwrap();
        lock.execute("BEGIN IMMEDIATE").await.unwrap();
        lock
    }

    /// The data as a kill would leave it now, in a place of its own.
    pub fn as_killed(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in ["test.db", "test.db-wal", "secret.key"] {
            std::fs::copy(self.dir.path().join(file), copy.path().join(file)).unwrap();
        }
        copy
    }

    /// Goes down and comes up again on the same data.
    pub async fn restart(self) -> Self {
        let Self {
            running,
            store,
            dir,
        } = self;
        running.stop().await;
        store.close().await;
        Self::open_in(dir).await
    }

    pub async fn extension(&self, number: &str, more: Value) {
        let mut body = json!({
            "type": "SIP", "number": number, "first_name": format!("Name{number}"),
            "user_password": "Portal-pass-1", "reg_name": format!("auth{number}"),
            "reg_password": format!("secret-{number}"), "concurrent_registrations": 3,
            "presence_status": "available",
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        let Value::Object(body): Value = body else {
            unreachable!()
        };
        let _: Map<String, Value> = body.clone();
        self.running
            .handle
            .settings()
            .create("extension", body)
            .await
            .unwrap();
    }

    pub async fn monitor_all(&self) {
        let settings = self.running.handle.settings();
        let ids: Vec<i64> = settings.snapshot().extensions().map(|e| e.id).collect();
        let list = ids
            .iter()
            .map(|id| json!({"ext_id": id, "enb_register_status": 1, "enb_call_status": 1}))
            .collect::<Vec<_>>();
        let body = json!({"ext_monitor_list": list});
        settings
            .monitor_update(body.as_object().unwrap().clone())
            .await
            .unwrap();
    }

    pub async fn phone(&self, number: &str, tone: u32, answer: Answer) -> Softphone {
        let phone = Softphone::start(SoftphoneConfig {
            registrar: self.running.sip_udp,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            number: number.into(),
            reg_name: format!("auth{number}"),
            password: format!("secret-{number}"),
            tone: Some(tone),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            answer,
        })
        .await
        .unwrap();
        timeout(PATIENCE, phone.register()).await.unwrap().unwrap();
        phone
    }
}

/// The next event of a phone that is `wanted`.
pub async fn wait_for(phone: &mut Softphone, wanted: PhoneEvent) {
    timeout(PATIENCE, async {
        loop {
            if phone.event().await.expect("the phone is off") == wanted {
                return;
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{wanted:?} did not come"));
}

/// Waits until the phone hears a tone.
pub async fn hears(phone: &Softphone, hz: u32) {
    timeout(PATIENCE, async {
        while phone.hears(&[TONES[0], TONES[1], 425]) != Some(hz) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap_or_else(|_| {
        panic!(
            "{hz} Hz was not heard; {:?} was",
            phone.hears(&[TONES[0], TONES[1], 425])
        )
    });
}

/// Events as they are told, `msg` decoded.
pub struct Events(tokio::sync::broadcast::Receiver<std::sync::Arc<store::CommittedEvent>>);

impl Events {
    pub fn of(house: &House) -> Self {
        Self(house.running.handle.events())
    }

    pub async fn next(&mut self) -> (u32, Value) {
        let event = timeout(PATIENCE, self.0.recv())
            .await
            .expect("no event came")
            .unwrap();
        let frame: Value = serde_json::from_str(&event.frame).unwrap();
        let msg = match &frame["msg"] {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            other => other.clone(),
        };
        (event.id, msg)
    }

    /// The next event of that id.
    pub async fn next_of(&mut self, id: u32) -> Value {
        loop {
            let (got, msg) = self.next().await;
            if got == id {
                return msg;
            }
        }
    }
}

/// `number:STATUS` of each member, in order.
pub fn members(msg: &Value) -> Vec<String> {
    msg["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|m| {
            let leg = &m["extension"];
            format!(
                "{}:{}",
                leg["number"].as_str().unwrap(),
                leg["member_status"].as_str().unwrap()
            )
        })
        .collect()
}
