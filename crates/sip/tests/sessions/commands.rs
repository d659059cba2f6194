//! Commands in a wrong state, values that can't be sent, bounds.

use sip::{EndpointConfig, EndpointError, Event, HeaderName, Method, OutOfDialog};

use crate::common::*;

#[test]
fn commands_in_a_wrong_state_are_errors_and_change_nothing() {
    let (mut pair, a, b) = Pair::established(1);
    let now = pair.at();
    let contact = "<sip:x@192.0.2.1>";
    let endpoint = pair.endpoint(A);
    let wrong = Err(EndpointError::WrongState);
    assert_eq!(endpoint.ring(a, 180, None, contact, now), wrong);
    assert_eq!(endpoint.accept(a, sdp(""), contact, &[], now), wrong);
    assert_eq!(endpoint.reject(a, 486, &[], now), wrong);
    let none = Err(EndpointError::NoOffer);
    assert_eq!(endpoint.answer_reinvite(a, sdp(""), now), none);
    assert_eq!(endpoint.refuse_reinvite(a, 488, &[], now), none);
    assert_eq!(endpoint.answer_in_ack(a, sdp(""), now), none);
    endpoint.reinvite(a, None, now).unwrap();
    assert_eq!(
        endpoint.reinvite(a, None, now),
        Err(EndpointError::OfferPending)
    );
    endpoint.terminate(a, &[], now).unwrap();
    let dead = Err(EndpointError::UnknownSession);
    assert_eq!(endpoint.terminate(a, &[], now), dead);
    assert_eq!(endpoint.reinvite(a, None, now), dead);
    pair.run_for(ms(100));
    assert_eq!(pair.endpoint(B).terminate(b, &[], now), dead);
    pair.drive();
    pair.assert_clean();
    assert_eq!(pair.endpoint(B).terminate(b, &[], now), dead);
}

#[test]
fn a_status_that_does_not_fit_is_an_error() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    let contact = "<sip:us@192.0.2.1>";
    for status in [100, 200, 486] {
        assert_eq!(
            lone.endpoint.ring(session, status, None, contact, now),
            Err(EndpointError::BadStatus(status))
        );
    }
    for status in [180, 200, 700] {
        assert_eq!(
            lone.endpoint.reject(session, status, &[], now),
            Err(EndpointError::BadStatus(status))
        );
    }
    lone.endpoint.reject(session, 486, &[], now).unwrap();
}

#[test]
fn no_value_smuggles_a_header_in() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    let bad = Err(EndpointError::BadValue);
    let evil = "x\r\nEvil: yes".to_owned();
    let header = [(HeaderName::Reason, evil.clone())];
    assert_eq!(lone.endpoint.reject(session, 486, &header, now), bad);
    assert_eq!(lone.endpoint.terminate(session, &header, now), bad);
    let contact = format!("<sip:us@192.0.2.1>;{evil}");
    assert_eq!(lone.endpoint.ring(session, 180, None, &contact, now), bad);
    let ours = [(HeaderName::CallId, "mine".to_owned())];
    assert_eq!(lone.endpoint.reject(session, 486, &ours, now), bad);
    let name = [(HeaderName::Other("X: y\r\nZ".into()), String::new())];
    assert_eq!(lone.endpoint.reject(session, 486, &name, now), bad);
    assert_eq!(lone.sent().len(), 0);
    let mut pair = Pair::new(1);
    for break_it in [
        |i: &mut sip::Invite| i.uri = "sip:a b".into(),
        |i: &mut sip::Invite| i.from = "<sip:a@b>;tag=mine".into(),
        |i: &mut sip::Invite| i.to = "nobody".into(),
        |i: &mut sip::Invite| i.contact.push('\n'),
    ] {
        let mut invite = pair.invitation(None);
        break_it(&mut invite);
        let result = pair.sides[A].endpoint.invite(invite, now);
        assert_eq!(result.err(), Some(EndpointError::BadValue));
    }
    pair.assert_clean();
}

