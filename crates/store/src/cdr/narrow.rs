//! The records that compete for a place on a page, made fewer before they are
//! counted and sorted: from a sample two values are guessed between which the
//! page lies, and the records between them are kept. How many stand before them
//! is counted exactly, so that a wrong guess costs time and never a place.

use std::sync::Arc;

use super::aside::{aside, side_by_side};
use super::column::{Accept, Column};
use super::mask::Mask;
use super::order::{self, Lane, Spot};
use crate::error::StoreError;

/// Records in a sample, about.
const SAMPLE: u64 = 4_096;
/// Records of a sample between the page's ends and the values that are guessed:
/// four times what chance moves an end by, at most.
const MARGIN: u64 = 128;
/// So many records beyond the page's are not worth a guess.
const FEW: u64 = 32_768;

/// A run's records that compete.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The run's number among all.
    pub run: usize,
    /// The member that is sorted by.
    pub column: Arc<Column>,
    /// Which records.
    pub mask: Arc<Mask>,
}

/// Between which values the page lies, both included; no value is no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
}

/// Runs and places of `take` records after the first `skip`, in rising order.
/// Candidates stand in the order of being written.
pub(super) async fn page(
    mut candidates: Vec<Candidate>,
    mut skip: u64,
    take: u64,
) -> Result<Vec<Spot>, StoreError> {
    let mut all: u64 = candidates.iter().map(Candidate::count).sum();
    while all > FEW + take * 2 {
        let these = candidates.clone();
        let guess = aside(move || Guess::of(&these, all, skip, take)).await?;
        let one_value = guess.is_one_value();
        let cut = move |candidate: Candidate| candidate.within(&guess);
        let left = side_by_side(candidates.clone(), cut).await?;
        let before: u64 = left.iter().map(|(before, _)| before).sum();
        let within: u64 = left.iter().map(|(_, within)| within.count()).sum();
        if skip < before || skip + take > before + within {
            break;
        }
        skip -= before;
        candidates = left.into_iter().map(|(_, within)| within).collect();
        candidates.retain(|candidate| candidate.count() > 0);
        if one_value {
            let masks = candidates
                .iter()
                .map(|these| (these.run, these.column.rows(), these.mask.as_ref()));
            return Ok(order::as_written(masks, skip, take));
        }
        if within > all / 2 {
            break;
        }
        all = within;
    }
    let runs: Vec<usize> = candidates.iter().map(|candidate| candidate.run).collect();
    let lanes = side_by_side(candidates, |candidate| {
        Lane::new(candidate.column, candidate.mask)
    })
    .await?;
    let spots = aside(move || order::page(&lanes, skip, take)).await?;
    Ok(spots
        .into_iter()
        .filter_map(|(lane, place)| Some((*runs.get(lane)?, place)))
        .collect())
}

impl Candidate {
    /// How many records it has.
    pub fn count(&self) -> u64 {
        self.mask.count(self.column.rows())
    }

    /// What a guess leaves of it, and how many of its records stand before that.
    pub fn within(self, guess: &Guess) -> (u64, Self) {
        let (low, high) = (guess.low.as_deref(), guess.high.as_deref());
        let start = low.map_or(0, |low| self.column.equal(low).start);
        let end = high.map_or(self.column.distinct(), |high| self.column.equal(high).end);
        let of = |from, to| self.column.mask(&Accept::Range(from..to), &self.mask);
        let before = of(0, start).count(self.column.rows());
        let mask = Arc::new(of(start, end.max(start)));
        (before, Self { mask, ..self })
    }
}

impl Guess {
    /// For `take` records after the first `skip`, of so many in all.
    pub fn of(candidates: &[Candidate], all: u64, skip: u64, take: u64) -> Self {
        let step = (all / SAMPLE).max(1);
        let mut values = Vec::new();
        // The first record of the sample, counted from a candidate's first.
        let mut first = step / 2;
        for candidate in candidates {
            let places = candidate.mask.every(candidate.column.rows(), first, step);
            first = first + places.len() as u64 * step - candidate.count();
            let column = &candidate.column;
            values.extend(places.into_iter().map(|at| column.value(column.code(at))));
        }
        values.sort_unstable();
        let value = |at: u64| {
            let value = values.get(usize::try_from(at).ok()?)?;
            Some(value.to_vec())
        };
        Self {
            low: (skip / step).checked_sub(MARGIN).and_then(value),
            high: value((skip + take) / step + MARGIN),
        }
    }

