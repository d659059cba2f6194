//! One member of many records: its distinct values, sorted, and for each record
//! the number of its value. Found by a binary search, counted by reading one or
//! two bytes a record.
//!
//! The bytes are what lies in the database: a version, the width of a code (0:
//! all records have the one value), the length of what all values begin with
//! (which is looked for only where values are numbers), the width of what is
//! left of a value (0: they differ), the numbers of records and of values, the
//! common beginning, the ends of what is left where they differ in width, what
//! is left of the values, the codes. All numbers are little endian.
//!
//! What comes out of the database is checked once, in [`Column::parse`]; after
//! that nothing here fails.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem::Finder;

use super::mask::Mask;

/// Most records of a column: a code has at most 16 bits.
pub(super) const MAX_ROWS: usize = 1 << 16;
const VERSION: u8 = 1;
const HEAD: usize = 15;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are, so that they can be searched for a text.
    Text,
    /// What all of them begin with only once.
    Number,
}

/// A column. It owns its bytes and points into them.
#[derive(Debug)]
pub(crate) struct Column {
    bytes: Box<[u8]>,
    rows: usize,
    distinct: usize,
    /// Length of what all values begin with.
    common: usize,
    /// Width of what is left of every value, or 0.
    width: usize,
    values_at: usize,
    codes_at: usize,
    code_width: u8,
}

/// Which values are meant, by their numbers in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accept {
    /// Those in a row.
    Range(Range<u32>),
    /// Those that have `true` at their number.
    Table(Box<Table>),
}

/// A flag for every number that a value can have.
pub(super) type Table = [bool; MAX_ROWS];

impl Accept {
    /// From a flag for each value.
    fn of(flags: &[bool]) -> Self {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let first = flags.iter().position(|flag| *flag).unwrap_or(0);
        let count = flags.iter().filter(|flag| **flag).count();
        let row = flags.get(first..first + count).unwrap_or_default();
        if row.iter().all(|flag| *flag) {
            return Self::Range(number(first)..number(first + count));
        }
        let mut table: Box<Table> = Box::new([false; MAX_ROWS]);
        for (place, flag) in table.iter_mut().zip(flags) {
            *place = *flag;
        }
        Self::Table(table)
    }
}

impl Column {
    /// The column of these values, at most [`MAX_ROWS`].
    pub(super) fn build<V: AsRef<[u8]>>(values: &[V], form: Form) -> Self {
        let values = values.get(..MAX_ROWS).unwrap_or(values);
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let mut firsts: Vec<&[u8]> = Vec::new();
        let met: Vec<u32> = values
            .iter()
            .map(|value| {
                *numbers.entry(value.as_ref()).or_insert_with(|| {
                    firsts.push(value.as_ref());
                    u32::try_from(firsts.len() - 1).unwrap_or(u32::MAX)
                })
            })
            .collect();
        let mut order: Vec<u32> = (0..u32::try_from(firsts.len()).unwrap_or(u32::MAX)).collect();
        let value = |number: u32| firsts.get(number as usize).copied().unwrap_or_default();
        order.sort_unstable_by(|a, b| value(*a).cmp(value(*b)));
        let mut codes = vec![0_u32; firsts.len()];
        for (code, number) in (0_u32..).zip(&order) {
            if let Some(place) = codes.get_mut(*number as usize) {
                *place = code;
            }
        }
        let sorted: Vec<&[u8]> = order.iter().map(|number| value(*number)).collect();
        let rows: Vec<u32> = met
            .iter()
            .map(|number| codes.get(*number as usize).copied().unwrap_or(0))
            .collect();
        Self::write(&sorted, &rows, form)
    }

