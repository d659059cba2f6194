//! The types of `wire`: a module an area with its named types and each operation's
//! request and answer, the events, and the error codes.

use std::collections::BTreeSet;

use super::Error;
use super::enums::{Enums, Holder};
use super::model::{Area, Contract, Kind, Member, MsgEncoding};
use super::names;
use super::rust::{header, literal};

/// Paths below `generated` and their source, not yet formatted.
pub fn make(contract: &Contract) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    let mut modules = BTreeSet::from(["error".to_owned(), "tables".to_owned()]);
    for area in &contract.areas {
        if !modules.insert(area.area.clone()) {
            return Err(fault(&area.area, "the module exists already".into()));
        }
        files.push((format!("{}.rs", area.area), module(contract, area)?));
    }
    files.push(("error.rs".into(), errors(contract)?));
    files.push(("mod.rs".into(), root(&modules)));
    Ok(files)
}

fn fault(file: &str, what: String) -> Error {
    Error::Contract {
        file: file.to_owned(),
        what,
    }
}

fn root(modules: &BTreeSet<String>) -> String {
    let mut made = header("What is made from the contract.");
    for module in modules {
        // Members of which the contract says nothing have no comment.
        made.push_str(&format!("#[allow(missing_docs)]\npub mod {module};\n"));
    }
    made
}

/// One type to write.
struct Type<'a> {
    doc: String,
    holder: Holder<'a>,
    after: String,
}

fn module(contract: &Contract, area: &Area) -> Result<String, Error> {
    let mut types = Vec::new();
    for name in &area.type_names {
        let members = &contract.named(name)?.members;
        if !members.is_empty() {
            types.push(Type {
                doc: format!("`{name}` of the contract."),
                holder: Holder {
                    name: names::camel(name),
                    closed: contract.requested.contains(name) && !contract.answered.contains(name),
                    members,
                },
                after: String::new(),
            });
        }
    }
    for operation in &area.operations {
        let base = names::operation(&operation.version, &operation.path);
        let call = format!(
            "`{} {}/{}`",
            operation.method, operation.version, operation.path
        );
        types.push(Type {
            doc: format!("Request of {call}: {}", names::prose(&operation.summary)),
            holder: Holder {
                name: format!("{base}Request"),
                closed: true,
                members: &operation.request,
            },
            after: String::new(),
        });
        types.push(Type {
            doc: format!("Answer of {call}, beside the envelope."),
            holder: Holder {
                name: format!("{base}Response"),
                closed: false,
                members: &operation.response,
            },
            after: String::new(),
        });
    }
    if area.area == "events" {
        types.extend(events(contract));
    }
    let mut seen = BTreeSet::new();
    for made in &types {
        if !seen.insert(made.holder.name.to_lowercase()) {
            let what = format!("two types would be called {}", made.holder.name);
            return Err(fault(&area.area, what));
        }
    }
    let (docs, holders): (Vec<_>, Vec<_>) = types
        .into_iter()
        .map(|made| ((made.doc, made.after), made.holder))
        .unzip();
    let enums = Enums::of(&area.area, &holders)?;
    let mut source = header(&format!("Types of the area `{}`.", area.area));
    let mut body = String::new();
    for ((doc, after), holder) in docs.iter().zip(&holders) {
        body.push_str(&object(contract, area, doc, holder, &enums)?);
        body.push_str(after);
    }
    body.push_str(&enums.source());
    if body.contains("Joined<") {
        source.push_str("use crate::Joined;\n");
    }
    if body.contains(": NumberOrText,") {
        source.push_str("use crate::NumberOrText;\n");
    }
    if area.area == "events" {
        source.push_str("use crate::contract::MsgEncoding;\nuse crate::event::Event;\n");
    }
    if body.contains(": Value,") || body.contains("<Value>") {
        source.push_str("use serde_json::Value;\n");
    }
    source.push('\n');
    source.push_str(&body);
    Ok(source)
}

fn events(contract: &Contract) -> impl Iterator<Item = Type<'_>> {
    contract.events.iter().map(|event| {
        let name = names::event(&event.name);
        let encoding = match event.msg_encoding {
            MsgEncoding::JsonString => "JsonString",
            MsgEncoding::Object => "Object",
        };
        Type {
            doc: format!(
                "Event {}, {}: {}",
                event.id,
                event.name,
                names::prose(&event.when)
            ),
            after: format!(
                "impl Event for {name} {{\n    const ID: u32 = {};\n    \
                 const ENCODING: MsgEncoding = MsgEncoding::{encoding};\n    \
                 const SN_IN_ENVELOPE: bool = {};\n}}\n\n",
                event.id, event.sn_in_envelope
            ),
            holder: Holder {
                name,
                closed: false,
                members: &event.msg,
            },
        }
    })
}

