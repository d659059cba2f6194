//! A run of records that follow each other in the order of being written, as
//! columns. Full ones lie in the database and never change; the newest are in
//! memory until they are full.

use std::sync::Arc;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::column::{Column, Form};
use super::field::{FIELDS, Field, key_number, number_key};
use crate::error::StoreError;

/// The least and the greatest value of a member in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Zone {
    pub low: Vec<u8>,
    pub high: Vec<u8>,
}

impl Zone {
    fn of(column: &Column) -> Self {
        let (low, high) = column.bounds();
        Self {
            low: low.into_owned(),
            high: high.into_owned(),
        }
    }
}

/// A full run: its columns are in the database.
#[derive(Debug)]
pub(super) struct Sealed {
    /// Its number in the database.
    pub number: i64,
    /// How many records it has.
    pub rows: usize,
    /// The first record's `seq`.
    pub first: i64,
    /// The last record's `seq`.
    pub last: i64,
    /// By field.
    pub zones: Vec<Zone>,
}

/// A run in memory.
#[derive(Debug)]
pub(super) struct Recent {
    /// How many records it has.
    pub rows: usize,
    /// The first record's `seq`.
    pub first: i64,
    /// The last record's `seq`.
    pub last: i64,
    /// By field.
    zones: Vec<Zone>,
    /// By field.
    columns: Vec<Arc<Column>>,
}

/// A run, wherever its columns are.
#[derive(Debug, Clone)]
pub(super) enum Run {
    Sealed(Arc<Sealed>),
    Recent(Arc<Recent>),
}

/// A run as it is written to the database.
#[derive(Debug, Clone)]
pub(crate) struct NewBlock {
    /// Its number, which grows with the records.
    pub number: i64,
    /// The first record's `seq`.
    pub first: i64,
    /// The last record's `seq`.
    pub last: i64,
    /// How many records it has.
    pub rows: usize,
    /// Its columns.
    pub columns: Vec<(Field, Arc<Column>)>,
}

/// Values one after another, and where each ends.
#[derive(Debug, Default)]
struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// A run that still grows.
#[derive(Debug)]
pub(super) struct Growing {
    first: i64,
    last: i64,
    rows: usize,
    /// By field.
    values: Vec<Values>,
}

impl Default for Growing {
    fn default() -> Self {
        Self {
            first: 0,
            last: 0,
            rows: 0,
            values: Field::ALL.iter().map(|_| Values::default()).collect(),
        }
    }
}

impl Growing {
    /// How many records it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row of the table, which has [`Field::ALL`] as its columns.
    pub fn push(&mut self, row: &SqliteRow) -> Result<i64, StoreError> {
        let seq: i64 = row.try_get(0)?;
        for ((at, field), values) in Field::ALL.iter().enumerate().zip(&mut self.values) {
            if field.is_number() {
                values.bytes.extend(number_key(row.try_get(at)?));
            } else {
                values.bytes.extend(row.try_get::<&str, _>(at)?.as_bytes());
            }
            values.ends.push(values.bytes.len());
        }
        if self.rows == 0 {
            self.first = seq;
        }
        self.last = seq;
        self.rows += 1;
        Ok(seq)
    }

    /// Its records so far, as columns.
    pub fn recent(&self) -> Recent {
        let columns = Field::ALL.iter().zip(&self.values).map(|(field, values)| {
            let starts = std::iter::once(&0).chain(&values.ends);
            let values: Vec<&[u8]> = starts
                .zip(&values.ends)
                .map(|(start, end)| values.bytes.get(*start..*end).unwrap_or_default())
                .collect();
            Arc::new(Column::build(&values, form(*field)))
        });
        let columns: Vec<_> = columns.collect();
        Recent {
            rows: self.rows,
            first: self.first,
            last: self.last,
            zones: columns.iter().map(|column| Zone::of(column)).collect(),
            columns,
        }
    }
}

impl Recent {
    /// One of its columns.
    pub fn column(&self, field: Field) -> Option<&Arc<Column>> {
        self.columns.get(field as usize)
    }

    /// Several runs that follow each other as one, to be written.
    pub fn join(number: i64, parts: &[Arc<Self>]) -> NewBlock {
        let first = parts.first().map_or(0, |part| part.first);
        let last = parts.last().map_or(0, |part| part.last);
        let rows = parts.iter().map(|part| part.rows).sum();
        let columns = Field::ALL.into_iter().filter_map(|field| {
            // Where no number is missing, a place says it all.
            if field == Field::Seq && is_dense(first, last, rows) {
                return None;
            }
            let columns: Vec<&Column> = parts
                .iter()
                .filter_map(|part| part.column(field).map(AsRef::as_ref))
                .collect();
            Some((field, Arc::new(Column::join(&columns, form(field)))))
        });
        NewBlock {
            number,
            first,
            last,
            rows,
            columns: columns.collect(),
        }
    }
}

impl NewBlock {
    /// What is kept in memory of it once it is written.
    pub(super) fn sealed(&self) -> Sealed {
        let mut zones = vec![Zone::default(); FIELDS];
        for (field, column) in &self.columns {
            if let Some(zone) = zones.get_mut(*field as usize) {
                *zone = Zone::of(column);
            }
        }
        Sealed {
            number: self.number,
            rows: self.rows,
            first: self.first,
            last: self.last,
            zones,
        }
    }
}

impl Run {
    /// How many records it has.
    pub fn rows(&self) -> usize {
        match self {
            Self::Sealed(run) => run.rows,
            Self::Recent(run) => run.rows,
        }
    }

    /// The least and the greatest value of a member.
    pub fn zone(&self, field: Field) -> (&[u8], &[u8]) {
        match self {
            Self::Sealed(run) => run
                .zones
                .get(field as usize)
                .map(|zone| (zone.low.as_slice(), zone.high.as_slice())),
            Self::Recent(run) => run
                .zones
                .get(field as usize)
                .map(|zone| (zone.low.as_slice(), zone.high.as_slice())),
        }
        .unwrap_or_default()
    }

    /// The first record's `seq` and the last one's.
    pub fn seqs(&self) -> (i64, i64) {
        match self {
            Self::Sealed(run) => (run.first, run.last),
            Self::Recent(run) => (run.first, run.last),
        }
    }

    /// Whether its records' `seq`s have no gap, so that a place tells them.
    pub fn is_dense(&self) -> bool {
        let (first, last) = self.seqs();
        is_dense(first, last, self.rows())
    }

    /// The `seq` at a place. `seqs` is the column of them, where there are gaps.
    pub fn seq(&self, at: usize, seqs: Option<&Column>) -> Option<i64> {
        if let Some(seqs) = seqs {
            return key_number(&seqs.value(seqs.code(at)));
        }
        self.seqs().0.checked_add(i64::try_from(at).ok()?)
    }
}

fn form(field: Field) -> Form {
    if field.is_number() {
        Form::Number
    } else {
        Form::Text
    }
}

fn is_dense(first: i64, last: i64, rows: usize) -> bool {
    usize::try_from(last - first).is_ok_and(|span| span + 1 == rows)
}
