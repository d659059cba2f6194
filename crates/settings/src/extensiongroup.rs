//! The kind `extensiongroup`: a named set of extensions, all of them or those
//! that are listed. Who is in a group is kept here and nowhere else: an
//! extension's `group_list` is read from it and written to it.
//!
//! The `mgr_enb_*` and `user_enb_*` flags are rights on the vendor's operator
//! panel. They are kept and given back: there is no such panel here, so that
//! nobody can do what a flag forbids, and no place where a right that is given
//! would be missed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wire::{InvalidParam, rule};

use crate::draft::Draft;
use crate::error::{SettingsError, invalid, word};
use crate::extension::Extension;
use crate::kind::Rule::{Acted, Stored};
use crate::kind::{BY_NAME, Kind, MemberRule, SortKey, UniqueKey, check_name};
use crate::nested::Room;
use crate::read::answer;
use crate::record::Record;
use crate::reference::{self, Reference, WhenGone};
use crate::settings::Options;
use crate::snapshot::Snapshot;

/// The kind's name.
pub(crate) const NAME: &str = "extensiongroup";
/// The word for a group where lists hold several kinds.
pub(crate) const TYPE: &str = "ext_group";
/// The group that exists from the start.
const DEFAULT_GROUP: &str = "Default_All_Extensions";
/// Most groups.
const MAX_GROUPS: usize = 1_000;
/// All extensions are members.
const ALL: &str = "sel_all_ext";
/// Those listed are.
const LISTED: &str = "sel_specific";
/// The members: a list of extensions' ids.
const MEMBERS: &str = "members";
/// What a member is in the group, by its id as text, where it is no plain
/// user: no member of the wire.
const USER_TYPES: &str = "user_types";
/// What a member is in the group.
const USER_TYPE: &str = "user_type";
/// What a member is where nothing is said.
const PLAIN: &str = "user";
/// Flags of these families are taken, also those that the contract has not seen.
const FLAG_FAMILIES: [&str; 2] = ["mgr_enb_", "user_enb_"];
/// Managers begin with every right but these.
const NOT_FOR_MANAGERS: [&str; 2] = ["mgr_enb_office_time_switch", "mgr_enb_mgr_recording"];
/// Most flags beyond the contract's that are kept of one group.
const MAX_MORE_FLAGS: usize = 64;
/// Most letters of a flag's name.
const MAX_FLAG_NAME: usize = 64;

const fn member(name: &'static str, rule: crate::kind::Rule) -> MemberRule {
    MemberRule::new(name, rule)
}

static RULES: &[MemberRule] = &[
    member("name", Acted),
    member("member_select", Acted),
    member(MEMBERS, Acted),
    member("mgr_enb_chg_presence", Stored),
    member("mgr_enb_call_distribution", Stored),
    member("mgr_enb_call_conn", Stored),
    member("mgr_enb_monitor", Stored),
    member("mgr_enb_call_park", Stored),
    member("mgr_enb_ctrl_ivr", Stored),
    member("mgr_enb_ctrl_call_flow", Stored),
    member("mgr_enb_ctrl_ai_receptionist", Stored),
    member("mgr_enb_office_time_switch", Stored),
    member("mgr_enb_mgr_recording", Stored),
    member("mgr_enb_company_contact_match", Stored),
    member("mgr_enb_ext_call_distribution", Stored),
    member("mgr_enb_ext_call_conn", Stored),
    member("mgr_enb_ext_monitor", Stored),
    member("user_enb_chg_presence", Stored),
    member("user_enb_call_distribution", Stored),
    member("user_enb_call_conn", Stored),
    member("user_enb_monitor", Stored),
    member("user_enb_call_park", Stored),
    member("user_enb_ctrl_ivr", Stored),
];

/// The kind `extensiongroup`.
pub(crate) struct ExtensionGroupKind;

