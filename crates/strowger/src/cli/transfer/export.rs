//! What the PBX has, as the vendor's CSV file: written so that an import of it
//! makes the same.

use std::collections::HashMap;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Client, Map, Value, json};

use super::columns::{Column, How, MAIL_LANGUAGES};
use super::sheet;
use crate::cli::failure::Result;
use crate::cli::names::{self, Names};
use crate::cli::out;

/// Objects asked for at once, in full.
const AT_ONCE: usize = 100;

/// Names of what objects refer to, where there are any.
#[derive(Debug, Default)]
pub struct References {
    /// Departments.
    pub organizations: Option<Names>,
    /// Roles.
    pub roles: Option<Names>,
    /// Extensions.
    pub extensions: Option<Names>,
}

/// Every object of a kind in full, oldest first.
pub async fn objects(client: &Client, path: &str) -> Result<Vec<Map<String, Value>>> {
    let list = format!("{path}/list");
    let mut rows = client.rows::<Value, _>("v1.0", &list, &json!({"page_size": 1000}));
    let mut ids = Vec::new();
    while let Some(row) = rows.next().await {
        ids.extend(names::id(&row?));
    }
    ids.sort_unstable();
    let bar = out::progress("read", Some(ids.len() as u64));
    let query = format!("{path}/query");
    let mut objects = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_ONCE) {
        let joined: Vec<String> = some.iter().map(i64::to_string).collect();
        let mut answer = client
            .ask("v1.0", &query, json!({"ids": joined.join(",")}))
            .await?;
        if let Some(Value::Array(found)) = answer.get_mut("data").map(Value::take) {
            let found = found.into_iter().filter_map(|one| match one {
                Value::Object(members) => Some(members),
                _ => None,
            });
            objects.extend(found);
        }
        bar.inc(some.len() as u64);
    }
    bar.finish_and_clear();
    Ok(objects)
}

/// The passwords of extensions, as the API gives them one by one.
pub async fn passwords(client: &Client, objects: &mut [Map<String, Value>]) -> Result<()> {
    let bar = out::progress("passwords", Some(objects.len() as u64));
    for object in objects {
        let id = object.get("id").cloned().unwrap_or_default();
        // Of this one there is nothing but a mask.
        object.shift_remove("user_password");
        for member in ["reg_password", "vm_pin"] {
            let asked = json!({"id": id, "type": member});
            let answer = client.ask("v1.0", "extension/getpassword", asked).await?;
            let secret = answer.get("password").and_then(Value::as_str);
            let secret = secret.and_then(|secret| STANDARD.decode(secret).ok());
            let secret = secret.and_then(|secret| String::from_utf8(secret).ok());
            object.insert(member.into(), secret.into());
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Writes them under the columns that the API can fill.
pub fn write(
    mut to: impl Write,
    columns: &[Column],
    objects: &[Map<String, Value>],
    known: &References,
    secrets: bool,
) -> Result<()> {
    let columns: Vec<&Column> = columns
        .iter()
        .filter(|column| column.how != How::Unreachable)
        .collect();
    let titles = columns.iter().map(|column| column.title);
    to.write_all(&sheet::record(titles)?)?;
    for object in objects {
        let numbers = numbers(object);
        let cells = columns
            .iter()
            .map(|column| cell(column, object, &numbers, known, secrets));
        to.write_all(&sheet::record(cells)?)?;
    }
    to.flush()?;
    Ok(())
}

/// A contact's numbers by kind.
fn numbers(object: &Map<String, Value>) -> HashMap<&str, &str> {
    let list = object.get("number_list").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|number| {
            let text = |member: &str| number.get(member).and_then(Value::as_str);
            Some((text("num_type")?, text("number")?))
        })
        .collect()
}

fn cell(
    column: &Column,
    object: &Map<String, Value>,
    numbers: &HashMap<&str, &str>,
    known: &References,
    secrets: bool,
) -> String {
    let value = object.get(column.member).unwrap_or(&Value::Null);
    match column.how {
        How::Text | How::Number => plain(value),
        How::Password if secrets => plain(value),
        How::Password | How::Unreachable => String::new(),
        How::ContactNumber => numbers
            .get(column.member)
            .map_or(String::new(), |number| (*number).to_owned()),
        How::MailLanguage => {
            let code = plain(value);
            let found = MAIL_LANGUAGES.iter().find(|(_, known)| *known == code);
            found.map_or(code, |(name, _)| (*name).to_owned())
        }
        How::Role => {
            let id = names::whole(value).unwrap_or(0);
            let name = known.roles.as_ref().and_then(|roles| roles.name(id));
            name.map_or_else(|| id.to_string(), str::to_owned)
        }
        How::Organizations => joined(value, |one| {
            let id = names::whole(one.get("value").or_else(|| one.get("id"))?)?;
            known.organizations.as_ref()?.name(id).map(str::to_owned)
        }),
        How::Members(kind) => joined(value, |one| {
            let held = one.get("user_type").and_then(Value::as_str);
            if held.unwrap_or("user") != kind {
                return None;
            }
            let id = names::whole(one.get("ext_id")?)?;
            known.extensions.as_ref()?.name(id).map(str::to_owned)
        }),
        How::Parent => {
            let path = object.get("path").map(plain).unwrap_or_default();
            names::above(&path).unwrap_or_default().to_owned()
        }
        // Written by id, read with their names.
        How::Phonebooks => joined(
            object.get("phonebook_list").unwrap_or(&Value::Null),
            |one| Some(names::escaped(one.get("name")?.as_str()?)),
        ),
    }
}

fn joined(list: &Value, name: impl Fn(&Value) -> Option<String>) -> String {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<String> = list.iter().filter_map(name).collect();
    names.join("&")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
