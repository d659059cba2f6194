//! Two baresips call through the PBX: each recording holds the other's tone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use e2e::{Baresip, Events, Server, one_record, statuses};

#[tokio::test]
async fn each_baresip_records_the_others_tone() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let mut events = Events::subscribe(&api, &[30011, 30012]).await;
    let mut caller = Baresip::registered(&alice, &server.sip, 440.0).await;
    let mut callee = Baresip::registered(&bob, &server.sip, 1000.0).await;

    caller.dial(&format!("sip:1001@{}", server.sip)).await;
    caller.event("CALL_ESTABLISHED").await;
    callee.event("CALL_ESTABLISHED").await;
    caller.has_heard(3.0).await;
    callee.has_heard(3.0).await;
    caller.command("hangup", "").await;
    callee.event("CALL_CLOSED").await;

    let heard = caller.recording();
    assert!(heard.seconds_of(1000.0) >= 2.5, "of {} s", heard.seconds());
    assert!(heard.seconds_of(440.0) < 0.1, "the caller hears itself");
    let heard = callee.recording();
    assert!(heard.seconds_of(440.0) >= 2.5, "of {} s", heard.seconds());
    assert!(heard.seconds_of(1000.0) < 0.1, "the callee hears itself");

    let end = events.call_end("1000", "1001").await;
    assert_eq!(end.msg["status"], "ANSWERED");
    let call = end.call_id();
    assert_eq!(
        statuses(events.seen(), call, "1000"),
        ["ALERT", "ANSWERED", "BYE"]
    );
    assert_eq!(
        statuses(events.seen(), call, "1001"),
        ["RING", "ANSWER", "BYE"]
    );
    let record = one_record(&api, "1000", "1001").await;
    assert_eq!(record["disposition"], "ANSWERED");
    assert_eq!(record["call_id"], call);
    assert!(record["talk_duration"].as_i64().unwrap() >= 2, "{record}");
}
