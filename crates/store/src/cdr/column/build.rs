//! Columns made of values, and of other columns.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Column, Form, MAX_ROWS};

impl Column {
    /// The column of these values, at most [`MAX_ROWS`].
    pub(in crate::cdr) fn build<V: AsRef<[u8]>>(values: &[V], form: Form) -> Self {
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
    pub(in crate::cdr) fn join(parts: &[&Self], form: Form) -> Self {
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
}

#[cfg(test)]
mod tests {
    use super::super::tests::{column, text};
    use super::*;

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
}
