//! What a softphone does on the wire: it stays registered, and holds as it was
//! told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{PATIENCE, Peer, direction_of};
use sip::{HeaderName, Method};
use softphone::PhoneEvent;
use tokio::time::timeout;

fn expires(seconds: &str) -> [(HeaderName, String); 1] {
    [(HeaderName::Expires, seconds.into())]
}

#[tokio::test]
async fn registration_is_refreshed_by_what_was_granted_and_a_refresh_that_failed_tried_again() {
    let (mut peer, phone) = Peer::with_phone().await;
    let registering = tokio::spawn(async move {
        phone.register().await.unwrap();
        phone
    });
    let first = peer.request(Method::Register).await;
    assert_eq!(first.expires(), Some(300));
    peer.reply(&first, 200, &expires("2"), None).await;
    let _phone = timeout(PATIENCE, registering).await.unwrap().unwrap();
    let mut last = first;
    for status in [500, 403, 200, 503] {
        let again = peer.request(Method::Register).await;
        assert_eq!(again.call_id(), last.call_id());
        assert!(again.cseq().unwrap().number > last.cseq().unwrap().number);
        peer.reply(&again, status, &expires("2"), None).await;
        last = again;
    }
    peer.request(Method::Register).await;
}

#[tokio::test]
async fn too_brief_a_registration_is_asked_for_anew_as_long_as_the_registrar_wants() {
    let (mut peer, phone) = Peer::with_phone().await;
    let registering = tokio::spawn(async move { phone.register().await });
    let brief = peer.request(Method::Register).await;
    let least = [(HeaderName::MinExpires, "900".to_owned())];
    peer.reply(&brief, 423, &least, None).await;
    let longer = peer.request(Method::Register).await;
    assert_eq!(longer.expires(), Some(900));
    peer.reply(&longer, 200, &[], None).await;
    timeout(PATIENCE, registering)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn who_is_held_says_so_and_who_holds_goes_on_holding() {
    let (mut peer, mut phone) = Peer::with_phone().await;
    assert_eq!(peer.offer("sendrecv").await, "sendrecv");
    assert_eq!(peer.offer("sendonly").await, "recvonly");
    assert_eq!(peer.offer("inactive").await, "inactive");
    assert_eq!(peer.offer("sendrecv").await, "sendrecv");
    timeout(PATIENCE, phone.hold(true)).await.unwrap().unwrap();
    let hold = peer.request(Method::Invite).await;
    assert_eq!(direction_of(&hold), "sendonly");
    peer.reply(&hold, 200, &[], Some(&Peer::sdp("recvonly")))
        .await;
    peer.request(Method::Ack).await;
    assert_eq!(peer.offer("sendrecv").await, "sendonly", "held still");
    assert_eq!(peer.offer("sendonly").await, "inactive", "both hold");
    let mut told = Vec::new();
    while told.len() < 3 {
        if let PhoneEvent::Held(held) = timeout(PATIENCE, phone.event()).await.unwrap().unwrap() {
            told.push(held);
        }
    }
    assert_eq!(told, [true, false, true], "a change once each");
}

#[tokio::test]
async fn hold_that_was_refused_is_none() {
    let (mut peer, phone) = Peer::with_phone().await;
    peer.offer("sendrecv").await;
    timeout(PATIENCE, phone.hold(true)).await.unwrap().unwrap();
    let hold = peer.request(Method::Invite).await;
    peer.reply(&hold, 488, &[], None).await;
    peer.request(Method::Ack).await;
    assert_eq!(peer.offer("sendrecv").await, "sendrecv");
}
