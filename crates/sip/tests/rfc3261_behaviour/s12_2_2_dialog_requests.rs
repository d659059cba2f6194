//! 12.2.2, 14.2 and RFC 3311 5.2: requests within a dialog.

use sip::{EndCause, Event, HeaderName};

use crate::common::*;

#[test]
fn a_lower_cseq_gets_500_and_changes_nothing() {
    let (mut lone, _, tag) = Lone::called();
    lone.hear(&request("INFO", 7, &tag, "z9hG4bKi7", ""));
    assert_eq!(label(&lone.only()), "200 INFO");
    lone.hear(&request("BYE", 6, &tag, "z9hG4bKb6", ""));
    assert_eq!(label(&lone.only()), "500 BYE");
    assert_eq!(lone.events().len(), 0);
    // A gap is no fault.
    lone.hear(&request("BYE", 90, &tag, "z9hG4bKb90", ""));
    assert_eq!(label(&lone.only()), "200 BYE");
    assert_eq!(ends(&lone.events()), [EndCause::Bye]);
}

#[test]
fn a_dialog_is_known_by_call_id_and_both_tags() {
    let (mut lone, _, tag) = Lone::called();
    let bye = request("BYE", 2, &tag, "z9hG4bKb", "");
    for wrong in [
        bye.replace("tag=them", "tag=others"),
        bye.replace("call-1", "call-2"),
        request("BYE", 2, ";tag=0123456789abcdef", "z9hG4bKb", ""),
        request("BYE", 2, "", "z9hG4bKb", ""),
    ] {
        lone.hear(&wrong);
        assert_eq!(lone.only().status(), Some(481), "{wrong}");
    }
    assert_eq!(lone.events().len(), 0);
    lone.hear(&bye);
    assert_eq!(lone.only().status(), Some(200));
}

#[test]
fn a_repeated_bye_gets_its_200_again_and_is_told_once() {
    let (mut lone, _, tag) = Lone::called();
    let bye = request("BYE", 2, &tag, "z9hG4bKb", "");
    lone.hear(&bye);
    lone.hear(&bye);
    assert_eq!(lone.sent().len(), 2);
    assert_eq!(ends(&lone.events()), [EndCause::Bye]);
    lone.hear(&request("BYE", 3, &tag, "z9hG4bKb2", ""));
    assert_eq!(lone.only().status(), Some(481));
}

#[test]
fn an_invite_before_the_answer_to_the_last_gets_500_with_retry_after() {
    let (mut lone, _, tag) = Lone::called();
    lone.hear(&request("INVITE", 2, &tag, "z9hG4bK2", OFFER));
    assert_eq!(label(&lone.only()), "100 INVITE");
    lone.hear(&request("INVITE", 3, &tag, "z9hG4bK3", OFFER));
    let refused = lone.only();
    assert_eq!(refused.status(), Some(500));
    let retry: u32 = refused
        .header(HeaderName::RetryAfter)
        .unwrap()
        .parse()
        .unwrap();
    assert!(retry <= 10);
    assert!(matches!(lone.events()[..], [Event::Offered { .. }]));
}

#[test]
fn an_invite_while_ours_is_pending_gets_491_and_a_late_copy_of_it_too() {
    let (mut lone, session, tag) = Lone::called();
    let now = lone.at();
    lone.endpoint
        .reinvite(session, Some(sdp("ours")), now)
        .unwrap();
    let ours = lone.only();
    let theirs = request("INVITE", 2, &tag, "z9hG4bK2", OFFER);
    lone.hear(&theirs);
    assert_eq!(label(&lone.only()), "491 INVITE");
    lone.hear(&request("ACK", 2, &tag, "z9hG4bK2", ""));
    lone.hear(&response(&ours, 200, "", ANSWER));
    lone.sent();
    lone.hear(&theirs);
    assert_eq!(lone.sent().len(), 0);
    assert!(matches!(
        lone.events()[..],
        [Event::ReinviteAnswered { .. }]
    ));
}

#[test]
fn update_in_an_early_dialog_refreshes_the_target_but_may_not_offer() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint
        .ring(session, 180, None, "<sip:us@192.0.2.1>", now)
        .unwrap();
    let tag = format!(";tag={}", lone.only().to_tag().unwrap());
    lone.hear(&request("UPDATE", 2, &tag, "z9hG4bKu2", OFFER));
    let refused = lone.only();
    assert_eq!(label(&refused), "500 UPDATE");
    assert!(refused.header(HeaderName::RetryAfter).is_some());
    lone.hear(&request("UPDATE", 3, &tag, "z9hG4bKu3", ""));
    assert_eq!(label(&lone.only()), "200 UPDATE");
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn options_is_answered_and_unknown_methods_are_not_ours() {
    let (mut lone, _, tag) = Lone::called();
    for (cseq, method, status) in [(2, "OPTIONS", 200), (3, "REFER", 405), (4, "FROB", 501)] {
        lone.hear(&request(method, cseq, &tag, &format!("z9hG4bK{cseq}"), ""));
        let answer = lone.only();
        assert_eq!(answer.status(), Some(status));
        assert!(answer.header(HeaderName::Allow).is_some());
    }
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn ack_without_a_dialog_is_ignored() {
    let mut lone = Lone::new();
    lone.hear(&request("ACK", 1, ";tag=x", "z9hG4bKack", ""));
    assert_eq!(lone.sent().len(), 0);
}
