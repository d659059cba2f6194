//! An application places a call, watches it and ends it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use e2e::{Baresip, Events, Server, one_record, statuses};
use serde_json::json;

#[tokio::test]
async fn dialled_call_is_found_before_the_answer_and_ends_on_request() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let mut caller = Baresip::registered(&alice, &server.sip, 440.0).await;
    let mut callee = Baresip::registered(&bob, &server.sip, 1000.0).await;
    let mut events = Events::subscribe(&api, &[30011, 30012, 30015]).await;

    let dialled = api
        .post("call/dial", json!({"caller": "1000", "callee": "1001"}))
        .await;
    let call = dialled["call_id"].as_str().unwrap().to_owned();
    let found = api.get("call/query", &[("call_id", &call)]).await;
    assert_eq!(found["data"][0]["call_id"], call, "{found}");
    let first = &found["data"][0]["members"][0]["extension"];
    assert_eq!(first["number"], "1000", "{found}");

    caller.event("CALL_ESTABLISHED").await;
    callee.event("CALL_ESTABLISHED").await;
    caller.has_heard(2.0).await;
    callee.has_heard(2.0).await;
    for selector in [("type", "internal"), ("extension", "1001")] {
        let found = api.get("call/query", &[selector]).await;
        assert_eq!(found["data"][0]["call_id"], call, "{selector:?}: {found}");
    }

    let found = api.get("call/query", &[("call_id", &call)]).await;
    let channel = &found["data"][0]["members"][0]["extension"]["channel_id"];
    let ended = api
        .post("call/hangup", json!({ "channel_id": channel }))
        .await;
    assert_eq!(ended["call_id"], call);
    caller.event("CALL_CLOSED").await;
    callee.event("CALL_CLOSED").await;

    let end = events.call_end("1000", "1001").await;
    assert_eq!(end.call_id(), call);
    assert_eq!(
        statuses(events.seen(), &call, "1000"),
        ["RING", "ALERT", "ANSWERED", "BYE"],
        "its own phone rings first, then it waits for the other"
    );
    assert_eq!(
        statuses(events.seen(), &call, "1001"),
        ["RING", "ANSWER", "BYE"]
    );
    let record = one_record(&api, "1000", "1001").await;
    assert_eq!(record["disposition"], "ANSWERED");
    assert!(caller.recording().seconds_of(1000.0) >= 1.0);
    assert!(callee.recording().seconds_of(440.0) >= 1.0);

    let gone = api
        .try_post("call/hangup", json!({ "channel_id": channel }))
        .await;
    assert_eq!(gone["errcode"], 70130, "{gone}");
    let none = api.get("call/query", &[("call_id", &call)]).await;
    assert!(none["data"].as_array().is_none_or(Vec::is_empty), "{none}");
}

#[tokio::test]
async fn dial_from_a_phone_that_is_not_there_is_told_by_30015() {
    let server = Server::start().await;
    let api = server.api().await;
    api.extension("1000").await;
    api.extension("1001").await;
    let mut events = Events::subscribe(&api, &[30011, 30012, 30015]).await;
    let dialled = api
        .post("call/dial", json!({"caller": "1000", "callee": "1001"}))
        .await;
    let call = dialled["call_id"].as_str().unwrap().to_owned();
    events
        .wait("30015", |seen| {
            seen.iter()
                .any(|event| event.id == 30015 && event.call_id() == call)
        })
        .await;
    let reason = e2e::failure_of(events.seen(), &call);
    assert_eq!(reason.as_deref(), Some("Line Unreachable"));
}
