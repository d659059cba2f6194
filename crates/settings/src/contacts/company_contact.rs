//! The kind `company_contact`. Members that are empty are not kept: there may
//! be half a million contacts, and most leave most members empty.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::{ErrCode, InvalidParam, rule};

use crate::draft::Draft;
use crate::error::{SettingsError, invalid, word};
use crate::extension::{full_name, is_email};
use crate::kind::Rule::{Acted, Stored};
use crate::kind::{Kind, MemberRule, SortKey, line};
use crate::listing::Members;
use crate::nested::Room;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::table::{Row, id_key};

use super::number;
use super::phonebook;

/// The kind's name.
pub(super) const NAME: &str = "company_contact";
/// Contacts by their numbers, see `number::key`.
pub(super) const NUMBER_INDEX: &str = "number";
/// Contacts by the phonebooks that they are put in.
pub(super) const PHONEBOOK_INDEX: &str = "phonebook";
/// The phonebooks that a contact is put in, as it is written and kept.
pub(super) const PHONEBOOKS: &str = "phonebook_id_list";
/// Most contacts, as many as the guide's largest edition has.
const MAX_CONTACTS: usize = 500_000;
/// Most characters of a number.
const MAX_NUMBER: usize = 31;
/// What a number may hold beside letters and digits.
const NUMBER_SIGNS: &str = "().-+*#/ ";
/// Most characters of a remark.
const MAX_REMARK: usize = 1024;
/// The kinds of numbers: as they are written, and as a row of a list names them.
const NUMBERS: [(&str, &str); 9] = [
    ("business_number", "business"),
    ("business_number2", "business2"),
    ("mobile_number", "mobile"),
    ("mobile_number2", "mobile2"),
    ("home_number", "home"),
    ("home_number2", "home2"),
    ("business_fax", "business_fax"),
    ("home_fax", "home_fax"),
    ("other_number", "other"),
];

/// Values of a contact's row in a phonebook, see [`row`].
pub(super) const ROW_VALUES: usize = 5 + NUMBERS.len();

const fn member(name: &'static str, rule: crate::kind::Rule) -> MemberRule {
    MemberRule::new(name, rule)
}

static RULES: &[MemberRule] = &[
    member("first_name", Acted),
    member("last_name", Acted),
    member("company", Stored),
    member("email", Stored),
    member(PHONEBOOKS, Acted),
    member("remark", Stored),
    member("number_list", Acted),
    member("zip_code", Stored),
    member("street", Stored),
    member("city", Stored),
    member("state", Stored),
    member("country", Stored),
];

/// The kind `company_contact`.
pub(crate) struct CompanyContactKind;

