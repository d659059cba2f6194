//! The settings as they are now, and the one who must have every change of them
//! before it is answered: the exchange. What it has not looked at yet waits as
//! one state, however many changes led to it, so that nothing can be lost and
//! nothing piles up. It must never wait for it while a change is put in place.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::extension::Extension;
use crate::snapshot::Snapshot;

/// The kind whose objects calls and registrations depend on.
const EXTENSION: &str = "extension";
/// After so long a wait for the exchange the log says so.
const SLOW: Duration = Duration::from_secs(2);

/// An extension before a change and after it; none where there was none.
pub type ExtensionChange = (Option<Arc<Extension>>, Option<Arc<Extension>>);

/// The settings, and what the last change made another.
#[derive(Debug)]
pub struct Change {
    /// All settings as they are now.
    pub snapshot: Arc<Snapshot>,
    /// The extensions that the last change wrote or removed. Who has not seen
    /// the one before knows by the revision: they follow one another.
    pub extensions: Vec<ExtensionChange>,
}

impl Change {
    /// Of the objects that are named by kind and id.
    pub(crate) fn new<'o>(
        before: &Snapshot,
        snapshot: Arc<Snapshot>,
        objects: impl Iterator<Item = (&'o str, i64)>,
    ) -> Self {
        let extensions = objects
            .filter(|(kind, _)| *kind == EXTENSION)
            .map(|(_, id)| (before.extension(id), snapshot.extension(id)))
            .collect();
        Self {
            snapshot,
            extensions,
        }
    }
}

/// The present settings.
#[derive(Debug)]
pub(crate) struct Present {
    current: ArcSwap<Snapshot>,
    latest: watch::Sender<Arc<Change>>,
    /// The revision that the exchange has.
    taken: watch::Receiver<i64>,
    /// There until somebody takes it.
    teller: Mutex<Option<watch::Sender<i64>>>,
}

impl Present {
    /// As they were read.
    pub fn new(snapshot: Snapshot) -> Self {
        let snapshot = Arc::new(snapshot);
        let (teller, taken) = watch::channel(snapshot.revision());
        let (latest, _) = watch::channel(Arc::new(Change {
            snapshot: snapshot.clone(),
            extensions: Vec::new(),
        }));
        Self {
            current: ArcSwap::new(snapshot),
            latest,
            taken,
            teller: Mutex::new(Some(teller)),
        }
    }

    /// All settings as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Every change from now on; `None` when somebody has it already.
    pub fn changes(&self) -> Option<Changes> {
        let taken = self.teller.lock().take()?;
        Some(Changes {
            latest: self.latest.subscribe(),
            taken,
        })
    }

    /// Makes a change the present state.
    pub fn put(&self, change: Change) {
        self.current.store(change.snapshot.clone());
        self.latest.send_replace(Arc::new(change));
    }

    /// Waits until the exchange has a revision, or is gone, or was never there.
    pub async fn taken(&self, revision: i64) {
        if self.teller.lock().is_some() {
            // Nobody has asked yet; who does will begin with the present state.
            return;
        }
        let mut taken = self.taken.clone();
        let has_it = taken.wait_for(|taken| *taken >= revision);
        tokio::pin!(has_it);
        // An error says that it is gone.
        while tokio::time::timeout(SLOW, &mut has_it).await.is_err() {
            tracing::warn!(revision, "the exchange has not taken a settings change yet");
        }
    }
}

/// The settings' changes, for the exchange.
#[derive(Debug)]
pub struct Changes {
    latest: watch::Receiver<Arc<Change>>,
    taken: watch::Sender<i64>,
}

impl Changes {
    /// Whether there is a change that [`Changes::latest`] has not given. Costs
    /// next to nothing.
    pub fn is_behind(&self) -> bool {
        // An error says that the settings are gone.
        self.latest.has_changed().unwrap_or(false)
    }

    /// Waits until there is one; for ever where none will come.
    pub async fn wait(&mut self) {
        if self.latest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        // It is for `latest` to give it.
        self.latest.mark_changed();
    }

    /// The settings as they are now.
    pub fn latest(&mut self) -> Arc<Change> {
        self.latest.borrow_and_update().clone()
    }

    /// The switch has this revision: the changes up to it may be answered.
    pub fn taken(&self, revision: i64) {
        self.taken.send_replace(revision);
    }
}
