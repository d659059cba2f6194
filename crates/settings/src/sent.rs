//! What a request sent of an object, member by member, and the object that it
//! would make. All that can be wrong is found here, before anything is touched.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wire::{DuplicateField, InvalidParam};

use crate::error::{SettingsError, invalid, word};
use crate::kind::{Kind, Rule, SecretForm};
use crate::read::unknown;
use crate::record::Record;
use crate::secret::{MASK, Secret, hash_aside};
use crate::snapshot::Snapshot;

/// What a request sent, checked member by member.
#[derive(Debug)]
pub(crate) struct Sent {
    doc: Map<String, Value>,
    /// Sealed ones as they are, hashed ones as hashes once `Sent::hash` was called.
    secrets: BTreeMap<&'static str, (SecretForm, Secret)>,
    hashed: bool,
}

impl Sent {
    /// Sorts a request's members into document and secrets. Members that the
    /// kind does not know are passed over, as the contract asks for.
    pub fn read(
        kind: &dyn Kind,
        mut params: Map<String, Value>,
        update: bool,
    ) -> Result<Self, SettingsError> {
        let mut faults = Vec::new();
        let mut doc = Map::new();
        let mut secrets = BTreeMap::new();
        for member in kind.members() {
            let Some(value) = params.remove(member.name) else {
                continue;
            };
            if let Some(form) = member.rule.secret() {
                let text = value.as_str().unwrap_or_default();
                if update && text == MASK {
                    continue;
                }
                kind.check_secret(member.name, text, &mut faults);
                secrets.insert(member.name, (form, Secret::new(text)));
                continue;
            }
            if let Rule::Only(fixed) = member.rule
                && !fixed.is(&value)
            {
                faults.push(unsupported(member.name, &value));
            }
            doc.insert(member.name.to_owned(), value);
        }
        kind.receive(&mut doc, &mut params, &mut faults);
        if faults.is_empty() {
            let hashes = |(form, _): &(SecretForm, Secret)| *form == SecretForm::Hashed;
            let hashed = !secrets.values().any(hashes);
            Ok(Self {
                doc,
                secrets,
                hashed,
            })
        } else {
            Err(refused(faults))
        }
    }

    /// Makes hashes of what is kept hashed: milliseconds of CPU, aside.
    pub async fn hash(&mut self, memory_kib: u32) -> Result<(), SettingsError> {
        for (form, secret) in self.secrets.values_mut() {
            if *form == SecretForm::Hashed {
                *secret = hash_aside(secret.clone(), memory_kib).await?;
            }
        }
        self.hashed = true;
        Ok(())
    }

    /// Whether nothing is left to be hashed.
    pub fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// The object as it would be, if nothing speaks against it.
    pub fn on(
        &self,
        kind: &'static dyn Kind,
        present: Option<&Record>,
        snapshot: &Snapshot,
    ) -> Result<Record, SettingsError> {
        let mut faults = Vec::new();
        let mut record = match present {
            Some(present) => present.clone(),
            None => Record {
                id: 0,
                revision: 0,
                doc: Map::new(),
                secrets: BTreeMap::new(),
            },
        };
        let mut doc = self.doc.clone();
        if let Some(present) = present {
            for member in kind.fixed() {
                if doc
                    .get(*member)
                    .is_some_and(|value| present.doc.get(*member) != Some(value))
                {
                    faults.push(invalid(*member, None, word::READ_ONLY));
                }
            }
        }
        kind.merge(present, &mut doc, &mut faults);
        record.doc.extend(doc);
        for (member, (_, secret)) in &self.secrets {
            record.secrets.insert((*member).to_owned(), secret.clone());
        }
        kind.complete(&mut record);
        kind.check(&record, present, snapshot, &mut faults);
        for reference in kind.references(&record) {
            if !snapshot.has(reference.kind, reference.id) {
                faults.push(unknown(reference.path(), reference.id));
            }
        }
        if !faults.is_empty() {
            return Err(refused(faults));
        }
        kind.forbid(&record, present, &self.doc, snapshot)?;
        let taken = duplicates(kind, &record, snapshot);
        if taken.is_empty() {
            Ok(record)
        } else {
            Err(SettingsError::Duplicate(taken))
        }
    }
}

fn refused(mut faults: Vec<InvalidParam>) -> SettingsError {
    faults.truncate(wire::MAX_INVALID_PARAMS);
    SettingsError::Invalid(faults)
}

/// A value that nothing would act on.
pub(crate) fn unsupported(field: &str, value: &Value) -> InvalidParam {
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) | Value::Array(_) => None,
        other => Some(other.to_string()),
    };
    invalid(field, text.as_deref(), word::UNSUPPORTED)
}

fn duplicates(
    kind: &'static dyn Kind,
    record: &Record,
    snapshot: &Snapshot,
) -> Vec<DuplicateField> {
    let taken = kind.unique().iter().filter_map(|key| {
        let value = key.value(record)?;
        let holder = snapshot.holder(kind.name(), key.member, &value)?;
        (holder.id != record.id).then(|| DuplicateField {
            field: key.member.into(),
            value: record.text(key.member).into(),
            external_source: kind.name().into(),
            external_source_name: kind.label(&holder),
        })
    });
    taken.collect()
}
