//! A persistent sorted list of byte keys, each with the slot of a row: an order
//! that objects are listed in, or an index that they are found by. Entries lie
//! packed in runs of some hundred, so that half a million cost megabytes, and a
//! copy that changes one entry shares all runs but one with what it came from.
//!
//! Entries of one key stand in the order of the objects' ids, which the caller
//! knows (`id_of`): a slot is given again, an id never.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::Slot;

/// Most entries of a run; a fuller one is split.
const MOST: usize = 1024;
/// Entries of a run that is filled in one go: there is room for some more.
const FILLED: usize = 768;
/// A run with fewer joins its neighbour, where both fit into one.
const FEW: usize = 256;

/// Keys in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    runs: Arc<Vec<Arc<Run>>>,
    size: usize,
}

/// Neighbours: the keys one after another, where each ends, and whose it is.
#[derive(Debug, Clone, Default)]
struct Run {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    slots: Vec<Slot>,
}

/// A place: which run, and which entry of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    run: usize,
    entry: usize,
}

impl Order {
    /// How many of its runs another one does not share.
    #[cfg(test)]
    pub fn apart(&self, other: &Self) -> usize {
        let shares = |run: &&Arc<Run>| other.runs.iter().any(|theirs| Arc::ptr_eq(run, theirs));
        self.runs.iter().filter(|run| !shares(run)).count()
    }

    /// How many entries there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Puts an entry in.
    pub fn insert(&mut self, key: &[u8], id: i64, slot: Slot, id_of: impl Fn(Slot) -> i64) {
        let place = self.place(key, id, &id_of);
        let runs = Arc::make_mut(&mut self.runs);
        if runs.is_empty() {
            runs.push(Arc::default());
        }
        // Behind all runs means at the end of the last one.
        let at = place.run.min(runs.len().saturating_sub(1));
        let Some(run) = runs.get_mut(at).map(Arc::make_mut) else {
            return;
        };
        let entry = if at == place.run {
            place.entry
        } else {
            run.size()
        };
        run.insert(entry, key, slot);
        self.size += 1;
        if run.size() > MOST {
            let second = run.split(run.size() / 2);
            runs.insert(at + 1, Arc::new(second));
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &[u8], id: i64, id_of: impl Fn(Slot) -> i64) {
        let place = self.place(key, id, &id_of);
        let found = self.runs.get(place.run).is_some_and(|run| {
            run.key(place.entry) == key && run.slot(place.entry).map(&id_of) == Some(id)
        });
        if !found {
            return;
        }
        let runs = Arc::make_mut(&mut self.runs);
        let Some(run) = runs.get_mut(place.run).map(Arc::make_mut) else {
            return;
        };
        run.remove(place.entry);
        self.size -= 1;
        let left = run.size();
        if left == 0 {
            runs.remove(place.run);
        } else if left < FEW {
            let first = if place.run > 0 {
                place.run - 1
            } else {
                place.run
            };
            join(runs, first);
        }
    }

    /// Slots from the first key on.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> {
        self.runs.iter().flat_map(|run| run.slots.iter().copied())
    }

    /// A part of the slots, from the first key or from the last one on.
    pub fn window(&self, first: usize, size: usize, descending: bool) -> Vec<Slot> {
        let size = size.min(self.size.saturating_sub(first));
        if size == 0 {
            return Vec::new();
        }
        let start = if descending {
            self.size - first - size
        } else {
            first
        };
        let mut slots = Vec::with_capacity(size);
        let mut passed = 0;
        for run in self.runs.iter() {
            if passed + run.size() > start {
                let from = start.saturating_sub(passed);
                let want = size - slots.len();
                slots.extend(run.slots.iter().skip(from).take(want));
            }
            passed += run.size();
            if slots.len() == size {
                break;
            }
        }
        if descending {
            slots.reverse();
        }
        slots
    }

    /// Slots of a key, by id.
    pub fn of(&self, key: &[u8]) -> impl Iterator<Item = Slot> {
        self.entries(self.first_at(key))
            .take_while(move |(other, _)| *other == key)
            .map(|(_, slot)| slot)
    }

