//! The three operations that change: create, update, delete. Changes go one at
//! a time, and one that has begun is carried out whether or not its caller
//! waits for it. What a change does to other objects and the events it sets off
//! are kept with it, or none of it is.

use std::collections::BTreeMap;
use std::future::Future;

use serde_json::{Map, Value};
use store::NewEvent;

use crate::draft::Draft;
use crate::error::{SettingsError, word};
use crate::kind::{Kind, all};
use crate::organization;
use crate::read::{answer, id};
use crate::record::Record;
use crate::sent::Sent;
use crate::settings::{Inner, Settings};
use crate::snapshot::Snapshot;

/// Under which the organization feature's switches of the last start are kept.
const ORGANIZATION_SWITCH: &str = "organization.switch";

impl Settings {
    /// `<kind>/create`: answers the new object's `id`.
    pub async fn create(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let (kind, now) = self.usable(name)?;
        let operation = kind.operation("create").ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let mut sent = Sent::read(kind, params, false)?;
        // What is plainly wrong is not worth a hash; but only in its turn, on the
        // settings as they are then, is a change refused.
        if sent.on(kind, None, &now).is_ok() {
            sent.hash(self.0.options.hash_cost.memory_kib).await?;
        }
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
        let (kind, now) = self.usable(name)?;
        let (Some(operation), Some(create)) = (kind.operation("update"), kind.operation("create"))
        else {
            return Err(SettingsError::UnknownKind);
        };
        // The update tables are cut off; what create knows is known here too.
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let params = wire::validate_patch(create, &params).map_err(SettingsError::Invalid)?;
        let id = id(&params);
        let mut sent = Sent::read(kind, params, true)?;
        // As in `create`.
        if let Some(present) = now.record(name, id)
            && sent.on(kind, Some(&present), &now).is_ok()
        {
            sent.hash(self.0.options.hash_cost.memory_kib).await?;
        }
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
        let (kind, _) = self.usable(name)?;
        let operation = kind.operation("delete").ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let (inner, id) = (self.0.clone(), id(&params));
        detached(async move { inner.delete(kind, id).await }).await?;
        Ok(Map::new())
    }
}

impl Inner {
    async fn create(&self, kind: &'static dyn Kind, mut sent: Sent) -> Result<i64, SettingsError> {
        let _turn = self.turn.lock().await;
        let mut draft = Draft::new(self.present.snapshot());
        if draft.now().count(kind.name()) >= kind.limit() {
            return Err(SettingsError::TooMany);
        }
        let mut record = self.made(kind, &mut sent, None, draft.now()).await?;
        let id = self.give_id(kind, &mut draft).await?;
        record.id = id;
        kind.carry(&mut record, &mut draft)?;
        draft.put(kind, record)?;
        self.keep(draft).await?;
        Ok(id)
    }

    /// Changes an object.
    pub async fn update(
        &self,
        kind: &'static dyn Kind,
        id: i64,
        mut sent: Sent,
    ) -> Result<(), SettingsError> {
        let _turn = self.turn.lock().await;
        let mut draft = Draft::new(self.present.snapshot());
        let present = draft
            .now()
            .record(kind.name(), id)
            .ok_or(SettingsError::NotFound)?;
        let present = Some(&*present);
        let mut record = self.made(kind, &mut sent, present, draft.now()).await?;
        kind.carry(&mut record, &mut draft)?;
        draft.put(kind, record)?;
        self.keep(draft).await
    }

    /// The object that a request makes, its password hashed.
    async fn made(
        &self,
        kind: &'static dyn Kind,
        sent: &mut Sent,
        present: Option<&Record>,
        now: &Snapshot,
    ) -> Result<Record, SettingsError> {
        let record = sent.on(kind, present, now)?;
        if sent.is_hashed() {
            return Ok(record);
        }
        // It looked wrong before its turn and no longer is.
        sent.hash(self.options.hash_cost.memory_kib).await?;
        sent.on(kind, present, now)
    }

    async fn delete(&self, kind: &'static dyn Kind, id: i64) -> Result<(), SettingsError> {
        let _turn = self.turn.lock().await;
        let mut draft = Draft::new(self.present.snapshot());
        // The contract says so of deleting nothing.
        let record = draft
            .now()
            .record(kind.name(), id)
            .ok_or_else(|| SettingsError::member("id", Some(&id.to_string()), word::NOT_FOUND))?;
        kind.may_delete(&record, draft.now())?;
        draft.remove(kind, id)?;
        self.keep(draft).await
    }

    /// Makes the objects that exist from the start, of kinds of which there
    /// never was one; what follows the configuration is brought to what it says
    /// now. Nobody listens yet, but who reads the log finds what has changed.
    pub async fn begin(&self) -> Result<(), SettingsError> {
        let mut draft = Draft::new(self.present.snapshot());
        for kind in all() {
            let first = kind.first(&self.options);
            if first.is_empty() || self.store.counter(&counter(kind)).await? > 0 {
                continue;
            }
            for (doc, id) in first.into_iter().zip(1..) {
                let mut record = Record {
                    id,
                    revision: draft.revision(),
                    doc,
                    secrets: BTreeMap::new(),
                };
                kind.complete(&mut record);
                draft.put_untold(kind, record)?;
                draft.count((counter(kind), u64::try_from(id).unwrap_or(0)));
            }
        }
        for kind in all() {
            for (id, member, value) in kind.configured(&self.options) {
                let now = draft.now().record(kind.name(), id);
                if now.is_some_and(|record| record.doc.get(member) != Some(&value)) {
                    draft.edit(kind, id, |record| {
                        record.doc.insert(member.to_owned(), value);
                    })?;
                }
            }
        }
        let switched = self.switched().await?;
        if draft.is_empty() && switched.is_none() {
            return Ok(());
        }
        let (mut batch, snapshot) = draft.finish(&self.sealer, &self.options.serial)?;
        if let Some((now, event)) = switched {
            batch.meta.push((ORGANIZATION_SWITCH.into(), now));
            batch.events.extend(event);
        }
        self.apply(batch, snapshot).await
    }

    /// The organization feature's switches where they are not what they were at
    /// the last start: to be kept, and told unless this is the first start.
    async fn switched(&self) -> Result<Option<(String, Option<NewEvent>)>, SettingsError> {
        let features = self.options.features;
        let now = format!(
            "{},{}",
            u8::from(features.organization),
            u8::from(features.show_root_organization)
        );
        let before = self.store.meta(ORGANIZATION_SWITCH).await?;
        if before.as_deref() == Some(now.as_str()) {
            return Ok(None);
        }
        let event = before.map(|_| organization::switched(&self.options));
        Ok(Some((now, event)))
    }

    /// The next id of a kind, never given before; its counter goes with the draft.
    async fn give_id(
        &self,
        kind: &'static dyn Kind,
        draft: &mut Draft,
    ) -> Result<i64, SettingsError> {
        let name = counter(kind);
        let id = self.store.counter(&name).await?.saturating_add(1);
        draft.count((name, id));
        i64::try_from(id).map_err(|_| SettingsError::TooMany)
    }

    /// Keeps what a draft has become. Called with the turn held.
    pub async fn keep(&self, draft: Draft) -> Result<(), SettingsError> {
        let (batch, snapshot) = draft.finish(&self.sealer, &self.options.serial)?;
        self.apply(batch, snapshot).await
    }
}

/// The counter of a kind's ids.
fn counter(kind: &dyn Kind) -> String {
    format!("object.{}", kind.name())
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
