//! docs/openapi.json: OpenAPI 3.1 for every operation, and the events as webhooks.
//! What requests may hold is closed there; what answers hold is open, so their sets
//! are told as `x-known-values`.

use serde_json::{Map, Value, json};

use super::Error;
use super::model::{Contract, Event, Kind, Member, MsgEncoding, Operation, Scalar};
use super::names;

/// Operations that are asked for without a token.
const WITHOUT_TOKEN: &[&str] = &["get_token", "refresh_token", "wizard/initial_setup"];

/// The token is a parameter of every other operation, so none lists it.
const TOKEN: &str = "access_token";

/// The document, indented.
pub fn make(contract: &Contract) -> Result<String, Error> {
    let mut paths = Map::new();
    for operation in contract.operations() {
        let path = format!("/openapi/{}/{}", operation.version, operation.path);
        let method = operation.method.to_lowercase();
        paths.insert(path, json!({ method: entry(contract, operation)? }));
    }
    paths.insert("/api/download/{file}".into(), json!({ "get": download() }));
    let webhooks: Map<String, Value> = contract
        .events
        .iter()
        .map(|event| Ok((names::event(&event.name), webhook(contract, event)?)))
        .collect::<Result<_, Error>>()?;
    let tags: Vec<Value> = contract
        .areas
        .iter()
        .filter(|area| !area.operations.is_empty())
        .map(|area| area.area.as_str())
        .chain([DOWNLOADS])
        .map(|name| json!({ "name": name }))
        .collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strowger: the P-Series OpenAPI",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": "Made from contract/ by `cargo xtask contract`. Every operation of \
                the contract is here; docs/status.md tells which of them work. A failed call \
                answers HTTP 200 too: the outcome is in `errcode`. Every request needs a \
                User-Agent header, and is answered 40002 without. An access token is good for 30 minutes and eight are \
                valid at once; the PBX may have a bound on the requests a second from one \
                address (api.requests_per_second, off by default), and answers one more with \
                60002. Events are pushed on the WebSocket \
                /openapi/v1.0/subscribe in the same form as to webhooks.",
        },
        "servers": [{ "url": "http://localhost:8080" }, { "url": "https://localhost:8088" }],
        "security": [{ TOKEN: [] }, { "bearer": [] }],
        "tags": tags,
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "securitySchemes": {
                TOKEN: { "type": "apiKey", "in": "query", "name": TOKEN },
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The same token; the vendor's PBXes take it in the query only.",
                },
            },
            "schemas": schemas(contract)?,
        },
    });
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(|fault| Error::Contract {
            file: "docs/openapi.json".into(),
            what: fault.to_string(),
        })
}

/// The area of files that were made to be fetched, which is no area of the contract.
const DOWNLOADS: &str = "download";

/// Where a `download_resource_url` leads.
fn download() -> Value {
    let envelope = || json!({ "$ref": "#/components/schemas/Envelope" });
    let failure = |what: &str| {
        json!({
            "description": what,
            "content": { "application/json": { "schema": envelope() } },
        })
    };
    let octets = || json!({ "application/octet-stream": {}, "text/csv": {} });
    json!({
        "operationId": "download",
        "tags": [DOWNLOADS],
        "summary": "fetch a file that an operation has made, whole or in parts",
        "description": "The path is what an operation answered as download_resource_url, \
            with the token added, or as play_resource_url, which needs none. A file can \
            be fetched for half an hour, while it is still being made too, and in parts \
            (Range, one range of bytes); of more than 128 the oldest goes. Status codes are HTTP's, but for a token that is not \
            valid: 200 with errcode 10004.",
        "parameters": [
            { "name": "file", "in": "path", "required": true, "schema": { "type": "string" } },
        ],
        "responses": {
            "200": {
                "description": "The file, or the envelope of a failure.",
                "content": {
                    "application/octet-stream": {},
                    "text/csv": {},
                    "application/json": { "schema": envelope() },
                },
            },
            "206": { "description": "The part that was asked for.", "content": octets() },
            "404": failure("There is no such file, or no longer."),
            "416": { "description": "The part lies behind the file's end." },
            "503": failure("A part of what is not whole yet, or will not be: ask again."),
        },
        "x-certainty": "inferred",
    })
}

