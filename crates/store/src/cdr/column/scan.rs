//! The codes of a column read through: which records have a value that is
//! accepted, and how many have each value.

use super::{Accept, Column, packed};
use crate::cdr::mask::Mask;

impl Column {
    /// The records of a mask whose value is accepted.
    pub(in crate::cdr) fn mask(&self, accept: &Accept, within: &Mask) -> Mask {
        let whole = match accept {
            Accept::Range(range) if range.is_empty() => Some(false),
            Accept::Range(range) => (range.end - range.start == self.distinct()).then_some(true),
            // Neither all nor none, or else it were a range.
            Accept::Table(_) => None,
        };
        match whole {
            Some(true) => return within.clone(),
            Some(false) => return Mask::Nothing,
            None => {}
        }
        let rows = self.rows as u64;
        match accept {
            Accept::Range(range) => {
                let (start, length) = (range.start, range.end - range.start);
                match self.code_width {
                    1 => {
                        // At most 256 values, and not all of them: both fit.
                        let [start, ..] = start.to_le_bytes();
                        let [length, ..] = length.to_le_bytes();
                        self.bits(
                            within,
                            rows / 16,
                            |code: u8| code.wrapping_sub(start) < length,
                            |_| false,
                        )
                    }
                    _ => {
                        let start = u16::try_from(start).unwrap_or(u16::MAX);
                        let length = u16::try_from(length).unwrap_or(u16::MAX);
                        self.bits(
                            within,
                            rows / 16,
                            |_| false,
                            |code: u16| code.wrapping_sub(start) < length,
                        )
                    }
                }
            }
            Accept::Table(table) => {
                let accepted = |code: usize| table.get(code).copied().unwrap_or(false);
                self.bits(
                    within,
                    rows / 4,
                    |code: u8| accepted(usize::from(code)),
                    |code: u16| accepted(usize::from(code)),
                )
            }
        }
    }

    /// The records of a mask whose code is accepted; which of the two is asked
    /// depends on the width of the codes. Up to `few` records are looked at one
    /// by one, of more all codes are read.
    fn bits(
        &self,
        within: &Mask,
        few: u64,
        byte: impl Fn(u8) -> bool,
        pair: impl Fn(u16) -> bool,
    ) -> Mask {
        let codes = self.codes();
        let (pairs, _) = codes.as_chunks::<2>();
        let pair = |code: &[u8; 2]| pair(u16::from_le_bytes(*code));
        let words = match (within, self.code_width) {
            (Mask::Nothing, _) => return Mask::Nothing,
            (Mask::Bits(bits), 1) if within.count(self.rows) <= few => {
                return bits.keep(|at| codes.get(at).is_some_and(|code| byte(*code)));
            }
            (Mask::Bits(bits), 2) if within.count(self.rows) <= few => {
                return bits.keep(|at| pairs.get(at).is_some_and(pair));
            }
            (_, 1) => words(codes, |code: &u8| byte(*code)),
            (_, 2) => words(pairs, pair),
            // One value, which is accepted or not: there are no codes to read.
            _ => Vec::new(),
        };
        Mask::of(words).and(within.clone())
    }

    /// For each value the number of records in the mask that have a smaller
    /// one, and behind the last value all records in the mask.
    pub(in crate::cdr) fn starts(&self, mask: &Mask) -> Vec<u32> {
        let mut counts = vec![0_u32; self.distinct + 1];
        let mut count = |code: u32| {
            if let Some(count) = counts.get_mut(code as usize + 1) {
                *count += 1;
            }
        };
        match mask {
            Mask::Nothing => {}
            Mask::All => self.each(|_, code| count(code)),
            Mask::Bits(bits) => bits.ones().for_each(|at| count(self.code(at))),
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        counts
    }
}

/// A bit for each code, 64 in a word: first a byte for each, which the compiler
/// does many at a time.
fn words<C>(codes: &[C], accepted: impl Fn(&C) -> bool) -> Vec<u64> {
    let word = |codes: &[C]| {
        let mut flags = [0_u8; 64];
        for (flag, code) in flags.iter_mut().zip(codes) {
            *flag = u8::from(accepted(code));
        }
        packed(&flags)
    };
    codes.chunks(64).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::*;

    #[test]
    fn a_mask_has_just_the_records_that_are_accepted() {
        for distinct in [2_usize, 3, 255, 256, 257, 999] {
            let texts: Vec<String> = (0..1000)
                .map(|n| format!("{:04}", n * 7 % distinct))
                .collect();
            let column = Column::build(&texts, Form::Text);
            for (low, high) in [
                ("0000", "0000"),
                ("0001", "0100"),
                ("0001", "9999"),
                ("x", "y"),
            ] {
                let accept = Accept::Range(column.between(low.as_bytes(), high.as_bytes()));
                let all: Vec<usize> = (0..1000)
                    .filter(|at| (low..=high).contains(&texts[*at].as_str()))
                    .collect();
                assert_eq!(column.mask(&accept, &Mask::All).places(1000), all);
                let some = Mask::of(
                    (0..16)
                        .map(|n| if n % 5 == 0 { 1 << n } else { 0 })
                        .collect(),
                );
                let both = column.mask(&accept, &some).places(1000);
                let expected: Vec<usize> = all.into_iter().filter(|at| some.has(*at)).collect();
                assert_eq!(both, expected);
            }
        }
    }
}
