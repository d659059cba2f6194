//! One row of a table: an object in memory, open or packed.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Map;

use crate::listing::Written;
use crate::record::Record;

/// An object. One of a kind of which there may be very many, and without
/// secrets, is kept as the text of its document (a fifth of an open one's
/// size) and opened where its members are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The object's id.
    pub id: i64,
    revision: i64,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Open(Arc<Record>, Option<Arc<Written>>),
    Packed(Arc<str>),
}

impl Row {
    /// A row that is kept open, with its row of a list where there is one.
    pub fn open(record: Arc<Record>, written: Option<Written>) -> Self {
        Self {
            id: record.id,
            revision: record.revision,
            body: Body::Open(record, written.map(Arc::new)),
        }
    }

    /// A row that is kept packed, unless it has secrets.
    pub fn packed(record: Arc<Record>) -> Self {
        let text = match serde_json::to_string(&record.doc) {
            Ok(text) if record.secrets.is_empty() => text.into(),
            _ => return Self::open(record, None),
        };
        Self {
            id: record.id,
            revision: record.revision,
            body: Body::Packed(text),
        }
    }

    /// Its row of a list, where one is kept, and its object.
    pub fn written(&self) -> Option<(&Record, &Written)> {
        match &self.body {
            Body::Open(record, Some(written)) => Some((record, written)),
            _ => None,
        }
    }

    /// The object's document as JSON text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Open(record, _) => serde_json::to_string(&record.doc)
                .unwrap_or_default()
                .into(),
            Body::Packed(text) => Cow::Borrowed(text),
        }
    }

    /// The object.
    pub fn record(&self) -> Arc<Record> {
        match &self.body {
            Body::Open(record, _) => record.clone(),
            Body::Packed(text) => Arc::new(Record {
                id: self.id,
                revision: self.revision,
                // We wrote it ourselves.
                doc: serde_json::from_str(text).unwrap_or_else(|_| Map::new()),
                secrets: Default::default(),
            }),
        }
    }
}
