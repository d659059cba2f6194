//! The three operations that change: create, update, delete. All that can be
//! wrong is found before anything is touched; changes go one at a time, and
//! one that has begun is carried out whether or not its caller waits for it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use serde_json::{Map, Value};
use store::{Batch, ObjectChange, ObjectKey};
use wire::{DuplicateField, InvalidParam};

use crate::error::{SettingsError, invalid, word};
use crate::kind::{Deed, KINDS, Kind, Rule, SecretForm, kind};
use crate::read::{answer, id};
use crate::record::Record;
use crate::secret::{MASK, Secret, hash_password};
use crate::settings::{Inner, Settings};
use crate::snapshot::Snapshot;

/// What a request sent, checked member by member.
#[derive(Debug)]
struct Sent {
    doc: Map<String, Value>,
    /// Sealed ones as they are, hashed ones as hashes once `Settings::hash` was called.
    secrets: BTreeMap<&'static str, (SecretForm, Secret)>,
}

impl Settings {
    /// `<kind>/create`: answers the new object's `id`.
    pub async fn create(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let kind = kind(name).ok_or(SettingsError::UnknownKind)?;
        let operation = kind.operation("create").ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let mut sent = Sent::read(kind, params, false)?;
        // What is plainly wrong is not worth a hash.
        sent.on(kind, None, 0, &self.snapshot())?;
        self.hash(&mut sent).await?;
        let inner = self.0.clone();
        let id = detached(async move { inner.create(kind, sent).await }).await?;
        Ok(answer([("id", id.into())]))
    }

    /// `<kind>/update`: members that are not sent keep their values.
    pub async fn update(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let kind = kind(name).ok_or(SettingsError::UnknownKind)?;
        let (Some(operation), Some(create)) = (kind.operation("update"), kind.operation("create"))
        else {
            return Err(SettingsError::UnknownKind);
        };
        // The update tables are cut off; what create knows is known here too.
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let params = wire::validate_patch(create, &params).map_err(SettingsError::Invalid)?;
        let id = id(&params);
        let mut sent = Sent::read(kind, params, true)?;
        let snapshot = self.snapshot();
        let present = snapshot.record(name, id).ok_or(SettingsError::NotFound)?;
        sent.on(kind, Some(&present), 0, &snapshot)?;
        self.hash(&mut sent).await?;
        let inner = self.0.clone();
        detached(async move { inner.update(kind, id, sent).await }).await?;
        Ok(Map::new())
    }

    /// `<kind>/delete`.
    pub async fn delete(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let kind = kind(name).ok_or(SettingsError::UnknownKind)?;
        let operation = kind.operation("delete").ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let (inner, id) = (self.0.clone(), id(&params));
        detached(async move { inner.delete(kind, id).await }).await?;
        Ok(Map::new())
    }

    async fn hash(&self, sent: &mut Sent) -> Result<(), SettingsError> {
        let cost = self.0.options.hash_cost.memory_kib;
        for (form, secret) in sent.secrets.values_mut() {
            if *form == SecretForm::Hashed {
                let plain = secret.clone();
                let hash = tokio::task::spawn_blocking(move || hash_password(plain.expose(), cost));
                *secret = Secret::new(&hash.await.map_err(|_| SettingsError::Stopping)??);
            }
        }
        Ok(())
    }
}

impl Inner {
    async fn create(&self, kind: &'static dyn Kind, sent: Sent) -> Result<i64, SettingsError> {
        let _turn = self.turn.lock().await;
        let mut snapshot = Snapshot::clone(&self.current.load());
        if snapshot.count(kind.name()) >= kind.limit() {
            return Err(SettingsError::TooMany);
        }
        let (id, counter) = self.next_id(kind).await?;
        let record = Record {
            id,
            ..sent.on(kind, None, snapshot.revision() + 1, &snapshot)?
        };
        let batch = Batch {
            counters: vec![counter],
            ..self.batch(kind, &record, Deed::Created)?
        };
        snapshot.put(kind, Arc::new(record))?;
        self.apply(batch, snapshot).await?;
        Ok(id)
    }

