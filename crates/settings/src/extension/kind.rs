//! The kind's own rules: names, numbers, passwords, the forms it is read in.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use store::NewEvent;
use switch::ExtensionNumber;
use wire::event::{self, ExtensionInformationUpdated, ExtensionInformationUpdatedOption};
use wire::{InvalidParam, contract, rule};

use super::members::MEMBERS;
use super::presence;
use super::typed::Extension;
use crate::error::{invalid, word};
use crate::kind::{Deed, Kind, MemberRule, SortKey, UniqueKey};
use crate::record::Record;
use crate::secret::MASK;
use crate::snapshot::Snapshot;

/// Most extensions of one PBX.
const MAX_EXTENSIONS: usize = 50_000;
/// Most characters of a text for which the contract names no bound.
const MAX_TEXT: usize = 255;
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

    fn merge(&self, present: &Record, sent: &mut Map<String, Value>) {
        presence::merge(present, sent);
    }

    fn complete(&self, record: &mut Record) {
        let create = self.operation("create");
        for member in MEMBERS
            .iter()
            .filter(|member| member.rule.secret().is_none())
        {
            if record.doc.contains_key(member.name) {
                continue;
            }
            let known = create.and_then(|create| create.member(member.name));
            let value = match (member.name, known.and_then(|known| known.default)) {
                (_, Some(default)) => default.into(),
                ("email_language", None) => "follow_system".into(),
                ("new_vm_notify" | "after_vm_notify", None) => "no".into(),
                ("allow_reg_remotely", None) => 1.into(),
                (_, None) => match known.map(|known| known.kind) {
                    Some(contract::Kind::Integer) => 0.into(),
                    Some(contract::Kind::String) | None => "".into(),
                    Some(_) => json!([]),
                },
            };
            record.doc.insert(member.name.to_owned(), value);
        }
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
        presence::complete(record);
    }

    fn check(&self, record: &Record, faults: &mut Vec<InvalidParam>) {
        for (member, value) in &record.doc {
            if let Some(text) = value.as_str()
                && let Err(broken) = line(text)
            {
                faults.push(invalid(member.as_str(), None, broken));
            }
        }
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
        presence::check(record, faults);
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

    /// `online_status` keeps its place for who joins the live state.
    fn brief(&self, record: &Record) -> Map<String, Value> {
        let text = |member: &str| Value::from(record.text(member));
        [
            ("id", record.id.into()),
            ("online_status", json!({})),
            ("presence_status", text("presence_status")),
            ("custom_presence_status", text("presence_status_text")),
            ("number", text("number")),
            ("caller_id_name", display_name(record).into()),
            ("role_name", "".into()),
            ("email_addr", text("email_addr")),
            ("mobile_number", text("mobile_number")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Secrets are masked: a client that sends the mask back changes nothing.
    fn detail(&self, record: &Record) -> Map<String, Value> {
        let mut detail = Map::with_capacity(MEMBERS.len() + 1);
        detail.insert("id".into(), record.id.into());
        for member in MEMBERS {
            let value = match member.rule.secret() {
                Some(_) if record.secret(member.name).is_some() => MASK.into(),
                Some(_) => "".into(),
                None => record.doc.get(member.name).cloned().unwrap_or(Value::Null),
            };
            detail.insert(member.name.to_owned(), value);
        }
        detail
    }

    fn label(&self, record: &Record) -> String {
        record.text("number").to_owned()
    }

    fn event(&self, record: &Record, deed: Deed, serial: &str) -> Option<NewEvent> {
        let event = ExtensionInformationUpdated {
            ext_number: Some(record.text("number").to_owned()),
            option: Some(match deed {
                Deed::Created => ExtensionInformationUpdatedOption::Create,
                Deed::Updated => ExtensionInformationUpdatedOption::Update,
                Deed::Deleted => ExtensionInformationUpdatedOption::Delete,
            }),
        };
        Some(NewEvent {
            id: <ExtensionInformationUpdated as event::Event>::ID,
            frame: event::frame(&event, serial),
        })
    }

    fn project(&self, record: &Record, snapshot: &mut Snapshot) -> Result<(), String> {
        snapshot.put_extension(Extension::of(record)?);
        Ok(())
    }

    fn withdraw(&self, record: &Record, snapshot: &mut Snapshot) {
        snapshot.remove_extension(record.id);
    }
}

/// First and last name joined.
pub(crate) fn display_name(record: &Record) -> String {
    format!(
        "{} {}",
        record.text("first_name").trim(),
        record.text("last_name").trim()
    )
    .trim()
    .to_owned()
}

/// One line of text, short enough to be kept and shown. The rule it breaks, if
/// it does: it may end up in a SIP header.
pub(crate) fn line(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) {
        Err(word::FORMAT)
    } else if text.chars().count() > MAX_TEXT {
        Err(rule::MAX_LEN)
    } else {
        Ok(())
    }
}

/// Empty, or one `@` with something on both sides and no blanks.
fn is_email(text: &str) -> bool {
    text.is_empty()
        || text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
            && !text.contains(char::is_whitespace)
}
