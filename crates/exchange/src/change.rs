//! Settings changes on their way to the loop. What a change comes to is worked
//! out here, beside the loop, and from what it names: one of ten thousand
//! extensions costs as much as the first.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use settings::{Change, Extension, Snapshot};
use switch::ExtensionNumber;
use tokio::sync::{mpsc, oneshot};

/// The one kind of object that calls and registrations depend on.
const EXTENSION: &str = "extension";

/// A change, worked out.
#[derive(Debug)]
pub(crate) struct Worked {
    /// All settings as they are now.
    pub snapshot: Arc<Snapshot>,
    /// The switch's part of them, where it is another than before.
    pub extensions: Vec<(ExtensionNumber, Option<Arc<switch::Extension>>)>,
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
) {
    while let Some(change) = changes.recv().await {
        let difference = difference(&known, &change.snapshot, &change.objects);
        known = change.snapshot.clone();
        let worked = Worked {
            snapshot: change.snapshot,
            extensions: difference.switch.into_iter().collect(),
            dismissed: difference.dismissed,
            done: change.done,
        };
        if loop_side.send(worked).await.is_err() {
            return;
        }
    }
}

/// What of the extensions is another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    /// The switch's part of each; of one number the last word counts.
    switch: BTreeMap<ExtensionNumber, Option<Arc<switch::Extension>>>,
    /// Whose registrations no longer hold.
    dismissed: Vec<ExtensionNumber>,
}

/// From the objects that a change names, where it follows what is known; from
/// all where one between was missed.
fn difference(old: &Snapshot, new: &Snapshot, objects: &[(String, i64)]) -> Difference {
    if old.revision().checked_add(1) != Some(new.revision()) {
        return compare(old, new);
    }
    let extensions = objects.iter().filter(|(kind, _)| kind == EXTENSION);
    let pairs = extensions.map(|(_, id)| (old.extension(*id), new.extension(*id)));
    let pairs: Vec<_> = pairs.collect();
    let mut difference = Difference::default();
    // Who gives up a number before who takes it.
    for (old, new) in &pairs {
        if let Some(old) = old
            && new.as_ref().is_none_or(|new| new.number != old.number)
        {
            difference.note(Some(old), None);
        }
    }
    for (old, new) in &pairs {
        if let Some(new) = new {
            let same = old.as_ref().filter(|old| old.number == new.number);
            difference.note(same, Some(new));
        }
    }
    difference
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
                if old.switch != new.switch {
                    self.put(new);
                }
                if old.reg_name != new.reg_name || old.reg_password != new.reg_password {
                    self.dismissed.push(new.number.clone());
                }
            }
            (Some(old), None) => {
                self.switch.insert(old.number.clone(), None);
                self.dismissed.push(old.number.clone());
            }
            (None, Some(new)) => self.put(new),
            (None, None) => {}
        }
    }

    fn put(&mut self, extension: &Extension) {
        let switch = Some(extension.switch.clone());
        self.switch.insert(extension.number.clone(), switch);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::common::House;

    fn named(id: i64) -> Vec<(String, i64)> {
        vec![(EXTENSION.into(), id)]
    }

    fn numbers(difference: &Difference) -> Vec<(&str, bool)> {
        let switch = difference.switch.iter();
        switch.map(|(n, e)| (n.as_str(), e.is_some())).collect()
    }

    #[tokio::test]
    async fn one_change_is_what_it_names_and_one_that_was_missed_is_made_good() {
        let house = House::open().await;
        let settings = house.running.handle.settings();
        let id = |number: &str| settings.snapshot().extension_by_number(number).unwrap().id;
        let before = settings.snapshot();
        house.extension("1000", json!({})).await;
        let first = settings.snapshot();
        house.extension("1001", json!({})).await;
        let second = settings.snapshot();
        let named_one = difference(&first, &second, &named(id("1001")));
        assert_eq!(numbers(&named_one), [("1001", true)]);
        assert_eq!(named_one, compare(&first, &second));
        assert_eq!(
            difference(&first, &second, &[("other".into(), id("1001"))]),
            Difference::default()
        );
        let missed = difference(&before, &second, &named(id("1001")));
        assert_eq!(numbers(&missed), [("1000", true), ("1001", true)]);

        let gone = id("1000");
        let Value::Object(delete) = json!({"id": gone}) else {
            unreachable!()
        };
        settings.delete(EXTENSION, delete).await.unwrap();
        let after = difference(&second, &settings.snapshot(), &named(gone));
        assert_eq!(numbers(&after), [("1000", false)]);
        assert_eq!(after.dismissed, [ExtensionNumber::new("1000").unwrap()]);
    }
}
