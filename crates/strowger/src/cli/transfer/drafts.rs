//! Rows as requests of `create`, checked before the first is sent for what a file
//! itself must be: values of the contract's kinds, references to what exists,
//! nothing twice. Which values are good the PBX alone knows: a rule book here would
//! refuse what a PBX has given. Sends nothing.

use std::collections::HashMap;

use client::{Map, Value, json};
use wire::contract::Operation;
use wire::{InvalidParam, rule};

use super::columns::{How, MAIL_LANGUAGES};
use super::sheet::{Faults, Row};
use crate::cli::names::{Names, folded};
use crate::cli::passwords;

/// What a file may name, and what the PBX has already.
#[derive(Debug, Default)]
pub struct Known {
    /// Departments, where a file names some.
    pub organizations: Option<Names>,
    /// Roles, where a file names some.
    pub roles: Option<Names>,
    /// Phonebooks, where a file names some.
    pub phonebooks: Option<Names>,
    /// Extensions, where a file names some.
    pub extensions: Option<Names>,
    /// Extension numbers that are taken.
    pub numbers: HashMap<String, String>,
    /// Mail addresses that are taken, and by which extension.
    pub mails: HashMap<String, String>,
    /// Names of groups or phonebooks that are taken.
    pub names: HashMap<String, String>,
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub struct Draft {
    /// The line it is from.
    pub line: u64,
    /// How a person calls it.
    pub name: String,
    /// Its members.
    pub params: Map<String, Value>,
    /// What was made for it, by title.
    pub made: Vec<(&'static str, String)>,
    /// The columns of the entries of the list that several of them make.
    pub entries: Vec<&'static str>,
}

/// Rows of extensions as requests.
pub fn extensions(rows: &[Row], known: &Known, ignore: bool, faults: &mut Faults) -> Vec<Draft> {
    let mut seen = Seen::default();
    rows.iter()
        .map_while(|row| {
            if faults.are_many() {
                return None;
            }
            let mut params = members(row, known, ignore, faults);
            params.insert("type".into(), "SIP".into());
            params
                .entry("presence_status")
                .or_insert_with(|| "available".into());
            params
                .entry("concurrent_registrations")
                .or_insert_with(|| 1.into());
            let made = make_secrets(&mut params);
            for (title, taken) in [
                ("Extension Number", Some((&known.numbers, "extension"))),
                ("Email Address", Some((&known.mails, "extension"))),
                ("Registration Name", None),
            ] {
                seen.once(row, title, taken, faults);
            }
            let name = row.cell("Extension Number").unwrap_or_default().to_owned();
            let draft = checked("extension/create", row, name, params, faults);
            Some(Draft { made, ..draft })
        })
        .collect()
}

/// Rows of contacts as requests.
pub fn contacts(rows: &[Row], known: &Known, ignore: bool, faults: &mut Faults) -> Vec<Draft> {
    rows.iter()
        .map_while(|row| {
            if faults.are_many() {
                return None;
            }
            let mut params = members(row, known, ignore, faults);
            let numbers = row
                .cells
                .iter()
                .filter(|(column, _)| column.how == How::ContactNumber);
            let (entries, numbers): (Vec<&'static str>, Vec<Value>) = numbers
                .map(|(column, text)| {
                    let number = json!({"num_type": column.member, "number": text});
                    (column.title, number)
                })
                .unzip();
            params.insert("number_list".into(), numbers.into());
            params.entry("first_name").or_insert_with(|| "".into());
            let name = [row.cell("First Name"), row.cell("Last Name")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ");
            let draft = checked("company_contact/create", row, name, params, faults);
            Some(Draft { entries, ..draft })
        })
        .collect()
}

/// Rows of extension groups as requests.
pub fn groups(rows: &[Row], known: &Known, ignore: bool, faults: &mut Faults) -> Vec<Draft> {
    let mut seen = Seen::default();
    rows.iter()
        .map_while(|row| {
            if faults.are_many() {
                return None;
            }
            let mut params = members(row, known, ignore, faults);
            let (mut entries, mut list) = (Vec::new(), Vec::new());
            for (column, text) in &row.cells {
                let How::Members(kind) = column.how else {
                    continue;
                };
                match each(text, known.extensions.as_ref()) {
                    Ok(ids) => {
                        entries.extend(ids.iter().map(|_| column.title));
                        let members = ids.into_iter();
                        list.extend(members.map(|id| json!({"ext_id": id, "user_type": kind})));
                    }
                    Err(what) => faults.add(row.line, column.title, what),
                }
            }
            if !list.is_empty() {
                params.insert("members".into(), list.into());
            }
            params
                .entry("member_select")
                .or_insert_with(|| "sel_specific".into());
            seen.once(row, "name", Some((&known.names, "group")), faults);
            let name = row.cell("name").unwrap_or_default().to_owned();
            let draft = checked("extensiongroup/create", row, name, params, faults);
            Some(Draft { entries, ..draft })
        })
        .collect()
}

/// Rows of phonebooks as requests.
pub fn phonebooks(rows: &[Row], known: &Known, ignore: bool, faults: &mut Faults) -> Vec<Draft> {
    let mut seen = Seen::default();
    rows.iter()
        .map_while(|row| {
            if faults.are_many() {
                return None;
            }
            let params = members(row, known, ignore, faults);
            seen.once(row, "name", Some((&known.names, "phonebook")), faults);
            let name = row.cell("name").unwrap_or_default().to_owned();
            Some(checked("phonebook/create", row, name, params, faults))
        })
        .collect()
}

/// The members that the cells are.
fn members(row: &Row, known: &Known, ignore: bool, faults: &mut Faults) -> Map<String, Value> {
    let mut params = Map::new();
    for (column, text) in &row.cells {
        let value = match column.how {
            How::Text | How::Password => Ok(Value::from(text.as_str())),
            How::Number => Ok(text
                .parse::<i64>()
                .map_or_else(|_| text.as_str().into(), Value::from)),
            How::Organizations => each(text, known.organizations.as_ref()).map(|ids| {
                ids.iter()
                    .map(|id| json!({"value": id.to_string()}))
                    .collect()
            }),
            How::Phonebooks => each(text, known.phonebooks.as_ref()).map(Value::from),
            How::Role => match (text.parse::<i64>(), &known.roles) {
                (Ok(id), _) => Ok(id.into()),
                (Err(_), Some(roles)) => roles.id(text).map(Value::from),
                (Err(_), None) => Err("the PBX names no roles".into()),
            },
            How::MailLanguage => language(text),
            // What several cells make together is made by who knows the kind.
            How::ContactNumber | How::Members(_) | How::Parent => continue,
            How::Unreachable => {
                if text != column.member && !ignore {
                    let what = format!(
                        "{text:?} can't be set through the API; --ignore-unreachable imports without it"
                    );
                    faults.add(row.line, column.title, what);
                }
                continue;
            }
        };
        match value {
            Ok(value) => {
                params.insert(column.member.into(), value);
            }
            Err(what) => faults.add(row.line, column.title, what),
        }
    }
    params
}

/// The ids of names joined by `&`.
fn each(text: &str, known: Option<&Names>) -> Result<Vec<i64>, String> {
    known.ok_or("the PBX names none")?.each(text)
}

fn language(text: &str) -> Result<Value, String> {
    let found = MAIL_LANGUAGES
        .iter()
        .find(|(name, code)| name.eq_ignore_ascii_case(text) || *code == text);
    found.map(|(_, code)| Value::from(*code)).ok_or_else(|| {
        let names: Vec<&str> = MAIL_LANGUAGES.iter().map(|(name, _)| *name).collect();
        format!("{text:?} is none of {}", names.join(", "))
    })
}

/// As the vendor's import does it: what is blank is made.
fn make_secrets(params: &mut Map<String, Value>) -> Vec<(&'static str, String)> {
    let mut made = Vec::new();
    for (title, member) in [
        ("User Password", "user_password"),
        ("Registration Name", "reg_name"),
        ("Registration Password", "reg_password"),
    ] {
        if params.contains_key(member) {
            continue;
        }
        // Without chance there is none; the PBX then says what is missing.
        if let Ok(secret) = passwords::made() {
            params.insert(member.into(), secret.as_str().into());
            made.push((title, secret));
        }
    }
    let asked_for = params.get("enb_vm_pin") == Some(&1.into());
    if asked_for
        && !params.contains_key("vm_pin")
        && let Ok(pin) = passwords::pin()
    {
        params.insert("vm_pin".into(), pin.as_str().into());
        made.push(("Voicemail Access PIN", pin));
    }
    made
}

/// What only one row may have: where it was seen first.
#[derive(Default)]
struct Seen(HashMap<(&'static str, String), u64>);

impl Seen {
    fn once(
        &mut self,
        row: &Row,
        title: &'static str,
        taken: Option<(&HashMap<String, String>, &str)>,
        faults: &mut Faults,
    ) {
        let Some(text) = row.cell(title) else { return };
        let key = folded(text);
        if let Some((taken, kind)) = taken
            && let Some(owner) = taken.get(&key)
        {
            let what = format!("{text} is taken by {kind} {owner} of the PBX");
            faults.add(row.line, title, what);
        }
        if let Some(first) = self.0.get(&(title, key.clone())) {
            faults.add(
                row.line,
                title,
                format!("{text} is in line {first} already"),
            );
        } else {
            self.0.insert((title, key), row.line);
        }
    }
}

/// Held against the contract's kinds. Sets and bounds are the PBX's to judge: one
/// of another version may have more words.
fn checked(
    path: &str,
    row: &Row,
    name: String,
    params: Map<String, Value>,
    faults: &mut Faults,
) -> Draft {
    if let Some(operation) = wire::contract::operation("v1.0", path)
        && let Err(wrong) = wire::validate(operation, &params)
    {
        for param in wrong {
            if let Some(sentence) = sentence(&param) {
                let title = title(row, &param.field, operation);
                faults.add(row.line, &title, sentence);
            }
        }
    }
    Draft {
        line: row.line,
        name,
        params,
        made: Vec::new(),
        entries: Vec::new(),
    }
}

/// The column of a member, as the file has it.
fn title(row: &Row, field: &str, operation: &Operation) -> String {
    let member = field.split(['[', '.']).next().unwrap_or(field);
    let columns = super::columns_of_path(operation.path);
    let own = row.cells.iter().find(|(column, _)| column.member == member);
    let own = own.map(|(column, _)| column.title);
    own.or_else(|| {
        let column = columns
            .iter()
            .find(|column| column.member == member && column.how != How::Unreachable);
        column.map(|column| column.title)
    })
    .unwrap_or(field)
    .to_owned()
}

fn sentence(param: &InvalidParam) -> Option<String> {
    let value = param.value.as_deref().unwrap_or_default();
    match param.validation_type.as_deref() {
        Some(rule::REQUIRED) => Some("it is missing".into()),
        Some(rule::TYPE) => Some(format!("{value:?} is of the wrong kind")),
        _ => None,
    }
}
