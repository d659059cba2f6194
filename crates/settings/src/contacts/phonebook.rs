//! The kind `phonebook`: a name, and whether all contacts are in it or those
//! that were put in. A phonebook that is made one of all forgets nobody: who was
//! put in before is in it again when it is made one of some.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use wire::{ErrCode, InvalidParam, rule};

use crate::draft::Draft;
use crate::error::{SettingsError, invalid, word};
use crate::kind::Rule::{Acted, Elsewhere};
use crate::kind::{BY_NAME, Kind, MemberRule, SortKey, UniqueKey, check_name};
use crate::nested::Room;
use crate::read::answer;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::table::id_key;

use super::company_contact::{self, CompanyContactKind, PHONEBOOK_INDEX, put_in, set_phonebooks};

/// The kind's name.
const NAME: &str = "phonebook";
/// Most phonebooks, as many as the guide's largest edition has.
const MAX_PHONEBOOKS: usize = 500;
/// How members are chosen.
const SELECT: &str = "member_select";
/// All contacts are in it.
const ALL: &str = "sel_all";
/// Those that were put in are.
const CHOSEN: &str = "sel_specific";
/// Contacts that a request puts in.
const ADD: &str = "add_contacts_id_list";
/// Contacts that a request takes out.
const TAKE: &str = "del_contacts_id_list";
/// Most contacts that one request puts in or takes out: each is written, in one
/// transaction.
const MAX_DELTA: usize = 10_000;

static RULES: &[MemberRule] = &[
    MemberRule::new("name", Acted),
    MemberRule::new(SELECT, Acted),
    MemberRule::new(ADD, Elsewhere),
    MemberRule::new(TAKE, Elsewhere),
];

/// A phonebook as contacts are read with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phonebook {
    pub name: String,
    /// All contacts are in it.
    pub all: bool,
}

/// The kind `phonebook`.
pub(crate) struct PhonebookKind;

