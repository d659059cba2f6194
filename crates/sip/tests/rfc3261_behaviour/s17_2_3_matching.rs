//! 17.1.3, 17.2.3 and 9.2: what belongs to which transaction.

use sip::{EndCause, Event};

use crate::common::*;

#[test]
fn the_same_branch_from_another_sent_by_or_of_another_method_is_another_request() {
    let mut lone = Lone::new();
    let options = request("OPTIONS", 1, "", "z9hG4bKsame", "");
    lone.hear(&options);
    lone.take_request();
    lone.hear(
        &options
            .replace("9:5060;branch", "8:5060;branch")
            .replace("call-1", "call-2"),
    );
    lone.take_request();
    lone.hear(&request("REGISTER", 2, "", "z9hG4bKsame", ""));
    lone.take_request();
    lone.hear(&options);
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn a_response_with_a_foreign_branch_method_or_a_second_via_is_dropped() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    let ringing = response(&invite, 180, "b", "");
    let branch = invite.top_via().unwrap().branch().unwrap().to_owned();
    lone.hear(&ringing.replace(&branch, "z9hG4bK00000000000000000000000000000000"));
    lone.hear(&ringing.replace("1 INVITE", "1 OPTIONS"));
    lone.hear(&ringing.replace("1 INVITE", "2 INVITE"));
    lone.hear(&ringing.replace(
        "From:",
        "Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKx\nFrom:",
    ));
    assert_eq!(lone.events().len(), 0);
    lone.hear(&ringing);
    assert_eq!(lone.events().len(), 1);
}

#[test]
fn a_request_without_the_magic_cookie_is_known_by_itself() {
    let mut lone = Lone::new();
    let options = request("OPTIONS", 1, "", "1", "");
    lone.hear(&options);
    lone.take_request();
    lone.hear(&options);
    assert_eq!(lone.events().len(), 0);
    lone.hear(&request("OPTIONS", 2, "", "1", ""));
    lone.take_request();
}

#[test]
fn cancel_finds_its_invite_and_each_copy_gets_the_same_answer() {
    let mut lone = Lone::new();
    lone.invited();
    let cancel = request("CANCEL", 1, "", "z9hG4bKinvite", "");
    lone.hear(&cancel);
    let sent = lone.sent();
    let labels: Vec<_> = sent.iter().map(label).collect();
    assert_eq!(labels, ["200 CANCEL", "487 INVITE"]);
    assert_eq!(sent[0].to_tag(), sent[1].to_tag());
    assert_eq!(ends(&lone.events()), [EndCause::Cancelled]);
    lone.hear(&cancel);
    assert_eq!(label(&lone.only()), "200 CANCEL");
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn cancel_without_its_invite_gets_481() {
    let mut lone = Lone::new();
    lone.hear(&request("CANCEL", 1, "", "z9hG4bKother", ""));
    assert_eq!(lone.only().status(), Some(481));
}

#[test]
fn cancel_after_our_2xx_changes_nothing() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint
        .accept(session, sdp("x"), "<sip:us@192.0.2.1>", &[], now)
        .unwrap();
    let accepted = lone.only();
    lone.hear(&request("CANCEL", 1, "", "z9hG4bKinvite", ""));
    let answer = lone.only();
    assert_eq!(label(&answer), "200 CANCEL");
    assert_eq!(answer.to_tag(), accepted.to_tag());
    let tag = format!(";tag={}", accepted.to_tag().unwrap());
    lone.hear(&request("ACK", 1, &tag, "z9hG4bKack", ""));
    assert!(matches!(lone.events()[..], [Event::Acked { .. }]));
}
