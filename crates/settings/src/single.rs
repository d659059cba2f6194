//! Settings of which there is one object and no more, such as the options of
//! the call records: it exists from the first start with its defaults, is read
//! by one operation and changed in part by another. A further one is one entry
//! of [`SINGLES`]: its operations, its members' rules, its defaults. All else is
//! the mechanism of every kind: each is a [`Kind`] of one object, which nobody
//! can create or delete.

use std::borrow::Cow;

use serde_json::{Map, Value};
use wire::{InvalidParam, Operation, contract};

use crate::change::detached;
use crate::error::SettingsError;
use crate::kind::Rule::{Acted, Stored};
use crate::kind::{Fixed, Kind, MemberRule, SortKey, check_lines};
use crate::nested::Room;
use crate::read::answer;
use crate::record::Record;
use crate::secret::MASK;
use crate::sent::Sent;
use crate::settings::{Inner, Options, Settings};
use crate::snapshot::Snapshot;

/// The one object's id.
const ID: i64 = 1;

/// Settings of which there is one object.
#[derive(Debug)]
pub(crate) struct Single {
    /// The name of its row.
    name: &'static str,
    /// The operation that reads it.
    read: &'static str,
    /// The operation that changes it.
    update: &'static str,
    /// The member of the reading operation's answer that holds it.
    payload: &'static str,
    /// What becomes of each member.
    members: &'static [MemberRule],
    /// What members begin with, where it is not 0, nothing or none.
    defaults: &'static [(&'static str, Fixed)],
}

/// All of them.
pub(crate) static SINGLES: &[Single] = &[CDR_OPTION];

/// How call records are searched. There are no records of the vendor's old
/// firmware here, so that searching them in one way or the other is the same.
const CDR_OPTION: Single = Single {
    name: "cdr_option",
    read: "cdr/getoption",
    update: "cdr/updateoption",
    payload: "data",
    members: &[
        MemberRule::new("enb_fuzzy_search", Stored),
        MemberRule::new("enb_new_cdr_fuzzy_search", Acted),
    ],
    defaults: &[],
};

impl Kind for Single {
    fn name(&self) -> &'static str {
        self.name
    }

    fn limit(&self) -> usize {
        1
    }

    fn members(&self) -> &'static [MemberRule] {
        self.members
    }

    fn sort_key(&self, _record: &Record, _field: &str) -> Option<SortKey> {
        None
    }

    fn searched<'r>(&self, _record: &'r Record) -> Vec<Cow<'r, str>> {
        Vec::new()
    }

    fn brief(&self, record: &Record, snapshot: &Snapshot) -> Map<String, Value> {
        self.detail(record, snapshot, Room::new())
    }

    /// In the rules' order. What an older version did not know has its default.
    fn detail(&self, record: &Record, _snapshot: &Snapshot, _room: Room) -> Map<String, Value> {
        let value = |member: &MemberRule| match member.rule.secret() {
            Some(_) if record.secret(member.name).is_some() => MASK.into(),
            Some(_) => "".into(),
            None => match record.doc.get(member.name) {
                Some(value) => value.clone(),
                None => self.default(member.name),
            },
        };
        let members = self.members.iter();
        members
            .map(|member| (member.name.to_owned(), value(member)))
            .collect()
    }

    fn label(&self, _record: &Record) -> String {
        self.name.to_owned()
    }

    fn first(&self, _options: &Options) -> Vec<Map<String, Value>> {
        vec![Map::new()]
    }

    fn complete(&self, record: &mut Record) {
        for member in self.members {
            if member.rule.secret().is_none() && !record.doc.contains_key(member.name) {
                let default = self.default(member.name);
                record.doc.insert(member.name.to_owned(), default);
            }
        }
    }

    fn check(
        &self,
        record: &Record,
        _present: Option<&Record>,
        _snapshot: &Snapshot,
        faults: &mut Vec<InvalidParam>,
    ) {
        check_lines(record, faults);
    }

    fn payload(&self, _verb: &str) -> &'static str {
        self.payload
    }

    fn operation(&self, verb: &str) -> Option<&'static Operation> {
        match verb {
            "get" => contract::operation("v1.0", self.read),
            "update" => contract::operation("v1.0", self.update),
            _ => None,
        }
    }
}

impl Single {
    /// The settings that an operation reads or changes.
    fn of(path: &str) -> Result<&'static Self, SettingsError> {
        let mut all = SINGLES.iter();
        all.find(|single| single.read == path || single.update == path)
            .ok_or(SettingsError::UnknownKind)
    }

    fn default(&self, member: &str) -> Value {
        if let Some((_, default)) = self.defaults.iter().find(|(name, _)| *name == member) {
            return default.value();
        }
        let known = self
            .operation("update")
            .and_then(|update| update.member(member));
        match known.map(|known| known.kind) {
            Some(contract::Kind::Integer | contract::Kind::Number) => 0.into(),
            Some(contract::Kind::String) | None => "".into(),
            Some(_) => Value::Array(Vec::new()),
        }
    }

    /// The operation that changes it, for the status table.
    pub fn update_path(&self) -> &'static str {
        self.update
    }
}

impl Settings {
    /// Reads the one object that the operation at `path` is about.
    pub fn single(&self, path: &str) -> Result<Map<String, Value>, SettingsError> {
        let single = Single::of(path)?;
        let snapshot = self.snapshot();
        let record = snapshot
            .record(single.name, ID)
            .ok_or(SettingsError::NotFound)?;
        let detail = single.detail(&record, &snapshot, Room::new());
        Ok(answer([(single.payload, Value::Object(detail))]))
    }

    /// Changes the one object that the operation at `path` is about: members
    /// that are not sent keep their values.
    pub async fn update_single(
        &self,
        path: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let single = Single::of(path)?;
        let operation = single
            .operation("update")
            .ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let mut sent = Sent::read(single, params, true)?;
        let snapshot = self.snapshot();
        let present = snapshot.record(single.name, ID);
        sent.on(single, present.as_deref(), &snapshot)?;
        sent.hash(self.0.options.hash_cost.memory_kib).await?;
        let inner: std::sync::Arc<Inner> = self.0.clone();
        detached(async move { inner.update(single, ID, sent).await }).await?;
        Ok(Map::new())
    }
}

impl Snapshot {
    /// A whole-number member of the settings of which there is one object.
    fn single_number(&self, single: &Single, member: &str) -> i64 {
        let stored = self
            .record(single.name, ID)
            .and_then(|record| record.number(member));
        stored
            .or_else(|| single.default(member).as_i64())
            .unwrap_or(0)
    }

    /// Whether call records are searched for parts of numbers.
    pub fn cdr_fuzzy(&self) -> bool {
        self.single_number(&CDR_OPTION, "enb_new_cdr_fuzzy_search") == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_has_the_contracts_operations_and_members() {
        for single in SINGLES {
            let update = single.operation("update").unwrap();
            let read = single.operation("get").unwrap();
            assert!(
                read.request.is_empty() && update.response.is_empty(),
                "{}",
                single.name
            );
            let theirs: Vec<&str> = update.request.iter().map(|member| member.name).collect();
            let ours: Vec<&str> = single.members.iter().map(|member| member.name).collect();
            assert_eq!(ours, theirs, "{}", single.name);
        }
    }
}
