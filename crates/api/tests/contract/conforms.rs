//! Whether what is given is what the contract says: no member that it does not
//! have, each of its kind, in its set.

use serde_json::{Map, Value};
use wire::Operation;
use wire::contract::{EventDef, Kind, Member, MsgEncoding, Scalar};

const UNKNOWN: &str = " is not in the contract";

/// What every answer may have beside the operation's own members.
const ENVELOPE: [&str; 5] = [
    "errcode",
    "errmsg",
    "submsg",
    "invalid_param_list",
    "duplicate_field_list",
];

/// What is wrong with an answer. Some tables of what `get` gives are cut off in
/// the guide: what `create` of the same kind takes may be given too.
pub fn answer(operation: &Operation, answer: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let kind = operation.path.split('/').next().unwrap();
    let create = wire::contract::operation(operation.version, &format!("{kind}/create"));
    let taken = create.map_or(&[][..], |create| create.request);
    let own = answer.as_object().unwrap().iter();
    let own: Map<String, Value> = own
        .filter(|(name, _)| !ENVELOPE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    object("", operation.response, &own, &mut faults);
    faults.retain(|fault| !is_taken(fault, answer, taken));
    faults
}

/// Whether a fault is only that a member of `data` stands in another table.
fn is_taken(fault: &str, answer: &Value, taken: &[Member]) -> bool {
    let name = fault
        .strip_suffix(UNKNOWN)
        .and_then(|field| Some(field.split_once("data")?.1));
    let Some((place, name)) = name.and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let row = match place
        .strip_prefix('[')
        .and_then(|place| place.strip_suffix(']'))
    {
        Some(place) => &answer["data"][place.parse::<usize>().unwrap()],
        None => &answer["data"],
    };
    let mut faults = Vec::new();
    match taken.iter().find(|member| member.name == name) {
        Some(member) => value(name, member, &row[name], &mut faults),
        None => return false,
    }
    faults.is_empty()
}

/// What is wrong with an event's frame.
pub fn frame(event: &EventDef, frame: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let members: Vec<&str> = frame
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = if event.sn_in_envelope {
        vec!["type", "sn", "msg"]
    } else {
        vec!["type", "msg"]
    };
    if members != expected || frame["type"] != event.id {
        faults.push(format!("its members are {members:?}, not {expected:?}"));
    }
    let inside = match event.encoding {
        MsgEncoding::Object => Some(frame["msg"].clone()),
        MsgEncoding::JsonString => frame["msg"]
            .as_str()
            .and_then(|msg| serde_json::from_str(msg).ok()),
    };
    match inside {
        Some(Value::Object(msg)) => object("msg.", event.msg, &msg, &mut faults),
        _ => faults.push(format!("msg is not as {:?} says", event.encoding)),
    }
    faults
}

fn object(place: &str, members: &[Member], given: &Map<String, Value>, faults: &mut Vec<String>) {
    for (name, value) in given {
        let field = format!("{place}{name}");
        match members.iter().find(|member| member.name == name) {
            Some(member) => self::value(&field, member, value, faults),
            None => faults.push(format!("{field}{UNKNOWN}")),
        }
    }
}

fn value(field: &str, member: &Member, value: &Value, faults: &mut Vec<String>) {
    if value.is_null() {
        if !member.nullable {
            faults.push(format!("{field} is null"));
        }
        return;
    }
    let right = match member.kind {
        Kind::String | Kind::File => value.is_string(),
        Kind::Integer => value.is_i64(),
        Kind::NumberOrText => value.is_i64() || value.is_string(),
        Kind::Number => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Object | Kind::Named(_) => value.is_object(),
        Kind::Strings => all(value, Value::is_string),
        Kind::Integers => all(value, Value::is_i64),
        Kind::Objects | Kind::NamedList(_) => all(value, Value::is_object),
    };
    if !right {
        faults.push(format!(
            "{field} = {value:.80} is no {:?}",
            plain(member.kind)
        ));
        return;
    }
    if !in_set(member, value) {
        faults.push(format!("{field} = {value} is not in its set"));
    }
    let Some(named) = member
        .kind
        .named()
        .filter(|named| !named.members.is_empty())
    else {
        return;
    };
    match value {
        Value::Object(inner) => object(&format!("{field}."), named.members, inner, faults),
        Value::Array(entries) => {
            for (place, entry) in entries.iter().enumerate() {
                let inner = entry.as_object().unwrap();
                object(&format!("{field}[{place}]."), named.members, inner, faults);
            }
        }
        _ => {}
    }
}

fn plain(kind: Kind) -> String {
    match kind {
        Kind::Named(named) => named.name.to_owned(),
        Kind::NamedList(named) => format!("list of {}", named.name),
        other => format!("{other:?}"),
    }
}

fn all(value: &Value, right: impl Fn(&Value) -> bool) -> bool {
    value
        .as_array()
        .is_some_and(|entries| entries.iter().all(right))
}

/// Sets are what the guide lists; an empty text is one that is not set.
fn in_set(member: &Member, value: &Value) -> bool {
    let has = |wanted: Scalar| member.values.contains(&wanted);
    let word = |word: &str| {
        word.is_empty()
            || member
                .values
                .iter()
                .any(|known| matches!(known, Scalar::Text(text) if *text == word))
    };
    match value {
        _ if member.values.is_empty() => true,
        Value::String(text) => match member.separator {
            Some(sign) => text.split(sign).all(|part| word(part.trim())),
            None => word(text),
        },
        Value::Number(number) => number
            .as_i64()
            .is_some_and(|number| has(Scalar::Integer(number))),
        Value::Bool(flag) => has(Scalar::Boolean(*flag)),
        _ => true,
    }
}