impl Kind for ExtensionGroupKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> usize {
        MAX_GROUPS
    }

    fn unique(&self) -> &'static [UniqueKey] {
        BY_NAME
    }

    fn members(&self) -> &'static [MemberRule] {
        RULES
    }

    fn first(&self, _options: &Options) -> Vec<Map<String, Value>> {
        vec![answer([
            ("name", DEFAULT_GROUP.into()),
            ("member_select", ALL.into()),
        ])]
    }

    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey> {
        match field {
            "name" => Some(SortKey::text(record.text("name"))),
            _ => None,
        }
    }

    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>> {
        vec![record.text("name").into()]
    }

    fn receive(
        &self,
        sent: &mut Map<String, Value>,
        rest: &mut Map<String, Value>,
        faults: &mut Vec<InvalidParam>,
    ) {
        if let Some(rows) = sent.get(MEMBERS).and_then(Value::as_array) {
            let mut ids: Vec<Value> = Vec::with_capacity(rows.len());
            let mut seen = BTreeSet::new();
            let mut types = Map::new();
            for (place, row) in rows.iter().enumerate() {
                let field = || format!("{MEMBERS}[{place}].ext_id");
                let Some(id) = named(row, &["ext_id", "id", "value"]) else {
                    faults.push(invalid(field(), None, rule::REQUIRED));
                    continue;
                };
                if !seen.insert(id) {
                    faults.push(invalid(field(), Some(&id.to_string()), word::DUPLICATE));
                }
                ids.push(id.into());
                note_type(&mut types, id, row.get(USER_TYPE));
            }
            sent.insert(MEMBERS.into(), ids.into());
            sent.insert(USER_TYPES.into(), types.into());
        }
        for (name, value) in rest.iter() {
            if !is_flag(name) || value.is_null() || *value == "" {
                continue;
            }
            match flag(value) {
                _ if !is_plain(name) => {
                    faults.push(invalid(short(name), None, word::FORMAT));
                }
                Some(flag) => {
                    sent.insert(name.clone(), flag.into());
                }
                None => faults.push(invalid(name.as_str(), None, rule::ENUM)),
            }
            if faults.len() >= wire::MAX_INVALID_PARAMS {
                break;
            }
        }
    }

    fn complete(&self, record: &mut Record) {
        for MemberRule { name, .. } in RULES {
            if name.starts_with("mgr_") && !record.doc.contains_key(*name) {
                let right = i64::from(!NOT_FOR_MANAGERS.contains(name));
                record.doc.insert((*name).into(), right.into());
            }
        }
        self.fill(record);
    }

    fn check(
        &self,
        record: &Record,
        present: Option<&Record>,
        _snapshot: &Snapshot,
        faults: &mut Vec<InvalidParam>,
    ) {
        check_name(record, faults);
        // Those that were there before have their place.
        let more = |name: &&String| is_flag(name) && !RULES.iter().any(|rule| rule.name == **name);
        let kept = |name: &&String| present.is_some_and(|old| old.doc.contains_key(*name));
        let (old, new): (Vec<_>, Vec<_>) = record.doc.keys().filter(more).partition(kept);
        for name in new.iter().skip(MAX_MORE_FLAGS.saturating_sub(old.len())) {
            faults.push(invalid(name.as_str(), None, rule::MAX));
        }
        // A group that its last member leaves goes on without any.
        let listed = |record: &Record| record.text("member_select") == LISTED;
        if listed(record) && record.list(MEMBERS).is_empty() && !present.is_some_and(listed) {
            faults.push(invalid(MEMBERS, None, rule::REQUIRED));
        }
        if record.list(MEMBERS).len() > crate::extension::MAX_EXTENSIONS {
            faults.push(invalid(MEMBERS, None, rule::MAX));
        }
    }

    fn references(&self, record: &Record) -> Vec<Reference> {
        let to = Some("ext_id");
        reference::list(record, MEMBERS, to, "extension", WhenGone::Drop)
    }

    fn let_go(&self, record: &mut Record, _kind: &str, id: i64) {
        leave(record, id);
    }

    fn brief(&self, record: &Record, snapshot: &Snapshot) -> Map<String, Value> {
        answer([
            ("id", record.id.into()),
            ("name", record.text("name").into()),
            ("member_select", record.text("member_select").into()),
            ("total_extensions", size(record, snapshot).into()),
        ])
    }

    /// With all members, whatever room there is: who sends the list back must
    /// not lose any of them.
    fn detail(&self, record: &Record, snapshot: &Snapshot, _room: Room) -> Map<String, Value> {
        let row = |extension: &Arc<Extension>| {
            json!({
                "ext_id": extension.id,
                "caller_id_name": extension.name,
                USER_TYPE: user_type(record, extension.id),
            })
        };
        let members: Vec<Value> = if has_all(record) {
            snapshot.extensions_by_id().map(row).collect()
        } else {
            let listed = record.list(MEMBERS).iter().filter_map(Value::as_i64);
            listed
                .filter_map(|id| snapshot.extension(id))
                .map(|extension| row(&extension))
                .collect()
        };
        let mut detail = answer([
            ("id", record.id.into()),
            ("name", record.text("name").into()),
            ("member_select", record.text("member_select").into()),
            (MEMBERS, members.into()),
        ]);
        let flags = record.doc.iter().filter(|(name, _)| is_flag(name));
        detail.extend(flags.map(|(name, value)| (name.clone(), value.clone())));
        detail
    }

    fn label(&self, record: &Record) -> String {
        record.text("name").to_owned()
    }

    fn project(&self, record: &Record, snapshot: &mut Snapshot) -> Result<(), String> {
        snapshot.set_group_of_all(record.id, has_all(record));
        Ok(())
    }

    fn withdraw(&self, record: &Record, snapshot: &mut Snapshot) {
        snapshot.set_group_of_all(record.id, false);
    }
}