    async fn update(
        &self,
        kind: &'static dyn Kind,
        id: i64,
        sent: Sent,
    ) -> Result<(), SettingsError> {
        let _turn = self.turn.lock().await;
        let mut snapshot = Snapshot::clone(&self.current.load());
        let present = snapshot
            .record(kind.name(), id)
            .ok_or(SettingsError::NotFound)?;
        let record = sent.on(kind, Some(&present), snapshot.revision() + 1, &snapshot)?;
        let batch = self.batch(kind, &record, Deed::Updated)?;
        snapshot.put(kind, Arc::new(record))?;
        self.apply(batch, snapshot).await
    }

    async fn delete(&self, kind: &'static dyn Kind, id: i64) -> Result<(), SettingsError> {
        let _turn = self.turn.lock().await;
        let mut snapshot = Snapshot::clone(&self.current.load());
        let record = snapshot
            .record(kind.name(), id)
            .ok_or(SettingsError::NotFound)?;
        if is_used(kind, id, &snapshot) {
            return Err(SettingsError::InUse);
        }
        let batch = Batch {
            objects: vec![ObjectChange::Delete {
                kind: kind.name().into(),
                id,
            }],
            events: kind
                .event(&record, Deed::Deleted, &self.options.serial)
                .into_iter()
                .collect(),
            ..Batch::default()
        };
        snapshot.remove(kind, id);
        snapshot.set_revision(snapshot.revision() + 1);
        self.apply(batch, snapshot).await
    }

    fn batch(
        &self,
        kind: &'static dyn Kind,
        record: &Record,
        deed: Deed,
    ) -> Result<Batch, SettingsError> {
        Ok(Batch {
            objects: vec![self.put(kind, record)?],
            events: kind
                .event(record, deed, &self.options.serial)
                .into_iter()
                .collect(),
            ..Batch::default()
        })
    }

    /// The rows of an object.
    pub fn put(
        &self,
        kind: &'static dyn Kind,
        record: &Record,
    ) -> Result<ObjectChange, SettingsError> {
        let keys = kind.unique().iter().filter_map(|key| {
            let value = key.value(record)?;
            Some(ObjectKey {
                name: key.member.into(),
                value,
            })
        });
        Ok(ObjectChange::Put {
            object: record.seal(kind.name(), &self.sealer)?,
            keys: keys.collect(),
            refs: kind.references(record),
        })
    }
}

impl Sent {
    /// Sorts a request's members into document and secrets. Members that the
    /// kind does not know are passed over, as the contract asks for.
    fn read(
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
        if faults.is_empty() {
            Ok(Self { doc, secrets })
        } else {
            Err(SettingsError::Invalid(faults))
        }
    }

    /// The object as it would be, if nothing speaks against it.
    fn on(
        &self,
        kind: &'static dyn Kind,
        present: Option<&Record>,
        revision: i64,
        snapshot: &Snapshot,
    ) -> Result<Record, SettingsError> {
        let mut faults = Vec::new();
        let mut record = match present {
            Some(present) => present.clone(),
            None => Record {
                id: 0,
                revision,
                doc: Map::new(),
                secrets: BTreeMap::new(),
            },
        };
        record.revision = revision;
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
            kind.merge(present, &mut doc);
        }
        record.doc.extend(doc);
        for (member, (_, secret)) in &self.secrets {
            record.secrets.insert((*member).to_owned(), secret.clone());
        }
        kind.complete(&mut record);
        kind.check(&record, &mut faults);
        if !faults.is_empty() {
            faults.truncate(wire::MAX_INVALID_PARAMS);
            return Err(SettingsError::Invalid(faults));
        }
        let taken = duplicates(kind, &record, snapshot);
        if taken.is_empty() {
            Ok(record)
        } else {
            Err(SettingsError::Duplicate(taken))
        }
    }
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

/// Whether an object of any kind refers to it.
fn is_used(kind: &dyn Kind, id: i64, snapshot: &Snapshot) -> bool {
    KINDS.iter().any(|other| {
        snapshot.records(other.name()).any(|record| {
            other
                .references(&record)
                .iter()
                .any(|to| to.kind == kind.name() && to.id == id)
        })
    })
}

/// Carries a change out on a task of its own: a caller that goes away must not
/// leave the database with it and the snapshot without.
pub(crate) async fn detached<T: Send + 'static>(
    change: impl Future<Output = Result<T, SettingsError>> + Send + 'static,
) -> Result<T, SettingsError> {
    tokio::spawn(change)
        .await
        .unwrap_or(Err(SettingsError::Stopping))
}
