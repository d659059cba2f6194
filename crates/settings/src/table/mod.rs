//! All objects of one kind: rows by id, in every order that they are listed in,
//! with the texts that they are searched by, their unique values and the other
//! keys that they are found by. A table never changes once it is shared; a copy
//! that one object is changed in shares nearly all with what it came from, so
//! that a change costs the same whether there are ten objects or half a
//! million. It must never walk over all objects to answer for a page of them,
//! but for the one walk over the searched texts.

mod fold;
mod key;
mod order;
mod row;
mod slab;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::kind::Kind;
use crate::record::Record;
use fold::fold;
use key::{fields, index_keys, sort_key, texts};
use order::{Keys, Order};
use slab::Slab;

pub(crate) use key::id_key;
pub(crate) use row::Row;

/// Objects that are put in at once, where there are many.
const PART: usize = 65_536;

/// Where a row is, as long as its object is there.
pub(crate) type Slot = u32;

/// All objects of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    slab: Slab,
    by_id: Order,
    /// By the fields that lists are sorted by.
    sorted: BTreeMap<&'static str, Order>,
    /// By the keys of `Kind::indexes`.
    indexes: BTreeMap<&'static str, Order>,
    /// Unique values, by member.
    unique: BTreeMap<&'static str, RedBlackTreeMapSync<String, i64>>,
}

/// Which objects, in which order, and which part of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'w> {
    /// Those that hold this text, whatever its case; all where it is empty.
    pub text: &'w str,
    /// The field that they are sorted by; by id where it is empty. Equals stand
    /// in the order of their ids.
    pub sort_by: &'w str,
    /// From the last to the first.
    pub descending: bool,
    /// How many are passed over.
    pub first: usize,
    /// Most that are given.
    pub size: usize,
}

/// What was wanted.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// How many objects there are in all pages.
    pub total: usize,
    /// This page's.
    pub rows: Vec<Row>,
}

impl Page {
    /// The objects of the page.
    pub fn records(&self) -> impl Iterator<Item = Arc<Record>> {
        self.rows.iter().map(Row::record)
    }
}

