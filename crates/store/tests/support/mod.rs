//! A database in a directory of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store::{Batch, CdrRow, LiveChange, NewEvent, Store, StoreOptions};

/// A directory that goes with the value.
pub struct Dir(PathBuf);

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Dir {
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("store-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    #[allow(dead_code)]
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn url(&self) -> String {
        format!("sqlite:{}", self.0.join("pbx.db").display())
    }

    #[allow(dead_code)]
    pub async fn open(&self) -> Store {
        Store::open(&self.url(), StoreOptions::default())
            .await
            .unwrap()
    }

    /// Open, with another wait for company.
    #[allow(dead_code)]
    pub async fn open_lingering(&self, group_linger: Duration) -> Store {
        let options = StoreOptions {
            group_linger,
            ..StoreOptions::default()
        };
        Store::open(&self.url(), options).await.unwrap()
    }

    /// Open, with no patience for who holds a lock.
    #[allow(dead_code)]
    pub async fn open_impatient(&self) -> Store {
        let options = StoreOptions {
            busy: Duration::from_millis(1),
            ..StoreOptions::default()
        };
        Store::open(&self.url(), options).await.unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// No test waits longer than this for anything.
#[allow(dead_code)]
pub const DEADLINE: Duration = Duration::from_secs(30);

pub fn event(id: u32, text: &str) -> NewEvent {
    NewEvent {
        id,
        frame: text.to_owned(),
    }
}

#[allow(dead_code)]
pub fn record(call: &str) -> CdrRow {
    CdrRow {
        new_id: call.into(),
        call_id: call.into(),
        disposition: "ANSWERED".into(),
        ..CdrRow::default()
    }
}

/// What the end of a call leaves: its row goes, its record and event come.
#[allow(dead_code)]
pub fn call_end(call: &str) -> Batch {
    Batch {
        live: vec![LiveChange {
            call_id: call.into(),
            doc: None,
        }],
        records: vec![record(call)],
        events: vec![event(30012, call)],
        ..Batch::default()
    }
}
