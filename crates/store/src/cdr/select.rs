//! A search: what matches, counted once, and any part of it in order.

use std::sync::Arc;

use super::aside::side_by_side;
use super::block::Run;
use super::field::Field;
use super::index::RecordIndex;
use super::mask::Mask;
use super::narrow::{self, Candidate};
use super::order::{self, Spot};
use super::query::{CdrField, CdrFilter, Page, Sort};
use super::row::CdrRow;
use super::test::{Columns, Test};
use crate::error::StoreError;
use crate::store::Store;

/// Runs whose columns are held at once while they are looked through.
const RUNS_AT_ONCE: usize = 32;
/// Bytes of columns that a sort may hold. Beyond it, values that are nearly all
/// different would take memory with the number of records.
const SORT_BYTES: usize = 512 << 20;

/// The records that matched when the search was made. Records that are written
/// later do not belong to it.
#[derive(Debug)]
pub struct CdrSelection {
    index: Arc<RecordIndex>,
    runs: Vec<Run>,
    masks: Vec<Arc<Mask>>,
    sort: Sort,
    total: u64,
}

impl Store {
    /// One page of the records that match, and how many match in all.
    pub async fn cdr_page(
        &self,
        filter: &CdrFilter,
        page: Page,
        sort: Sort,
    ) -> Result<(u64, Vec<CdrRow>), StoreError> {
        let selection = self.cdr_select(filter, sort).await?;
        let rows = selection.rows(page.offset(), page.size()).await?;
        Ok((selection.total(), rows))
    }

    /// The records that match, to be read part by part.
    pub async fn cdr_select(
        &self,
        filter: &CdrFilter,
        sort: Sort,
    ) -> Result<CdrSelection, StoreError> {
        let index = self.records().clone();
        let _place = index.searches.acquire().await.map_err(closed)?;
        let runs = index.runs().await?;
        let test = Test::of(filter);
        let mut masks = Vec::with_capacity(runs.len());
        for runs in runs.chunks(RUNS_AT_ONCE) {
            masks.extend(index.masks(&test, runs).await?);
        }
        let counts = runs.iter().zip(&masks);
        let total = counts.map(|(run, mask)| mask.count(run.rows())).sum();
        Ok(CdrSelection {
            index: self.records().clone(),
            runs,
            masks,
            sort,
            total,
        })
    }
}

impl RecordIndex {
    /// For each run the records of which a test holds.
    async fn masks(&self, test: &Test, runs: &[Run]) -> Result<Vec<Arc<Mask>>, StoreError> {
        let tests: Vec<Test> = runs.iter().map(|run| test.within(run)).collect();
        let mut columns = vec![Columns::new(); runs.len()];
        for field in Field::ALL {
            let asking: Vec<usize> = (0..runs.len())
                .filter(|at| {
                    let mut fields = Vec::new();
                    if let Some(test) = tests.get(*at) {
                        test.fields(&mut fields);
                    }
                    fields.contains(&field)
                })
                .collect();
            if asking.is_empty() {
                continue;
            }
            let of: Vec<Run> = asking
                .iter()
                .filter_map(|at| runs.get(*at))
                .cloned()
                .collect();
            for (at, column) in asking.iter().zip(self.columns(field, &of).await?) {
                if let Some(columns) = columns.get_mut(*at) {
                    columns.insert(field, column);
                }
            }
        }
        let work: Vec<(Test, Columns)> = tests.into_iter().zip(columns).collect();
        side_by_side(work, |(test, columns)| {
            Arc::new(test.mask(&columns, &Mask::All))
        })
        .await
    }
}

impl CdrSelection {
    /// How many records match.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Up to `limit` of them, after the first `offset`.
    pub async fn rows(&self, offset: u64, limit: u32) -> Result<Vec<CdrRow>, StoreError> {
        let take = u64::from(limit).min(self.total.saturating_sub(offset));
        if take == 0 {
            return Ok(Vec::new());
        }
        // The falling order is the rising one read from its end.
        let skip = if self.sort.descending {
            self.total - offset - take
        } else {
            offset
        };
        let spots = match self.sort.field {
            CdrField::Id => self.as_written(skip, take),
            field => self.sorted(field.into(), skip, take).await?,
        };
        let mut seqs = self.seqs(&spots).await?;
        if self.sort.descending {
            seqs.reverse();
        }
        self.index.rows(&seqs).await
    }

    /// Runs and places in the order of being written.
    fn as_written(&self, skip: u64, take: u64) -> Vec<Spot> {
        let masks = self.runs.iter().zip(&self.masks).enumerate();
        let masks = masks.map(|(at, (run, mask))| (at, run.rows(), mask.as_ref()));
        order::as_written(masks, skip, take)
    }