/// One operation.
fn entry(contract: &Contract, operation: &Operation) -> Result<Value, Error> {
    let base = names::operation(&operation.version, &operation.path);
    let mut made = Map::new();
    made.insert("operationId".into(), json!(base));
    made.insert("tags".into(), json!([operation.area]));
    made.insert("summary".into(), json!(operation.summary));
    if !operation.notes.is_empty() {
        let notes: Vec<String> = operation
            .notes
            .iter()
            .map(|note| format!("- {note}"))
            .collect();
        made.insert("description".into(), json!(notes.join("\n")));
    }
    if WITHOUT_TOKEN.contains(&operation.path.as_str()) {
        made.insert("security".into(), json!([]));
    }
    if operation.method == "GET" {
        let parameters = operation
            .request
            .iter()
            .filter(|member| member.name != TOKEN)
            .map(|member| parameter(contract, member))
            .collect::<Result<Vec<Value>, Error>>()?;
        if !parameters.is_empty() {
            made.insert("parameters".into(), json!(parameters));
        }
    } else if !operation.request.is_empty() {
        let has_file = |member: &Member| member.kind == Kind::File;
        let kind = if operation.request.iter().any(has_file) {
            "multipart/form-data"
        } else {
            "application/json"
        };
        let body = object(contract, &operation.request, Side::Request)?;
        made.insert(
            "requestBody".into(),
            json!({
                "required": operation.request.iter().any(|member| member.required),
                "content": { kind: { "schema": body } },
            }),
        );
    }
    made.insert(
        "responses".into(),
        json!({ "200": answer(contract, operation)? }),
    );
    if !operation.events.is_empty() {
        made.insert("x-events".into(), json!(operation.events));
    }
    made.insert("x-certainty".into(), json!(operation.certainty.word()));
    Ok(Value::Object(made))
}

fn parameter(contract: &Contract, member: &Member) -> Result<Value, Error> {
    let mut schema = schema(contract, member, Side::Request)?;
    let about = schema
        .as_object_mut()
        .and_then(|schema| schema.shift_remove("description"));
    let mut made = Map::new();
    made.insert("name".into(), json!(member.name));
    made.insert("in".into(), json!("query"));
    if let Some(about) = about {
        made.insert("description".into(), about);
    }
    made.insert("required".into(), json!(member.required));
    made.insert("schema".into(), schema);
    Ok(Value::Object(made))
}

fn answer(contract: &Contract, operation: &Operation) -> Result<Value, Error> {
    let envelope = json!({ "$ref": "#/components/schemas/Envelope" });
    if operation.binary {
        return Ok(json!({
            "description": "The file, or the envelope of a failure.",
            "content": {
                "application/octet-stream": {},
                "application/json": { "schema": envelope },
            },
        }));
    }
    let schema = if operation.response.is_empty() {
        envelope
    } else {
        json!({
            "allOf": [envelope, object(contract, &operation.response, Side::Answer)?],
        })
    };
    Ok(json!({
        "description": "The envelope, with the operation's own members beside it.",
        "content": { "application/json": { "schema": schema } },
    }))
}

fn webhook(contract: &Contract, event: &Event) -> Result<Value, Error> {
    let msg = object(contract, &event.msg, Side::Answer)?;
    let msg = match event.msg_encoding {
        MsgEncoding::Object => msg,
        MsgEncoding::JsonString => json!({
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": msg,
        }),
    };
    let mut members = Map::new();
    members.insert("type".into(), json!({ "const": event.id }));
    if event.sn_in_envelope {
        members.insert("sn".into(), json!({ "type": "string" }));
    }
    members.insert("msg".into(), msg);
    let required: Vec<&String> = members.keys().collect();
    let required = json!(required);
    Ok(json!({
        "post": {
            "operationId": format!("event{}", event.id),
            "summary": format!("{} {}", event.id, event.name),
            "description": event.when,
            "security": [],
            "parameters": [{
                "name": "X-Signature",
                "in": "header",
                "description": "Base64 of HMAC-SHA256 over the body, keyed with the webhook's secret",
                "schema": { "type": "string" },
            }],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": {
                    "type": "object",
                    "properties": members,
                    "required": required,
                } } },
            },
            "responses": { "2XX": { "description": "Taken." } },
        },
    }))
}

/// Whether a schema speaks of what we take or of what we give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Answer,
}

fn schemas(contract: &Contract) -> Result<Map<String, Value>, Error> {
    let codes: Vec<String> = contract
        .errors
        .iter()
        .map(|row| format!("- {} {}", row.code, row.message))
        .collect();
    let Value::Object(mut made) = json!({
        "Envelope": {
            "type": "object",
            "required": ["errcode", "errmsg"],
            "properties": {
                "errcode": { "type": "integer", "description": codes.join("\n") },
                "errmsg": { "type": "string" },
                "submsg": { "type": "string" },
                "invalid_param_list": {
                    "type": "array",
                    "items": { "$ref": "#/components/schemas/InvalidParam" },
                },
                "duplicate_field_list": {
                    "type": "array",
                    "items": { "$ref": "#/components/schemas/DuplicateField" },
                },
            },
        },
        "InvalidParam": {
            "type": "object",
            "required": ["field"],
            "properties": {
                "field": { "type": "string" },
                "value": { "type": "string" },
                "validation_type": { "type": "string" },
            },
        },
        "DuplicateField": {
            "type": "object",
            "required": ["field"],
            "properties": {
                "field": { "type": "string" },
                "value": { "type": "string" },
                "external_source": { "type": "string" },
                "external_source_name": { "type": "string" },
            },
        },
    }) else {
        return Ok(Map::new());
    };
    for (name, named) in &contract.types {
        for side in [Side::Answer, Side::Request] {
            let used = match side {
                Side::Answer => contract.answered.contains(name),
                Side::Request => contract.requested.contains(name),
            };
            if used {
                made.insert(
                    component(contract, name, side),
                    object(contract, &named.members, side)?,
                );
            }
        }
    }
    made.sort_keys();
    Ok(made)
}

