//! What the door shows to people: the reference of the API, with the OpenAPI
//! document that it and other tools read. All of it is in the binary; nothing
//! here takes a token, changes anything, or is fetched from elsewhere.

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::download;
use crate::operations::IMPLEMENTED;

/// The document as `cargo xtask contract` makes it.
const MADE: &str = include_str!("../../../docs/openapi.json");

/// Scripts and styles are our own files, and requests go to this PBX.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

/// The page that a request asks for, where it asks for one.
pub fn page(parts: &Parts) -> Option<Response> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return None;
    }
    let (kind, text) = match parts.uri.path() {
        "/" => (HTML, include_str!("../pages/index.html")),
        "/docs" | "/docs/" => (HTML, include_str!("../pages/docs.html")),
        "/docs/style.css" => (CSS, include_str!("../pages/style.css")),
        "/docs/docs.js" => (SCRIPT, include_str!("../pages/docs.js")),
        "/docs/dom.js" => (SCRIPT, include_str!("../pages/dom.js")),
        "/docs/schema.js" => (SCRIPT, include_str!("../pages/schema.js")),
        "/docs/session.js" => (SCRIPT, include_str!("../pages/session.js")),
        "/docs/try.js" => (SCRIPT, include_str!("../pages/try.js")),
        "/openapi.json" => return Some(respond(JSON, Body::from(document()))),
        _ => return None,
    };
    Some(respond(kind, Body::from(text)))
}

fn respond(kind: &'static str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (headers, body).into_response()
}

/// The document as this build serves it: of this PBX, each operation and event
/// says whether it works (`x-implemented`), and what becomes of members that
/// nothing acts on yet (`x-not-acted-on`).
fn document() -> Bytes {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| annotated(MADE).unwrap_or_else(|| Bytes::from_static(MADE.as_bytes())));
    DOCUMENT.clone()
}

fn annotated(made: &str) -> Option<Bytes> {
    let mut document: Value = serde_json::from_str(made).ok()?;
    let works: HashSet<String> = IMPLEMENTED
        .iter()
        .map(|(version, path)| format!("/openapi/{version}/{path}"))
        .chain([format!("{}{{file}}", download::PREFIX)])
        .collect();
    let events = || exchange::EVENTS_SENT.iter().chain(settings::EVENTS_SENT);
    let sent: HashSet<String> = events().map(|id| format!("event{id}")).collect();
    let document_object = document.as_object_mut()?;
    document_object.insert("servers".into(), json!([{"url": "/"}]));
    for (path, methods) in object(document_object, "paths")? {
        for operation in methods.as_object_mut()?.values_mut() {
            mark(operation, works.contains(path));
        }
    }
    for row in settings::unacted() {
        let Some((kind, _)) = row.operation.split_once('/') else {
            continue;
        };
        for verb in ["create", "update"] {
            let path = format!("/openapi/v1.0/{kind}/{verb}");
            let operation = object(document_object, "paths")?.get_mut(&path);
            if let Some(operation) = operation.and_then(|methods| methods.get_mut("post")) {
                let members = operation.as_object_mut()?.entry("x-not-acted-on");
                let members = members.or_insert_with(|| json!({})).as_object_mut()?;
                members.insert(row.member.clone(), row.rule.to_string().into());
            }
        }
    }
    for event in object(document_object, "webhooks")?.values_mut() {
        let post = event.get_mut("post")?;
        let id = post.get("operationId").and_then(Value::as_str);
        let works = id.is_some_and(|id| sent.contains(id));
        mark(post, works);
    }
    serde_json::to_vec(&document).ok().map(Bytes::from)
}

fn object<'d>(
    document: &'d mut Map<String, Value>,
    name: &str,
) -> Option<&'d mut Map<String, Value>> {
    document.get_mut(name)?.as_object_mut()
}

fn mark(operation: &mut Value, works: bool) {
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("x-implemented".into(), works.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_of_each_operation_and_event_whether_it_works() {
        let served: Value = serde_json::from_slice(&annotated(MADE).unwrap()).unwrap();
        let works = |pointer: &str| served.pointer(pointer).unwrap()["x-implemented"].clone();
        assert_eq!(works("/paths/~1openapi~1v1.0~1call~1dial/post"), true);
        assert_eq!(works("/paths/~1openapi~1v1.0~1call~1listen/post"), false);
        let marked: Vec<bool> = ["paths", "webhooks"]
            .iter()
            .flat_map(|part| served[*part].as_object().unwrap().values())
            .flat_map(|methods| methods.as_object().unwrap().values())
            .map(|row| row["x-implemented"].as_bool().unwrap())
            .collect();
        let downloads = 1;
        let count = exchange::EVENTS_SENT.len()
            + settings::EVENTS_SENT.len()
            + IMPLEMENTED.len()
            + downloads;
        assert_eq!(marked.iter().filter(|works| **works).count(), count);
    }
}
