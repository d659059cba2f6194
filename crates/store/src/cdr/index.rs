//! The record index: every run of records as columns. It follows the table
//! `cdr`, which stays the truth: rows are only ever added behind the last one,
//! so that what is read once stays so. It must never be behind what a caller
//! has seen committed, and never slow a commit: all its work is a reader's,
//! but for one write a block.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use quick_cache::sync::DefaultLifecycle;
use quick_cache::{DefaultHashBuilder, OptionsBuilder};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use tokio::sync::{Mutex, Semaphore, watch};

use super::block::{Growing, NewBlock, Recent, Run, Sealed, Zone};
use super::column::{Column, MAX_ROWS};
use super::field::{FIELDS, Field};
use super::row::{self, CdrRow};
use crate::error::StoreError;
use crate::journal::{Journal, WeakJournal};

/// Records of a full block, unless the options say otherwise.
pub(crate) const BLOCK_ROWS: usize = MAX_ROWS;
/// A block grows by runs of so many parts of it; what is over is read anew as
/// a small run whenever a record has come.
const PARTS: usize = 64;
/// Rows read from the table at once.
const READ_ROWS: i64 = 4_096;
/// Columns read from the database in one statement.
const READ_COLUMNS: usize = 16;
/// Bytes of columns kept in memory; those least used go first. Of ten million
/// records all of [`HOT`] are 270 MiB.
const COLUMN_CACHE_BYTES: u64 = 320 << 20;
/// Bytes up to which columns are brought in before they are asked for.
const WARM_BYTES: u64 = 288 << 20;
/// Columns that are expected in the cache.
const CACHE_ENTRIES: usize = 4_096;
/// Parts of the cache, of which each has its own bound: with few of them chance
/// fills none before the others.
const CACHE_SHARDS: usize = 2;
/// Members of which a search reads every block, those most asked for first. Of
/// the others blocks that follow each other in time have values that do so as
/// well, and a search reads few.
const HOT: [Field; 14] = [
    Field::CallFrom,
    Field::CallTo,
    Field::Disposition,
    Field::SrcTrunk,
    Field::DidNumber,
    Field::DidName,
    Field::PinCode,
    Field::CallType,
    Field::Duration,
    Field::TalkDuration,
    Field::RingDuration,
    Field::DstTrunk,
    Field::DodNumber,
    Field::SrcAddr,
];
/// Searches at once: each takes a processor and some blocks' columns.
const SEARCHES: usize = 4;

type Cache = quick_cache::sync::Cache<(i64, Field), Arc<Column>, Weight>;

#[derive(Debug, Clone)]
struct Weight;

impl quick_cache::Weighter<(i64, Field), Arc<Column>> for Weight {
    fn weight(&self, _: &(i64, Field), column: &Arc<Column>) -> u64 {
        column.bytes().len() as u64
    }
}

/// The index.
#[derive(Debug)]
pub(crate) struct RecordIndex {
    pool: SqlitePool,
    known: Mutex<Known>,
    cache: Cache,
    /// A place for each search.
    pub(super) searches: Semaphore,
    /// Records of a run in memory; [`PARTS`] of them make a block.
    part_rows: usize,
}

/// What is known of the table.
#[derive(Debug, Default)]
struct Known {
    /// Full blocks, in order.
    sealed: Vec<Arc<Sealed>>,
    /// Runs behind them, each of `part_rows`.
    recent: Vec<Arc<Recent>>,
    /// What is behind those: fewer than `part_rows`.
    rest: Growing,
    /// The run of `rest`, as long as nothing has come.
    tail: Option<Arc<Recent>>,
    /// The last `seq` that is known.
    last: i64,
}

impl RecordIndex {
    /// Reads what blocks there are.
    pub async fn open(pool: SqlitePool, block_rows: usize) -> Result<Self, StoreError> {
        let sealed = sealed(&pool).await?;
        let last = sealed.last().map_or(0, |block| block.last);
        let cache = OptionsBuilder::new()
            .shards(CACHE_SHARDS)
            .estimated_items_capacity(CACHE_ENTRIES)
            .weight_capacity(COLUMN_CACHE_BYTES)
            .build()
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self {
            pool,
            known: Mutex::new(Known {
                sealed,
                last,
                ..Known::default()
            }),
            cache: Cache::with_options(
                cache,
                Weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            searches: Semaphore::new(SEARCHES),
            part_rows: (block_rows.min(MAX_ROWS) / PARTS).max(1),
        })
    }

    /// How many records make a run, and so how often the index is worth a look.
    pub fn part_rows(&self) -> u64 {
        self.part_rows as u64
    }

