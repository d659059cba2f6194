//! The pages for people: whole, from the binary alone, and true.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::collections::BTreeSet;

use common::Pbx;
use serde_json::Value;

/// What a page names in quotes that begins with `before`.
fn named<'t>(text: &'t str, before: &str) -> Vec<&'t str> {
    let found = text.split(before).skip(1);
    found.filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn all_that_the_reference_loads_is_in_the_binary() {
    let pbx = Pbx::start().await;
    let mut asked = BTreeSet::new();
    let mut waiting = vec!["/".to_owned(), "/docs".to_owned()];
    while let Some(path) = waiting.pop() {
        if !asked.insert(path.clone()) {
            continue;
        }
        let response = pbx
            .http
            .get(format!("{}{path}", pbx.url))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let expected = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("json") => "application/json",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(kind, expected, "{path}");
        assert!(response.headers().contains_key("content-security-policy"));
        let text = response.text().await.unwrap();
        assert!(!text.contains("\"errcode\":10001"), "{path} is not there");
        if kind == "application/json" {
            continue;
        }
        for outside in ["http://", "https://", "\"//"] {
            assert!(!text.contains(outside), "{path} names {outside}");
        }
        let paths = [
            named(&text, "href=\""),
            named(&text, "src=\""),
            named(&text, "fetch(\""),
        ];
        waiting.extend(
            paths
                .concat()
                .into_iter()
                .filter(|path| path.starts_with('/'))
                .map(str::to_owned),
        );
        let modules = named(&text, "from \"./");
        waiting.extend(modules.into_iter().map(|module| format!("/docs/{module}")));
    }
    for path in [
        "/docs/style.css",
        "/docs/try.js",
        "/docs/schema.js",
        "/openapi.json",
    ] {
        assert!(asked.contains(path), "{path} of {asked:?}");
    }
    let nothing = pbx.http.get(format!("{}/docs/secret.key", pbx.url));
    assert_eq!(Pbx::answer(nothing).await["errcode"], 10001);
    pbx.stop().await;
}

#[tokio::test]
async fn the_document_is_the_contracts_and_tells_what_works() {
    let pbx = Pbx::start().await;
    let request = pbx.http.get(format!("{}/openapi.json", pbx.url));
    let mut served: Value = request.send().await.unwrap().json().await.unwrap();
    let made = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/openapi.json"
    ));
    let mut made: Value = serde_json::from_slice(&made.unwrap()).unwrap();
    let mut works = Vec::new();
    for (path, methods) in served["paths"].as_object_mut().unwrap() {
        for operation in methods.as_object_mut().unwrap().values_mut() {
            let mark = operation
                .as_object_mut()
                .unwrap()
                .shift_remove("x-implemented");
            let unacted = operation
                .as_object_mut()
                .unwrap()
                .shift_remove("x-not-acted-on");
            if path.ends_with("/extension/create") {
                assert_eq!(unacted.unwrap()["transport"], "only \"udp\"; else 40002");
            }
            if !path.starts_with("/openapi/") {
                assert_eq!(
                    (path.as_str(), mark),
                    ("/api/download/{file}", Some(true.into()))
                );
            } else if mark.unwrap() == true {
                works.push(path.trim_start_matches("/openapi/").to_owned());
            }
        }
    }
    for event in served["webhooks"].as_object_mut().unwrap().values_mut() {
        let event = event["post"].as_object_mut().unwrap();
        assert!(event.shift_remove("x-implemented").unwrap().is_boolean());
    }
    assert_eq!(served["servers"][0]["url"], "/");
    made["servers"] = served["servers"].clone();
    assert_eq!(served, made);
    let name = |(version, path): &(&str, &str)| format!("{version}/{path}");
    let mut implemented: Vec<_> = api::IMPLEMENTED.iter().map(name).collect();
    works.sort();
    implemented.sort();
    assert_eq!(works, implemented);
    pbx.stop().await;
}