/// A type that both sides use has two schemas.
fn component(contract: &Contract, name: &str, side: Side) -> String {
    let both = contract.answered.contains(name) && contract.requested.contains(name);
    let ending = if both && side == Side::Request {
        "Input"
    } else {
        ""
    };
    format!("{}{ending}", names::camel(name))
}

fn object(contract: &Contract, members: &[Member], side: Side) -> Result<Value, Error> {
    let mut properties = Map::new();
    for member in members {
        properties.insert(member.name.clone(), schema(contract, member, side)?);
        if let (Some(alias), Side::Request) = (&member.alias, side) {
            let mut other = schema(contract, member, side)?;
            let about = format!("Another name of {}.", member.name);
            if let Some(other) = other.as_object_mut() {
                other.insert("description".into(), json!(about));
            }
            properties.insert(alias.clone(), other);
        }
    }
    let mut made = Map::new();
    made.insert("type".into(), json!("object"));
    if !properties.is_empty() {
        made.insert("properties".into(), Value::Object(properties));
    }
    if side == Side::Request {
        must_have(members, &mut made);
    }
    Ok(Value::Object(made))
}

/// What a request must have; where members have other names too, under which.
fn must_have(members: &[Member], made: &mut Map<String, Value>) {
    let required = || members.iter().filter(|member| member.required);
    let own: Vec<&String> = required().map(|member| &member.name).collect();
    if own.is_empty() {
        return;
    }
    let other = required().map(|member| member.alias.as_ref().unwrap_or(&member.name));
    let other: Vec<&String> = other.collect();
    if own == other {
        made.insert("required".into(), json!(own));
    } else {
        let either = json!([{ "required": own }, { "required": other }]);
        made.insert("anyOf".into(), either);
    }
}

fn schema(contract: &Contract, member: &Member, side: Side) -> Result<Value, Error> {
    let named = |name: &str| -> Result<Value, Error> {
        contract.named(name)?;
        let component = component(contract, name, side);
        Ok(json!({ "$ref": format!("#/components/schemas/{component}") }))
    };
    let list = |items: Value| json!({ "type": "array", "items": items });
    let made = match &member.kind {
        Kind::String => json!({ "type": "string" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::NumberOrText => json!({ "type": ["integer", "string"] }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::File => {
            json!({ "type": "string", "contentMediaType": "application/octet-stream" })
        }
        Kind::Object => json!({ "type": "object" }),
        Kind::Strings => list(json!({ "type": "string" })),
        Kind::Integers => list(json!({ "type": "integer" })),
        Kind::Objects => list(json!({ "type": "object" })),
        Kind::Named(name) => named(name)?,
        Kind::NamedList(name) => list(named(name)?),
    };
    let mut made = match made {
        Value::Object(made) => made,
        _ => Map::new(),
    };
    let mut add = |key: &str, value: Value| {
        made.insert(key.into(), value);
    };
    if let Some(about) = &member.about {
        add("description", json!(about));
    }
    let values: Vec<Value> = member.values.iter().map(scalar).collect();
    match (side, member.separator) {
        _ if values.is_empty() => {}
        (Side::Request, None) => add("enum", json!(values)),
        _ => add("x-known-values", json!(values)),
    }
    if let Some(sign) = member.separator {
        add("x-separator", json!(sign));
    }
    if side == Side::Request {
        if let Some(bound) = member.min {
            add("minimum", json!(bound));
        }
        if let Some(bound) = member.max {
            add("maximum", json!(bound));
        }
        if let Some(bound) = member.max_len {
            add("maxLength", json!(bound));
        }
        if let Some(default) = &member.default {
            add("default", scalar(default));
        }
    }
    if let (true, Some(kind)) = (member.nullable, made.get("type").cloned()) {
        made.insert("type".into(), json!([kind, "null"]));
    }
    Ok(Value::Object(made))
}

fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Text(text) => json!(text),
        Scalar::Integer(number) => json!(number),
        Scalar::Boolean(flag) => json!(flag),
    }
}