impl Kind for CompanyContactKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> usize {
        MAX_CONTACTS
    }

    fn packed(&self) -> bool {
        true
    }

    fn indexes(&self) -> &'static [&'static str] {
        &[NUMBER_INDEX, PHONEBOOK_INDEX]
    }

    fn index_keys(&self, record: &Record, index: &str) -> Vec<Vec<u8>> {
        if index == PHONEBOOK_INDEX {
            put_in(record).map(|id| id_key(id).to_vec()).collect()
        } else {
            numbers(record)
                .map(|(_, number)| number::key(number))
                .filter(|key| !key.is_empty())
                .collect()
        }
    }

    fn members(&self) -> &'static [MemberRule] {
        RULES
    }

    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey> {
        match field {
            "contact_name" => Some(SortKey::text(&name(record))),
            "company" | "email" => Some(SortKey::text(record.text(field))),
            _ => Some(SortKey::text(number_of(record, field))),
        }
    }

    /// Numbers are found as they are written, and without the signs in them.
    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>> {
        let mut texts: Vec<Cow<'r, str>> = vec![
            name(record).into(),
            record.text("company").into(),
            record.text("email").into(),
        ];
        for (_, number) in numbers(record) {
            let plain = number::plain(number);
            if plain != number {
                texts.push(plain.into());
            }
            texts.push(number.into());
        }
        texts
    }

    /// Numbers without a number say nothing: clients send all kinds.
    fn receive(
        &self,
        sent: &mut Map<String, Value>,
        _rest: &mut Map<String, Value>,
        _faults: &mut Vec<InvalidParam>,
    ) {
        if let Some(Value::Array(numbers)) = sent.get_mut("number_list") {
            numbers.retain(|entry| !text(entry, "number").trim().is_empty());
            for entry in numbers {
                *entry = json!({
                    "num_type": text(entry, "num_type"),
                    "number": text(entry, "number").trim(),
                });
            }
        }
        if let Some(Value::Array(ids)) = sent.get_mut(PHONEBOOKS) {
            let ids: BTreeSet<i64> = ids.iter_mut().filter_map(|id| id.as_i64()).collect();
            sent.insert(PHONEBOOKS.into(), ids.into_iter().collect());
        }
    }

    /// What is empty is not kept.
    fn complete(&self, record: &mut Record) {
        record.doc.retain(|_, value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        });
    }

    fn check(
        &self,
        record: &Record,
        _present: Option<&Record>,
        _snapshot: &Snapshot,
        faults: &mut Vec<InvalidParam>,
    ) {
        for (member, value) in &record.doc {
            let Some(text) = value.as_str() else {
                continue;
            };
            let broken = if member == "remark" {
                remark(text)
            } else {
                line(text)
            };
            if let Err(broken) = broken {
                faults.push(invalid(member.as_str(), None, broken));
            }
        }
        if name(record).is_empty() {
            faults.push(invalid("first_name", None, rule::REQUIRED));
        }
        if !is_email(record.text("email")) {
            faults.push(invalid("email", Some(record.text("email")), word::FORMAT));
        }
        if record.list("number_list").is_empty() {
            faults.push(invalid("number_list", None, rule::REQUIRED));
        }
        let mut kinds = BTreeSet::new();
        for (place, (kind, number)) in numbers(record).enumerate() {
            let mut wrong = |member: &str, value: &str, rule: &str| {
                let field = format!("number_list[{place}].{member}");
                faults.push(invalid(field, Some(value), rule));
            };
            if kind.is_empty() {
                wrong("num_type", "", rule::REQUIRED);
            } else if !kinds.insert(kind) {
                wrong("num_type", kind, word::DUPLICATE);
            }
            let known = |c: char| c.is_ascii_alphanumeric() || NUMBER_SIGNS.contains(c);
            if number.chars().count() > MAX_NUMBER {
                wrong("number", number, rule::MAX_LEN);
            } else if !number.chars().all(known) || number::key(number).is_empty() {
                wrong("number", number, word::FORMAT);
            }
        }
    }

    /// A phonebook that a contact is put in must be there. One that it was put
    /// in before may be gone meanwhile, as long as the request does not name it.
    fn forbid(
        &self,
        record: &Record,
        _present: Option<&Record>,
        sent: &Map<String, Value>,
        snapshot: &Snapshot,
    ) -> Result<(), SettingsError> {
        let gone = |id: i64| snapshot.phonebook(id).is_none();
        if sent.contains_key(PHONEBOOKS) && put_in(record).any(gone) {
            return Err(SettingsError::Refused(ErrCode::PhonebookNotExisted));
        }
        Ok(())
    }

    /// As the guide says of 70091: who was put in a phonebook can't be deleted.
    /// A phonebook of all contacts holds nobody back.
    fn may_delete(&self, record: &Record, snapshot: &Snapshot) -> Result<(), SettingsError> {
        let chosen = |id| {
            snapshot
                .phonebook(id)
                .is_some_and(|phonebook| !phonebook.all)
        };
        if put_in(record).any(chosen) {
            return Err(SettingsError::InUse);
        }
        Ok(())
    }

    fn carry(&self, record: &mut Record, draft: &mut Draft) -> Result<(), SettingsError> {
        let there: Vec<i64> = put_in(record)
            .filter(|id| draft.now().phonebook(*id).is_some())
            .collect();
        set_phonebooks(record, there);
        Ok(())
    }

    fn write_row(&self, row: &Row, snapshot: &Snapshot, members: &mut Members<'_>) {
        let text = row.text();
        let contact: Brief<'_> = serde_json::from_str(&text).unwrap_or_default();
        contact.write(row.id, members, |members| {
            let ids = phonebook::there(contact.phonebook_id_list.iter().copied(), snapshot);
            let phonebooks = ids
                .into_iter()
                .filter_map(|id| Some((id, snapshot.phonebook(id)?)));
            members.list("phonebook_list", phonebooks, |(id, phonebook), entry| {
                entry.number("id", id);
                entry.text("name", &phonebook.name);
            });
        });
    }

    fn detail(&self, record: &Record, snapshot: &Snapshot, _room: Room) -> Map<String, Value> {
        let mut detail = Map::with_capacity(RULES.len() + 1);
        detail.insert("id".into(), record.id.into());
        for MemberRule { name, .. } in RULES {
            match *name {
                PHONEBOOKS => {
                    let list = phonebook::of(record, snapshot);
                    detail.insert("phonebook_list".into(), list);
                }
                "number_list" => {
                    let list = record.list(name).to_vec();
                    detail.insert((*name).into(), list.into());
                }
                _ => {
                    detail.insert((*name).into(), record.text(name).into());
                }
            }
        }
        detail
    }

    fn label(&self, record: &Record) -> String {
        name(record)
    }
}