    /// Columns that follow each other as one, at most [`MAX_ROWS`] in all.
    pub(super) fn join(parts: &[&Self], form: Form) -> Self {
        let mut entries: Vec<(Cow<'_, [u8]>, usize, u32)> = Vec::new();
        for (part, column) in parts.iter().enumerate() {
            entries.extend((0..column.distinct()).map(|code| (column.value(code), part, code)));
        }
        // The parts are sorted runs already, of which this sort makes use.
        entries.sort();
        let mut sorted: Vec<&[u8]> = Vec::new();
        let mut codes: Vec<Vec<u32>> = parts.iter().map(|part| vec![0; part.distinct]).collect();
        for (value, part, code) in &entries {
            let (value, part, code) = (value.as_ref(), *part, *code);
            if sorted.last() != Some(&value) {
                sorted.push(value);
            }
            let place = codes
                .get_mut(part)
                .and_then(|codes| codes.get_mut(code as usize));
            if let Some(place) = place {
                *place = u32::try_from(sorted.len() - 1).unwrap_or(u32::MAX);
            }
        }
        let mut rows = Vec::with_capacity(parts.iter().map(|part| part.rows).sum());
        for (column, codes) in parts.iter().zip(&codes) {
            column.each(|_, code| rows.push(codes.get(code as usize).copied().unwrap_or(0)));
        }
        Self::write(&sorted, &rows, form)
    }

    fn write(sorted: &[&[u8]], rows: &[u32], form: Form) -> Self {
        let width = match sorted.first() {
            Some(first) if sorted.iter().all(|value| value.len() == first.len()) => first.len(),
            _ => 0,
        };
        let common: &[u8] = match (form, sorted.first(), sorted.last()) {
            // Of values of one width, so that something is left of each.
            (Form::Number, Some(first), Some(last)) if width > 0 => {
                let alike = first.iter().zip(*last).take_while(|(a, b)| a == b).count();
                first.get(..alike.min(width - 1)).unwrap_or_default()
            }
            _ => &[],
        };
        let width = width - common.len();
        let code_width: u8 = match sorted.len() {
            0 | 1 => 0,
            2..=256 => 1,
            _ => 2,
        };
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = vec![VERSION, code_width, u8::try_from(common.len()).unwrap_or(0)];
        for head in [width, rows.len(), sorted.len()] {
            bytes.extend(number(head));
        }
        bytes.extend(common);
        if width == 0 {
            let mut end = 0;
            for value in sorted {
                end += value.len();
                bytes.extend(number(end));
            }
        }
        let values_at = bytes.len();
        for value in sorted {
            bytes.extend_from_slice(value.get(common.len()..).unwrap_or_default());
        }
        let codes_at = bytes.len();
        for code in rows {
            let [low, high, ..] = code.to_le_bytes();
            match code_width {
                0 => {}
                1 => bytes.push(low),
                _ => bytes.extend([low, high]),
            }
        }
        Self {
            bytes: bytes.into(),
            rows: rows.len(),
            distinct: sorted.len(),
            common: common.len(),
            width,
            values_at,
            codes_at,
            code_width,
        }
    }

    /// The column that these bytes are, if they are one.
    pub fn parse(bytes: Vec<u8>) -> Option<Self> {
        let number = |at: usize| {
            let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(four)).ok()
        };
        let (version, code_width) = (*bytes.first()?, *bytes.get(1)?);
        let common = usize::from(*bytes.get(2)?);
        let (width, rows, distinct) = (number(3)?, number(7)?, number(11)?);
        if version != VERSION || rows > MAX_ROWS || distinct > rows {
            return None;
        }
        let ends = if width == 0 { distinct * 4 } else { 0 };
        let ends_at = HEAD + common;
        let values_at = ends_at + ends;
        let values = if width == 0 {
            let mut last = 0;
            for place in 0..distinct {
                let end = number(ends_at + place * 4)?;
                if end < last {
                    return None;
                }
                last = end;
            }
            last
        } else {
            distinct.checked_mul(width)?
        };
        let codes_at = values_at.checked_add(values)?;
        let codes = bytes.get(codes_at..)?;
        let fits = match code_width {
            0 => codes.is_empty() && (distinct == 1 || rows == 0),
            1 => {
                codes.len() == rows
                    && usize::from(codes.iter().copied().max().unwrap_or(0)) < distinct.max(1)
            }
            2 => {
                let greatest = pairs(codes).max().unwrap_or(0);
                codes.len() == rows * 2 && usize::from(greatest) < distinct.max(1)
            }
            _ => false,
        };
        fits.then(|| Self {
            rows,
            distinct,
            common,
            width,
            values_at,
            codes_at,
            code_width,
            bytes: bytes.into(),
        })
    }

    /// As it lies in the database.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many records it is of.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many values there are.
    pub fn distinct(&self) -> u32 {
        u32::try_from(self.distinct).unwrap_or(u32::MAX)
    }

