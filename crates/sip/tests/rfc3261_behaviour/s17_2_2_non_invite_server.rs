//! 17.2.2: the non-INVITE server transaction.

use sip::{EndpointError, ServerTxId};

use crate::common::*;

fn asked() -> (Lone, ServerTxId) {
    let mut lone = Lone::new();
    lone.hear(&request("REGISTER", 1, "", "z9hG4bKr", ""));
    let tx = lone.take_request();
    (lone, tx)
}

#[test]
fn a_repeated_request_waits_and_then_gets_the_same_answer_until_timer_j() {
    let (mut lone, tx) = asked();
    let again = request("REGISTER", 1, "", "z9hG4bKr", "");
    lone.hear(&again);
    assert_eq!(lone.sent().len(), 0);
    lone.until(1_000);
    let now = lone.at();
    lone.endpoint.respond(tx, 200, &[], None, now).unwrap();
    let answer = lone.only();
    lone.until(32_999);
    lone.hear(&again);
    assert_eq!(lone.only().as_bytes(), answer.as_bytes());
    assert_eq!(lone.events().len(), 0);
    lone.until(33_000);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}

#[test]
fn a_provisional_answer_is_repeated_until_the_final_one() {
    let (mut lone, tx) = asked();
    let now = lone.at();
    lone.endpoint.respond(tx, 100, &[], None, now).unwrap();
    assert_eq!(lone.only().status(), Some(100));
    lone.hear(&request("REGISTER", 1, "", "z9hG4bKr", ""));
    assert_eq!(lone.only().status(), Some(100));
    lone.endpoint.respond(tx, 403, &[], None, now).unwrap();
    assert_eq!(lone.only().status(), Some(403));
}

#[test]
fn an_answer_after_the_client_has_given_up_finds_nobody() {
    let (mut lone, tx) = asked();
    assert_eq!(lone.until(32_000), [], "and never 408 (RFC 4320)");
    let now = lone.at();
    assert_eq!(
        lone.endpoint.respond(tx, 200, &[], None, now),
        Err(EndpointError::UnknownTransaction)
    );
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}