    /// Keys that begin so, and their slots.
    pub fn beginning(&self, start: &[u8]) -> impl Iterator<Item = (&[u8], Slot)> {
        let place = self.first_at(start);
        self.entries(place)
            .take_while(move |(key, _)| key.starts_with(start))
    }

    /// The key before where this one is or would be, and the one there.
    pub fn neighbours(&self, key: &[u8]) -> [Option<&[u8]>; 2] {
        let place = self.first_at(key);
        let run = |at: usize| self.runs.get(at);
        let before = match place.entry.checked_sub(1) {
            Some(entry) => run(place.run).map(|run| run.key(entry)),
            None => {
                let before = place.run.checked_sub(1).and_then(run);
                before.map(|run| run.key(run.size().saturating_sub(1)))
            }
        };
        let here = self.entries(place).next().map(|(key, _)| key);
        [before, here]
    }

    /// How many entries a key has.
    pub fn count(&self, key: &[u8]) -> usize {
        let start = self.first_at(key);
        let end = self.search(|other, _| other.cmp(key).then(Ordering::Less));
        self.index(end) - self.index(start)
    }

    fn entries(&self, place: Place) -> impl Iterator<Item = (&[u8], Slot)> {
        self.runs
            .iter()
            .enumerate()
            .skip(place.run)
            .flat_map(move |(at, run)| {
                let from = if at == place.run { place.entry } else { 0 };
                run.entries(from..run.size())
            })
    }

    /// How many entries stand before a place.
    fn index(&self, place: Place) -> usize {
        let before: usize = self.runs.iter().take(place.run).map(|run| run.size()).sum();
        before + place.entry
    }

    fn first_at(&self, key: &[u8]) -> Place {
        self.search(|other, _| other.cmp(key))
    }

    /// Where an entry is, or would be.
    fn place(&self, key: &[u8], id: i64, id_of: &impl Fn(Slot) -> i64) -> Place {
        self.search(|other, slot| other.cmp(key).then_with(|| id_of(slot).cmp(&id)))
    }