    /// All runs, in the order of being written, with all that is committed.
    pub(super) async fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut known = self.known.lock().await;
        while self.follow(&mut known).await? {}
        let Known {
            sealed,
            recent,
            rest,
            tail,
            ..
        } = &mut *known;
        if tail.is_none() && rest.rows() > 0 {
            *tail = Some(Arc::new(rest.recent()));
        }
        let sealed = sealed.iter().cloned().map(Run::Sealed);
        let recent = recent.iter().chain(tail.as_ref()).cloned();
        Ok(sealed.chain(recent.map(Run::Recent)).collect())
    }

    /// Reads rows that were not known. False when there are no more.
    async fn follow(&self, known: &mut Known) -> Result<bool, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
        let mut names = sql.separated(", ");
        for field in Field::ALL {
            names.push(field.name());
        }
        sql.push(" FROM cdr WHERE seq > ")
            .push_bind(known.last)
            .push(" ORDER BY seq LIMIT ")
            .push_bind(READ_ROWS);
        let rows = sql.build().fetch_all(&self.pool).await?;
        for row in &rows {
            known.tail = None;
            known.last = known.rest.push(row)?;
            if known.rest.rows() >= self.part_rows {
                let whole = std::mem::take(&mut known.rest);
                known.recent.push(Arc::new(whole.recent()));
            }
        }
        Ok(rows.len() as i64 == READ_ROWS)
    }

    /// Writes what has grown to full blocks.
    pub async fn seal(&self, journal: &Journal) -> Result<(), StoreError> {
        loop {
            let mut known = self.known.lock().await;
            while known.recent.len() < PARTS && self.follow(&mut known).await? {}
            let Some(parts) = known.recent.get(..PARTS).map(<[_]>::to_vec) else {
                return Ok(());
            };
            let number = known.sealed.last().map_or(1, |block| block.number + 1);
            drop(known);
            let block = tokio::task::spawn_blocking(move || Recent::join(number, &parts))
                .await
                .map_err(|_| StoreError::Closed)?;
            let sealed = Arc::new(block.sealed());
            let columns = block.columns.clone();
            journal
                .submit_block(block)
                .map_err(|_| StoreError::Full)?
                .await?;
            for (field, column) in columns {
                if HOT.contains(&field) {
                    self.cache.insert((number, field), column);
                }
            }
            let mut known = self.known.lock().await;
            known.sealed.push(sealed);
            known.recent.drain(..PARTS);
        }
    }

    /// Brings the columns of [`HOT`] into memory, so that the first search need not
    /// wait for them; the newest blocks first, and as many as have a place. Takes
    /// half of its time at most, as there may be calls.
    pub async fn warm(self: Arc<Self>) -> Result<(), StoreError> {
        let sealed = self.known.lock().await.sealed.clone();
        let blocks: Vec<Run> = sealed.into_iter().map(Run::Sealed).collect();
        for field in HOT {
            for blocks in blocks.rchunks(READ_COLUMNS) {
                if self.cache.weight() > WARM_BYTES {
                    return Ok(());
                }
                let begun = Instant::now();
                self.columns(field, blocks).await?;
                tokio::time::sleep(begun.elapsed()).await;
            }
        }
        Ok(())
    }

    /// Seals what is full whenever the writer has written another part.
    pub async fn keep(self: Arc<Self>, journal: WeakJournal, mut written: watch::Receiver<()>) {
        while written.changed().await.is_ok() {
            let Some(journal) = journal.upgrade() else {
                return;
            };
            match self.seal(&journal).await {
                Ok(()) => {}
                Err(StoreError::Closed) => return,
                // It stays in memory, and is tried again with the next part.
                Err(error) => tracing::error!(%error, "a block of the record index is not written"),
            }
        }
    }

    /// The columns of a member of these runs, in the same order.
    pub(super) async fn columns(
        &self,
        field: Field,
        runs: &[Run],
    ) -> Result<Vec<Arc<Column>>, StoreError> {
        let mut columns: Vec<Option<Arc<Column>>> = runs
            .iter()
            .map(|run| match run {
                Run::Sealed(block) => self.cache.get(&(block.number, field)),
                Run::Recent(run) => run.column(field).cloned(),
            })
            .collect();
        // What was in the cache is held already: it may be pushed out meanwhile.
        let missing: BTreeMap<i64, usize> = runs
            .iter()
            .enumerate()
            .filter_map(|(at, run)| match run {
                Run::Sealed(block) if columns.get(at)?.is_none() => Some((block.number, at)),
                _ => None,
            })
            .collect();
        let numbers: Vec<i64> = missing.keys().copied().collect();
        for numbers in numbers.chunks(READ_COLUMNS) {
            let mut sql =
                QueryBuilder::<Sqlite>::new("SELECT block, data FROM cdr_column WHERE field = ");
            sql.push_bind(field.name()).push(" AND block IN (");
            let mut list = sql.separated(", ");
            for number in numbers {
                list.push_bind(*number);
            }
            sql.push(")");
            for row in sql.build().fetch_all(&self.pool).await? {
                let number: i64 = row.try_get(0)?;
                let column = Column::parse(row.try_get(1)?).map(Arc::new);
                let place = missing.get(&number).and_then(|at| columns.get_mut(*at));
                if let (Some(column), Some(place)) = (column, place) {
                    self.cache.insert((number, field), column.clone());
                    *place = Some(column);
                }
            }
        }
        runs.iter()
            .zip(columns)
            .map(|(run, column)| {
                column
                    .filter(|column| column.rows() == run.rows())
                    .ok_or_else(|| {
                        let (first, last) = run.seqs();
                        StoreError::Corrupt(format!(
                            "column {} of the records {first} to {last}",
                            field.name()
                        ))
                    })
            })
            .collect()
    }

    /// The rows of these `seq`s, in their order.
    pub(super) async fn rows(&self, seqs: &[i64]) -> Result<Vec<CdrRow>, StoreError> {
        row::read(&self.pool, seqs).await
    }
}

