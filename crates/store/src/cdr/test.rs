//! A filter as a condition on columns: decided where a run's bounds decide it,
//! else evaluated on the columns that are left to read.

use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::block::Run;
use super::column::{Accept, Column};
use super::field::{Field, number_key};
use super::mask::Mask;
use super::query::CdrFilter;

/// What must hold of a record.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// All of these.
    And(Vec<Self>),
    /// One of these.
    Or(Vec<Self>),
    /// The member lies between these, both included.
    Between(Field, Vec<u8>, Vec<u8>),
    /// The member is one of these.
    OneOf(Field, Arc<[Vec<u8>]>),
    /// The member holds this text.
    Contains(Field, Arc<Finder<'static>>),
}

/// The columns of one run by member.
pub(super) type Columns = BTreeMap<Field, Arc<Column>>;

impl Test {
    /// What a filter asks for.
    pub fn of(filter: &CdrFilter) -> Self {
        let mut all = Vec::new();
        if filter.start.is_some() || filter.end.is_some() {
            let low = number_key(filter.start.unwrap_or(i64::MIN));
            let high = number_key(filter.end.unwrap_or(i64::MAX));
            all.push(Self::Between(Field::Time, low.to_vec(), high.to_vec()));
        }
        for (field, text) in [
            (Field::Disposition, &filter.status),
            (Field::CallType, &filter.call_type),
            (Field::PinCode, &filter.pin_code),
        ] {
            all.extend(text.as_ref().map(|text| Self::equals(field, text)));
        }
        for (field, number) in [
            (Field::CallFrom, &filter.call_from),
            (Field::CallTo, &filter.call_to),
        ] {
            let Some(number) = number else { continue };
            all.push(if filter.fuzzy {
                Self::Contains(field, Arc::new(Finder::new(number).into_owned()))
            } else {
                Self::equals(field, number)
            });
        }
        if let Some(members) = &filter.members {
            let mut numbers: Vec<Vec<u8>> = members.iter().map(|n| n.as_bytes().to_vec()).collect();
            numbers.sort_unstable();
            let numbers: Arc<[Vec<u8>]> = numbers.into();
            all.push(Self::Or(vec![
                Self::OneOf(Field::CallFrom, numbers.clone()),
                Self::OneOf(Field::CallTo, numbers),
            ]));
        }
        if let Some(dids) = &filter.did {
            // By trunk, so that the numbers of one trunk are looked for at once.
            let mut by_trunk: BTreeMap<Option<&str>, Vec<Vec<u8>>> = BTreeMap::new();
            for did in dids {
                let numbers = by_trunk.entry(did.trunk.as_deref()).or_default();
                numbers.push(did.number_or_name.as_bytes().to_vec());
            }
            let tests = by_trunk.into_iter().map(|(trunk, mut numbers)| {
                numbers.sort_unstable();
                let numbers: Arc<[Vec<u8>]> = numbers.into();
                let number = Self::Or(vec![
                    Self::OneOf(Field::DidNumber, numbers.clone()),
                    Self::OneOf(Field::DidName, numbers),
                ]);
                match trunk {
                    Some(trunk) => Self::And(vec![Self::equals(Field::SrcTrunk, trunk), number]),
                    None => number,
                }
            });
            all.push(Self::Or(tests.collect()));
        }
        Self::And(all)
    }

    fn equals(field: Field, text: &str) -> Self {
        Self::Between(field, text.as_bytes().to_vec(), text.as_bytes().to_vec())
    }

    /// What the bounds of a run leave of it: no condition, which holds of all;
    /// no alternative, which holds of none; or what must be read.
    pub fn within(&self, run: &Run) -> Self {
        let parts = |tests: &[Self]| {
            tests
                .iter()
                .map(|test| test.within(run))
                .collect::<Vec<_>>()
        };
        match self {
            Self::And(tests) => {
                let mut tests = parts(tests);
                if tests.iter().any(Self::is_never) {
                    return Self::never();
                }
                tests.retain(|test| !test.is_always());
                Self::And(tests)
            }
            Self::Or(tests) => {
                let mut tests = parts(tests);
                if tests.iter().any(Self::is_always) {
                    return Self::always();
                }
                tests.retain(|test| !test.is_never());
                Self::Or(tests)
            }
            Self::Between(field, low, high) => {
                let (least, greatest) = run.zone(*field);
                if greatest < low.as_slice() || least > high.as_slice() {
                    Self::never()
                } else if least >= low.as_slice() && greatest <= high.as_slice() {
                    Self::always()
                } else {
                    self.clone()
                }
            }
            Self::OneOf(field, values) => {
                let (least, greatest) = run.zone(*field);
                let after = values.partition_point(|value| value.as_slice() < least);
                match values.get(after) {
                    Some(value) if value.as_slice() > greatest => Self::never(),
                    Some(value) if least == greatest && value == least => Self::always(),
                    Some(_) => self.clone(),
                    None => Self::never(),
                }
            }
            Self::Contains(..) => self.clone(),
        }
    }

    /// The members that must be read.
    pub fn fields(&self, into: &mut Vec<Field>) {
        match self {
            Self::And(tests) | Self::Or(tests) => {
                tests.iter().for_each(|test| test.fields(into));
            }
            Self::Between(field, ..) | Self::OneOf(field, _) | Self::Contains(field, _) => {
                if !into.contains(field) {
                    into.push(*field);
                }
            }
        }
    }

    /// The records of a mask of which it holds. A column that is not there, of
    /// a member that [`Test::fields`] named, holds of none.
    pub fn mask(&self, columns: &Columns, within: &Mask) -> Mask {
        let of = |field: &Field, accept: &dyn Fn(&Column) -> Accept| {
            columns
                .get(field)
                .map_or(Mask::Nothing, |column| column.mask(&accept(column), within))
        };
        match self {
            Self::And(tests) => tests
                .iter()
                .fold(within.clone(), |mask, test| test.mask(columns, &mask)),
            Self::Or(tests) => tests
                .iter()
                .map(|test| test.mask(columns, within))
                .fold(Mask::Nothing, Mask::or),
            Self::Between(field, low, high) => {
                of(field, &|column| Accept::Range(column.between(low, high)))
            }
            Self::OneOf(field, values) => of(field, &|column| column.one_of(values)),
            Self::Contains(field, needle) => of(field, &|column| column.containing(needle)),
        }
    }

    fn always() -> Self {
        Self::And(Vec::new())
    }

    fn never() -> Self {
        Self::Or(Vec::new())
    }

    /// Whether it holds of every record.
    pub fn is_always(&self) -> bool {
        matches!(self, Self::And(tests) if tests.is_empty())
    }

    /// Whether it holds of none.
    pub fn is_never(&self) -> bool {
        matches!(self, Self::Or(tests) if tests.is_empty())
    }
}
