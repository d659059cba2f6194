//! Hold and resume by the phones, as the other end hears it and as an
//! application sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use e2e::{Baresip, Events, Server, Sipp, User, statuses};

#[tokio::test]
async fn caller_that_holds_and_resumes_is_told_as_held_and_answered() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let mut events = Events::subscribe(&api, &[30011, 30012]).await;
    let _callee = Baresip::registered(&bob, &server.sip, 1000.0).await;
    Sipp::scenario("call_hold_resume.xml", &server.sip)
        .users([User::calls(&alice, "1001")])
        .hold(Duration::from_millis(300))
        .succeeds()
        .await;
    let end = events.call_end("1000", "1001").await;
    assert_eq!(
        statuses(events.seen(), end.call_id(), "1000"),
        ["ALERT", "ANSWERED", "HOLD", "ANSWERED", "BYE"]
    );
    assert_eq!(end.msg["status"], "ANSWERED");
}

#[tokio::test]
async fn after_hold_and_resume_both_baresips_hear_each_other_again() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let mut events = Events::subscribe(&api, &[30011]).await;
    let mut caller = Baresip::registered(&alice, &server.sip, 440.0).await;
    let mut callee = Baresip::registered(&bob, &server.sip, 1000.0).await;
    caller.dial(&format!("sip:1001@{}", server.sip)).await;
    callee.event("CALL_ESTABLISHED").await;
    callee.has_heard(1.0).await;

    let held = |seen: &[e2e::Event]| has(seen, "HOLD", "1000");
    caller.command("hold", "").await;
    events.wait("30011 with HOLD", held).await;
    let before = callee.recording().seconds_of(440.0);
    let count = events.seen().len();
    caller.command("resume", "").await;
    events
        .wait("30011 with ANSWERED again", |seen| {
            has(&seen[count..], "ANSWERED", "1000")
        })
        .await;
    let length = callee.recording().seconds();
    callee.has_heard(length + 2.0).await;
    caller.command("hangup", "").await;
    callee.event("CALL_CLOSED").await;
    let after = callee.recording().seconds_of(440.0);
    assert!(after >= before + 1.5, "{before} s before, {after} s in all");
}

fn has(events: &[e2e::Event], status: &str, number: &str) -> bool {
    events
        .iter()
        .filter_map(|event| event.msg["members"].as_array())
        .flatten()
        .any(|member| {
            member["extension"]["number"] == number
                && member["extension"]["member_status"] == status
        })
}
