//! One configuration object in memory.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use store::Object;

use crate::error::SettingsError;
use crate::seal::Sealer;
use crate::secret::Secret;

/// One object: its members without secrets, and its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id within the kind.
    pub id: i64,
    /// The settings revision that wrote it.
    pub revision: i64,
    /// Its members.
    pub doc: Map<String, Value>,
    /// Its secrets by member. A hashed one holds the hash.
    pub secrets: BTreeMap<String, Secret>,
}

impl Record {
    /// A text member; empty where it is missing.
    pub fn text(&self, member: &str) -> &str {
        self.doc
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A whole-number member.
    pub fn number(&self, member: &str) -> Option<i64> {
        self.doc.get(member).and_then(Value::as_i64)
    }

    /// A list member; empty where it is missing.
    pub fn list(&self, member: &str) -> &[Value] {
        self.doc
            .get(member)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// A secret member, where it is set.
    pub fn secret(&self, member: &str) -> Option<&Secret> {
        self.secrets
            .get(member)
            .filter(|secret| !secret.expose().is_empty())
    }

    /// As it is stored.
    pub(crate) fn seal(&self, kind: &str, sealer: &Sealer) -> Result<Object, SettingsError> {
        let doc = serde_json::to_string(&self.doc).map_err(|error| self.corrupt(kind, &error))?;
        let secret = if self.secrets.is_empty() {
            None
        } else {
            let plain: BTreeMap<&str, &str> = self
                .secrets
                .iter()
                .map(|(name, secret)| (name.as_str(), secret.expose()))
                .collect();
            let plain = serde_json::to_vec(&plain).map_err(|error| self.corrupt(kind, &error))?;
            Some(sealer.seal(&place(kind, self.id), &plain)?)
        };
        Ok(Object {
            kind: kind.to_owned(),
            id: self.id,
            revision: self.revision,
            doc,
            secret,
        })
    }

    /// From what is stored.
    pub(crate) fn unseal(object: &Object, sealer: &Sealer) -> Result<Self, SettingsError> {
        let broken = |reason: String| SettingsError::Corrupt {
            kind: object.kind.clone(),
            id: object.id,
            reason,
        };
        let doc = serde_json::from_str(&object.doc).map_err(|error| broken(error.to_string()))?;
        let secrets = match &object.secret {
            None => BTreeMap::new(),
            Some(sealed) => {
                let plain = sealer.unseal(&place(&object.kind, object.id), sealed)?;
                // The parser's message could quote what it read.
                let plain: BTreeMap<String, String> = serde_json::from_slice(&plain)
                    .map_err(|_| broken("its secrets can't be read".into()))?;
                plain
                    .into_iter()
                    .map(|(name, text)| (name, Secret::new(&text)))
                    .collect()
            }
        };
        Ok(Self {
            id: object.id,
            revision: object.revision,
            doc,
            secrets,
        })
    }

    fn corrupt(&self, kind: &str, error: &serde_json::Error) -> SettingsError {
        SettingsError::Corrupt {
            kind: kind.to_owned(),
            id: self.id,
            reason: error.to_string(),
        }
    }
}

fn place(kind: &str, id: i64) -> String {
    format!("{kind}:{id}")
}
