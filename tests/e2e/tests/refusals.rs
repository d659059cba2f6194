//! Calls that come to nothing: what the caller's phone is told, what the
//! application is told, and what the record says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use e2e::{Account, Api, Events, Server, Sipp, User, failure_of, one_record, register, statuses};

/// What a call that came to nothing must leave behind.
struct Expected<'a> {
    status: u16,
    reason: Option<&'a str>,
    disposition: &'a str,
    event_status: &'a str,
}

async fn start() -> (Server, Api, Account, Events) {
    let server = Server::start().await;
    let api = server.api().await;
    let caller = api.extension("1000").await;
    let events = Events::subscribe(&api, &[30011, 30012, 30015]).await;
    (server, api, caller, events)
}

async fn refused(
    (server, api, caller, mut events): (Server, Api, Account, Events),
    callee: &str,
    expected: Expected<'_>,
) {
    Sipp::scenario("call_refused.xml", &server.sip)
        .users([User::calls(&caller, callee)])
        .with("status", expected.status)
        .succeeds()
        .await;
    check(&api, &mut events, callee, expected).await;
}

async fn check(api: &Api, events: &mut Events, callee: &str, expected: Expected<'_>) {
    let end = events.call_end("1000", callee).await;
    let reason = failure_of(events.seen(), end.call_id());
    assert_eq!(reason.as_deref(), expected.reason);
    assert_eq!(end.msg["status"], expected.event_status);
    assert_eq!(end.msg["talk_duration"], 0);
    let place = |id| events.seen().iter().position(|event| event.id == id);
    if expected.reason.is_some() {
        assert!(place(30015) < place(30012), "{:#?}", events.seen());
    }
    let record = one_record(api, "1000", callee).await;
    assert_eq!(record["disposition"], expected.disposition);
    assert_eq!(record["call_id"], end.call_id());
}

#[tokio::test]
async fn busy_callee_is_486_and_busy() {
    let pbx = start().await;
    let callee = pbx.1.extension("1001").await;
    let at = register(&[&callee], &pbx.0.sip).await;
    let _phone = Sipp::scenario("refuse.xml", &pbx.0.sip)
        .with("status", 486)
        .at(&at)
        .start()
        .await;
    let expected = Expected {
        status: 486,
        reason: Some("486 Busy here"),
        disposition: "BUSY",
        event_status: "BUSY",
    };
    refused(pbx, "1001", expected).await;
}

#[tokio::test]
async fn declining_callee_is_603_and_user_busy() {
    let pbx = start().await;
    let callee = pbx.1.extension("1001").await;
    let at = register(&[&callee], &pbx.0.sip).await;
    let _phone = Sipp::scenario("refuse.xml", &pbx.0.sip)
        .with("status", 603)
        .at(&at)
        .start()
        .await;
    let expected = Expected {
        status: 603,
        reason: Some("User Busy"),
        disposition: "BUSY",
        event_status: "BUSY",
    };
    refused(pbx, "1001", expected).await;
}

#[tokio::test]
async fn callee_that_is_not_registered_is_480_and_line_unreachable() {
    let pbx = start().await;
    pbx.1.extension("1001").await;
    let expected = Expected {
        status: 480,
        reason: Some("Line Unreachable"),
        disposition: "FAILED",
        event_status: "NO ANSWER",
    };
    refused(pbx, "1001", expected).await;
}

#[tokio::test]
async fn unknown_number_is_404() {
    let pbx = start().await;
    let expected = Expected {
        status: 404,
        reason: Some("404 NOT found"),
        disposition: "FAILED",
        event_status: "NO ANSWER",
    };
    refused(pbx, "7777", expected).await;
}

#[tokio::test]
async fn callee_that_rings_too_long_is_cancelled_and_the_caller_told_480() {
    let pbx = start().await;
    let callee = pbx.1.extension("1001").await;
    let at = register(&[&callee], &pbx.0.sip).await;
    let phone = Sipp::scenario("ring.xml", &pbx.0.sip).at(&at).start().await;
    let expected = Expected {
        status: 480,
        reason: Some("408 Request Time"),
        disposition: "NO ANSWER",
        event_status: "NO ANSWER",
    };
    refused(pbx, "1001", expected).await;
    phone.succeeds().await;
}

#[tokio::test]
async fn caller_that_gives_up_cancels_the_callee_and_leaves_no_answer() {
    let (server, api, caller, mut events) = start().await;
    let callee = api.extension("1001").await;
    let at = register(&[&callee], &server.sip).await;
    let phone = Sipp::scenario("ring.xml", &server.sip)
        .at(&at)
        .start()
        .await;
    Sipp::scenario("call_give_up.xml", &server.sip)
        .users([User::calls(&caller, "1001")])
        .succeeds()
        .await;
    phone.succeeds().await;
    // The caller's own wish is no failure to set up: no 30015.
    let expected = Expected {
        status: 487,
        reason: None,
        disposition: "NO ANSWER",
        event_status: "NO ANSWER",
    };
    check(&api, &mut events, "1001", expected).await;
    let call = events.seen().last().unwrap().call_id().to_owned();
    assert_eq!(statuses(events.seen(), &call, "1000"), ["ALERT", "BYE"]);
    assert_eq!(statuses(events.seen(), &call, "1001"), ["RING", "BYE"]);
}
