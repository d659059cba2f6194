//! Values of a column of texts that hold a text.

use memchr::memmem::Finder;

use super::{Accept, Column, packed};

/// Texts up to this length are in so many values that it does not pay to go
/// from one hit to the next.
const SHORT: usize = 3;

impl Column {
    /// The values that hold the text that is looked for, of a column of texts.
    pub(in crate::cdr) fn containing(&self, needle: &Finder<'_>) -> Accept {
        match needle.needle() {
            [] => Accept::Range(0..self.distinct()),
            text if text.len() <= SHORT => self.containing_short(text),
            _ => self.containing_long(needle),
        }
    }

    /// Of a text that many values hold there is nothing to skip: where it
    /// begins is found of all values at once, many bytes at a time.
    fn containing_short(&self, text: &[u8]) -> Accept {
        let begins = begins(self.values(), text);
        let mut flags = vec![false; self.distinct];
        let mut start = 0;
        let mut mark = |flag: &mut bool, end: usize| {
            // Where it may begin so that it ends within the value.
            *flag = any(&begins, start, (end + 1).saturating_sub(text.len()));
            start = end;
        };
        if self.width > 0 {
            for (flag, number) in flags.iter_mut().zip(1..) {
                mark(flag, number * self.width);
            }
        } else {
            for (flag, end) in flags.iter_mut().zip(self.ends()) {
                mark(flag, end);
            }
        }
        Accept::of(&flags)
    }

    /// A longer text is searched for from hit to hit.
    fn containing_long(&self, needle: &Finder<'_>) -> Accept {
        let mut flags = vec![false; self.distinct];
        let values = self.values();
        let length = needle.needle().len();
        let (mut from, mut code) = (0, 0);
        while let Some(found) = values.get(from..).and_then(|rest| needle.find(rest)) {
            let at = from + found;
            code = self.holder(at, code);
            let end = self.span(code).end;
            if at + length <= end
                && let Some(flag) = flags.get_mut(code)
            {
                *flag = true;
            }
            // A hit that reaches into the next value is none, and no later one
            // in this value fits.
            from = end.max(at + 1);
        }
        Accept::of(&flags)
    }

    /// The value that has this byte, which is this one or one behind it.
    fn holder(&self, at: usize, from: usize) -> usize {
        if let Some(code) = at.checked_div(self.width) {
            return code;
        }
        // Mostly it is near.
        let (mut low, mut step) = (from, 1);
        while low < self.distinct && self.end((low + step).min(self.distinct) - 1) <= at {
            low = (low + step).min(self.distinct);
            step *= 2;
        }
        let mut high = (low + step).min(self.distinct);
        while low < high {
            let middle = low.midpoint(high);
            if self.end(middle) <= at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// A bit for each byte at which a text begins, and a word behind the last one.
fn begins(bytes: &[u8], text: &[u8]) -> Vec<u64> {
    let words = (0..=bytes.len() / 64 + 1).map(|word| {
        let mut flags = [1_u8; 64];
        for (place, byte) in text.iter().enumerate() {
            let rest = bytes.get(word * 64 + place..).unwrap_or_default();
            let window = rest.first_chunk().copied().unwrap_or_else(|| {
                // What is read behind the end is a part of no value.
                let mut window = [0_u8; 64];
                window
                    .iter_mut()
                    .zip(rest)
                    .for_each(|(to, from)| *to = *from);
                window
            });
            for (flag, other) in flags.iter_mut().zip(window) {
                *flag &= u8::from(other == *byte);
            }
        }
        packed(&flags)
    });
    words.collect()
}

/// Whether a bit is set from one place up to, not with, another.
fn any(words: &[u64], from: usize, to: usize) -> bool {
    let mut from = from;
    while from < to {
        let (word, shift) = (from / 64, from % 64);
        let [low, high] = match words.get(word..word + 2) {
            Some([low, high]) => [*low, *high],
            _ => return false,
        };
        // The 64 bits from there on.
        let bits = low >> shift | high << 1 << (63 - shift);
        if bits & (u64::MAX >> (64 - (to - from).min(64))) != 0 {
            return true;
        }
        from += 64;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::super::mask::Mask;
    use super::super::Form;
    use super::super::tests::column;
    use super::*;

    #[test]
    fn a_text_of_any_length_is_found_in_values_of_any_length() {
        let mut seed = 3_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        for longest in [1, 3, 12, 200] {
            let texts: Vec<String> = (0..150)
                .map(|_| {
                    (0..random(longest + 1))
                        .map(|_| ['1', '2', '3'][random(3)])
                        .collect()
                })
                .collect();
            let column = Column::build(&texts, Form::Text);
            for length in 0..6 {
                let needle: String = (0..length).map(|_| ['1', '2', '3'][random(3)]).collect();
                let mask = column.mask(&column.containing(&Finder::new(&needle)), &Mask::All);
                let expected: Vec<usize> = (0..texts.len())
                    .filter(|at| texts[*at].contains(&needle))
                    .collect();
                assert_eq!(
                    mask.places(texts.len()),
                    expected,
                    "{needle:?} in {texts:?}"
                );
            }
        }
    }

    #[test]
    fn a_text_is_found_within_a_value_and_never_across_two() {
        let column = column(&["ab", "bc", "abab", "b", "xaab"]);
        let hits = |needle: &str| {
            let mask = column.mask(&column.containing(&Finder::new(needle)), &Mask::All);
            mask.places(column.rows())
        };
        assert_eq!(hits("ab"), [0, 2, 4]);
        assert_eq!(hits("bb"), Vec::<usize>::new());
        assert_eq!(hits("aab"), [4]);
        assert_eq!(hits("b"), [0, 1, 2, 3, 4]);
    }
}
