//! What is there again after a restart, and how the exchange leaves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use e2e::{Events, SOON, Server, Sipp, User, one_record, register, within};

#[tokio::test]
async fn registration_survives_a_restart() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let at = register(&[&bob], &server.sip).await;
    let server = server.kill().await.start().await;
    let phone = Sipp::scenario("answer.xml", &server.sip)
        .at(&at)
        .start()
        .await;
    Sipp::scenario("call.xml", &server.sip)
        .users([User::calls(&alice, "1001")])
        .hold(Duration::from_millis(100))
        .succeeds()
        .await;
    phone.succeeds().await;
}

#[tokio::test]
async fn access_token_survives_a_restart() {
    let server = Server::start().await;
    let mut api = server.api().await;
    api.extension("1000").await;
    let (_, stopped) = server.terminate().await;
    let server = stopped.start().await;
    api.address.clone_from(&server.http);
    let found = api.get("extension/list", &[]).await;
    assert_eq!(found["total_number"], 1);
}

#[tokio::test]
async fn sigterm_ends_calls_with_bye_keeps_their_records_and_leaves_with_success() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let at = register(&[&bob], &server.sip).await;
    let mut events = Events::subscribe(&api, &[30011]).await;
    let callee = Sipp::scenario("answer.xml", &server.sip)
        .at(&at)
        .start()
        .await;
    let caller = Sipp::scenario("call_until_bye.xml", &server.sip)
        .users([User::calls(&alice, "1001")])
        .start()
        .await;
    events
        .wait("30011 with ANSWERED", |seen| {
            seen.iter()
                .any(|event| event.msg["members"][0]["extension"]["member_status"] == "ANSWERED")
        })
        .await;
    let (status, stopped) = server.terminate().await;
    assert!(status.success(), "{status}");
    within(SOON, "BYE at the caller", caller.succeeds()).await;
    within(SOON, "BYE at the callee", callee.succeeds()).await;
    assert!(!stopped.data().join("run.json").exists());
    let server = stopped.start().await;
    let api = server.api().await;
    let record = one_record(&api, "1000", "1001").await;
    assert_eq!(record["disposition"], "ANSWERED");
}
