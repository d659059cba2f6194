//! One change under way. It may touch several objects; when it is finished they
//! are one batch, each object once, with the events that its change sets off.
//! It must never tell anybody anything: who finishes it does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use store::{Batch, ObjectChange, ObjectKey, ObjectRef};

use crate::error::SettingsError;
use crate::kind::{Changed, Kind};
use crate::record::Record;
use crate::reference::{Reference, WhenGone};
use crate::seal::Sealer;
use crate::snapshot::Snapshot;

/// One change under way.
pub(crate) struct Draft {
    before: Arc<Snapshot>,
    now: Snapshot,
    revision: i64,
    touched: Vec<Touched>,
    /// Where an object stands in `touched`.
    places: BTreeMap<(&'static str, i64), usize>,
    counters: BTreeMap<String, u64>,
}

/// An object that the change touches.
struct Touched {
    kind: &'static dyn Kind,
    id: i64,
    /// Its events are told.
    told: bool,
}

impl Draft {
    /// On the settings as they are.
    pub fn new(before: Arc<Snapshot>) -> Self {
        let now = Snapshot::clone(&before);
        Self {
            revision: before.revision() + 1,
            before,
            now,
            touched: Vec::new(),
            places: BTreeMap::new(),
            counters: BTreeMap::new(),
        }
    }

    /// The settings with what the change has done so far.
    pub fn now(&self) -> &Snapshot {
        &self.now
    }

    /// The revision that this change writes.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Whether it has touched nothing.
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// A high-water mark that goes with it.
    pub fn count(&mut self, (name, value): (String, u64)) {
        self.counters.insert(name, value);
    }

    /// Writes an object.
    pub fn put(&mut self, kind: &'static dyn Kind, record: Record) -> Result<(), SettingsError> {
        self.write(kind, record, true)
    }

    /// Writes an object without telling its events: what changed is no member
    /// of it.
    pub fn put_untold(
        &mut self,
        kind: &'static dyn Kind,
        record: Record,
    ) -> Result<(), SettingsError> {
        self.write(kind, record, false)
    }

    /// Changes an object of another kind, where it is there.
    pub fn edit(
        &mut self,
        kind: &'static dyn Kind,
        id: i64,
        edit: impl FnOnce(&mut Record),
    ) -> Result<(), SettingsError> {
        let Some(record) = self.now.record(kind.name(), id) else {
            return Ok(());
        };
        let mut record = Record::clone(&record);
        edit(&mut record);
        self.put(kind, record)
    }

    fn write(
        &mut self,
        kind: &'static dyn Kind,
        mut record: Record,
        told: bool,
    ) -> Result<(), SettingsError> {
        record.revision = self.revision;
        self.touch(kind, record.id, told);
        self.now.put(kind, Arc::new(record))
    }

    /// Removes an object, and its entries from those who refer to it; refused
    /// where one of them says so.
    pub fn remove(&mut self, kind: &'static dyn Kind, id: i64) -> Result<(), SettingsError> {
        let referrers: Vec<_> = self
            .now
            .referrers(kind.name(), id)
            // One that refers to itself goes with itself.
            .filter(|referrer| (referrer.kind, referrer.id) != (kind.name(), id))
            .collect();
        if referrers.iter().any(|r| r.when_gone == WhenGone::Refuse) {
            return Err(SettingsError::InUse);
        }
        let referrers: BTreeSet<_> = referrers.iter().map(|r| (r.kind, r.id)).collect();
        for (name, from) in referrers {
            let Some(other) = crate::kind::kind(name) else {
                continue;
            };
            self.edit(other, from, |record| other.let_go(record, kind.name(), id))?;
        }
        self.touch(kind, id, true);
        self.now.remove(kind, id);
        Ok(())
    }

    fn touch(&mut self, kind: &'static dyn Kind, id: i64, told: bool) {
        let next = self.touched.len();
        let place = *self.places.entry((kind.name(), id)).or_insert(next);
        match self.touched.get_mut(place) {
            Some(touched) => touched.told |= told,
            None => self.touched.push(Touched { kind, id, told }),
        }
    }

    /// The batch that keeps it, and the settings as they are then.
    pub fn finish(
        mut self,
        sealer: &Sealer,
        serial: &str,
    ) -> Result<(Batch, Snapshot), SettingsError> {
        self.now.set_revision(self.revision);
        let mut batch = Batch {
            counters: self.counters.into_iter().collect(),
            ..Batch::default()
        };
        let mut frames = BTreeSet::new();
        for Touched { kind, id, told } in self.touched {
            let before = self.before.record(kind.name(), id);
            let after = self.now.record(kind.name(), id);
            match (&before, &after) {
                (_, Some(after)) => {
                    batch
                        .objects
                        .push(row(kind, before.as_deref(), after, sealer)?);
                }
                (Some(_), None) => batch.objects.push(ObjectChange::Delete {
                    kind: kind.name().into(),
                    id,
                }),
                // Made and gone within one change.
                (None, None) => continue,
            }
            if !told {
                continue;
            }
            let events = kind.events(&Changed {
                before: before.as_deref(),
                after: after.as_deref(),
                was: &self.before,
                is: &self.now,
                serial,
            });
            for event in events {
                // What several objects of one change have to say alike is said once.
                if frames.insert((event.id, event.frame.clone())) {
                    batch.events.push(event);
                }
            }
        }
        Ok((batch, self.now))
    }
}

/// The rows of an object.
fn row(
    kind: &'static dyn Kind,
    before: Option<&Record>,
    record: &Record,
    sealer: &Sealer,
) -> Result<ObjectChange, SettingsError> {
    let old_keys = before.map_or_else(BTreeSet::new, |before| keys(kind, before));
    let new_keys = keys(kind, record);
    let key = |(name, value): &(&str, String)| ObjectKey {
        name: (*name).to_owned(),
        value: value.clone(),
    };
    let old: BTreeSet<_> = before.map_or_else(BTreeSet::new, |before| targets(kind, before));
    let new = targets(kind, record);
    let kept = |(member, kind, id): &(&str, &str, i64)| ObjectRef {
        member: (*member).to_owned(),
        kind: (*kind).to_owned(),
        id: *id,
    };
    Ok(ObjectChange::Put {
        object: record.seal(kind.name(), sealer)?,
        keys: new_keys.difference(&old_keys).map(key).collect(),
        freed: old_keys.difference(&new_keys).map(key).collect(),
        refs: new.difference(&old).map(kept).collect(),
        gone: old.difference(&new).map(kept).collect(),
    })
}

fn keys(kind: &dyn Kind, record: &Record) -> BTreeSet<(&'static str, String)> {
    let keys = kind.unique().iter();
    keys.filter_map(|key| Some((key.member, key.value(record)?)))
        .collect()
}

fn targets(kind: &dyn Kind, record: &Record) -> BTreeSet<(&'static str, &'static str, i64)> {
    let references: Vec<Reference> = kind.references(record);
    references
        .into_iter()
        .map(|reference| (reference.member, reference.kind, reference.id))
        .collect()
}
