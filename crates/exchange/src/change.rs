//! What a settings change comes to for the loop, worked out from what the change
//! names: one of ten thousand extensions costs as much as the first. A change
//! that was overtaken by the next one before the loop looked is made good from
//! the whole. It must never miss an extension that went or was locked out.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use settings::{Change, Extension, Snapshot};
use switch::{ExtensionNumber, Input};

use crate::core::Core;

/// What of the extensions is another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    /// The switch's part of each; of one number the last word counts.
    switch: BTreeMap<ExtensionNumber, Option<Arc<switch::Extension>>>,
    /// Extensions whose registrations no longer hold: deleted, or with other
    /// credentials.
    dismissed: Vec<Dismissed>,
    /// Extensions that may have fewer phones than before.
    limited: Vec<Arc<Extension>>,
}

/// An extension whose registrations no longer hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dismissed {
    pub extension: ExtensionNumber,
    /// Applications are told of its registrations: as it was, where it is gone.
    pub watched: bool,
}

impl Core {
    /// The settings changed: the switch knows before the answer leaves, and
    /// before it takes anything that somebody says who has heard of the change.
    pub fn catch_up(&mut self) {
        if !self.changes.is_behind() {
            return;
        }
        self.guarded(|core| {
            let change = core.changes.latest();
            let old = std::mem::replace(&mut core.snapshot, change.snapshot.clone());
            let difference = difference(&old, &change);
            if !difference.switch.is_empty() {
                let extensions = difference.switch.into_iter().collect();
                core.feed(Input::Extensions(extensions));
            }
            for dismissed in &difference.dismissed {
                core.dismiss(dismissed);
            }
            for extension in &difference.limited {
                core.limit(extension);
            }
            core.settle();
        });
        self.changes.taken(self.snapshot.revision());
    }
}

/// From the extensions that a change names, where it follows what is known;
/// from all where one between was missed.
fn difference(old: &Snapshot, change: &Change) -> Difference {
    if old.revision().checked_add(1) != Some(change.snapshot.revision()) {
        return compare(old, &change.snapshot);
    }
    let mut difference = Difference::default();
    // Who gives up a number before who takes it.
    for (old, new) in &change.extensions {
        if let Some(old) = old
            && new.as_ref().is_none_or(|new| new.number != old.number)
        {
            difference.note(Some(old), None);
        }
    }
    for (old, new) in &change.extensions {
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
    /// An extension as it was and as it is, of one number.
    fn note(&mut self, old: Option<&Arc<Extension>>, new: Option<&Arc<Extension>>) {
        match (old, new) {
            // Another has the number now, by whatever password.
            (Some(old), Some(new)) if old.id != new.id => {
                self.note(Some(old), None);
                self.note(None, Some(new));
            }
            (Some(old), Some(new)) => {
                if old.switch != new.switch {
                    self.put(new);
                }
                if old.reg_name != new.reg_name || old.reg_password != new.reg_password {
                    self.dismiss(new);
                } else if new.concurrent_registrations < old.concurrent_registrations {
                    self.limited.push(Arc::clone(new));
                }
            }
            (Some(old), None) => {
                self.switch.insert(old.number.clone(), None);
                self.dismiss(old);
            }
            (None, Some(new)) => self.put(new),
            (None, None) => {}
        }
    }

    fn put(&mut self, extension: &Extension) {
        let switch = Some(extension.switch.clone());
        self.switch.insert(extension.number.clone(), switch);
    }

    fn dismiss(&mut self, extension: &Extension) {
        self.dismissed.push(Dismissed {
            extension: extension.number.clone(),
            watched: extension.monitor.register_status,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::common::House;

    fn named(old: &Snapshot, new: &Arc<Snapshot>, id: i64) -> Change {
        Change {
            snapshot: new.clone(),
            extensions: vec![(old.extension(id), new.extension(id))],
        }
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
        let one = named(&first, &second, id("1001"));
        let named_one = difference(&first, &one);
        assert_eq!(numbers(&named_one), [("1001", true)]);
        assert_eq!(named_one, compare(&first, &second));
        let missed = difference(&before, &one);
        assert_eq!(numbers(&missed), [("1000", true), ("1001", true)]);

        let gone = id("1000");
        let Value::Object(delete) = json!({"id": gone}) else {
            unreachable!()
        };
        settings.delete("extension", delete).await.unwrap();
        let third = settings.snapshot();
        let after = difference(&second, &named(&second, &third, gone));
        assert_eq!(numbers(&after), [("1000", false)]);
        assert_eq!(after.dismissed.len(), 1);

        // Gone and come again unseen: it is another, whatever is alike.
        house.extension("1000", json!({})).await;
        let fourth = settings.snapshot();
        let again = difference(&second, &named(&third, &fourth, id("1000")));
        assert_eq!(numbers(&again), [("1000", true)]);
        assert_eq!(again.dismissed.len(), 1);
    }
}