    /// Runs and places in the order of a member's values.
    async fn sorted(&self, field: Field, skip: u64, take: u64) -> Result<Vec<Spot>, StoreError> {
        let (competing, skip) = self.competing(field, skip, take);
        let _place = self.index.searches.acquire().await.map_err(closed)?;
        let mut candidates = Vec::with_capacity(competing.len());
        let mut bytes = 0;
        for group in competing.chunks(RUNS_AT_ONCE) {
            let runs: Vec<Run> = group
                .iter()
                .filter_map(|at| self.runs.get(*at))
                .cloned()
                .collect();
            let columns = self.index.columns(field, &runs).await?;
            bytes += columns
                .iter()
                .map(|column| column.bytes().len())
                .sum::<usize>();
            if bytes > SORT_BYTES {
                return Err(StoreError::TooMuch);
            }
            candidates.extend(group.iter().zip(columns).filter_map(|(run, column)| {
                Some(Candidate {
                    run: *run,
                    column,
                    mask: self.masks.get(*run)?.clone(),
                })
            }));
        }
        narrow::page(candidates, skip, take).await
    }

    /// The runs that may have a record on the page, by what bounds their
    /// values, and how many records stand before the page within them. Of the
    /// others it is known that all their records stand before or behind it.
    fn competing(&self, field: Field, skip: u64, take: u64) -> (Vec<usize>, u64) {
        let spans: Vec<Span<'_>> = self
            .runs
            .iter()
            .zip(&self.masks)
            .enumerate()
            .map(|(at, (run, mask))| {
                let ((low, high), count) = (run.zone(field), mask.count(run.rows()));
                Span {
                    at,
                    low,
                    high,
                    count,
                }
            })
            .filter(|span| span.count > 0)
            .collect();
        let by_low = Sums::of(spans.iter().map(|span| (span.low, span.count)).collect());
        let by_high = Sums::of(spans.iter().map(|span| (span.high, span.count)).collect());
        let mut competing = Vec::new();
        let mut left = skip;
        for span in spans {
            // All records of runs that end before this one begins, and all of
            // runs that begin before this one ends, its own too.
            let at_least = by_high.up_to(|high| high < span.low);
            let at_most = by_low.up_to(|low| low <= span.high);
            if at_most <= skip {
                left -= span.count;
            } else if at_least < skip + take {
                competing.push(span.at);
            }
        }
        (competing, left)
    }

    async fn seqs(&self, spots: &[Spot]) -> Result<Vec<i64>, StoreError> {
        // Where numbers are missing the place does not tell them.
        let mut gaps: Vec<usize> = spots
            .iter()
            .map(|(at, _)| *at)
            .filter(|at| self.runs.get(*at).is_some_and(|run| !run.is_dense()))
            .collect();
        gaps.sort_unstable();
        gaps.dedup();
        let mut columns = std::collections::BTreeMap::new();
        for at in gaps {
            if let Some(run) = self.runs.get(at) {
                let column = self
                    .index
                    .columns(Field::Seq, std::slice::from_ref(run))
                    .await?;
                columns.extend(column.into_iter().map(|column| (at, column)));
            }
        }
        Ok(spots
            .iter()
            .filter_map(|(at, place)| {
                let seqs = columns.get(at).map(AsRef::as_ref);
                self.runs.get(*at)?.seq(*place, seqs)
            })
            .collect())
    }
}

/// A run with its least and its greatest value, and its records that match.
struct Span<'r> {
    at: usize,
    low: &'r [u8],
    high: &'r [u8],
    count: u64,
}

/// Values, sorted, each with the sum of all counts up to it.
struct Sums<'r>(Vec<(&'r [u8], u64)>);

impl<'r> Sums<'r> {
    fn of(mut counts: Vec<(&'r [u8], u64)>) -> Self {
        counts.sort_unstable();
        let mut sum = 0;
        for (_, count) in &mut counts {
            sum += *count;
            *count = sum;
        }
        Self(counts)
    }

    /// The sum of the counts of those values, which stand at the beginning.
    fn up_to(&self, these: impl Fn(&[u8]) -> bool) -> u64 {
        let end = self.0.partition_point(|(value, _)| these(value));
        let last = end.checked_sub(1).and_then(|last| self.0.get(last));
        last.map_or(0, |(_, sum)| *sum)
    }
}

fn closed(_: tokio::sync::AcquireError) -> StoreError {
    StoreError::Closed
}