impl Kind for PhonebookKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> usize {
        MAX_PHONEBOOKS
    }

    fn unique(&self) -> &'static [UniqueKey] {
        BY_NAME
    }

    fn members(&self) -> &'static [MemberRule] {
        RULES
    }

    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey> {
        (field == "name").then(|| SortKey::text(record.text("name")))
    }

    /// How many are in it hangs on the contacts.
    fn joined(&self) -> &'static [&'static str] {
        &["total"]
    }

    fn joined_sort_key(
        &self,
        record: &Record,
        field: &str,
        snapshot: &Snapshot,
    ) -> Option<SortKey> {
        let total = || i64::try_from(total(record, snapshot)).unwrap_or(i64::MAX);
        (field == "total").then(|| SortKey::Number(total()))
    }

    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>> {
        vec![record.text("name").into()]
    }

    fn complete(&self, record: &mut Record) {
        if record.text(SELECT).is_empty() {
            record.doc.insert(SELECT.into(), CHOSEN.into());
        }
    }

    fn check(
        &self,
        record: &Record,
        _present: Option<&Record>,
        _snapshot: &Snapshot,
        faults: &mut Vec<InvalidParam>,
    ) {
        check_name(record, faults);
        for member in [ADD, TAKE] {
            if record.list(member).len() > MAX_DELTA {
                faults.push(invalid(member, None, rule::MAX));
            }
        }
        // Nobody can be taken out of a phonebook of all.
        if has_all(record) && !record.list(TAKE).is_empty() {
            faults.push(invalid(TAKE, None, word::UNSUPPORTED));
        }
    }

    fn forbid(
        &self,
        record: &Record,
        _present: Option<&Record>,
        _sent: &Map<String, Value>,
        snapshot: &Snapshot,
    ) -> Result<(), SettingsError> {
        let mut named = ids(record, ADD).into_iter().chain(ids(record, TAKE));
        if named.any(|id| !snapshot.has(company_contact::NAME, id)) {
            return Err(SettingsError::Refused(ErrCode::ContactsNotExisted));
        }
        Ok(())
    }

    /// Who is put in or taken out is kept with the contact. Who is in both
    /// lists is put in: it is taken out first.
    fn carry(&self, record: &mut Record, draft: &mut Draft) -> Result<(), SettingsError> {
        let (add, take) = (ids(record, ADD), ids(record, TAKE));
        record
            .doc
            .retain(|member, _| member != ADD && member != TAKE);
        for contact in add.union(&take) {
            let phonebook = record.id;
            let here = add.contains(contact);
            let is = draft.now().record(company_contact::NAME, *contact);
            // Who is there already is not written again.
            if is.is_none_or(|contact| put_in(&contact).any(|id| id == phonebook) == here) {
                continue;
            }
            draft.edit(&CompanyContactKind, *contact, |contact| {
                let mut ids: BTreeSet<i64> = put_in(contact).collect();
                if here {
                    ids.insert(phonebook);
                } else {
                    ids.remove(&phonebook);
                }
                set_phonebooks(contact, ids.into_iter().collect());
            })?;
        }
        Ok(())
    }

    fn brief(&self, record: &Record, snapshot: &Snapshot) -> Map<String, Value> {
        answer([
            ("id", record.id.into()),
            ("name", record.text("name").into()),
            ("total", total(record, snapshot).into()),
            (SELECT, record.text(SELECT).into()),
        ])
    }

    /// With its contacts from the lowest id on, as far as there is room. `total`
    /// counts all; all contacts are read page by page with
    /// `company_contact/list`.
    fn detail(&self, record: &Record, snapshot: &Snapshot, room: Room) -> Map<String, Value> {
        let most = room.rows(company_contact::ROW_VALUES);
        let contacts: Vec<Value> = match snapshot.table(company_contact::NAME) {
            None => Vec::new(),
            Some(table) if has_all(record) => table
                .rows_by_id()
                .take(most)
                .map(company_contact::row)
                .collect(),
            Some(table) => table
                .indexed(PHONEBOOK_INDEX, &id_key(record.id))
                .take(most)
                .map(company_contact::row)
                .collect(),
        };
        answer([
            ("id", record.id.into()),
            ("name", record.text("name").into()),
            (SELECT, record.text(SELECT).into()),
            ("contacts_list", contacts.into()),
            ("total", total(record, snapshot).into()),
        ])
    }

    fn label(&self, record: &Record) -> String {
        record.text("name").to_owned()
    }

    fn project(&self, record: &Record, snapshot: &mut Snapshot) -> Result<(), String> {
        let phonebook = Phonebook {
            name: record.text("name").to_owned(),
            all: has_all(record),
        };
        snapshot.put_phonebook(record.id, phonebook);
        Ok(())
    }

    fn withdraw(&self, record: &Record, snapshot: &mut Snapshot) {
        snapshot.remove_phonebook(record.id);
    }
}

/// A contact's phonebooks: of those that it was put in the ones that are there,
/// and those of all contacts.
pub(super) fn there(put_in: impl Iterator<Item = i64>, snapshot: &Snapshot) -> BTreeSet<i64> {
    put_in
        .filter(|id| snapshot.phonebook(*id).is_some())
        .chain(snapshot.phonebooks_of_all())
        .collect()
}

/// A contact's phonebooks as it is read with them.
pub(super) fn of(contact: &Record, snapshot: &Snapshot) -> Value {
    let rows = there(put_in(contact), snapshot)
        .into_iter()
        .filter_map(|id| {
            let phonebook = snapshot.phonebook(id)?;
            Some(json!({"id": id, "name": phonebook.name}))
        });
    rows.collect()
}

fn has_all(record: &Record) -> bool {
    record.text(SELECT) == ALL
}

fn total(record: &Record, snapshot: &Snapshot) -> usize {
    let Some(contacts) = snapshot.table(company_contact::NAME) else {
        return 0;
    };
    if has_all(record) {
        contacts.count()
    } else {
        contacts.count_indexed(PHONEBOOK_INDEX, &id_key(record.id))
    }
}

fn ids(record: &Record, member: &str) -> BTreeSet<i64> {
    record
        .list(member)
        .iter()
        .filter_map(Value::as_i64)
        .collect()
}
