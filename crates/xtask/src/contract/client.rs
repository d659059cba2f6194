//! The operations of `client`: a module an area, a struct for the first part of a
//! path, a method for the second, made so that no operation is without one.

use std::collections::BTreeMap;

use super::Error;
use super::model::{Area, Certainty, Contract, Kind, Member, Operation};
use super::names;
use super::rust::{header, literal};

/// The client cares for tokens itself.
const WITHOUT: &[&str] = &["foundation"];

/// Paths below the client's `generated` and their source, not yet formatted.
pub fn make(contract: &Contract) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    let mut root = header("What is made from the contract.");
    for area in &contract.areas {
        if area.operations.is_empty() || WITHOUT.contains(&area.area.as_str()) {
            continue;
        }
        files.push((format!("{}.rs", area.area), module(contract, area)?));
        root.push_str(&format!("mod {};\n", area.area));
    }
    root.push('\n');
    for (path, _) in &files {
        let module = path.trim_end_matches(".rs");
        root.push_str(&format!("pub use {module}::*;\n"));
    }
    files.push(("mod.rs".into(), root));
    Ok(files)
}

fn module(contract: &Contract, area: &Area) -> Result<String, Error> {
    let mut groups: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in &area.operations {
        let (group, _) = split(operation)?;
        groups.entry(group).or_default().push(operation);
    }
    let mut made = String::new();
    for (group, operations) in groups {
        made.push_str(&structure(group));
        made.push_str(&format!("impl {}<'_> {{\n", names::camel(group)));
        for operation in operations {
            made.push_str(&method(area, operation)?);
            made.push_str(&stream(contract, area, operation)?);
        }
        made.push_str("}\n\n");
    }
    let mut source = header(&format!("Operations of the area `{}`.", area.area));
    source.push_str(&format!("use wire::{} as types;\n\n", area.area));
    source.push_str("use crate::{Client, Error");
    for word in ["Rows", "Upload"] {
        if made.contains(word) {
            source.push_str(&format!(", {word}"));
        }
    }
    source.push_str("};\n\n");
    source.push_str(&made);
    Ok(source)
}

/// `extension/list` as its two parts.
fn split(operation: &Operation) -> Result<(&str, &str), Error> {
    let parts = operation.path.split_once('/');
    parts.ok_or_else(|| Error::Contract {
        file: operation.area.clone(),
        what: format!("{} has no two parts", operation.path),
    })
}

fn structure(group: &str) -> String {
    let name = names::camel(group);
    format!(
        "/// Operations of `{group}/…`; made by [`Client::{group}`].\n\
         #[derive(Debug, Clone, Copy)]\n\
         pub struct {name}<'c>(&'c Client);\n\n\
         impl Client {{\n\
             /// Operations of `{group}/…`.\n\
             pub fn {group}(&self) -> {name}<'_> {{\n{name}(self)\n}}\n\
         }}\n\n"
    )
}

fn is_file(member: &&Member) -> bool {
    member.kind == Kind::File
}

fn name(operation: &Operation) -> Result<String, Error> {
    let (_, verb) = split(operation)?;
    let newer = if operation.version == "v1.0" {
        ""
    } else {
        "_v2"
    };
    Ok(format!("{verb}{newer}"))
}

fn doc(operation: &Operation) -> String {
    let mut summary = names::prose(operation.summary.trim_end_matches('.'));
    if let Some(first) = summary.chars().next() {
        summary.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    let mut made = format!(
        "/// {summary}.\n///\n/// `{} {}/{}`",
        operation.method, operation.version, operation.path
    );
    let events: Vec<String> = operation.events.iter().map(u32::to_string).collect();
    if !events.is_empty() {
        made.push_str(&format!("; sets off {}", events.join(", ")));
    }
    made.push('\n');
    match operation.certainty {
        Certainty::Documented => {}
        Certainty::Partial => made.push_str("///\n/// Some of its members are not documented.\n"),
        _ => made.push_str("///\n/// Its page was not found: the members are inferred.\n"),
    }
    made
}

fn method(area: &Area, operation: &Operation) -> Result<String, Error> {
    let base = names::operation(&operation.version, &operation.path);
    let file = operation.request.iter().find(is_file);
    let plain = operation.request.iter().any(|member| !is_file(&member));
    let mut parameters = String::from("self");
    if plain {
        parameters.push_str(&format!(", request: &types::{base}Request"));
    }
    let request = if plain {
        "request"
    } else {
        "&serde_json::Map::new()"
    };
    // Empty answers are no type of interest.
    let answer = if operation.response.is_empty() {
        "()".to_owned()
    } else {
        format!("types::{base}Response")
    };
    let path = format!(
        "{}, {}",
        literal(&operation.version),
        literal(&operation.path)
    );
    let call = match file {
        None => format!("self.0.request({path}, {request}).await"),
        Some(member) if member.name.ends_with('s') => {
            parameters.push_str(", files: Vec<Upload>");
            format!(
                "let files: Vec<_> = files.into_iter().map(|file| ({}, file)).collect();\n\
                 self.0.post_files({path}, {request}, &files).await",
                literal(&member.name)
            )
        }
        Some(member) => {
            parameters.push_str(", file: Upload");
            format!(
                "self.0.post_files({path}, {request}, &[({}, file)]).await",
                literal(&member.name)
            )
        }
    };
    let call = match answer.as_str() {
        "()" => call.replace(".await", ".await.map(|serde::de::IgnoredAny| ())"),
        _ => call,
    };
    if operation.binary {
        return Err(Error::Contract {
            file: area.area.clone(),
            what: format!("{}: a binary answer has no method yet", operation.path),
        });
    }
    Ok(format!(
        "{}pub async fn {}({parameters}) -> Result<{answer}, Error> {{\n{call}\n}}\n\n",
        doc(operation),
        name(operation)?
    ))
}

/// The stream of all rows, where there are pages of them.
fn stream(contract: &Contract, area: &Area, operation: &Operation) -> Result<String, Error> {
    let has = |members: &[Member], name: &str| members.iter().any(|member| member.name == name);
    let row = operation.response.iter().find_map(|member| {
        Some(match &member.kind {
            Kind::NamedList(name) => Some(name),
            Kind::Objects => None,
            _ => return None,
        })
    });
    let (true, true, Some(row)) = (
        has(&operation.request, "page"),
        has(&operation.response, "total_number"),
        row,
    ) else {
        return Ok(String::new());
    };
    let row = match row {
        Some(row) => {
            let home = contract.named(row)?;
            if home.members.is_empty() {
                "serde_json::Value".to_owned()
            } else if home.area == area.area {
                format!("types::{}", names::camel(row))
            } else {
                format!("wire::{}::{}", home.area, names::camel(row))
            }
        }
        None => "serde_json::Value".to_owned(),
    };
    let base = names::operation(&operation.version, &operation.path);
    let name = name(operation)?;
    Ok(format!(
        "/// All rows of [`Self::{name}`], page by page; `page` is set here.\n\
         pub fn {name}_all(self, request: &types::{base}Request) -> Rows<{row}> {{\n\
             self.0.rows({}, {}, request)\n\
         }}\n\n",
        literal(&operation.version),
        literal(&operation.path),
    ))
}
