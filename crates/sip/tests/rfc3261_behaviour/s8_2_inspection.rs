//! 8.2: what a request must be to be taken on.

use sip::{HeaderName, Message};

use crate::common::*;

fn answer(text: &str) -> Message {
    let mut lone = Lone::new();
    lone.hear(text);
    let answer = lone.only();
    assert_eq!(lone.events().len(), 0);
    // Nothing is kept, and the same request gets the same answer.
    assert_eq!(lone.endpoint.load(), sip::Load::default());
    lone.hear(text);
    assert_eq!(lone.only().as_bytes(), answer.as_bytes());
    answer
}

fn invite() -> String {
    request("INVITE", 1, "", "z9hG4bKi", OFFER)
}

#[test]
fn s8_2_1_methods_that_are_not_allowed_or_not_known() {
    for (method, status) in [("SUBSCRIBE", 405), ("FROB", 501), ("invite", 501)] {
        let answer = answer(&request(method, 1, "", "z9hG4bKm", ""));
        assert_eq!(answer.status(), Some(status), "{method}");
        assert!(answer.header(HeaderName::Allow).unwrap().contains("UPDATE"));
    }
}

#[test]
fn s8_2_2_1_a_scheme_that_is_not_known() {
    let text = invite().replace("INVITE sip:us@192.0.2.1", "INVITE h323:us@192.0.2.1");
    assert_eq!(answer(&text).status(), Some(416));
}

#[test]
fn s8_2_2_2_a_request_that_came_two_ways_is_merged() {
    let mut lone = Lone::new();
    lone.hear(&invite());
    lone.take_invite();
    lone.sent();
    lone.hear(&invite().replace("z9hG4bKi", "z9hG4bKother"));
    assert_eq!(label(&lone.only()), "482 INVITE");
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn s8_2_2_3_an_extension_that_is_required_and_not_had() {
    let text = invite().replace("Max-", "Require: 100rel, replaces\nRequire: timer\nMax-");
    let answer = answer(&text);
    assert_eq!(answer.status(), Some(420));
    assert_eq!(
        answer.header(HeaderName::Unsupported),
        Some("100rel, replaces, timer")
    );
}

#[test]
fn s16_3_an_invite_that_may_go_no_further() {
    let text = invite().replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(answer(&text).status(), Some(483));
}

#[test]
fn s8_1_1_3_a_from_without_tag() {
    let text = invite().replace(";tag=them", "");
    assert_eq!(answer(&text).status(), Some(400));
}

#[test]
fn s8_2_6_1_trying_has_no_tag_and_keeps_the_record_routes_for_later() {
    let mut lone = Lone::new();
    let routed = invite().replace("Max-", "Record-Route: <sip:a;lr>, <sip:b;lr>\nMax-");
    lone.hear(&routed);
    let session = lone.take_invite();
    let trying = lone.only();
    assert_eq!(trying.to_tag(), None);
    let now = lone.at();
    lone.endpoint
        .accept(session, sdp("x"), "<sip:us@192.0.2.1>", &[], now)
        .unwrap();
    let accepted = lone.only();
    let routes: Vec<_> = accepted.values(HeaderName::RecordRoute).collect();
    assert_eq!(routes, ["<sip:a;lr>", "<sip:b;lr>"]);
    assert!(accepted.header(HeaderName::Allow).is_some());
    let tag = format!(";tag={}", accepted.to_tag().unwrap());
    lone.hear(&request("ACK", 1, &tag, "z9hG4bKack", ""));
    lone.endpoint.terminate(session, &[], now).unwrap();
    let bye = lone.only();
    let routes: Vec<_> = bye.values(HeaderName::Route).collect();
    assert_eq!(routes, ["<sip:a;lr>", "<sip:b;lr>"]);
}