/// The full blocks, without their columns.
async fn sealed(pool: &SqlitePool) -> Result<Vec<Arc<Sealed>>, StoreError> {
    let mut zones: BTreeMap<i64, Vec<Zone>> = BTreeMap::new();
    let rows = sqlx::query("SELECT block, field, low, high FROM cdr_column")
        .fetch_all(pool)
        .await?;
    for row in rows {
        let name: String = row.try_get(1)?;
        let field = Field::from_name(&name)
            .ok_or_else(|| StoreError::Corrupt(format!("record column {name:?}")))?;
        let zones = zones
            .entry(row.try_get(0)?)
            .or_insert_with(|| vec![Zone::default(); FIELDS]);
        if let Some(zone) = zones.get_mut(field as usize) {
            *zone = Zone {
                low: row.try_get(2)?,
                high: row.try_get(3)?,
            };
        }
    }
    let rows =
        sqlx::query("SELECT block, first_seq, last_seq, row_count FROM cdr_block ORDER BY block")
            .fetch_all(pool)
            .await?;
    rows.into_iter()
        .map(|row| {
            let number: i64 = row.try_get(0)?;
            let count: i64 = row.try_get(3)?;
            Ok(Arc::new(Sealed {
                number,
                first: row.try_get(1)?,
                last: row.try_get(2)?,
                rows: usize::try_from(count)
                    .map_err(|_| StoreError::Corrupt(format!("record block {number}")))?,
                zones: zones
                    .remove(&number)
                    .ok_or_else(|| StoreError::Corrupt(format!("record block {number}")))?,
            }))
        })
        .collect()
}

impl NewBlock {
    /// Its rows: `(block, field, low, high, data)`.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        self.columns
            .iter()
            .map(|(field, column)| (field.name(), column.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{CdrFilter, CdrRow, Page, Sort};
    use super::*;
    use crate::{Batch, Store, StoreOptions};

    #[tokio::test]
    async fn columns_that_are_much_asked_for_are_in_memory_soon_after_opening() {
        let dir = std::env::temp_dir().join(format!("cdr-warm-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let url = format!("sqlite:{}", dir.join("warm.db").display());
        let options = StoreOptions {
            record_block: 640,
            ..StoreOptions::default()
        };
        let store = Store::open(&url, options).await.unwrap();
        let batch = Batch {
            records: vec![CdrRow::default(); 2_000],
            ..Batch::default()
        };
        store.write(batch).await.unwrap();
        store.close().await;
        // What is there is sealed at the latest now.
        let store = Store::open(&url, options).await.unwrap();
        store.close().await;
        let store = Store::open(&url, options).await.unwrap();
        let full = async {
            while store.records().cache.len() < 3 * HOT.len() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let full = tokio::time::timeout(Duration::from_secs(20), full).await;
        assert!(full.is_ok(), "{}", store.records().cache.len());
        let all = CdrFilter::default();
        let (total, _) = store
            .cdr_page(&all, Page::new(1, 1), Sort::default())
            .await
            .unwrap();
        assert_eq!(total, 2_000);
        store.close().await;
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