/// One `object!`.
fn object(
    contract: &Contract,
    area: &Area,
    doc: &str,
    holder: &Holder<'_>,
    enums: &Enums,
) -> Result<String, Error> {
    let mut made = format!(
        "object! {{\n    /// {doc}\n    pub struct {} {{\n",
        holder.name
    );
    for member in holder.members {
        // A file is a part of a multipart body, not a member of an object.
        if member.kind == Kind::File {
            continue;
        }
        if let Some(about) = &member.about {
            made.push_str(&indent(&names::doc(about), 8));
        }
        let how = if member.nullable { " = nullable" } else { "" };
        made.push_str(&format!(
            "        {}: {}{how},\n",
            names::field(&member.name),
            kind(contract, area, member, enums.name(member, holder.closed))?
        ));
    }
    made.push_str("    }\n}\n\n");
    Ok(made)
}

fn indent(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{}{line}\n", " ".repeat(by)))
        .collect()
}

/// The Rust type of a member.
fn kind(
    contract: &Contract,
    area: &Area,
    member: &Member,
    word: Option<&str>,
) -> Result<String, Error> {
    let named = |name: &str| -> Result<String, Error> {
        let home = contract.named(name)?;
        Ok(if home.members.is_empty() {
            "Value".into()
        } else if home.area == area.area {
            names::camel(name)
        } else {
            format!("super::{}::{}", home.area, names::camel(name))
        })
    };
    Ok(match &member.kind {
        Kind::String => match (member.separator, word) {
            (Some(sign), Some(word)) => format!("Joined<{sign:?}, {word}>"),
            (Some(sign), None) => format!("Joined<{sign:?}>"),
            (None, Some(word)) => word.to_owned(),
            (None, None) => "String".into(),
        },
        Kind::Integer => "i64".into(),
        Kind::NumberOrText => "NumberOrText".into(),
        Kind::Number => "f64".into(),
        Kind::Boolean => "bool".into(),
        Kind::Object | Kind::File => "Value".into(),
        Kind::Named(name) => named(name)?,
        Kind::Strings => "Vec<String>".into(),
        Kind::Integers => "Vec<i64>".into(),
        Kind::Objects => "Vec<Value>".into(),
        Kind::NamedList(name) => format!("Vec<{}>", named(name)?),
    })
}

/// `ErrCode`.
fn errors(contract: &Contract) -> Result<String, Error> {
    let mut made = header("The codes that an answer's `errcode` can hold.");
    made.push_str(
        "/// An `errcode` of the contract.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n\
         pub enum ErrCode {\n",
    );
    let mut seen = BTreeSet::new();
    let rows: Vec<(String, &super::model::ErrorRow)> = contract
        .errors
        .iter()
        .map(|row| (names::error_variant(&row.message), row))
        .collect();
    for (name, row) in &rows {
        if !seen.insert(name) {
            return Err(fault("foundation.yaml", format!("two codes named {name}")));
        }
        let about = match &row.about {
            Some(about) => format!("{} {}: {about}", row.code, row.message),
            None => format!("{} {}", row.code, row.message),
        };
        made.push_str(&format!("{}{name},\n", names::doc(&about)));
    }
    let arms = |arm: &dyn Fn(&str, &super::model::ErrorRow) -> String| -> String {
        rows.iter().map(|(name, row)| arm(name, row)).collect()
    };
    made.push_str(&format!(
        "}}\n\nimpl ErrCode {{\n\
         /// Every code, ascending.\n\
         pub const ALL: &'static [Self] = &[{}];\n\n\
         /// The number on the wire.\n\
         pub const fn code(self) -> i32 {{ match self {{ {} }} }}\n\n\
         /// The words on the wire, spelled as there.\n\
         pub const fn message(self) -> &'static str {{ match self {{ {} }} }}\n\n\
         /// The code of a number.\n\
         pub const fn from_code(code: i32) -> Option<Self> {{ match code {{ {} _ => None, }} }}\n\
         }}\n",
        arms(&|name, _| format!("Self::{name},")),
        arms(&|name, row| format!("Self::{name} => {},", row.code)),
        arms(&|name, row| format!("Self::{name} => {},", literal(&row.message))),
        arms(&|name, row| format!("{} => Some(Self::{name}),", row.code)),
    ));
    Ok(made)
}
