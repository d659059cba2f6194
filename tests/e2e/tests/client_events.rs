//! The client's event stream on a PBX that goes away and comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use client::{Client, EventStream, Update};
use e2e::{LONG, Server, within};

/// The next item of a stream, which has no right to end.
async fn next(events: &mut EventStream) -> Update {
    let next = within(LONG, "item of the event stream", events.next()).await;
    next.expect("the stream goes on").unwrap()
}

#[tokio::test]
async fn a_restart_is_told_as_a_gap_and_events_go_on_after_it() {
    let server = Server::start().await;
    let pbx = Client::builder(&format!("http://{}", server.http))
        .credentials("e2e", "e2e-secret-0123456789")
        .build()
        .unwrap();
    let mut events = pbx.events(&[30022]).await.unwrap();
    server.api().await.extension("1000").await;
    let Update::Event(event) = next(&mut events).await else {
        panic!("a change is told")
    };
    assert_eq!(event.id, 30022);

    let stopped = server.kill().await;
    assert!(matches!(next(&mut events).await, Update::Lost(_)));
    let server = stopped.start().await;
    assert!(matches!(next(&mut events).await, Update::Resumed { .. }));
    server.api().await.extension("1001").await;
    let Update::Event(event) = next(&mut events).await else {
        panic!("a change is told again")
    };
    assert_eq!(event.id, 30022);
}

#[tokio::test]
async fn a_revoked_token_is_replaced_and_events_go_on() {
    let server = Server::start().await;
    let pbx = Client::builder(&format!("http://{}", server.http))
        .credentials("e2e", "e2e-secret-0123456789")
        .build()
        .unwrap();
    let token = pbx.token().await.unwrap();
    let mut api = server.api().await;
    let own = std::mem::replace(&mut api.token, token);
    api.get("del_token", &[]).await;
    api.token = own;
    // The client does not know yet that its token is gone.
    let mut events = pbx.events(&[30022]).await.unwrap();
    api.extension("1000").await;
    assert!(matches!(next(&mut events).await, Update::Event(_)));
}

#[tokio::test]
async fn events_come_over_tls_from_a_certificate_trusted_by_its_fingerprint() {
    let server = Server::start().await;
    let run = std::fs::read(server.data().join("run.json")).unwrap();
    let run: client::Value = serde_json::from_slice(&run).unwrap();
    let url = format!("https://{}", run["https"].as_str().unwrap());
    let stranger = Client::builder(&url)
        .credentials("e2e", "e2e-secret-0123456789")
        .build()
        .unwrap();
    let Err(client::Error::Certificate(fingerprint)) = stranger.events(&[30022]).await else {
        panic!("a self-made certificate is not believed")
    };
    let pbx = Client::builder(&url)
        .credentials("e2e", "e2e-secret-0123456789")
        .fingerprint(fingerprint)
        .build()
        .unwrap();
    let mut events = pbx.events(&[30022]).await.unwrap();
    server.api().await.extension("1000").await;
    assert!(matches!(next(&mut events).await, Update::Event(_)));
    pbx.close().await.unwrap();
    assert!(events.next().await.is_none(), "closing ends its streams");
}
