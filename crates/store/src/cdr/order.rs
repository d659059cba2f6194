//! The part of what matches that a page shows, without sorting what matches:
//! the values at the page's two ends are found by counting, and only what lies
//! between them is sorted. Equal values stand in the order of being written.

use std::sync::Arc;

use super::column::{Accept, Column};
use super::mask::Mask;

/// A run whose records compete for a place on the page.
#[derive(Debug)]
pub(super) struct Lane {
    column: Arc<Column>,
    mask: Arc<Mask>,
    ranks: Ranks,
}

/// How many records stand before each value.
#[derive(Debug)]
enum Ranks {
    /// See [`Column::starts`].
    Many(Vec<u32>),
    /// The number of the value and the place of each record, sorted.
    Few(Vec<(u32, usize)>),
}

/// A record by its lane, or its run, and its place there.
pub(super) type Spot = (usize, usize);

/// Up to so many records of a run are sorted; more are counted.
const FEW: u64 = 4_096;

impl Lane {
    /// The records of a mask, by the values of a column.
    pub fn new(column: Arc<Column>, mask: Arc<Mask>) -> Self {
        let ranks = match mask.as_ref() {
            Mask::Bits(bits) if mask.count(column.rows()) <= FEW => {
                let mut few: Vec<_> = bits.ones().map(|at| (column.code(at), at)).collect();
                few.sort_unstable();
                Ranks::Few(few)
            }
            mask => Ranks::Many(column.starts(mask)),
        };
        Self {
            column,
            mask,
            ranks,
        }
    }

    /// How many of its records have a value before that of a number.
    fn before(&self, code: u32) -> u64 {
        match &self.ranks {
            Ranks::Many(starts) => u64::from(starts.get(code as usize).copied().unwrap_or(0)),
            Ranks::Few(few) => few.partition_point(|(other, _)| *other < code) as u64,
        }
    }

    /// How many of its records have a value from `low` up to, not with, `high`.
    fn count(&self, low: u32, high: u32) -> u64 {
        self.before(high).saturating_sub(self.before(low))
    }

    /// The places of its records with a value of these numbers: by value where
    /// they are few, and in the order of being written of one value.
    fn places(&self, low: u32, high: u32) -> Vec<usize> {
        if let Ranks::Few(few) = &self.ranks {
            let start = few.partition_point(|(code, _)| *code < low);
            let these = few.get(start..).unwrap_or_default().iter();
            return these
                .take_while(|(code, _)| *code < high)
                .map(|(_, at)| *at)
                .collect();
        }
        let these = self.column.mask(&Accept::Range(low..high), &self.mask);
        these.slice(self.column.rows(), 0, u64::MAX)
    }
}

/// `take` records after the first `skip`, in the order of being written, of
/// several runs: their numbers, their sizes and which of their records.
pub(super) fn as_written<'m>(
    masks: impl Iterator<Item = (usize, usize, &'m Mask)>,
    skip: u64,
    take: u64,
) -> Vec<Spot> {
    let (mut skip, mut take) = (skip, take);
    let mut spots = Vec::new();
    for (run, rows, mask) in masks {
        let count = mask.count(rows);
        if take == 0 {
            break;
        }
        if count <= skip {
            skip -= count;
            continue;
        }
        let places = mask.slice(rows, skip, take);
        skip = 0;
        take -= places.len() as u64;
        spots.extend(places.into_iter().map(|place| (run, place)));
    }
    spots
}

/// `take` records after the first `skip`, in rising order. Lanes stand in the
/// order of being written.
pub(super) fn page(lanes: &[Lane], skip: u64, take: u64) -> Vec<Spot> {
    let all: u64 = lanes
        .iter()
        .map(|lane| lane.count(0, lane.column.distinct()))
        .sum();
    let take = take.min(all.saturating_sub(skip));
    if take == 0 {
        return Vec::new();
    }
    let first = at_rank(lanes, skip);
    let last = at_rank(lanes, skip + take - 1);
    let (Some((low, before_low)), Some((high, before_high))) = (first, last) else {
        return Vec::new();
    };
    if low == high {
        return equals(lanes, &low, skip - before_low, take);
    }
    let mut spots = equals(lanes, &low, skip - before_low, take);
    spots.extend(inner(lanes, &low, &high));
    spots.extend(equals(lanes, &high, 0, skip + take - before_high));
    spots
}