    /// Whether it is one value, so that all within it are equal.
    pub fn is_one_value(&self) -> bool {
        self.low.is_some() && self.low == self.high
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::Form;
    use super::*;

    const ROWS: u32 = 20_000;

    /// Runs of many records with values that are made of a record's number.
    fn runs(value: impl Fn(u32) -> u32) -> Vec<Candidate> {
        (0..10)
            .map(|run| {
                let values: Vec<String> = (run * ROWS..(run + 1) * ROWS)
                    .map(|n| format!("{:05}", value(n)))
                    .collect();
                let mut words = vec![u64::MAX; 313];
                words[312] = u64::MAX >> 32;
                words[5] = u64::from(run);
                Candidate {
                    run: run as usize,
                    column: Arc::new(Column::build(&values, Form::Text)),
                    mask: Arc::new(if run == 3 { Mask::All } else { Mask::of(words) }),
                }
            })
            .collect()
    }

    fn scattered(n: u32) -> u32 {
        (n ^ n >> 3).wrapping_mul(2_654_435_761) >> 8
    }

    #[test]
    fn a_guess_parts_the_records_at_its_values() {
        let runs = runs(|n| scattered(n) % 90_001);
        let all: u64 = runs.iter().map(Candidate::count).sum();
        for (skip, take) in [(0, 20), (all / 2, 20), (all / 3, 10_000), (all - 20, 20)] {
            let guess = Guess::of(&runs, all, skip, take);
            let (mut before, mut left) = (0, 0);
            for run in &runs {
                let (less, within) = run.clone().within(&guess);
                let values = |mask: &Mask| {
                    let places = mask.places(ROWS as usize).into_iter();
                    let mut values: Vec<Vec<u8>> = places
                        .map(|at| run.column.value(run.column.code(at)).to_vec())
                        .collect();
                    values.sort();
                    values
                };
                let whole = values(&run.mask);
                let end = less as usize + within.count() as usize;
                assert_eq!(values(&within.mask), whole[less as usize..end]);
                before += less;
                left += within.count();
            }
            assert!(
                before <= skip && skip + take <= before + left,
                "{skip} {take}"
            );
            assert!(left < all / 5 + take, "{left} of {all}");
        }
    }

    #[tokio::test]
    async fn a_page_of_many_records_is_the_page_of_the_sorted_whole() {
        let values: [fn(u32) -> u32; 6] = [
            |n| scattered(n) % 90_001,
            |n| scattered(n) % 3,
            |n| {
                if scattered(n) % 10 < 9 {
                    7
                } else {
                    scattered(n) % 1_000
                }
            },
            |n| n / 3,
            // In step with the sample, so that the guesses are wrong.
            |n| {
                if n % 24 < 12 {
                    n % 24
                } else {
                    scattered(n) % 90_000
                }
            },
            |n| 90_000 - n / 50,
        ];
        for value in values {
            let runs = runs(value);
            let mut whole: Vec<(Vec<u8>, Spot)> = Vec::new();
            for run in &runs {
                whole.extend(run.mask.places(ROWS as usize).into_iter().map(|at| {
                    let value = run.column.value(run.column.code(at));
                    (value.into_owned(), (run.run, at))
                }));
            }
            whole.sort();
            let all = whole.len();
            for skip in [0, 1, all / 10, all / 3, all / 2, all * 9 / 10, all - 30] {
                for take in [20, 1_000, 10_000] {
                    let take = take.min(all - skip);
                    let expected: Vec<Spot> = whole[skip..skip + take]
                        .iter()
                        .map(|(_, spot)| *spot)
                        .collect();
                    let found = page(runs.clone(), skip as u64, take as u64).await.unwrap();
                    assert!(found == expected, "{take} after {skip} of {all}");
                }
            }
        }
    }
}