    /// The first place that is not less than what is looked for.
    fn search(&self, compare: impl Fn(&[u8], Slot) -> Ordering) -> Place {
        let run = self.runs.partition_point(|run| {
            let last = run.size().saturating_sub(1);
            run.slot(last)
                .is_some_and(|slot| compare(run.key(last), slot) == Ordering::Less)
        });
        let entry = self.runs.get(run).map_or(0, |run| {
            let (mut low, mut high) = (0, run.size());
            while low < high {
                let middle = low.midpoint(high);
                let less = run
                    .slot(middle)
                    .is_some_and(|slot| compare(run.key(middle), slot) == Ordering::Less);
                if less {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        });
        Place { run, entry }
    }

    /// Takes in many entries at once: one walk over both.
    pub fn merge(&mut self, mut keys: Keys, id_of: impl Fn(Slot) -> i64) {
        keys.sort(&id_of);
        let bytes = &keys.bytes;
        let mut filling = Filling::default();
        let mut news = keys.entries.iter().peekable();
        for run in self.runs.iter() {
            for (key, slot) in run.entries(0..run.size()) {
                while let Some(entry) = news.peek() {
                    let order = entry.key(bytes).cmp(key);
                    let order = order.then_with(|| id_of(entry.slot).cmp(&id_of(slot)));
                    if order == Ordering::Greater {
                        break;
                    }
                    filling.push(entry.key(bytes), entry.slot);
                    news.next();
                }
                filling.push(key, slot);
            }
        }
        for entry in news {
            filling.push(entry.key(bytes), entry.slot);
        }
        *self = filling.done();
    }
}

/// Makes one run of two neighbours, where they fit.
fn join(runs: &mut Vec<Arc<Run>>, first: usize) {
    let (Some(a), Some(b)) = (runs.get(first), runs.get(first + 1)) else {
        return;
    };
    if a.size() + b.size() > FILLED {
        return;
    }
    let second = runs.remove(first + 1);
    if let Some(run) = runs.get_mut(first).map(Arc::make_mut) {
        for (key, slot) in second.entries(0..second.size()) {
            run.push(key, slot);
        }
    }
}

impl Run {
    fn size(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, entry: usize) -> Option<Slot> {
        self.slots.get(entry).copied()
    }

    fn start(&self, entry: usize) -> usize {
        let before = entry
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        before.map_or(0, |end| *end as usize)
    }

    /// Empty behind the end.
    fn key(&self, entry: usize) -> &[u8] {
        let end = self.ends.get(entry).map_or(0, |end| *end as usize);
        self.bytes.get(self.start(entry)..end).unwrap_or_default()
    }

    fn entries(&self, range: Range<usize>) -> impl Iterator<Item = (&[u8], Slot)> {
        range.filter_map(|entry| Some((self.key(entry), self.slot(entry)?)))
    }

    fn push(&mut self, key: &[u8], slot: Slot) {
        self.bytes.extend_from_slice(key);
        self.ends.push(end(self.bytes.len()));
        self.slots.push(slot);
    }

    fn insert(&mut self, entry: usize, key: &[u8], slot: Slot) {
        let start = self.start(entry);
        let length = end(key.len());
        self.bytes.splice(start..start, key.iter().copied());
        for later in self.ends.iter_mut().skip(entry) {
            *later += length;
        }
        self.ends.insert(entry, end(start) + length);
        self.slots.insert(entry, slot);
    }

    fn remove(&mut self, entry: usize) {
        let (start, length) = (self.start(entry), self.key(entry).len());
        self.bytes.drain(start..start + length);
        self.ends.remove(entry);
        self.slots.remove(entry);
        for later in self.ends.iter_mut().skip(entry) {
            *later -= end(length);
        }
    }

    /// Keeps the entries before `at`; gives the others.
    fn split(&mut self, at: usize) -> Self {
        let mut second = Self::default();
        for (key, slot) in self.entries(at..self.size()) {
            second.push(key, slot);
        }
        self.bytes.truncate(self.start(at));
        self.ends.truncate(at);
        self.slots.truncate(at);
        second
    }

    fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.slots.shrink_to_fit();
    }
}

/// Keys are bounded, as are those of a run and those that come at once.
fn end(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Runs that are being filled from the first key to the last.
#[derive(Debug, Default)]
struct Filling {
    runs: Vec<Arc<Run>>,
    run: Run,
    size: usize,
}

impl Filling {
    fn push(&mut self, key: &[u8], slot: Slot) {
        if self.run.size() == FILLED {
            self.close();
        }
        self.run.push(key, slot);
        self.size += 1;
    }

    fn close(&mut self) {
        let mut run = std::mem::take(&mut self.run);
        run.shrink();
        self.runs.push(Arc::new(run));
    }

    fn done(mut self) -> Order {
        if self.run.size() > 0 {
            self.close();
        }
        self.runs.shrink_to_fit();
        Order {
            runs: Arc::new(self.runs),
            size: self.size,
        }
    }
}

/// Entries on their way into an [`Order`], in any order.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    bytes: Vec<u8>,
    entries: Vec<KeyEntry>,
}

/// One of them. There may be millions at once: it is kept small.
#[derive(Debug)]
struct KeyEntry {
    /// The key's first bytes: most comparisons end with them.
    head: [u8; 12],
    start: u32,
    length: u32,
    slot: Slot,
}

impl Keys {
    /// One more.
    pub fn push(&mut self, key: &[u8], slot: Slot) {
        let mut head = [0; 12];
        for (to, from) in head.iter_mut().zip(key) {
            *to = *from;
        }
        self.entries.push(KeyEntry {
            head,
            start: end(self.bytes.len()),
            length: end(key.len()),
            slot,
        });
        self.bytes.extend_from_slice(key);
    }

    fn sort(&mut self, id_of: &impl Fn(Slot) -> i64) {
        let bytes = &self.bytes;
        self.entries.sort_unstable_by(|a, b| {
            a.head
                .cmp(&b.head)
                .then_with(|| a.key(bytes).cmp(b.key(bytes)))
                .then_with(|| id_of(a.slot).cmp(&id_of(b.slot)))
        });
    }
}

impl KeyEntry {
    fn key<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let start = self.start as usize;
        let end = start + self.length as usize;
        bytes.get(start..end).unwrap_or_default()
    }
}