/// First and last name in one.
pub(super) fn name(record: &Record) -> String {
    crate::extension::display_name(record)
}

/// The phonebooks that it was put in; some may be gone.
pub(super) fn put_in(record: &Record) -> impl Iterator<Item = i64> {
    record.list(PHONEBOOKS).iter().filter_map(Value::as_i64)
}

/// Puts it in just these phonebooks.
pub(super) fn set_phonebooks(record: &mut Record, ids: Vec<i64>) {
    if ids.is_empty() {
        record.doc.shift_remove(PHONEBOOKS);
    } else {
        record.doc.insert(PHONEBOOKS.into(), ids.into());
    }
}

/// What a row shows of a contact, read off its text without copying it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Brief<'t> {
    #[serde(borrow)]
    first_name: Cow<'t, str>,
    #[serde(borrow)]
    last_name: Cow<'t, str>,
    #[serde(borrow)]
    company: Cow<'t, str>,
    #[serde(borrow)]
    email: Cow<'t, str>,
    #[serde(borrow)]
    remark: Cow<'t, str>,
    #[serde(borrow)]
    number_list: Vec<Number<'t>>,
    phonebook_id_list: Vec<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Number<'t> {
    #[serde(borrow)]
    num_type: Cow<'t, str>,
    #[serde(borrow)]
    number: Cow<'t, str>,
}

impl Brief<'_> {
    /// Writes a row; `more` stands behind the mail address.
    fn write(&self, id: i64, members: &mut Members<'_>, more: impl FnOnce(&mut Members<'_>)) {
        members.number("id", id);
        members.text("contact_name", &self.name());
        members.text("company", &self.company);
        members.text("email", &self.email);
        more(members);
        members.text("remark", &self.remark);
        for (kind, member) in NUMBERS {
            members.text(member, self.number(kind));
        }
    }

    fn name(&self) -> String {
        full_name(&self.first_name, &self.last_name)
    }

    fn number(&self, kind: &str) -> &str {
        let known = self.number_list.iter().find(|known| known.num_type == kind);
        known.map_or("", |known| &known.number)
    }
}

/// A contact as a phonebook shows it.
pub(super) fn row(row: &Row) -> Value {
    let text = row.text();
    let contact: Brief<'_> = serde_json::from_str(&text).unwrap_or_default();
    let mut members = Map::with_capacity(ROW_VALUES);
    let mut put = |member: &str, value: Value| members.insert(member.to_owned(), value);
    put("id", row.id.into());
    put("contact_name", contact.name().into());
    put("company", contact.company.as_ref().into());
    put("email", contact.email.as_ref().into());
    for (kind, member) in NUMBERS {
        put(member, contact.number(kind).into());
    }
    put("remark", contact.remark.as_ref().into());
    Value::Object(members)
}

/// The number that a row has under a member; empty where there is none.
fn number_of<'r>(record: &'r Record, member: &str) -> &'r str {
    let kind = NUMBERS.iter().find(|(_, name)| *name == member);
    let kind = kind.map_or("", |(kind, _)| kind);
    numbers(record)
        .find(|(known, _)| *known == kind)
        .map_or("", |(_, number)| number)
}

/// Its numbers, each with its kind.
fn numbers(record: &Record) -> impl Iterator<Item = (&str, &str)> {
    record
        .list("number_list")
        .iter()
        .map(|entry| (text(entry, "num_type"), text(entry, "number")))
}

fn text<'v>(entry: &'v Value, member: &str) -> &'v str {
    entry
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Several lines of text.
fn remark(text: &str) -> Result<(), &'static str> {
    if text
        .chars()
        .any(|c| c.is_control() && !"\r\n\t".contains(c))
    {
        Err(word::FORMAT)
    } else if text.chars().count() > MAX_REMARK {
        Err(rule::MAX_LEN)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_create_has_its_rule_in_the_contracts_order() {
        let create = wire::contract::operation("v1.0", "company_contact/create").unwrap();
        let theirs: Vec<&str> = create.request.iter().map(|member| member.name).collect();
        let ours: Vec<&str> = RULES.iter().map(|member| member.name).collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn every_kind_of_number_has_its_member_in_a_row() {
        let kinds = wire::contract::named_type("Number_List").unwrap().members[0];
        assert_eq!(kinds.values.len(), NUMBERS.len());
        for (kind, _) in NUMBERS {
            let known = wire::contract::Scalar::Text(kind);
            assert!(kinds.values.contains(&known), "{kind}");
        }
    }
}
