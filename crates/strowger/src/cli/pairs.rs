//! `key=value` on the command line: members of a request, each as the kind that
//! the contract says.

use std::io::Read;
use std::path::Path;

use client::{Map, Upload, Value};
use wire::contract::{Kind, Member, Operation};

use super::failure::{Failure, Result};
use super::help;

/// No file read into a request is larger.
const MAX_FILE: u64 = 256 << 20;

/// What the words say.
#[derive(Debug, Default)]
pub struct Given {
    /// Members.
    pub params: Map<String, Value>,
    /// Files by their member.
    pub files: Vec<(String, Upload)>,
}

/// The grammar, for help texts.
pub const GRAMMAR: &str = "  key=value     a member; lists are written a,b,c
  key:=json     a member as JSON: key:=[1,2], key:='{\"a\":1}'
  key=@file     the content of a file (- is the standard input)
  key:=@file    JSON from a file
  @file         a whole object of members from a file";

/// Reads the words. Members that the operation does not have are refused,
/// unless `any`.
pub fn read(operation: Option<&Operation>, words: &[String], any: bool) -> Result<Given> {
    let mut given = Given::default();
    for word in words {
        if let Some(file) = word.strip_prefix('@') {
            let Value::Object(members) = json(&text(file)?, word)? else {
                return Err(Failure::usage(format!("{word}: no JSON object")));
            };
            for (name, value) in members {
                known(operation, &name, any)?;
                given.params.insert(name, value);
            }
            continue;
        }
        let Some((name, value)) = word.split_once('=') else {
            return Err(Failure::usage(format!(
                "{word:?} is no member; write it as\n{GRAMMAR}"
            )));
        };
        let as_json = name.ends_with(':');
        let name = name.trim_end_matches(':');
        let member = known(operation, name, any)?;
        let file = value.strip_prefix('@');
        match (member.map(|member| member.kind), as_json, file) {
            (Some(Kind::File), _, file) => {
                let upload = upload(file.unwrap_or(value))?;
                given.files.push((name.to_owned(), upload));
            }
            (_, true, file) => {
                let source = file.map_or_else(|| Ok(value.to_owned()), text)?;
                given.params.insert(name.to_owned(), json(&source, word)?);
            }
            (_, false, file) => {
                let source = file.map_or_else(|| Ok(value.to_owned()), text)?;
                let value = typed(member, &source, word)?;
                given.params.insert(name.to_owned(), value);
            }
        }
    }
    Ok(given)
}

fn known(operation: Option<&Operation>, name: &str, any: bool) -> Result<Option<&'static Member>> {
    let Some(operation) = operation else {
        return Ok(None);
    };
    let member = operation.member(name);
    if member.is_some() || any {
        return Ok(member);
    }
    let names = operation.request.iter().map(|member| member.name);
    Err(Failure::usage(format!(
        "{} has no member {name}; --any sends it all the same.{}",
        operation.path,
        help::did_you_mean(name, names)
    )))
}

/// A text as the kind of its member.
fn typed(member: Option<&Member>, text: &str, word: &str) -> Result<Value> {
    let list = |text: &str| -> Vec<String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    // What is no number is sent as it is: the PBX has the last word on it.
    let whole = |text: &str| {
        text.parse::<i64>()
            .map_or_else(|_| Value::from(text), Value::from)
    };
    Ok(match member.map(|member| member.kind) {
        Some(Kind::Integer | Kind::NumberOrText) => whole(text),
        Some(Kind::Number) => text
            .parse::<f64>()
            .map_or_else(|_| Value::from(text), Value::from),
        Some(Kind::Boolean) => text
            .parse::<bool>()
            .map_or_else(|_| Value::from(text), Value::from),
        Some(Kind::Strings) => list(text).into(),
        Some(Kind::Integers) => list(text).iter().map(|part| whole(part)).collect(),
        Some(Kind::Object | Kind::Named(_) | Kind::Objects | Kind::NamedList(_)) => {
            json(text, word)?
        }
        Some(Kind::String | Kind::File) | None => text.into(),
    })
}

fn json(text: &str, word: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Failure::usage(format!("{word}: no JSON: {error}")))
}

fn text(file: &str) -> Result<String> {
    let bytes = content(file)?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{file}: no text in UTF-8")))
}

fn upload(file: &str) -> Result<Upload> {
    let name = Path::new(file).file_name().map_or_else(
        || file.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(Upload::new(name, content(file)?))
}

/// The bytes of a file, or of the standard input.
pub fn content(file: &str) -> Result<Vec<u8>> {
    let told = |error: std::io::Error| Failure::usage(format!("{file}: {error}"));
    let mut bytes = Vec::new();
    let mut reader: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin().lock()),
        _ => Box::new(std::fs::File::open(file).map_err(told)?),
    };
    reader
        .by_ref()
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(told)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::usage(format!(
            "{file}: larger than {} MiB",
            MAX_FILE >> 20
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::json;

    fn given(path: &str, words: &[&str]) -> Result<Value> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let operation = wire::contract::operation("v1.0", path);
        read(operation, &words, false).map(|given| Value::Object(given.params))
    }

    #[test]
    fn each_member_has_the_kind_of_the_contract() {
        let words = [
            "number=2000",
            "enb_vm=1",
            "presence_list:=[{\"status\":\"away\"}]",
        ];
        let expected =
            json!({"number": "2000", "enb_vm": 1, "presence_list": [{"status": "away"}]});
        assert_eq!(given("extension/create", &words).unwrap(), expected);
        let expected = json!({"id_list": [1, 2]});
        let path = "extension/send_welcome_email";
        assert_eq!(given(path, &["id_list=1, 2"]).unwrap(), expected);
        assert_eq!(given(path, &["id_list:=[1,2]"]).unwrap(), expected);
    }

    #[test]
    fn a_member_that_is_not_there_is_refused_with_the_one_that_was_meant() {
        let Err(Failure::Usage(told)) = given("extension/create", &["frist_name=Ada"]) else {
            panic!()
        };
        assert!(told.contains("first_name"), "{told}");
        assert!(matches!(
            given("extension/create", &["Ada"]),
            Err(Failure::Usage(_))
        ));
        assert!(matches!(
            given("extension/create", &["presence_list=x"]),
            Err(Failure::Usage(_))
        ));
    }
}
