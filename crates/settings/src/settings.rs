//! The settings as their users hold them, and the one way a change goes:
//! journal, snapshot, exchange, answer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex as SyncMutex;
use store::{Batch, Object, ObjectChange, Store};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::error::SettingsError;
use crate::kind::{Kind, all};
use crate::record::Record;
use crate::seal::Sealer;
use crate::snapshot::Snapshot;

/// Changes that wait for the listener. They come one at a time.
const CHANGES: usize = 4;
/// How long a change waits for the listener to have it.
const LISTENER_DEADLINE: Duration = Duration::from_secs(2);
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

/// A new snapshot, for the exchange.
#[derive(Debug)]
pub struct Change {
    /// All settings as they are now.
    pub snapshot: Arc<Snapshot>,
    /// Kind and id of each object that was written or removed. Who misses a
    /// change sees it by the revision: they follow one another.
    pub objects: Vec<(String, i64)>,
    /// Told when the switch has them; the change's answer waits for it.
    pub done: oneshot::Sender<()>,
}

/// The settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settings(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub store: Store,
    pub sealer: Sealer,
    pub options: Options,
    pub current: ArcSwap<Snapshot>,
    /// Held by the one change that is under way.
    pub turn: Mutex<()>,
    listener: SyncMutex<Listener>,
}

#[derive(Debug)]
struct Listener {
    sender: mpsc::Sender<Change>,
    /// There until somebody takes it.
    receiver: Option<mpsc::Receiver<Change>>,
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
        let (sender, receiver) = mpsc::channel(CHANGES);
        let inner = Inner {
            store,
            sealer,
            options,
            current: ArcSwap::from_pointee(snapshot),
            turn: Mutex::new(()),
            listener: SyncMutex::new(Listener {
                sender,
                receiver: Some(receiver),
            }),
        };
        inner.begin().await?;
        Ok(Self(Arc::new(inner)))
    }

    /// All settings as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.current.load_full()
    }

    /// Every change from now on, for the one who must have it before it is
    /// answered. `None` when somebody has it already.
    pub fn changes(&self) -> Option<mpsc::Receiver<Change>> {
        self.0.listener.lock().receiver.take()
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
    /// Keeps a change, makes it the present state and tells the listener.
    /// Called with the turn held. `batch` gets the new revision.
    pub async fn apply(&self, mut batch: Batch, snapshot: Snapshot) -> Result<(), SettingsError> {
        let revision = u64::try_from(snapshot.revision()).unwrap_or(0);
        batch.counters.push((REVISION.into(), revision));
        let changes = batch.objects.iter().map(ObjectChange::of);
        let objects = changes.map(|(kind, id)| (kind.to_owned(), id)).collect();
        self.store.write(batch).await?;
        let snapshot = Arc::new(snapshot);
        self.current.store(snapshot.clone());
        self.tell(snapshot, objects).await;
        Ok(())
    }

    async fn tell(&self, snapshot: Arc<Snapshot>, objects: Vec<(String, i64)>) {
        let sender = {
            let listener = self.listener.lock();
            if listener.receiver.is_some() {
                // Nobody has asked yet; who does will begin with a snapshot.
                return;
            }
            listener.sender.clone()
        };
        let (done, wait) = oneshot::channel();
        let change = Change {
            snapshot,
            objects,
            done,
        };
        let told = async {
            if sender.send(change).await.is_ok() {
                // An error says that the listener let go of it: it is leaving.
                let _ = wait.await;
            }
        };
        if tokio::time::timeout(LISTENER_DEADLINE, told).await.is_err() {
            tracing::warn!("a settings change is kept, but the exchange has not taken it in time");
        }
    }
}