impl Table {
    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.by_id.size()
    }

    /// Whether there is an object of an id.
    pub fn has(&self, id: i64) -> bool {
        self.slot(id).is_some()
    }

    /// The object of an id.
    pub fn get(&self, id: i64) -> Option<Arc<Record>> {
        Some(self.slab.row(self.slot(id)?)?.record())
    }

    /// All objects, by id.
    pub fn records(&self) -> impl Iterator<Item = Arc<Record>> {
        self.rows_by_id().map(Row::record)
    }

    /// All rows, by id.
    pub fn rows_by_id(&self) -> impl Iterator<Item = &Row> {
        self.by_id.slots().filter_map(|slot| self.slab.row(slot))
    }

    /// The id of the object that has a unique value.
    pub fn holder(&self, member: &str, value: &str) -> Option<i64> {
        self.unique.get(member)?.get(value).copied()
    }

    /// The objects that an index has under a key, by id.
    pub fn indexed(&self, index: &str, key: &[u8]) -> impl Iterator<Item = &Row> {
        let order = self.indexes.get(index);
        order
            .into_iter()
            .flat_map(move |order| order.of(key))
            .filter_map(|slot| self.slab.row(slot))
    }

    /// How many objects an index has under a key.
    pub fn count_indexed(&self, index: &str, key: &[u8]) -> usize {
        self.indexes.get(index).map_or(0, |order| order.count(key))
    }

    /// An index's keys that begin so, in their order, and whose they are.
    pub fn beginning(&self, index: &str, start: &[u8]) -> impl Iterator<Item = (&[u8], i64)> {
        let order = self.indexes.get(index);
        order
            .into_iter()
            .flat_map(move |order| order.beginning(start))
            .map(|(key, slot)| (key, self.slab.id(slot)))
    }

    /// The keys of an index that stand next to where a key is or would be: the
    /// one before it, and itself or the one behind.
    pub fn neighbours(&self, index: &str, key: &[u8]) -> [Option<&[u8]>; 2] {
        let order = self.indexes.get(index);
        order.map_or([None, None], |order| order.neighbours(key))
    }

    /// A page.
    pub fn page(&self, wanted: Wanted<'_>) -> Page {
        let order = self.sorted.get(wanted.sort_by).unwrap_or(&self.by_id);
        let needle = fold(wanted.text.trim());
        if needle.is_empty() {
            let slots = order.window(wanted.first, wanted.size, wanted.descending);
            return Page {
                total: self.count(),
                rows: self.rows(slots.into_iter()),
            };
        }
        let found = self.slab.search(&needle);
        let total = found.count();
        let size = wanted.size.min(total.saturating_sub(wanted.first));
        let matching = |slot: &Slot| found.holds(*slot);
        let rows = if size == 0 {
            Vec::new()
        } else if wanted.descending {
            let slots = order.slots().rev().filter(matching);
            self.rows(slots.skip(wanted.first).take(size))
        } else {
            let slots = order.slots().filter(matching);
            self.rows(slots.skip(wanted.first).take(size))
        };
        Page { total, rows }
    }

    /// Puts an object in, in its old state's place.
    pub fn put(&mut self, kind: &'static dyn Kind, record: Arc<Record>) {
        let present = self.slot(record.id);
        let old = present.and_then(|slot| self.record(slot));
        let row = row(kind, record.clone());
        let texts = texts(kind, &record);
        let slot = match present {
            Some(slot) => {
                self.slab.replace(slot, row, &texts);
                slot
            }
            None => self.slab.insert(row, &texts),
        };
        self.rekey(kind, slot, record.id, old.as_deref(), Some(&record));
        self.claim(kind, old.as_deref(), Some(&record));
    }

    /// Takes an object out.
    pub fn remove(&mut self, kind: &'static dyn Kind, id: i64) {
        let Some(slot) = self.slot(id) else {
            return;
        };
        let old = self.record(slot);
        // While the slot still knows whose it is.
        self.rekey(kind, slot, id, old.as_deref(), None);
        self.claim(kind, old.as_deref(), None);
        self.slab.remove(slot);
    }

    /// Puts in many objects that are not there yet: cheaper than one by one, as
    /// soon as they are not few beside those that are there.
    pub fn fill(
        &mut self,
        kind: &'static dyn Kind,
        records: impl IntoIterator<Item = Arc<Record>>,
    ) {
        let mut records = records.into_iter().peekable();
        // In parts, so that what is on its way stays small beside what is there.
        while records.peek().is_some() {
            self.fill_part(kind, records.by_ref().take(PART));
        }
    }

    fn fill_part(&mut self, kind: &'static dyn Kind, records: impl Iterator<Item = Arc<Record>>) {
        let mut by_id = Keys::default();
        let mut sorted: Vec<_> = fields(kind)
            .into_iter()
            .map(|field| (field, Keys::default()))
            .collect();
        let mut indexes: Vec<_> = kind
            .indexes()
            .iter()
            .map(|index| (*index, Keys::default()))
            .collect();
        for record in records {
            let slot = self
                .slab
                .insert(row(kind, record.clone()), &texts(kind, &record));
            by_id.push(&id_key(record.id), slot);
            for (field, keys) in &mut sorted {
                keys.push(&sort_key(kind.sort_key(&record, field)), slot);
            }
            for (index, keys) in &mut indexes {
                for key in index_keys(kind, &record, index) {
                    keys.push(&key, slot);
                }
            }
            self.claim(kind, None, Some(&record));
        }
        let id_of = |slot| self.slab.id(slot);
        self.by_id.merge(by_id, id_of);
        for (field, keys) in sorted {
            self.sorted.entry(field).or_default().merge(keys, id_of);
        }
        for (index, keys) in indexes {
            self.indexes.entry(index).or_default().merge(keys, id_of);
        }
    }

    /// Moves a row from its old keys to its new ones.
    fn rekey(
        &mut self,
        kind: &'static dyn Kind,
        slot: Slot,
        id: i64,
        old: Option<&Record>,
        new: Option<&Record>,
    ) {
        let slab = &self.slab;
        let change = |order: &mut Order, gone: &[Vec<u8>], come: &[Vec<u8>]| {
            for key in gone.iter().filter(|key| !come.contains(key)) {
                order.remove(key, id, |slot| slab.id(slot));
            }
            for key in come.iter().filter(|key| !gone.contains(key)) {
                order.insert(key, id, slot, |slot| slab.id(slot));
            }
        };
        let keys = |record: Option<&Record>, of: &dyn Fn(&Record) -> Vec<Vec<u8>>| {
            record.map(of).unwrap_or_default()
        };
        let own = |_: &Record| vec![id_key(id).to_vec()];
        change(&mut self.by_id, &keys(old, &own), &keys(new, &own));
        for field in fields(kind) {
            let of = |record: &Record| vec![sort_key(kind.sort_key(record, field))];
            let order = self.sorted.entry(field).or_default();
            change(order, &keys(old, &of), &keys(new, &of));
        }
        for index in kind.indexes() {
            let of = |record: &Record| index_keys(kind, record, index);
            let order = self.indexes.entry(*index).or_default();
            change(order, &keys(old, &of), &keys(new, &of));
        }
    }

    /// Gives up an object's old unique values and takes its new ones.
    fn claim(&mut self, kind: &'static dyn Kind, old: Option<&Record>, new: Option<&Record>) {
        for key in kind.unique() {
            let was = old.and_then(|record| key.value(record));
            let is = new.and_then(|record| key.value(record));
            if was == is {
                continue;
            }
            let values = self.unique.entry(key.member).or_default();
            if let Some(value) = was {
                values.remove_mut(&value);
            }
            if let Some((value, record)) = is.zip(new) {
                values.insert_mut(value, record.id);
            }
        }
    }

    fn slot(&self, id: i64) -> Option<Slot> {
        self.by_id.of(&id_key(id)).next()
    }

    fn record(&self, slot: Slot) -> Option<Arc<Record>> {
        Some(self.slab.row(slot)?.record())
    }

    fn rows(&self, slots: impl Iterator<Item = Slot>) -> Vec<Row> {
        slots
            .filter_map(|slot| self.slab.row(slot).cloned())
            .collect()
    }
}

fn row(kind: &dyn Kind, record: Arc<Record>) -> Row {
    let written = kind.written(&record);
    if kind.packed() {
        Row::packed(record, written)
    } else {
        Row::open(record, written)
    }
}
