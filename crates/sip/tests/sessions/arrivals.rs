//! Who has proved nothing yet: one answer, and nothing is kept.

use sip::{EndpointError, HeaderName, Load};

use crate::common::*;

fn challenge() -> [(HeaderName, String); 1] {
    [(HeaderName::WwwAuthenticate, "Digest realm=\"x\"".into())]
}

#[test]
fn a_request_answered_once_gets_one_datagram_and_leaves_nothing() {
    for (method, status) in [("INVITE", 401), ("REGISTER", 401), ("OPTIONS", 200)] {
        let mut lone = Lone::new();
        lone.hear(&request(method, 1, "", "z9hG4bKa", ""));
        let arrival = lone.arrival();
        lone.endpoint
            .answer_once(&arrival, status, &challenge())
            .unwrap();
        let answer = lone.only();
        assert_eq!(answer.status(), Some(status));
        assert!(answer.header(HeaderName::WwwAuthenticate).is_some());
        assert_eq!(lone.endpoint.load(), Load::default());
        assert_eq!(lone.until(60_000), [], "{method}: never again by itself");
        let tag = format!(";tag={}", answer.to_tag().unwrap());
        lone.hear(&request("ACK", 1, &tag, "z9hG4bKa", ""));
        assert_eq!((lone.sent().len(), lone.events().len()), (0, 0));
    }
}

#[test]
fn each_copy_of_a_request_answered_once_gets_the_same_answer() {
    let mut lone = Lone::new();
    let answer = |lone: &mut Lone| {
        lone.hear(&request("INVITE", 1, "", "z9hG4bKa", OFFER));
        let arrival = lone.arrival();
        lone.endpoint
            .answer_once(&arrival, 401, &challenge())
            .unwrap();
        lone.only()
    };
    let first = answer(&mut lone);
    assert_eq!(answer(&mut lone).as_bytes(), first.as_bytes());
}

#[test]
fn what_was_taken_on_is_not_taken_twice_and_its_copies_arrive_no_more() {
    let mut lone = Lone::new();
    let invite = request("INVITE", 1, "", "z9hG4bKa", OFFER);
    lone.hear(&invite);
    let arrival = lone.arrival();
    let now = lone.at();
    let wrong = lone.endpoint.take_request(&arrival, now);
    assert_eq!(wrong.err(), Some(EndpointError::WrongState));
    lone.endpoint.take_invite(&arrival, now).unwrap();
    let again = lone.endpoint.take_invite(&arrival, now);
    assert_eq!(again.err(), Some(EndpointError::TakenAlready));
    lone.hear(&invite);
    assert_eq!(lone.events().len(), 0);
    assert_eq!(lone.endpoint.load().sessions, 1);
}

#[test]
fn a_head_too_long_for_any_answer_is_dropped_before_anything_is_kept_of_it() {
    let vias = |via: &str, count: usize| format!("Max-Forwards: 70\nVia: {}", via.repeat(count));
    for long in [
        // One value, and many that grow where each gets a line of its own.
        vias("SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKz,", 500),
        vias("a,", 9_000),
        format!(
            "Max-Forwards: 70\nRecord-Route: <sip:{}>",
            "r".repeat(17_000)
        ),
    ] {
        let mut lone = Lone::new();
        let invite = request("INVITE", 1, "", "z9hG4bKa", OFFER);
        lone.hear(&invite.replace("Max-Forwards: 70", &long));
        assert_eq!((lone.sent().len(), lone.events().len()), (0, 0));
        assert_eq!(lone.endpoint.load(), Load::default());
    }
}

#[test]
fn a_refusal_that_fits_into_no_datagram_goes_bare_and_ends_the_session() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    let long = [(HeaderName::Warning, "w".repeat(66_000))];
    lone.endpoint.reject(session, 488, &long, now).unwrap();
    assert_eq!(lone.only().status(), Some(488));
    assert_eq!(ends(&lone.events()), [sip::EndCause::Local]);
    lone.until(60_000);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn an_invite_with_the_longest_head_that_is_taken_can_be_answered_and_ends() {
    let mut lone = Lone::new();
    let invite = request("INVITE", 1, "", "z9hG4bKa", OFFER);
    let long = format!(
        "Max-Forwards: 70\nRecord-Route: <sip:{}>",
        "r".repeat(15_000)
    );
    lone.hear(&invite.replace("Max-Forwards: 70", &long));
    let session = lone.take_invite();
    lone.sent();
    let now = lone.at();
    let contact = "<sip:us@192.0.2.1>";
    let body = sdp(&"x".repeat(60_000));
    let accepted = lone.endpoint.accept(session, body, contact, &[], now);
    assert_eq!(accepted, Err(EndpointError::TooLong));
    lone.endpoint.terminate(session, &[], now).unwrap();
    assert_eq!(lone.only().status(), Some(480));
    lone.until(60_000);
    assert_eq!(lone.endpoint.load(), Load::default());
}