/// The value of the record at a rank, from 0, and how many stand before that value.
fn at_rank(lanes: &[Lane], rank: u64) -> Option<(Vec<u8>, u64)> {
    // What is still possible, by lane: the numbers of values.
    let mut open: Vec<(u32, u32)> = lanes
        .iter()
        .map(|lane| (0, lane.column.distinct()))
        .collect();
    let mut before = 0;
    loop {
        // The middle value of the lane that has most to offer: in each round
        // at least half of that lane is decided.
        let (lane, (low, high)) = lanes
            .iter()
            .zip(&open)
            .max_by_key(|(lane, (low, high))| lane.count(*low, *high))?;
        let (low, high) = (*low, *high);
        let half = lane.before(low) + lane.count(low, high) / 2;
        if lane.count(low, high) == 0 {
            return None;
        }
        let code = middle(lane, low, high, half);
        let value = lane.column.value(code);
        let mut less = 0;
        let mut equal = 0;
        let cuts: Vec<(u32, u32)> = lanes
            .iter()
            .zip(&open)
            .map(|(lane, (low, high))| {
                let same = lane.column.equal(&value);
                let cut = same.start.clamp(*low, *high);
                let end = same.end.clamp(cut, *high);
                less += lane.count(*low, cut);
                equal += lane.count(cut, end);
                (cut, end)
            })
            .collect();
        if rank < before + less {
            for ((_, high), (cut, _)) in open.iter_mut().zip(cuts) {
                *high = cut;
            }
        } else if rank < before + less + equal {
            return Some((value.into_owned(), before + less));
        } else {
            before += less + equal;
            for ((low, _), (_, end)) in open.iter_mut().zip(cuts) {
                *low = end;
            }
        }
    }
}

/// The number of the value that has the record of a rank within its lane.
fn middle(lane: &Lane, low: u32, high: u32, rank: u64) -> u32 {
    let (mut low, mut high) = (low, high);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if lane.before(middle) <= rank {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// `take` of the records with one value, after the first `skip`.
fn equals(lanes: &[Lane], value: &[u8], skip: u64, take: u64) -> Vec<Spot> {
    let (mut skip, mut take) = (skip, take);
    let mut spots = Vec::new();
    for (at, lane) in lanes.iter().enumerate() {
        if take == 0 {
            break;
        }
        let code = lane.column.equal(value);
        let count = lane.count(code.start, code.end);
        if count <= skip {
            skip -= count;
            continue;
        }
        let places = if lane.column.distinct() == 1 {
            lane.mask.slice(lane.column.rows(), skip, take)
        } else {
            let places = lane.places(code.start, code.end);
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            let take = usize::try_from(take).unwrap_or(usize::MAX);
            places.into_iter().skip(skip).take(take).collect()
        };
        skip = 0;
        take -= places.len() as u64;
        spots.extend(places.into_iter().map(|place| (at, place)));
    }
    spots
}

/// All records with a value between two, neither included: fewer than a page.
fn inner(lanes: &[Lane], low: &[u8], high: &[u8]) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, lane) in lanes.iter().enumerate() {
        let (start, end) = (lane.column.equal(low).end, lane.column.equal(high).start);
        if start < end && lane.count(start, end) > 0 {
            spots.extend(lane.places(start, end).into_iter().map(|place| (at, place)));
        }
    }
    spots.sort_by_cached_key(|(at, place)| {
        let value = lanes
            .get(*at)
            .map(|lane| lane.column.value(lane.column.code(*place)));
        (value, *at, *place)
    });
    spots
}

#[cfg(test)]
mod tests {
    use super::super::column::Form;
    use super::*;

    #[test]
    fn every_page_is_the_page_of_the_sorted_whole() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for distinct in [1, 2, 5, 40, 1000] {
            let runs: Vec<Vec<String>> = (0..5)
                .map(|_| {
                    (0..random(90) + 1)
                        .map(|_| random(distinct).to_string())
                        .collect()
                })
                .collect();
            let mut expected: Vec<(&str, usize, usize)> = Vec::new();
            let mut lanes = Vec::new();
            for (at, run) in runs.iter().enumerate() {
                let mut words = vec![0; run.len().div_ceil(64)];
                for (place, value) in run.iter().enumerate() {
                    if random(3) > 0 {
                        words[place / 64] |= 1 << (place % 64);
                        expected.push((value, at, place));
                    }
                }
                lanes.push(Lane::new(
                    Arc::new(Column::build(run, Form::Text)),
                    Arc::new(Mask::of(words)),
                ));
            }
            expected.sort_unstable();
            let expected: Vec<Spot> = expected
                .iter()
                .map(|(_, at, place)| (*at, *place))
                .collect();
            for skip in 0..expected.len() + 2 {
                for take in [1, 3, 50, 1000] {
                    let rest = expected.get(skip..).unwrap_or_default();
                    let rest = &rest[..rest.len().min(take)];
                    assert_eq!(page(&lanes, skip as u64, take as u64), rest);
                }
            }
        }
    }
}
