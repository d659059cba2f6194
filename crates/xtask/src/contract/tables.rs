//! The contract as static tables of `wire`: operations, named types, events.

use super::Error;
use super::model::{Certainty, Contract, Kind, Member, MsgEncoding, Scalar};
use super::names;
use super::rust::{header, literal};

/// Paths below `generated` and their source, not yet formatted.
pub fn make(contract: &Contract) -> Result<Vec<(String, String)>, Error> {
    Ok(vec![
        ("tables/mod.rs".into(), root()),
        ("tables/about.rs".into(), about(contract)),
        ("tables/operations.rs".into(), operations(contract)),
        ("tables/types.rs".into(), types(contract)),
        ("tables/events.rs".into(), events(contract)),
    ])
}

fn root() -> String {
    let mut made = header("The contract as tables.");
    made.push_str(
        "mod about;\nmod events;\nmod operations;\nmod types;\n\n\
         pub use about::ABOUT;\npub use events::EVENTS;\npub use operations::OPERATIONS;\npub use types::TYPES;\n\n\
         use crate::contract::Scalar;\n\n\
         /// The set of a flag that is a number.\n\
         const FLAG: &[Scalar] = &[Scalar::Integer(0), Scalar::Integer(1)];\n",
    );
    made
}

fn operations(contract: &Contract) -> String {
    let mut made = header("Every operation.");
    made.push_str(&uses(&[
        "Certainty",
        "HttpMethod",
        "Kind",
        "Member",
        "Operation",
        "Scalar",
    ]));
    made.push_str(
        "/// Every operation, by version and path.\npub static OPERATIONS: &[Operation] = &[\n",
    );
    for operation in contract.operations() {
        let method = if operation.method == "GET" {
            "Get"
        } else {
            "Post"
        };
        made.push_str(&format!(
            "Operation {{ version: {}, path: {}, method: HttpMethod::{method}, area: {}, \
             summary: {}, request: &[{}], response: &[{}], binary: {}, events: &{:?}, \
             certainty: {} }},\n",
            literal(&operation.version),
            literal(&operation.path),
            literal(&operation.area),
            literal(&operation.summary),
            members(&operation.request),
            members(&operation.response),
            operation.binary,
            operation.events,
            certainty(operation.certainty),
        ));
    }
    made.push_str("];\n");
    made
}

/// Apart from the rows that validation walks: only help texts want it.
fn about(contract: &Contract) -> String {
    let mut made = header("What the members of requests mean.");
    made.push_str(
        "/// What a request's member means: its name and the words.\n\
         type About = (&'static str, &'static str);\n\n\
         /// For each operation, by version and path, its members that have words.\n\
         pub static ABOUT: &[(&str, &str, &[About])] = &[\n",
    );
    for operation in contract.operations() {
        let members: String = operation
            .request
            .iter()
            .filter_map(|member| Some((&member.name, member.about.as_ref()?)))
            .map(|(name, about)| format!("({}, {}),\n", literal(name), literal(about)))
            .collect();
        if !members.is_empty() {
            made.push_str(&format!(
                "({}, {}, &[\n{members}]),\n",
                literal(&operation.version),
                literal(&operation.path)
            ));
        }
    }
    made.push_str("];\n");
    made
}

fn types(contract: &Contract) -> String {
    let mut made = header("Every named type.");
    made.push_str(&uses(&["Kind", "Member", "Scalar", "TypeDef"]));
    let list: String = contract
        .types
        .keys()
        .map(|name| format!("&{},", names::shout(name)))
        .collect();
    made.push_str(&format!(
        "/// Every named type, by name.\npub static TYPES: &[&TypeDef] = &[{list}];\n\n"
    ));
    for (name, named) in &contract.types {
        made.push_str(&format!(
            "pub(super) static {}: TypeDef = TypeDef {{ name: {}, area: {}, members: &[{}] }};\n\n",
            names::shout(name),
            literal(name),
            literal(&named.area),
            members(&named.members),
        ));
    }
    made
}

fn events(contract: &Contract) -> String {
    let mut made = header("Every event.");
    made.push_str(&uses(&[
        "Certainty",
        "EventDef",
        "Kind",
        "Member",
        "MsgEncoding",
        "Scalar",
    ]));
    made.push_str("/// Every event, by id.\npub static EVENTS: &[EventDef] = &[\n");
    for event in &contract.events {
        let encoding = match event.msg_encoding {
            MsgEncoding::JsonString => "JsonString",
            MsgEncoding::Object => "Object",
        };
        made.push_str(&format!(
            "EventDef {{ id: {}, name: {}, when: {}, encoding: MsgEncoding::{encoding}, \
             sn_in_envelope: {}, msg: &[{}], certainty: {} }},\n",
            event.id,
            literal(&event.name),
            literal(&event.when),
            event.sn_in_envelope,
            members(&event.msg),
            certainty(event.certainty),
        ));
    }
    made.push_str("];\n");
    made
}

fn uses(words: &[&str]) -> String {
    format!("use crate::contract::{{{}}};\n\n", words.join(", "))
}

fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Documented => "Certainty::Documented",
        Certainty::Partial => "Certainty::Partial",
        Certainty::Inferred => "Certainty::Inferred",
        Certainty::Witnessed => "Certainty::Witnessed",
    }
}

fn members(members: &[Member]) -> String {
    members
        .iter()
        .map(|one| format!("{},", member(one)))
        .collect()
}

fn member(member: &Member) -> String {
    let mut made = format!(
        "Member::new({}, {})",
        literal(&member.name),
        kind(&member.kind)
    );
    let mut add = |call: String| made.push_str(&call);
    if let Some(alias) = &member.alias {
        add(format!(".alias({})", literal(alias)));
    }
    if member.required {
        add(".required()".into());
    }
    if member.values == [Scalar::Integer(0), Scalar::Integer(1)] {
        add(".one_of(super::FLAG)".into());
    } else if !member.values.is_empty() {
        let values: Vec<String> = member.values.iter().map(scalar).collect();
        add(format!(".one_of(&[{}])", values.join(", ")));
    }
    if let Some(default) = &member.default {
        add(format!(".default({})", scalar(default)));
    }
    if let Some(bound) = member.min {
        add(format!(".min({bound})"));
    }
    if let Some(bound) = member.max {
        add(format!(".max({bound})"));
    }
    if let Some(bound) = member.max_len {
        add(format!(".max_len({bound})"));
    }
    if let Some(sign) = member.separator {
        add(format!(".joined_by({sign:?})"));
    }
    if member.nullable {
        add(".nullable()".into());
    }
    if member.certainty == Some(Certainty::Witnessed) {
        add(".witnessed()".into());
    }
    made
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::String => "Kind::String".into(),
        Kind::Integer => "Kind::Integer".into(),
        Kind::NumberOrText => "Kind::NumberOrText".into(),
        Kind::Number => "Kind::Number".into(),
        Kind::Boolean => "Kind::Boolean".into(),
        Kind::File => "Kind::File".into(),
        Kind::Object => "Kind::Object".into(),
        Kind::Strings => "Kind::Strings".into(),
        Kind::Integers => "Kind::Integers".into(),
        Kind::Objects => "Kind::Objects".into(),
        Kind::Named(name) => format!("Kind::Named(&super::types::{})", names::shout(name)),
        Kind::NamedList(name) => format!("Kind::NamedList(&super::types::{})", names::shout(name)),
    }
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => format!("Scalar::Text({})", literal(text)),
        Scalar::Integer(number) => format!("Scalar::Integer({number})"),
        Scalar::Boolean(flag) => format!("Scalar::Boolean({flag})"),
    }
}
