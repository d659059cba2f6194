//! Values of a column found: one, those between two, those of a list. Values
//! are sorted, so that what is found is a number or several in a row.

use std::cmp::Ordering;
use std::ops::Range;

use super::{Accept, Column};

impl Column {
    /// How many values stand before one that need not be there, and whether it is.
    fn locate(&self, value: &[u8]) -> (u32, bool) {
        let Some(rest) = value.strip_prefix(self.common()) else {
            let behind = value > self.common();
            return (if behind { self.distinct() } else { 0 }, false);
        };
        let first = self.seek(0, rest);
        (first, first < self.distinct() && self.rest(first) == rest)
    }

    /// The first value from a number on that does not stand before this one:
    /// found in steps that double, so that near is cheap.
    fn seek(&self, from: u32, rest: &[u8]) -> u32 {
        let all = self.distinct();
        let (mut low, mut step) = (from, 1);
        while low < all && self.rest(low.saturating_add(step).min(all) - 1) < rest {
            low = low.saturating_add(step).min(all);
            step = step.saturating_mul(2);
        }
        let mut high = low.saturating_add(step).min(all);
        while low < high {
            let middle = low.midpoint(high);
            match self.rest(middle).cmp(rest) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return middle,
                Ordering::Greater => high = middle,
            }
        }
        low
    }

    /// The numbers of the values that are this one: one or none.
    pub fn equal(&self, value: &[u8]) -> Range<u32> {
        let (first, found) = self.locate(value);
        first..first + u32::from(found)
    }

    /// The numbers of the values from `low` to `high`, both included.
    pub fn between(&self, low: &[u8], high: &[u8]) -> Range<u32> {
        let (first, _) = self.locate(low);
        let (last, found) = self.locate(high);
        first..(last + u32::from(found)).max(first)
    }

    /// The values that are one of these, which are sorted.
    pub(in crate::cdr) fn one_of(&self, values: &[Vec<u8>]) -> Accept {
        let mut flags = vec![false; self.distinct];
        let (mut code, mut at) = (0, 0);
        while let Some(value) = values.get(at) {
            let Some(rest) = value.strip_prefix(self.common()) else {
                at += 1;
                continue;
            };
            code = self.seek(code, rest);
            let Some(flag) = flags.get_mut(code as usize) else {
                break;
            };
            let there = self.value(code);
            *flag = *there == **value;
            // The next of them is likely to be the next here.
            code += u32::from(*flag);
            // The next of them that can be here.
            at += 1;
            let behind = values.get(at..).unwrap_or_default();
            at += match behind.first() {
                Some(next) if **next < *there => behind.partition_point(|next| **next < *there),
                _ => 0,
            };
        }
        Accept::of(&flags)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::field::number_key;
    use super::super::Form;
    use super::*;

    #[test]
    fn values_are_located_whatever_they_have_in_common() {
        let numbers = [1_000_i64, 1_001, 1_005, 1_005, 1_255];
        let keys: Vec<[u8; 8]> = numbers.iter().map(|n| number_key(*n)).collect();
        let column = Column::build(&keys, Form::Number);
        assert_eq!(column.common, 6);
        let between = |low: i64, high: i64| column.between(&number_key(low), &number_key(high));
        assert_eq!(between(1_001, 1_005), 1..3);
        assert_eq!(between(1_002, 1_004), 2..2);
        assert_eq!(between(i64::MIN, i64::MAX), 0..4);
        assert_eq!(between(-5, 1_000), 0..1);
        assert_eq!(between(1_256, 99_999), 4..4);
        let values: Vec<Vec<u8>> = [0_i64, 1_000, 1_002, 1_005, 7_777]
            .iter()
            .map(|n| number_key(*n).to_vec())
            .collect();
        let expected = Accept::of(&[true, false, true, false]);
        assert_eq!(column.one_of(&values), expected);
        assert_eq!(
            Column::build(&[number_key(7); 3], Form::Number).equal(&number_key(7)),
            0..1
        );
    }
}