#[test]
fn what_fits_into_no_datagram_is_refused_and_leaves_nothing() {
    let mut pair = Pair::new(2);
    let invite = pair.invitation(Some(sdp(&"x".repeat(70_000))));
    let now = pair.at();
    let result = pair.endpoint(A).invite(invite, now);
    assert_eq!(result.err(), Some(EndpointError::TooLong));
    pair.assert_clean();
}

#[test]
fn full_tables_shed_what_is_new_and_nothing_that_is_under_way() {
    let mut lone = Lone::with(EndpointConfig {
        max_transactions: 3,
        max_sessions: 2,
        ..config(1)
    });
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint
        .accept(session, sdp("x"), "<sip:us@192.0.2.1>", &[], now)
        .unwrap();
    let tag = format!(";tag={}", lone.only().to_tag().unwrap());
    let other = |method: &str, call: &str| {
        request(method, 1, "", &format!("z9hG4bK{call}"), "").replace("call-1", call)
    };
    lone.hear(&other("INVITE", "two"));
    lone.take_invite();
    assert_eq!(lone.only().status(), Some(100));
    lone.hear(&other("INVITE", "three"));
    let refused = lone.only();
    assert_eq!(refused.status(), Some(503));
    assert!(refused.header(HeaderName::RetryAfter).is_some());
    lone.hear(&other("OPTIONS", "four"));
    let asked = lone.arrival();
    assert_eq!(lone.sent().len(), 0, "waits for the user");
    lone.endpoint.take_request(&asked, now).unwrap();
    lone.hear(&other("OPTIONS", "five"));
    assert_eq!(lone.only().status(), Some(503));
    let mut pair = Pair::new(1);
    let invite = pair.invitation(None);
    assert_eq!(
        lone.endpoint.invite(invite, now).err(),
        Some(EndpointError::TooManyTransactions)
    );
    pair.flush();
    // ACK, re-INVITE and BYE of the session that stands.
    lone.hear(&request("ACK", 1, &tag, "z9hG4bKack", ""));
    lone.hear(&request("INVITE", 2, &tag, "z9hG4bKre", OFFER));
    lone.hear(&request("BYE", 3, &tag, "z9hG4bKbye", ""));
    let sent: Vec<_> = lone.sent().iter().map(label).collect();
    assert_eq!(sent, ["100 INVITE", "200 BYE", "487 INVITE"]);
}

#[test]
fn requests_outside_of_dialogs_are_told_and_answered_once() {
    let mut lone = Lone::new();
    lone.hear(&request("OPTIONS", 1, "", "z9hG4bKo", ""));
    let tx = lone.take_request();
    let now = lone.at();
    lone.endpoint.respond(tx, 200, &[], None, now).unwrap();
    let answer = lone.only();
    assert!(answer.to_tag().is_some());
    assert!(answer.header(HeaderName::Allow).unwrap().contains("INVITE"));
    assert_eq!(
        lone.endpoint.respond(tx, 200, &[], None, now),
        Err(EndpointError::UnknownTransaction)
    );
}

#[test]
fn a_request_nobody_answers_times_out_once() {
    let mut lone = Lone::new();
    let request = OutOfDialog {
        method: Method::Options,
        uri: "sip:192.0.2.9".into(),
        flow: lone.flow,
        from: "<sip:us@192.0.2.1>".into(),
        to: "<sip:192.0.2.9>".into(),
        call_id: None,
        cseq: None,
        headers: Vec::new(),
        body: None,
        auth: None,
        via_host: lone.flow.local,
    };
    let now = lone.at();
    let invite = OutOfDialog {
        method: Method::Invite,
        ..request.clone()
    };
    assert_eq!(
        lone.endpoint.request(invite, now),
        Err(EndpointError::WrongState)
    );
    let tx = lone.endpoint.request(request, now).unwrap();
    lone.until(60_000);
    assert!(matches!(
        lone.events()[..],
        [Event::RequestTimeout { tx: over }] if over == tx
    ));
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}
