//! The settings as their users hold them, and the one way a change goes:
//! journal, snapshot, exchange, answer.

use std::path::Path;
use std::sync::Arc;

use store::{Batch, Object, ObjectChange, Store};
use tokio::sync::{Mutex, mpsc};

use crate::error::SettingsError;
use crate::kind::{Kind, all};
use crate::present::{Change, Changes, Present};
use crate::record::Record;
use crate::seal::Sealer;
use crate::snapshot::Snapshot;

/// The counter of settings revisions.
const REVISION: &str = "settings.revision";

/// Objects that are read from the database at a time, at the start.
const PAGE: i64 = 5_000;
/// Pages of them that wait.
const PAGES: usize = 2;

/// What a password's hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory of argon2id, KiB; the time it takes grows with it.
    pub memory_kib: u32,
}

impl Default for HashCost {
    /// 8 MiB in one pass: some milliseconds, so that ten thousand extensions
    /// can be made in a minute. The hash carries its own cost.
    fn default() -> Self {
        Self {
            memory_kib: 8 * 1024,
        }
    }
}

/// Features that are switched in the configuration, since the API can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Organization management.
    pub organization: bool,
    /// The root of the organizations is shown to users.
    pub show_root_organization: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            organization: true,
            show_root_organization: true,
        }
    }
}

/// How the settings are opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The PBX's serial number: `sn` in the frames of events.
    pub serial: String,
    /// The company's name: the root of the organizations is called so when it
    /// is made.
    pub company: String,
    /// What a password's hash costs.
    pub hash_cost: HashCost,
    /// Which features are on.
    pub features: Features,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            serial: String::new(),
            company: "Strowger".into(),
            hash_cost: HashCost::default(),
            features: Features::default(),
        }
    }
}

/// The settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settings(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub store: Store,
    pub sealer: Sealer,
    pub options: Options,
    pub present: Arc<Present>,
    /// Held by the one change that is under way.
    pub turn: Mutex<()>,
}

impl Settings {
    /// Reads all settings. The key file is made where it is missing.
    pub async fn open(store: Store, key_file: &Path, serial: &str) -> Result<Self, SettingsError> {
        let options = Options {
            serial: serial.to_owned(),
            ..Options::default()
        };
        Self::open_with(store, key_file, options).await
    }

    /// As [`Settings::open`], with all options.
    pub async fn open_with(
        store: Store,
        key_file: &Path,
        options: Options,
    ) -> Result<Self, SettingsError> {
        let sealer = Sealer::open(key_file)?;
        let mut snapshot = Snapshot::default();
        snapshot.set_features(options.features);
        for kind in all() {
            snapshot = load(&store, kind, &sealer, snapshot).await?;
        }
        let revision = i64::try_from(store.counter(REVISION).await?).unwrap_or(i64::MAX);
        snapshot.set_revision(revision.max(snapshot.revision()));
        let inner = Inner {
            store,
            sealer,
            options,
            present: Arc::new(Present::new(snapshot)),
            turn: Mutex::new(()),
        };
        inner.begin().await?;
        Ok(Self(Arc::new(inner)))
    }

    /// All settings as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.present.snapshot()
    }

    /// Every change from now on, for the one who must have it before it is
    /// answered. `None` when somebody has it already.
    pub fn changes(&self) -> Option<Changes> {
        self.0.present.changes()
    }

    /// The sealer of the key file, for what others keep.
    pub fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }
}

/// Reads all objects of a kind into the snapshot: pages are read here while
/// the one before is taken in aside.
async fn load(
    store: &Store,
    kind: &'static dyn Kind,
    sealer: &Sealer,
    mut snapshot: Snapshot,
) -> Result<Snapshot, SettingsError> {
    let (pages, mut read) = mpsc::channel::<Vec<Object>>(PAGES);
    let sealer = sealer.clone();
    let filling = tokio::task::spawn_blocking(move || {
        let objects = std::iter::from_fn(|| read.blocking_recv()).flatten();
        let records = objects.map(|object| Record::unseal(&object, &sealer));
        snapshot.fill(kind, records).map(|()| snapshot)
    });
    let mut last = i64::MIN;
    loop {
        let page = store.objects_after(kind.name(), last, PAGE).await?;
        let Some(object) = page.last() else {
            break;
        };
        last = object.id;
        if pages.send(page).await.is_err() {
            // It met an object that makes no sense, and says so.
            break;
        }
    }
    drop(pages);
    filling.await.map_err(|_| SettingsError::Stopping)?
}

impl Inner {
    /// Keeps a change, makes it the present state and waits until the exchange
    /// has it. Called with the turn held. `batch` gets the new revision.
    ///
    /// The change is in place before any of its events is told, and whether or
    /// not anybody waits for it: the journal's writer puts it there.
    pub async fn apply(&self, mut batch: Batch, snapshot: Snapshot) -> Result<(), SettingsError> {
        let revision = snapshot.revision();
        let counted = u64::try_from(revision).unwrap_or(0);
        batch.counters.push((REVISION.into(), counted));
        let objects = batch.objects.iter().map(ObjectChange::of);
        let before = self.present.snapshot();
        let change = Change::new(&before, Arc::new(snapshot), objects);
        let present = self.present.clone();
        self.store
            .write_then(batch, move || present.put(change))
            .await?;
        self.present.taken(revision).await;
        // Of ten thousand objects that were changed ten thousand are let go here,
        // and not by the writer or the exchange.
        drop(before);
        Ok(())
    }
}
