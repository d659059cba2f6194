//! One member of many records: its distinct values, sorted, and for each record
//! the number of its value. Found by a binary search, counted by reading one or
//! two bytes a record. Beyond what it takes to make one, nothing here fails.

mod build;
mod bytes;
mod find;
mod scan;
mod text;

use std::borrow::Cow;
use std::ops::Range;

/// Most records of a column: a code has at most 16 bits.
pub(super) const MAX_ROWS: usize = 1 << 16;
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

    /// Where each value ends, where they differ in width.
    fn ends(&self) -> impl Iterator<Item = usize> {
        let ends = self.bytes.get(HEAD + self.common..self.values_at);
        let (ends, _) = ends.unwrap_or_default().as_chunks();
        ends.iter().map(|end| u32::from_le_bytes(*end) as usize)
    }

    fn end(&self, code: usize) -> usize {
        let at = HEAD + self.common + code * 4;
        let four = self
            .bytes
            .get(at..(at + 4).min(self.values_at))
            .and_then(|four| <[u8; 4]>::try_from(four).ok());
        four.map_or(0, |four| u32::from_le_bytes(four) as usize)
    }
}

/// 64 flags of a byte each as bits: eight bytes into eight bits by one
/// multiplication.
fn packed(flags: &[u8; 64]) -> u64 {
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0_u64, |word, eight| {
        let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word << 8 | bits
    })
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_le_bytes(*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn column(values: &[&str]) -> Column {
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

    pub fn text(column: &Column) -> Vec<String> {
        let mut texts = Vec::new();
        column.each(|at, code| {
            assert_eq!(column.code(at), code);
            texts.push(String::from_utf8(column.value(code).to_vec()).unwrap());
        });
        texts
    }
}
