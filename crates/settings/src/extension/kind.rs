//! The kind's own rules: names, numbers, passwords, the forms it is read in.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};
use store::NewEvent;
use switch::ExtensionNumber;
use wire::event::{
    ExtensionInformationUpdated, ExtensionInformationUpdatedOption, ExtensionPresenceStateChanged,
};
use wire::{ErrCode, InvalidParam, rule};

use super::members::MEMBERS;
use super::typed::{Extension, Monitor};
use super::{language, presence};
use crate::draft::Draft;
use crate::error::{SettingsError, invalid, word};
use crate::extensiongroup;
use crate::kind::{Changed, Deed, Kind, MemberRule, SortKey, UniqueKey, check_lines};
use crate::listing::Written;
use crate::nested::Room;
use crate::organization;
use crate::record::Record;
use crate::reference::{self, Reference, WhenGone};
use crate::role;
use crate::secret::MASK;
use crate::snapshot::Snapshot;

/// Most extensions of one PBX.
pub const MAX_EXTENSIONS: usize = 50_000;
/// The member that holds its groups.
const GROUPS: &str = "group_list";
/// What a caller id may hold beside letters and digits.
const CALLER_ID_SIGNS: &str = "().-+*# ";

/// The kind `extension`.
pub(crate) struct ExtensionKind;