    /// The value of a number; empty for one that none has.
    pub fn value(&self, code: u32) -> Cow<'_, [u8]> {
        let rest = self.rest(code);
        match self.common() {
            [] => rest.into(),
            common => [common, rest].concat().into(),
        }
    }

    /// The least value and the greatest.
    pub fn bounds(&self) -> (Cow<'_, [u8]>, Cow<'_, [u8]>) {
        (self.value(0), self.value(self.distinct().saturating_sub(1)))
    }

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
    pub(super) fn one_of(&self, values: &[Vec<u8>]) -> Accept {
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

    /// The values that hold the text that is looked for, of a column of texts.
    pub(super) fn containing(&self, needle: &Finder<'_>) -> Accept {
        let mut flags = vec![false; self.distinct];
        let values = self.values();
        let length = needle.needle().len();
        if let [byte] = needle.needle() {
            // Nearly every number has it: there is nothing to skip.
            for (flag, code) in flags.iter_mut().zip(0..) {
                *flag = self.rest(code).iter().any(|other| other == byte);
            }
            return Accept::of(&flags);
        }
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

    /// The records of a mask whose value is accepted.
    pub(super) fn mask(&self, accept: &Accept, within: &Mask) -> Mask {
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
                            |code: u8| code.wrapping_sub(start) < length,
                            |_| false,
                        )
                    }
                    _ => {
                        let start = u16::try_from(start).unwrap_or(u16::MAX);
                        let length = u16::try_from(length).unwrap_or(u16::MAX);
                        self.bits(
                            within,
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
                    |code: u8| accepted(usize::from(code)),
                    |code: u16| accepted(usize::from(code)),
                )
            }
        }
    }

    /// The records of a mask whose code is accepted; which of the two is asked
    /// depends on the width of the codes.
    fn bits(&self, within: &Mask, byte: impl Fn(u8) -> bool, pair: impl Fn(u16) -> bool) -> Mask {
        let few = match within {
            Mask::Nothing => return Mask::Nothing,
            Mask::Bits(bits) if within.count(self.rows) < self.rows as u64 / 8 => Some(bits),
            _ => None,
        };
        if let Some(bits) = few {
            return bits.keep(|at| {
                let code = self.code(at);
                match self.code_width {
                    1 => u8::try_from(code).is_ok_and(&byte),
                    _ => u16::try_from(code).is_ok_and(&pair),
                }
            });
        }
        let codes = self.codes();
        let words = match self.code_width {
            1 => words(codes, |code: &u8| byte(*code)),
            2 => words(codes.as_chunks().0, |code: &[u8; 2]| {
                pair(u16::from_le_bytes(*code))
            }),
            // One value, which is accepted or not: there are no codes to read.
            _ => Vec::new(),
        };
        Mask::of(words).and(within.clone())
    }

    /// For each value the number of records in the mask that have a smaller
    /// one, and behind the last value all records in the mask.
    pub(super) fn starts(&self, mask: &Mask) -> Vec<u32> {
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

    /// The number of a record's value.
    pub fn code(&self, at: usize) -> u32 {
        let codes = self.codes();
        match self.code_width {
            1 => u32::from(codes.get(at).copied().unwrap_or(0)),
            2 => {
                let pair = codes.get(at * 2..at * 2 + 2);
                pair.and_then(|pair| <[u8; 2]>::try_from(pair).ok())
                    .map_or(0, |pair| u32::from(u16::from_le_bytes(pair)))
            }
            _ => 0,
        }
    }

    /// Every record's place and the number of its value, in order.
    pub fn each(&self, mut f: impl FnMut(usize, u32)) {
        match self.code_width {
            1 => {
                for (at, code) in self.codes().iter().enumerate() {
                    f(at, u32::from(*code));
                }
            }
            2 => {
                for (at, code) in pairs(self.codes()).enumerate() {
                    f(at, u32::from(code));
                }
            }
            _ => (0..self.rows).for_each(|at| f(at, 0)),
        }
    }

    fn common(&self) -> &[u8] {
        self.bytes.get(HEAD..HEAD + self.common).unwrap_or_default()
    }

    /// What is left of a value.
    fn rest(&self, code: u32) -> &[u8] {
        self.values()
            .get(self.span(code as usize))
            .unwrap_or_default()
    }

    fn values(&self) -> &[u8] {
        self.bytes
            .get(self.values_at..self.codes_at)
            .unwrap_or_default()
    }

    fn codes(&self) -> &[u8] {
        self.bytes.get(self.codes_at..).unwrap_or_default()
    }

    /// Where a value lies among the values' bytes.
    fn span(&self, code: usize) -> Range<usize> {
        if self.width > 0 {
            return code * self.width..(code + 1) * self.width;
        }
        let start = if code == 0 { 0 } else { self.end(code - 1) };
        start..self.end(code)
    }

    fn end(&self, code: usize) -> usize {
        let at = HEAD + self.common + code * 4;
        let four = self
            .bytes
            .get(at..(at + 4).min(self.values_at))
            .and_then(|four| <[u8; 4]>::try_from(four).ok());
        four.map_or(0, |four| u32::from_le_bytes(four) as usize)
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

/// A bit for each code, 64 in a word: first a byte for each, which the compiler
/// does many at a time, then eight bytes into eight bits by one multiplication.
fn words<C>(codes: &[C], accepted: impl Fn(&C) -> bool) -> Vec<u64> {
    let word = |codes: &[C]| {
        let mut flags = [0_u8; 64];
        for (flag, code) in flags.iter_mut().zip(codes) {
            *flag = u8::from(accepted(code));
        }
        let (eights, _) = flags.as_chunks::<8>();
        eights.iter().rev().fold(0_u64, |word, eight| {
            let packed = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            word << 8 | packed
        })
    };
    codes.chunks(64).map(word).collect()
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_le_bytes(*pair))
}

#[cfg(test)]
mod tests {
    use super::super::field::number_key;
    use super::*;

    fn column(values: &[&str]) -> Column {
        let built = Column::build(values, Form::Number);
        let parsed = Column::parse(built.bytes().to_vec()).unwrap();
        let codes = |column: &Column| {
            let mut codes = Vec::new();
            column.each(|_, code| codes.push(column.value(code).to_vec()));
            codes
        };
        assert_eq!(codes(&parsed), codes(&built));
        let built = Column::build(values, Form::Text);
        let parsed = Column::parse(built.bytes().to_vec()).unwrap();
        assert_eq!(parsed.bytes(), built.bytes());
        parsed
    }

    fn text(column: &Column) -> Vec<String> {
        let mut texts = Vec::new();
        column.each(|at, code| {
            assert_eq!(column.code(at), code);
            texts.push(String::from_utf8(column.value(code).to_vec()).unwrap());
        });
        texts
    }

    #[test]
    fn a_column_gives_back_what_it_was_built_of() {
        for values in [
            vec![],
            vec![""],
            vec!["", "", ""],
            vec!["b", "a", "b", "", "abc"],
            vec!["10", "20", "10"],
        ] {
            let column = column(&values);
            assert_eq!(text(&column), values);
            assert_eq!(column.rows(), values.len());
        }
        let many: Vec<String> = (0..1000).map(|n| format!("{}", n * 7 % 613)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(text(&column(&many)), many);
    }

    #[test]
    fn columns_joined_are_the_column_of_all_their_values() {
        let parts = [
            vec!["b", "a", "b"],
            vec![""],
            vec![],
            vec!["c", "a", "bb", "b"],
        ];
        let whole = column(&parts.concat());
        let columns: Vec<Column> = parts.iter().map(|part| column(part)).collect();
        let joined = Column::join(&columns.iter().collect::<Vec<_>>(), Form::Text);
        assert_eq!(joined.bytes(), whole.bytes());
    }

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

    #[test]
    fn bytes_that_are_no_column_are_refused() {
        let good = Column::build(&["a", "b", "cc"], Form::Text)
            .bytes()
            .to_vec();
        for length in 0..good.len() {
            assert!(Column::parse(good[..length].to_vec()).is_none(), "{length}");
        }
        for at in 0..good.len() {
            for value in [0, 1, 3, 127, 255] {
                let mut bad = good.clone();
                bad[at] = value;
                // Refused, or a column of which every part can be read.
                if let Some(column) = Column::parse(bad) {
                    column.each(|_, code| drop(column.value(code).to_vec()));
                    column.starts(&Mask::All);
                    column.containing(&Finder::new("b"));
                }
            }
        }
    }
}