impl Snapshot {
    /// The numbers of a group's members; `None` where there is no such group.
    pub fn group_numbers(&self, id: i64) -> Option<Vec<String>> {
        let group = self.record(NAME, id)?;
        let number = |extension: &Extension| extension.number.to_string();
        if has_all(&group) {
            return Some(self.extensions().map(|e| number(e)).collect());
        }
        let listed = group.list(MEMBERS).iter().filter_map(Value::as_i64);
        let extensions = listed.filter_map(|id| self.extension(id));
        Some(extensions.map(|extension| number(&extension)).collect())
    }
}

/// An extension's groups as its `group_list` is read.
pub(crate) fn groups_of(extension: i64, snapshot: &Snapshot) -> Value {
    let listed = snapshot.referrer_ids(("extension", extension), (NAME, MEMBERS));
    let ids: BTreeSet<i64> = listed.chain(snapshot.groups_of_all()).collect();
    let rows = ids.into_iter().filter_map(|id| {
        let group = snapshot.record(NAME, id)?;
        Some(json!({
            "text": group.text("name"),
            "text2": "",
            "value": id.to_string(),
            "type": TYPE,
            USER_TYPE: user_type(&group, extension),
        }))
    });
    rows.collect()
}

/// Makes an extension a member of just these groups: rows as `group_list` is
/// kept while a change is under way. Nobody can leave a group of all.
pub(crate) fn join(extension: i64, rows: &[Value], draft: &mut Draft) -> Result<(), SettingsError> {
    let now: BTreeSet<i64> = draft
        .now()
        .referrer_ids(("extension", extension), (NAME, MEMBERS))
        .collect();
    let mut wanted = BTreeSet::new();
    for row in rows {
        let Some(id) = row.get("value").and_then(reference::id) else {
            continue;
        };
        wanted.insert(id);
        let user_type = row.get(USER_TYPE);
        // Who sends back what was read rewrites no group.
        let Some(group) = draft.now().record(NAME, id) else {
            continue;
        };
        let mut with = Record::clone(&group);
        enter(&mut with, extension, user_type);
        if with != *group {
            draft.put(&ExtensionGroupKind, with)?;
        }
    }
    for id in now.difference(&wanted) {
        draft.edit(&ExtensionGroupKind, *id, |group| leave(group, extension))?;
    }
    Ok(())
}

/// The id that a row names by the first of these members that says something.
pub(crate) fn named(row: &Value, members: &[&str]) -> Option<i64> {
    let value = members.iter().find_map(|member| said(row, member))?;
    reference::id(value)
}

