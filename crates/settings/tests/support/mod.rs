//! Settings on a database in a directory of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value, json};
use settings::{HashCost, Options, Settings, SettingsError};
use store::{Store, StoreOptions};

/// A directory that goes with the value.
pub struct Dir(PathBuf);

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Dir {
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("settings-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    #[allow(dead_code)]
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn key_file(&self) -> PathBuf {
        self.0.join("secret.key")
    }

    pub async fn store(&self) -> Store {
        let url = format!("sqlite:{}", self.0.join("pbx.db").display());
        Store::open(&url, StoreOptions::default()).await.unwrap()
    }

    pub async fn open(&self) -> (Store, Settings) {
        let store = self.store().await;
        let options = Options {
            serial: "SN1".into(),
            hash_cost: HashCost { memory_kib: 64 },
            ..Options::default()
        };
        let settings = Settings::open_with(store.clone(), &self.key_file(), options)
            .await
            .unwrap();
        (store, settings)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The members of a JSON object.
pub fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

/// A good `extension/create`, with `more` laid over it.
#[allow(dead_code)]
pub fn extension(number: &str, more: Value) -> Map<String, Value> {
    let mut request = members(json!({
        "type": "SIP",
        "number": number,
        "first_name": "Ada",
        "user_password": "Passw0rdAB",
        "reg_name": format!("phone{number}"),
        "reg_password": format!("s3cret-{number}"),
        "concurrent_registrations": 2,
        "presence_status": "available",
    }));
    request.extend(members(more));
    request
}

/// Creates one; its id.
#[allow(dead_code)]
pub async fn create(settings: &Settings, number: &str, more: Value) -> i64 {
    settings
        .create("extension", extension(number, more))
        .await
        .unwrap()["id"]
        .as_i64()
        .unwrap()
}

/// The object as `extension/get` answers it.
#[allow(dead_code)]
pub fn get(settings: &Settings, id: i64) -> Map<String, Value> {
    members(
        settings
            .get("extension", members(json!({ "id": id })))
            .unwrap()["data"]
            .clone(),
    )
}

/// The members that an answer names as wrong, with the rule that each breaks.
#[allow(dead_code)]
pub fn faults<T: std::fmt::Debug>(result: Result<T, SettingsError>) -> Vec<(String, String)> {
    let error = result.unwrap_err();
    assert_eq!(error.code().code(), 40002, "{error:?}");
    let SettingsError::Invalid(faults) = error else {
        panic!("{error:?}")
    };
    faults
        .into_iter()
        .map(|fault| (fault.field, fault.validation_type.unwrap()))
        .collect()
}

/// A good operation of the settings mechanism: its answer.
#[allow(dead_code)]
pub async fn ask(settings: &Settings, path: &str, params: Value) -> Map<String, Value> {
    try_ask(settings, path, params)
        .await
        .unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

/// An operation of the settings mechanism.
#[allow(dead_code)]
pub async fn try_ask(
    settings: &Settings,
    path: &str,
    params: Value,
) -> Result<Map<String, Value>, SettingsError> {
    let (kind, verb) = path.split_once('/').unwrap();
    let params = members(params);
    match verb {
        "list" => settings.list(kind, params),
        "search" => settings.search(kind, params),
        "get" => settings.get(kind, params),
        "query" => settings.query(kind, params),
        "create" => settings.create(kind, params).await,
        "update" => settings.update(kind, params).await,
        "delete" => settings.delete(kind, params).await,
        other => panic!("no operation {other}"),
    }
}

/// The events that have been told, as id and `msg`, in order. All that a change
/// sets off is told before it is answered.
#[allow(dead_code)]
pub fn told(
    events: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<store::CommittedEvent>>,
) -> Vec<(u32, Value)> {
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        let frame: Value = serde_json::from_str(&event.frame).unwrap();
        let msg = serde_json::from_str(frame["msg"].as_str().unwrap()).unwrap();
        told.push((event.id, msg));
    }
    told
}
