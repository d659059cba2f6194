//! Settings changes on their way to the loop. What a change comes to is worked
//! out here, beside the loop, so that no call waits while ten thousand
//! extensions are walked over.

use std::cmp::Ordering;
use std::sync::Arc;

use settings::{Change, Extension, Snapshot};
use switch::{Configuration, ExtensionNumber};
use tokio::sync::{mpsc, oneshot};

/// A change, worked out.
#[derive(Debug)]
pub(crate) struct Worked {
    /// All settings as they are now.
    pub snapshot: Arc<Snapshot>,
    /// The switch's part of them, where it is another than before.
    pub configuration: Option<Arc<Configuration>>,
    /// Extensions whose registrations no longer hold: deleted, or with other
    /// credentials.
    pub dismissed: Vec<ExtensionNumber>,
    /// Told when the switch has it.
    pub done: oneshot::Sender<()>,
}

/// Works out each change and hands it to the loop, until either end leaves.
pub(crate) async fn work_out(
    mut changes: mpsc::Receiver<Change>,
    loop_side: mpsc::Sender<Worked>,
    mut known: Arc<Snapshot>,
    mut held: Arc<Configuration>,
) {
    while let Some(Change { snapshot, done }) = changes.recv().await {
        let difference = compare(&known, &snapshot);
        let configuration = difference
            .switch
            .then(|| Arc::new(snapshot.switch_configuration()));
        let worked = Worked {
            snapshot: snapshot.clone(),
            configuration: configuration.clone(),
            dismissed: difference.dismissed,
            done,
        };
        if loop_side.send(worked).await.is_err() {
            return;
        }
        known = snapshot;
        // The old one is let go of here, not in the loop.
        held = configuration.unwrap_or(held);
    }
}

/// What of the extensions is another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    /// The switch's part of one.
    switch: bool,
    /// Whose registrations no longer hold.
    dismissed: Vec<ExtensionNumber>,
}

/// Both are walked over in the order of numbers; what both share is one value.
fn compare(old: &Snapshot, new: &Snapshot) -> Difference {
    let mut difference = Difference::default();
    let (mut olds, mut news) = (old.extensions().peekable(), new.extensions().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return difference,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) if Arc::ptr_eq(a, b) => {
                olds.next();
                news.next();
                continue;
            }
            (Some(a), Some(b)) => a.number.cmp(&b.number),
        };
        let old = (order != Ordering::Greater).then(|| olds.next()).flatten();
        let new = (order != Ordering::Less).then(|| news.next()).flatten();
        difference.note(old, new);
    }
}

impl Difference {
    fn note(&mut self, old: Option<&Arc<Extension>>, new: Option<&Arc<Extension>>) {
        match (old, new) {
            (Some(old), Some(new)) => {
                self.switch |= old.switch != new.switch;
                if old.reg_name != new.reg_name || old.reg_password != new.reg_password {
                    self.dismissed.push(new.number.clone());
                }
            }
            (Some(old), None) => {
                self.switch = true;
                self.dismissed.push(old.number.clone());
            }
            (None, _) => self.switch = true,
        }
    }
}
