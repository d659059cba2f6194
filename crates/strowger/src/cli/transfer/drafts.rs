//! Rows as requests of `create`, checked as far as they can be before the first
//! is sent: by the contract's tables, by the rules of the vendor's guide, against
//! each other and against what the PBX has. Sends nothing.

use std::collections::HashMap;

use client::{Map, Value, json};
use wire::contract::Operation;
use wire::{InvalidParam, rule};

use super::columns::{How, MAIL_LANGUAGES};
use super::sheet::{Faults, Row};
use crate::cli::names::Names;
use crate::cli::passwords;

/// Signs that a phone number may have beside letters and digits.
const NUMBER_SIGNS: &str = "().-+*#";
/// The longest phone number.
const NUMBER_LENGTH: usize = 31;
/// The lengths of the portal's password.
const USER_PASSWORD: std::ops::RangeInclusive<usize> = 10..=63;
/// The lengths of the phone's password.
const REG_PASSWORD: std::ops::RangeInclusive<usize> = 8..=63;
/// The lengths of a mailbox's PIN.
const PIN: std::ops::RangeInclusive<usize> = 3..=24;
/// A name has no more parts that `&` stands between.
const MOST_PARTS: usize = 8;
/// The longest texts of a contact.
const CONTACT_LENGTHS: &[(&str, usize)] = &[
    ("First Name", 63),
    ("Last Name", 63),
    ("Company Name", 127),
    ("Email", 255),
    ("ZIP Code", 255),
    ("Street", 255),
    ("City", 255),
    ("State", 255),
    ("Country", 255),
    ("Remark", 1024),
];

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
            extension_rules(row, &params, faults);
            for (title, taken) in [
                ("Extension Number", Some((&known.numbers, "extension"))),
                ("Email Address", Some((&known.mails, "extension"))),
                ("Registration Name", None),
            ] {
                seen.once(row, title, taken, faults);
            }
            let name = row.cell("Extension Number").unwrap_or_default().to_owned();
            Some(checked("extension/create", row, name, params, made, faults))
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
            let numbers: Vec<Value> = row
                .cells
                .iter()
                .filter(|(column, _)| column.how == How::ContactNumber)
                .map(|(column, text)| json!({"num_type": column.member, "number": text}))
                .collect();
            if numbers.is_empty() {
                faults.add(row.line, "", "a contact has at least one number");
            }
            params.insert("number_list".into(), numbers.into());
            let (first, last) = (row.cell("First Name"), row.cell("Last Name"));
            if first.or(last).is_none() {
                faults.add(
                    row.line,
                    "First Name",
                    "a contact has a first or a last name",
                );
            }
            params.entry("first_name").or_insert_with(|| "".into());
            for (title, most) in CONTACT_LENGTHS {
                let length = row.cell(title).map_or(0, |text| text.chars().count());
                if length > *most {
                    faults.add(row.line, title, format!("longer than {most} characters"));
                }
            }
            mail_rule(row, "Email", faults);
            for (column, text) in &row.cells {
                if column.how == How::ContactNumber {
                    number_rule(row, column.title, text, faults);
                }
            }
            let name = [first, last]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ");
            Some(checked(
                "company_contact/create",
                row,
                name,
                params,
                Vec::new(),
                faults,
            ))
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
            let mut list = Vec::new();
            for (column, text) in &row.cells {
                let How::Members(kind) = column.how else {
                    continue;
                };
                match each(text, known.extensions.as_ref()) {
                    Ok(ids) => list.extend(
                        ids.into_iter()
                            .map(|id| json!({"ext_id": id, "user_type": kind})),
                    ),
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
            Some(checked(
                "extensiongroup/create",
                row,
                name,
                params,
                Vec::new(),
                faults,
            ))
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
            Some(checked(
                "phonebook/create",
                row,
                name,
                params,
                Vec::new(),
                faults,
            ))
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

/// The ids of names joined by `&`, which a name may have in itself: the longest
/// that is known counts.
fn each(text: &str, known: Option<&Names>) -> Result<Vec<i64>, String> {
    let known = known.ok_or("the PBX names none")?;
    let parts: Vec<&str> = text.split('&').collect();
    let mut ids = Vec::new();
    let mut rest = parts.as_slice();
    let most = if known.any_has('&') { MOST_PARTS } else { 1 };
    while let Some((first, after)) = rest.split_first() {
        let longest = (1..=rest.len().min(most)).rev().find_map(|count| {
            let (name, after) = rest.split_at_checked(count)?;
            let id = known.find(name.join("&").trim())?;
            Some((id, after))
        });
        match longest {
            Some((id, after)) => {
                ids.push(id);
                rest = after;
            }
            None if first.trim().is_empty() => rest = after,
            None => return known.id(first.trim()).map(|_| ids),
        }
    }
    Ok(ids)
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
    made
}

/// The guide's rules that the tables don't have.
fn extension_rules(row: &Row, params: &Map<String, Value>, faults: &mut Faults) {
    if let Some(number) = row.cell("Extension Number")
        && !number.bytes().all(|sign| sign.is_ascii_digit())
    {
        faults.add(
            row.line,
            "Extension Number",
            format!("{number:?} is not digits only"),
        );
    }
    for title in ["Caller ID", "Mobile Number", "Emergency Outbound Caller ID"] {
        if let Some(number) = row.cell(title) {
            number_rule(row, title, number, faults);
        }
    }
    mail_rule(row, "Email Address", faults);
    length_rule(row, "User Password", USER_PASSWORD, faults);
    if let Some(password) = row.cell("User Password") {
        let has = |kind: fn(&char) -> bool| password.chars().any(|sign| kind(&sign));
        if !(has(char::is_ascii_digit)
            && has(char::is_ascii_lowercase)
            && has(char::is_ascii_uppercase))
        {
            let what = "it has not a digit, a capital and a small letter";
            faults.add(row.line, "User Password", what);
        }
    }
    length_rule(row, "Registration Password", REG_PASSWORD, faults);
    length_rule(row, "Voicemail Access PIN", PIN, faults);
    if let Some(pin) = row.cell("Voicemail Access PIN")
        && !pin.bytes().all(|sign| sign.is_ascii_digit())
    {
        faults.add(row.line, "Voicemail Access PIN", "it is not digits only");
    }
    if params.get("enb_vm_pin") == Some(&1.into()) && !params.contains_key("vm_pin") {
        let what = "it is needed where Voicemail PIN Authentication is 1";
        faults.add(row.line, "Voicemail Access PIN", what);
    }
}

fn length_rule(
    row: &Row,
    title: &str,
    lengths: std::ops::RangeInclusive<usize>,
    faults: &mut Faults,
) {
    if let Some(text) = row.cell(title)
        && !lengths.contains(&text.chars().count())
    {
        let what = format!(
            "it has not {} to {} characters",
            lengths.start(),
            lengths.end()
        );
        faults.add(row.line, title, what);
    }
}

fn number_rule(row: &Row, title: &str, number: &str, faults: &mut Faults) {
    let sign = |sign: char| sign.is_ascii_alphanumeric() || NUMBER_SIGNS.contains(sign);
    if !number.chars().all(sign) {
        let what = format!("{number:?} has signs other than letters, digits and {NUMBER_SIGNS}");
        faults.add(row.line, title, what);
    } else if number.len() > NUMBER_LENGTH {
        let what = format!("longer than {NUMBER_LENGTH} characters");
        faults.add(row.line, title, what);
    }
}

fn mail_rule(row: &Row, title: &str, faults: &mut Faults) {
    let Some(mail) = row.cell(title) else { return };
    let sign = |sign: char| sign.is_ascii_alphanumeric() || "@_-.'+".contains(sign);
    let whole = mail
        .split_once('@')
        .is_some_and(|(who, place)| !who.is_empty() && place.contains('.') && !place.contains('@'));
    if !whole || !mail.chars().all(sign) {
        faults.add(row.line, title, format!("{mail:?} is no mail address"));
    }
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
        let key = text.to_lowercase();
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

/// Held against the contract's table.
fn checked(
    path: &str,
    row: &Row,
    name: String,
    params: Map<String, Value>,
    made: Vec<(&'static str, String)>,
    faults: &mut Faults,
) -> Draft {
    if let Some(operation) = wire::contract::operation("v1.0", path)
        && let Err(wrong) = wire::validate(operation, &params)
    {
        for param in wrong {
            let title = title(row, &param.field, operation);
            faults.add(row.line, &title, sentence(&param, operation));
        }
    }
    Draft {
        line: row.line,
        name,
        params,
        made,
    }
}

/// The column of a member, as the file has it.
pub fn title(row: &Row, field: &str, operation: &Operation) -> String {
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

fn sentence(param: &InvalidParam, operation: &Operation) -> String {
    let value = param.value.as_deref().unwrap_or_default();
    let member = operation.member(&param.field);
    match param.validation_type.as_deref() {
        Some(rule::REQUIRED) => "it is missing".into(),
        Some(rule::ENUM) => {
            let set = member.map_or(&[][..], |member| member.values);
            format!("{value:?} is none of {}", crate::cli::help::values(set))
        }
        Some(rule::MAX_LEN) => {
            let most = member.and_then(|member| member.max_len).unwrap_or_default();
            format!("longer than {most} characters")
        }
        Some(rule::MIN | rule::MAX) => format!("{value} is out of bounds"),
        _ => format!("{value:?} is of the wrong kind"),
    }
}
