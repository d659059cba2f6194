//! A page of a list as JSON text. A page may hold ten thousand rows: they are
//! written one behind another, without a tree of values for each, and a row that
//! hangs on its object alone is written when the object changes, not when it is
//! read.

use serde_json::{Map, Value};

use crate::error::SettingsError;
use crate::table::Row;

/// Writes what is live of an object, as JSON: the settings don't know it. The
/// object is known by what its kind says, an extension by its number.
pub type Live<'l> = &'l (dyn Fn(&str, &mut Vec<u8>) + Send + Sync);

/// The answer of `list` or `search`.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Its members, but for the rows.
    pub members: Map<String, Value>,
    /// The rows' member and the rows as JSON text, where they are written so.
    pub rows: Option<(&'static str, String)>,
}

impl Listing {
    /// The answer as values.
    pub(crate) fn values(self) -> Result<Map<String, Value>, SettingsError> {
        let mut members = self.members;
        if let Some((member, rows)) = self.rows {
            let rows = serde_json::from_str(&rows).map_err(|error| SettingsError::Corrupt {
                kind: member.to_owned(),
                id: 0,
                reason: error.to_string(),
            })?;
            members.insert(member.to_owned(), rows);
        }
        Ok(members)
    }
}

/// A row as text, with the place of what is live in it, if anything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    text: Vec<u8>,
    live: Option<Place>,
}

/// Where what is live of an object stands in its row, and what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    at: usize,
    of: Box<str>,
}

impl Written {
    /// The row that `write` says.
    pub fn new(write: impl FnOnce(&mut Members<'_>)) -> Self {
        let mut text = Vec::new();
        let live = object(&mut text, write);
        text.shrink_to_fit();
        Self { text, live }
    }

    fn copy(&self, live: Live<'_>, text: &mut Vec<u8>) {
        let parts = self.live.as_ref().and_then(|place| {
            let parts = self.text.split_at_checked(place.at)?;
            Some((place, parts))
        });
        match parts {
            Some((place, (before, after))) => {
                text.extend_from_slice(before);
                live(&place.of, text);
                text.extend_from_slice(after);
            }
            None => text.extend_from_slice(&self.text),
        }
    }
}

/// What a row may take, bytes.
const BYTES: usize = 512;

/// Rows of a page as text. A row that was written when its object changed is
/// copied; another one `write` says now.
pub(crate) fn rows(
    rows: &[Row],
    live: Live<'_>,
    mut write: impl FnMut(&Row, &mut Members<'_>),
) -> String {
    let mut text = Vec::with_capacity(rows.len().saturating_mul(BYTES));
    text.push(b'[');
    for row in rows {
        if text.len() > 1 {
            text.push(b',');
        }
        match row.written() {
            Some(written) => written.copy(live, &mut text),
            None => {
                object(&mut text, |members| write(row, members));
            }
        }
    }
    text.push(b']');
    // Texts and JSON were put in, nothing else.
    String::from_utf8(text).unwrap_or_else(|_| "[]".to_owned())
}

/// Writes an object; the place of what is live in it.
fn object(text: &mut Vec<u8>, write: impl FnOnce(&mut Members<'_>)) -> Option<Place> {
    text.push(b'{');
    let mut members = Members {
        empty: text.len(),
        text,
        live: None,
    };
    write(&mut members);
    let live = members.live;
    text.push(b'}');
    live
}

/// Writes an object's members. A name is one of ours: it holds nothing that
/// JSON would escape.
pub(crate) struct Members<'w> {
    text: &'w mut Vec<u8>,
    /// How long the text is while there is no member.
    empty: usize,
    live: Option<Place>,
}

impl Members<'_> {
    /// A text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.json(name, value);
    }

    /// A number.
    pub fn number(&mut self, name: &str, value: i64) {
        self.json(name, &value);
    }

    /// Whatever there is.
    pub fn json<T: serde::Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.name(name);
        let before = self.text.len();
        if serde_json::to_writer(&mut *self.text, value).is_err() {
            // Texts, numbers and lists of them can be written.
            self.text.truncate(before);
            self.text.extend_from_slice(b"null");
        }
    }

    /// All members of an object.
    pub fn all(&mut self, members: &Map<String, Value>) {
        for (name, value) in members {
            self.json(name, value);
        }
    }

    /// A list of objects, each of which `write` says.
    pub fn list<T>(
        &mut self,
        name: &str,
        entries: impl IntoIterator<Item = T>,
        write: impl Fn(T, &mut Members<'_>),
    ) {
        self.name(name);
        self.text.push(b'[');
        let empty = self.text.len();
        for entry in entries {
            if self.text.len() > empty {
                self.text.push(b',');
            }
            object(self.text, |members| write(entry, members));
        }
        self.text.push(b']');
    }

    /// What is live of the object that is known by this: its value is written
    /// when a page is read. One member of a [`Written`] row can be so.
    pub fn live(&mut self, name: &str, of: &str) {
        self.name(name);
        self.live = Some(Place {
            at: self.text.len(),
            of: of.into(),
        });
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > self.empty {
            self.text.push(b',');
        }
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn rows_are_json_whatever_is_in_them_and_live_members_stand_in_their_place() {
        let record = |id| {
            Arc::new(Record {
                id,
                revision: 1,
                doc: Map::new(),
                secrets: Default::default(),
            })
        };
        let written = Written::new(|row| {
            row.number("id", 2);
            row.live("e", "two");
            row.text("a", "\"\\\u{1}ü");
        });
        let page = [
            Row::open(record(1), None),
            Row::open(record(2), Some(written)),
        ];
        let live: Live<'_> = &|of, text| text.extend_from_slice(format!("[\"{of}\"]").as_bytes());
        let text = rows(&page, live, |row, members| {
            members.number("b", -row.id);
            members.list("c", [1, 2], |n, entry| entry.number("n", n));
            members.list("d", [0; 0], |n, entry| entry.number("n", n));
            members.json("e", &json!({"x": [null]}));
        });
        let read: Value = serde_json::from_str(&text).unwrap();
        let first = json!({"b": -1, "c": [{"n": 1}, {"n": 2}], "d": [], "e": {"x": [null]}});
        let second = json!({"id": 2, "e": ["two"], "a": "\"\\\u{1}ü"});
        assert_eq!(read, json!([first, second]));
        assert_eq!(rows(&[], live, |_, _| ()), "[]");
    }
}
