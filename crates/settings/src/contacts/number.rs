//! Number to name: whose call it is that comes from outside.

use crate::snapshot::Snapshot;
use crate::table::Row;

use super::company_contact::{self, NUMBER_INDEX};

/// Most contacts of which the oldest is looked for, where their numbers are
/// equally alike.
const MAX_CANDIDATES: usize = 256;

/// How a caller's number is matched with the contacts' numbers. Signs that
/// only part a number for the eye, and the + before it, never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallerMatch {
    /// Not at all.
    Off,
    /// The whole number.
    #[default]
    Exact,
    /// The whole number; without one that is the same, so many of the last
    /// digits of a caller's number that has more.
    LastDigits(usize),
}

/// Who calls, as far as the contacts know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The contact's id.
    pub id: i64,
    /// First and last name.
    pub name: String,
    /// The company; empty where none is known.
    pub company: String,
}

impl Snapshot {
    /// The company contact that has a number. Of several the one that has been
    /// there longest, and of those that are alike at the end the one that is
    /// alike over the longest end.
    pub fn contact_by_number(&self, number: &str, matching: CallerMatch) -> Option<Caller> {
        let key = key(number);
        if key.is_empty() || matching == CallerMatch::Off {
            return None;
        }
        let table = self.table(company_contact::NAME)?;
        let exact = table.indexed(NUMBER_INDEX, &key).next().map(Row::record);
        let record = match (exact, matching) {
            (Some(record), _) => record,
            (None, CallerMatch::LastDigits(digits)) if digits > 0 && key.len() > digits => {
                // Those that are alike over the longest end stand together, and
                // the number itself would stand at one end of them.
                let common =
                    |other: &[u8]| key.iter().zip(other).take_while(|(a, b)| a == b).count();
                let neighbours = table.neighbours(NUMBER_INDEX, &key);
                let longest = neighbours.into_iter().flatten().map(common).max()?;
                if longest < digits {
                    return None;
                }
                let alike = table.beginning(NUMBER_INDEX, key.get(..longest)?);
                let id = alike.take(MAX_CANDIDATES).map(|(_, id)| id).min()?;
                table.get(id)?
            }
            _ => return None,
        };
        Some(Caller {
            id: record.id,
            name: company_contact::name(&record),
            company: record.text("company").to_owned(),
        })
    }
}

/// A number as it is compared: digits, letters, * and #, from the last to the
/// first, so that numbers that end alike stand together.
pub(super) fn key(number: &str) -> Vec<u8> {
    let signs = number.bytes().rev();
    signs
        .filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'*' | b'#'))
        .map(|sign| sign.to_ascii_lowercase())
        .collect()
}

/// A number without the signs that part it.
pub(super) fn plain(number: &str) -> String {
    key(number).into_iter().rev().map(char::from).collect()
}
