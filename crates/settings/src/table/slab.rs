//! The rows of a table in chunks, and beside each chunk the texts that its rows
//! are searched by: folded, one after another, so that a search is one walk
//! over memory. A copy that changes one row shares all chunks but its own.

use std::sync::Arc;

use memchr::memmem::Finder;
use rpds::ListSync;

use super::Slot;
use super::row::Row;

/// Rows of a chunk.
const CHUNK: usize = 512;
/// Rows that are looked at one by one for the one in which something was found.
const NEAR: usize = 4;
/// Stands behind each text. It is in no UTF-8, so that nothing that is looked
/// for reaches from one text into the next.
pub(super) const BORDER: u8 = 0xff;

/// Rows by slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slab {
    chunks: Arc<Vec<Arc<Chunk>>>,
    /// Slots that rows have left.
    free: ListSync<Slot>,
}

#[derive(Debug, Clone, Default)]
struct Chunk {
    rows: Vec<Option<Row>>,
    /// The texts of all rows.
    texts: Vec<u8>,
    /// Where the texts of each row end.
    ends: Vec<u32>,
}

impl Slab {
    /// How many of its chunks another one does not share.
    #[cfg(test)]
    pub fn apart(&self, other: &Self) -> usize {
        let shares = |ours: &&Arc<Chunk>| other.chunks.iter().any(|c| Arc::ptr_eq(ours, c));
        self.chunks.iter().filter(|chunk| !shares(chunk)).count()
    }

    /// The row of a slot.
    pub fn row(&self, slot: Slot) -> Option<&Row> {
        let (chunk, at) = place(slot);
        self.chunks.get(chunk)?.rows.get(at)?.as_ref()
    }

    /// The id of a row; 0, which no object has, where there is none.
    pub fn id(&self, slot: Slot) -> i64 {
        self.row(slot).map_or(0, |row| row.id)
    }

    /// Puts a row in. Its slot is its own until it is taken out.
    pub fn insert(&mut self, row: Row, texts: &[u8]) -> Slot {
        if let Some(slot) = self.free.first().copied() {
            self.free = self.free.drop_first().unwrap_or_default();
            self.set(slot, Some(row), texts);
            return slot;
        }
        let chunks = Arc::make_mut(&mut self.chunks);
        if chunks.last().is_none_or(|last| last.rows.len() == CHUNK) {
            chunks.push(Arc::default());
        }
        let last = chunks.len().saturating_sub(1);
        let Some(chunk) = chunks.last_mut().map(Arc::make_mut) else {
            return 0;
        };
        chunk.texts.extend_from_slice(texts);
        chunk.ends.push(end(chunk.texts.len()));
        chunk.rows.push(Some(row));
        if chunk.rows.len() == CHUNK {
            chunk.texts.shrink_to_fit();
        }
        // Objects of a kind are bounded far below 2^32.
        Slot::try_from(last * CHUNK + chunk.rows.len() - 1).unwrap_or(Slot::MAX)
    }

    /// Puts a row in another one's place.
    pub fn replace(&mut self, slot: Slot, row: Row, texts: &[u8]) {
        self.set(slot, Some(row), texts);
    }

    /// Takes a row out.
    pub fn remove(&mut self, slot: Slot) {
        self.set(slot, None, &[]);
        self.free.push_front_mut(slot);
    }

    fn set(&mut self, slot: Slot, row: Option<Row>, texts: &[u8]) {
        let (chunk, at) = place(slot);
        let chunks = Arc::make_mut(&mut self.chunks);
        if let Some(chunk) = chunks.get_mut(chunk).map(Arc::make_mut) {
            chunk.set(at, row, texts);
        }
    }

    /// The rows that hold a folded text.
    pub fn search(&self, needle: &[u8]) -> Found {
        let finder = Finder::new(needle);
        let mut found = Found::default();
        for chunk in self.chunks.iter() {
            chunk.search(&finder, &mut found);
        }
        found
    }
}

impl Chunk {
    fn set(&mut self, at: usize, row: Option<Row>, texts: &[u8]) {
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.map_or(0, |end| *end as usize);
        let old = self.ends.get(at).map_or(start, |end| *end as usize);
        if self.texts.get(start..old) != Some(texts) {
            self.texts.splice(start..old, texts.iter().copied());
            for later in self.ends.iter_mut().skip(at) {
                *later = *later - end(old - start) + end(texts.len());
            }
        }
        if let Some(place) = self.rows.get_mut(at) {
            *place = row;
        }
    }

    fn search(&self, finder: &Finder<'_>, found: &mut Found) {
        let first = found.words.len();
        found.words.resize(first + CHUNK / 64, 0);
        let (mut from, mut row) = (0, 0);
        while let Some(hit) = find(finder, self.texts.get(from..).unwrap_or_default()) {
            row = self.row_at(from + hit, row);
            let Some(end) = self.ends.get(row) else {
                return;
            };
            if let Some(word) = found.words.get_mut(first + row / 64) {
                *word |= 1 << (row % 64);
                found.count += 1;
            }
            from = *end as usize;
            row += 1;
        }
    }

    /// The row whose texts are at a place, which is this one or a later one.
    fn row_at(&self, place: usize, from: usize) -> usize {
        let ends = self.ends.get(from..).unwrap_or_default();
        let before = |end: &u32| *end as usize <= place;
        // Where much is found, it is one of the next rows.
        match ends.iter().take(NEAR).position(|end| !before(end)) {
            Some(near) => from + near,
            None => from + ends.partition_point(before),
        }
    }
}

/// Where a text is found first. A single letter is found in most rows: it has
/// the way that is quick to begin.
fn find(finder: &Finder<'_>, texts: &[u8]) -> Option<usize> {
    match finder.needle() {
        [letter] => memchr::memchr(*letter, texts),
        _ => finder.find(texts),
    }
}

/// Which rows a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    words: Vec<u64>,
    count: usize,
}

impl Found {
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether it is one of them.
    pub fn holds(&self, slot: Slot) -> bool {
        let slot = slot as usize;
        self.words
            .get(slot / 64)
            .is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }
}

fn place(slot: Slot) -> (usize, usize) {
    (slot as usize / CHUNK, slot as usize % CHUNK)
}

/// A chunk's texts are bounded: some hundred rows, of members that are bounded.
fn end(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
