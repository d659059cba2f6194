//! A column as bytes, as it lies in the database: a version, the width of a
//! code (0: all records have the one value), the length of what all values begin
//! with (which is looked for only where values are numbers), the width of what
//! is left of a value (0: they differ), the numbers of records and of values,
//! the common beginning, the ends of what is left where they differ in width,
//! what is left of the values, the codes. All numbers are little endian.
//!
//! What comes out of the database is checked here, once; after that nothing of
//! a column fails.

use super::{Column, Form, HEAD, MAX_ROWS, pairs};

const VERSION: u8 = 1;

impl Column {
    /// The column of these values, sorted, and the number of each record's value.
    pub(super) fn write(sorted: &[&[u8]], rows: &[u32], form: Form) -> Self {
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
}

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;

    use super::super::super::mask::Mask;
    use super::*;

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
