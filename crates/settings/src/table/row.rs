//! One row of a table: an object in memory, open or packed.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Map;

use crate::listing::Written;
use crate::record::Record;
use crate::secret::Secret;

/// An object. One of a kind of which there may be very many is kept as the text
/// of its document (a fifth of an open one's size) and opened where its members
/// are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The object's id.
    pub id: i64,
    revision: i64,
    body: Body,
    /// Its row of a list, where one is kept.
    written: Option<Arc<Written>>,
}

#[derive(Debug, Clone)]
enum Body {
    Open(Arc<Record>),
    Packed(Arc<Packed>),
}

/// A document as text, and the secrets apart.
#[derive(Debug)]
struct Packed {
    text: Box<str>,
    secrets: Box<[(Box<str>, Secret)]>,
}

impl Row {
    /// A row that is kept open, with its row of a list where there is one.
    pub fn open(record: Arc<Record>, written: Option<Written>) -> Self {
        Self {
            id: record.id,
            revision: record.revision,
            body: Body::Open(record),
            written: written.map(Arc::new),
        }
    }

    /// A row that is kept packed.
    pub fn packed(record: Arc<Record>, written: Option<Written>) -> Self {
        let Ok(text) = serde_json::to_string(&record.doc) else {
            return Self::open(record, written);
        };
        let secrets = record.secrets.iter();
        let packed = Packed {
            text: text.into(),
            secrets: secrets
                .map(|(member, secret)| (member.as_str().into(), secret.clone()))
                .collect(),
        };
        Self {
            id: record.id,
            revision: record.revision,
            body: Body::Packed(Arc::new(packed)),
            written: written.map(Arc::new),
        }
    }

    /// Its row of a list, where one is kept.
    pub fn written(&self) -> Option<&Written> {
        self.written.as_deref()
    }

    /// The object's document as JSON text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Open(record) => serde_json::to_string(&record.doc)
                .unwrap_or_default()
                .into(),
            Body::Packed(packed) => Cow::Borrowed(&packed.text),
        }
    }

    /// The object.
    pub fn record(&self) -> Arc<Record> {
        match &self.body {
            Body::Open(record) => record.clone(),
            Body::Packed(packed) => Arc::new(Record {
                id: self.id,
                revision: self.revision,
                // We wrote it ourselves.
                doc: serde_json::from_str(&packed.text).unwrap_or_else(|_| Map::new()),
                secrets: packed
                    .secrets
                    .iter()
                    .map(|(member, secret)| (member.to_string(), secret.clone()))
                    .collect(),
            }),
        }
    }
}