impl Kind for ExtensionKind {
    fn name(&self) -> &'static str {
        "extension"
    }

    fn limit(&self) -> usize {
        MAX_EXTENSIONS
    }

    fn unique(&self) -> &'static [UniqueKey] {
        &[
            UniqueKey {
                member: "number",
                ignore_case: false,
            },
            UniqueKey {
                member: "reg_name",
                ignore_case: false,
            },
            UniqueKey {
                member: "email_addr",
                ignore_case: true,
            },
        ]
    }

    fn packed(&self) -> bool {
        true
    }

    fn members(&self) -> &'static [MemberRule] {
        MEMBERS
    }

    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey> {
        Some(match field {
            "id" => SortKey::Number(record.id),
            "number" => SortKey::digits(record.text("number")),
            "caller_id_name" => SortKey::text(&display_name(record)),
            "email_addr" | "mobile_number" | "presence_status" => SortKey::text(record.text(field)),
            _ => return None,
        })
    }

    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>> {
        vec![
            record.text("number").into(),
            display_name(record).into(),
            record.text("email_addr").into(),
            record.text("mobile_number").into(),
        ]
    }

    fn fixed(&self) -> &'static [&'static str] {
        &["number", "type"]
    }

    /// Departments are kept as ids, in the order sent. Groups are rows until
    /// the change has carried them to where they are kept.
    fn receive(
        &self,
        sent: &mut Map<String, Value>,
        _rest: &mut Map<String, Value>,
        faults: &mut Vec<InvalidParam>,
    ) {
        language::receive(sent, faults);
        presence::receive(sent, faults);
        for (list, keep_rows) in [(organization::LIST, false), (GROUPS, true)] {
            let Some(rows) = sent.get(list).and_then(Value::as_array) else {
                continue;
            };
            let mut kept = Vec::with_capacity(rows.len());
            let mut seen = BTreeSet::new();
            for (place, row) in rows.iter().enumerate() {
                let field = || format!("{list}[{place}].value");
                match extensiongroup::named(row, &["value", "id"]) {
                    None => faults.push(invalid(field(), None, rule::REQUIRED)),
                    Some(id) if !seen.insert(id) => {
                        faults.push(invalid(field(), Some(&id.to_string()), word::DUPLICATE));
                    }
                    Some(id) if keep_rows => {
                        if let Err(broken) = extensiongroup::check_type(row) {
                            let field = format!("{list}[{place}].user_type");
                            faults.push(invalid(field, None, broken));
                        }
                        kept.push(extensiongroup::membership(id, row));
                    }
                    Some(id) => kept.push(id.into()),
                }
            }
            sent.insert(list.into(), kept.into());
        }
    }

    fn merge(
        &self,
        present: Option<&Record>,
        sent: &mut Map<String, Value>,
        faults: &mut Vec<InvalidParam>,
    ) {
        presence::merge(present, sent, faults);
    }

    fn complete(&self, record: &mut Record) {
        for (member, value) in [
            ("email_language", Value::from("follow_system")),
            ("new_vm_notify", "no".into()),
            ("after_vm_notify", "no".into()),
            ("allow_reg_remotely", 1.into()),
        ] {
            record.doc.entry(member).or_insert(value);
        }
        self.fill(record);
        let number = record.text("number").to_owned();
        if display_name(record).is_empty() {
            record
                .doc
                .insert("first_name".into(), number.clone().into());
        }
        for member in ["caller_id", "agent_id"] {
            if record.text(member).is_empty() {
                record.doc.insert(member.into(), number.clone().into());
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
        let mut wrong = |member: &str| {
            faults.push(invalid(member, Some(record.text(member)), word::FORMAT));
        };
        if ExtensionNumber::new(record.text("number")).is_err() {
            wrong("number");
        }
        let caller_id = |c: char| c.is_ascii_alphanumeric() || CALLER_ID_SIGNS.contains(c);
        if !record.text("caller_id").chars().all(caller_id) {
            wrong("caller_id");
        }
        // It stands within quotes in a digest header.
        let reg_name = record.text("reg_name");
        if reg_name.is_empty()
            || reg_name
                .chars()
                .any(|c| c.is_whitespace() || "\"\\<>,;".contains(c))
        {
            wrong("reg_name");
        }
        if !is_email(record.text("email_addr")) {
            wrong("email_addr");
        }
        if record.number("enb_vm_pin") == Some(1) && record.secret("vm_pin").is_none() {
            faults.push(invalid("vm_pin", None, rule::REQUIRED));
        }
    }

    /// Roles are the built-in ones. With organizations switched off nobody
    /// enters or leaves one; what was read can be sent back.
    fn forbid(
        &self,
        record: &Record,
        present: Option<&Record>,
        sent: &Map<String, Value>,
        snapshot: &Snapshot,
    ) -> Result<(), SettingsError> {
        let role = role_id(record);
        if role != role::NONE && role::name(role).is_none() {
            return Err(SettingsError::Refused(ErrCode::RoleNotExisted));
        }
        let list = record.list(organization::LIST);
        let old = present.map_or(&[][..], |present| present.list(organization::LIST));
        let changes = sent.contains_key(organization::LIST) && list != old;
        if changes && !snapshot.features().organization {
            return Err(SettingsError::Refused(ErrCode::OrganizationDisabled));
        }
        Ok(())
    }

    fn references(&self, record: &Record) -> Vec<Reference> {
        let to = Some("value");
        let mut references = reference::list(
            record,
            organization::LIST,
            to,
            organization::NAME,
            WhenGone::Drop,
        );
        references.extend(reference::list(
            record,
            GROUPS,
            to,
            extensiongroup::NAME,
            WhenGone::Drop,
        ));
        references
    }

    fn carry(&self, record: &mut Record, draft: &mut Draft) -> Result<(), SettingsError> {
        match record.doc.shift_remove(GROUPS) {
            Some(Value::Array(rows)) => extensiongroup::join(record.id, &rows, draft),
            _ => Ok(()),
        }
    }

    fn check_secret(&self, member: &str, text: &str, faults: &mut Vec<InvalidParam>) {
        let length = text.chars().count();
        let good = match member {
            "user_password" => {
                (10..=63).contains(&length)
                    && text.chars().any(|c| c.is_ascii_digit())
                    && text.chars().any(char::is_uppercase)
                    && text.chars().any(char::is_lowercase)
            }
            "reg_password" => (8..=63).contains(&length) && text != MASK,
            "vm_pin" => {
                text.is_empty()
                    || ((3..=24).contains(&length) && text.bytes().all(|b| b.is_ascii_digit()))
            }
            _ => true,
        };
        if !good || text.chars().any(char::is_control) {
            faults.push(invalid(member, None, word::FORMAT));
        }
    }

    /// `online_status` is live.
    fn written(&self, record: &Record) -> Option<Written> {
        Some(Written::new(|members| {
            let text = |member: &str| record.text(member);
            members.number("id", record.id);
            members.live("online_status", text("number"));
            members.text("presence_status", text("presence_status"));
            members.text("custom_presence_status", text("presence_status_text"));
            members.text("number", text("number"));
            members.text("caller_id_name", &display_name(record));
            let role = role::name(role_id(record)).unwrap_or("");
            members.text("role_name", role);
            members.text("email_addr", text("email_addr"));
            members.text("mobile_number", text("mobile_number"));
        }))
    }

    /// Secrets are masked: a client that sends the mask back changes nothing.
    fn detail(&self, record: &Record, snapshot: &Snapshot, _room: Room) -> Map<String, Value> {
        let mut detail = Map::with_capacity(MEMBERS.len() + 1);
        detail.insert("id".into(), record.id.into());
        for member in MEMBERS {
            let value = match member.rule.secret() {
                Some(_) if record.secret(member.name).is_some() => MASK.into(),
                Some(_) => "".into(),
                None if member.name == GROUPS => extensiongroup::groups_of(record.id, snapshot),
                None if member.name == organization::LIST => organization::rows(record, snapshot),
                None if member.name == presence::LIST => presence::rows(record),
                None if language::MEMBERS.contains(&member.name) => {
                    // As an older version kept it, where it did not know better.
                    let text = record.text(member.name);
                    language::code(text).unwrap_or(text).into()
                }
                None => record.doc.get(member.name).cloned().unwrap_or(Value::Null),
            };
            detail.insert(member.name.to_owned(), value);
        }
        detail
    }

    fn label(&self, record: &Record) -> String {
        record.text("number").to_owned()
    }

    fn captions(&self, snapshot: &Snapshot) -> Vec<(i64, String)> {
        let extensions = snapshot.extensions_by_id();
        extensions
            .map(|one| (one.id, format!("{}-{}", one.number, one.name)))
            .collect()
    }

    fn events(&self, changed: &Changed<'_>) -> Vec<NewEvent> {
        let Some(record) = changed.object() else {
            return Vec::new();
        };
        let event = ExtensionInformationUpdated {
            ext_number: Some(record.text("number").to_owned()),
            option: Some(match changed.deed() {
                Deed::Created => ExtensionInformationUpdatedOption::Create,
                Deed::Updated => ExtensionInformationUpdatedOption::Update,
                Deed::Deleted => ExtensionInformationUpdatedOption::Delete,
            }),
        };
        let mut events = vec![changed.event(&event)];
        events.extend(presence_event(changed));
        events.extend(organization::membership_events(changed));
        events
    }

    fn project(&self, record: &Record, snapshot: &mut Snapshot) -> Result<(), String> {
        snapshot.put_extension(Extension::of(record)?);
        Ok(())
    }

    fn withdraw(&self, record: &Record, snapshot: &mut Snapshot) {
        snapshot.remove_extension(record.id);
    }
}

/// The event that its presence has changed, where applications want it.
fn presence_event(changed: &Changed<'_>) -> Option<NewEvent> {
    let (before, after) = (changed.before?, changed.after?);
    let status = after.text("presence_status");
    if before.text("presence_status") == status || !Monitor::of(after).presence_status {
        return None;
    }
    Some(changed.event(&ExtensionPresenceStateChanged {
        extension: Some(after.text("number").to_owned()),
        status: Some(status.into()),
    }))
}

fn role_id(record: &Record) -> i64 {
    record.number("role_id").unwrap_or(role::NONE)
}

/// First and last name joined.
pub(crate) fn display_name(record: &Record) -> String {
    full_name(record.text("first_name"), record.text("last_name"))
}

/// Two names joined.
pub(crate) fn full_name(first: &str, last: &str) -> String {
    format!("{} {}", first.trim(), last.trim())
        .trim()
        .to_owned()
}

/// Empty, or one `@` with something on both sides and no blanks.
pub(crate) fn is_email(text: &str) -> bool {
    text.is_empty()
        || text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
            && !text.contains(char::is_whitespace)
}
