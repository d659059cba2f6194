//! What applications are told of a call, and what they are not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::wire::WirePhone;
use common::{Events, House, members};
use serde_json::json;
use sip::Method;

#[tokio::test]
async fn members_are_told_again_only_when_one_that_was_told_is_another() {
    let house = House::open().await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut rings = WirePhone::registered(&house, "1001").await;
    let mut refuses = WirePhone::registered(&house, "1001").await;
    let mut events = Events::of(&house);
    let offer = a.sdp();
    let call = a.call("1001", Some(&offer)).await;
    let invite = rings.request(Method::Invite).await;
    rings.reply(&invite, 180, None).await;
    let shown = events.next_of(30011).await;
    assert_eq!(members(&shown), ["1000:ALERT", "1001:RING"]);
    // Early media is RING too, and a phone that never rang is nobody's news.
    rings.reply(&invite, 183, Some(&rings.sdp())).await;
    a.response(&call, 183..184).await;
    let other = refuses.request(Method::Invite).await;
    refuses.reply(&other, 486, None).await;
    refuses.request(Method::Ack).await;
    rings.reply(&invite, 200, Some(&rings.sdp())).await;
    let shown = events.next_of(30011).await;
    assert_eq!(members(&shown), ["1000:ANSWERED", "1001:ANSWER"]);
}

#[tokio::test]
async fn phone_that_refuses_with_403_is_not_told_as_the_callers_lack_of_a_right() {
    let house = House::open().await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let mut events = Events::of(&house);
    let offer = a.sdp();
    let call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 403, None).await;
    assert_eq!(a.response(&call, 300..700).await.status(), Some(403));
    assert_eq!(events.next_of(30015).await["reason"], "User Busy");
}