/// What a row of a `group_list` says, as it is kept while a change is under way.
pub(crate) fn membership(id: i64, row: &Value) -> Value {
    match said(row, USER_TYPE) {
        Some(user_type) => json!({"value": id, USER_TYPE: user_type}),
        None => json!({"value": id}),
    }
}

/// A member of a row; `null` and blank say nothing, as everywhere.
fn said<'r>(row: &'r Value, member: &str) -> Option<&'r Value> {
    let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    row.get(member)
        .filter(|value| !value.is_null() && !blank(value))
}

/// Whether a member is of one of the families of flags.
fn is_flag(name: &str) -> bool {
    FLAG_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether a flag that the contract has not seen is named as those that it has.
fn is_plain(name: &str) -> bool {
    let known = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'_';
    name.len() <= MAX_FLAG_NAME && name.bytes().all(known)
}

/// The part of a name that an answer may repeat.
fn short(name: &str) -> String {
    name.chars().take(MAX_FLAG_NAME).collect()
}

/// A flag's value, as the contract's own flags are read.
fn flag(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Bool(on) => Some(i64::from(*on)),
        other => reference::id(other),
    };
    number.filter(|number| matches!(number, 0 | 1))
}

/// Whether a row's user type is one of the contract's.
pub(crate) fn check_type(row: &Value) -> Result<(), &'static str> {
    match said(row, USER_TYPE).map(Value::as_str) {
        None | Some(Some(PLAIN | "manager" | "custom")) => Ok(()),
        Some(Some(_)) => Err(rule::ENUM),
        Some(None) => Err(rule::TYPE),
    }
}

fn enter(group: &mut Record, extension: i64, user_type: Option<&Value>) {
    let there = group.list(MEMBERS).iter().any(|id| *id == extension);
    // Of a group of all only the managers and the like are listed.
    let plain = user_type.is_none_or(|user_type| user_type == PLAIN);
    let listed = there || has_all(group) && plain;
    if !listed && let Some(Value::Array(members)) = group.doc.get_mut(MEMBERS) {
        members.push(extension.into());
    }
    if user_type.is_some()
        && let Some(Value::Object(types)) = group.doc.get_mut(USER_TYPES)
    {
        types.shift_remove(&extension.to_string());
        note_type(types, extension, user_type);
    } else {
        let mut types = Map::new();
        note_type(&mut types, extension, user_type);
        if !types.is_empty() {
            group.doc.insert(USER_TYPES.into(), types.into());
        }
    }
}

fn leave(group: &mut Record, extension: i64) {
    if let Some(Value::Array(members)) = group.doc.get_mut(MEMBERS) {
        members.retain(|id| *id != extension);
    }
    if let Some(Value::Object(types)) = group.doc.get_mut(USER_TYPES) {
        types.shift_remove(&extension.to_string());
    }
}

fn note_type(types: &mut Map<String, Value>, extension: i64, user_type: Option<&Value>) {
    if let Some(user_type) = user_type.and_then(Value::as_str)
        && !matches!(user_type, PLAIN | "")
    {
        types.insert(extension.to_string(), user_type.into());
    }
}

fn user_type(group: &Record, extension: i64) -> &str {
    group
        .doc
        .get(USER_TYPES)
        .and_then(|types| types.get(extension.to_string()))
        .and_then(Value::as_str)
        // As an older version kept it.
        .filter(|user_type| !user_type.is_empty())
        .unwrap_or(PLAIN)
}

fn has_all(group: &Record) -> bool {
    group.text("member_select") == ALL
}

fn size(group: &Record, snapshot: &Snapshot) -> usize {
    if has_all(group) {
        snapshot.count("extension")
    } else {
        group.list(MEMBERS).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_create_has_its_rule_in_the_contracts_order() {
        let create = wire::contract::operation("v1.0", "extensiongroup/create").unwrap();
        let theirs: Vec<&str> = create.request.iter().map(|member| member.name).collect();
        let ours: Vec<&str> = RULES.iter().map(|member| member.name).collect();
        assert_eq!(ours, theirs);
    }
}
