//! 17.2.1 and RFC 6026 7.1: the INVITE server transaction.

use sip::Event;

use crate::common::*;

const CONTACT: &str = "<sip:us@192.0.2.1>";

fn invite() -> String {
    request("INVITE", 1, "", "z9hG4bKinvite", OFFER)
}

#[test]
fn a_repeated_invite_gets_the_last_provisional_response() {
    let mut lone = Lone::new();
    let session = lone.invited();
    lone.hear(&invite());
    assert_eq!(label(&lone.only()), "100 INVITE");
    let now = lone.at();
    lone.endpoint
        .ring(session, 180, None, CONTACT, now)
        .unwrap();
    let ringing = lone.only();
    lone.hear(&invite());
    assert_eq!(lone.only().as_bytes(), ringing.as_bytes());
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn a_refusal_is_sent_again_by_timer_g_until_timer_h() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint.reject(session, 486, &[], now).unwrap();
    lone.only();
    let times: Vec<_> = lone.until(60_000).iter().map(|(at, _)| *at).collect();
    assert_eq!(
        times,
        [
            500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}

#[test]
fn the_ack_stops_timer_g_and_more_of_them_are_absorbed_for_t4() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint.reject(session, 486, &[], now).unwrap();
    let refusal = lone.only();
    let tag = format!(";tag={}", refusal.to_tag().unwrap());
    let ack = request("ACK", 1, &tag, "z9hG4bKinvite", "");
    lone.until(600);
    lone.hear(&ack);
    lone.hear(&ack);
    lone.hear(&invite());
    assert_eq!(lone.sent().len(), 0);
    assert_eq!(lone.until(5_599), []);
    assert_eq!(lone.endpoint.load().transactions, 1);
    lone.until(5_600);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
    let told = lone.events();
    assert!(matches!(told[..], [Event::Ended { .. }]), "{told:?}");
}

#[test]
fn in_accepted_invites_are_absorbed_until_timer_l() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint
        .accept(session, sdp("x"), CONTACT, &[], now)
        .unwrap();
    let tag = format!(";tag={}", lone.only().to_tag().unwrap());
    lone.hear(&request("ACK", 1, &tag, "z9hG4bKack", ""));
    lone.hear(&invite());
    assert_eq!(lone.sent().len(), 0);
    lone.until(32_000);
    let load = lone.endpoint.load();
    // The timer is the session's own: whether the far end is still there.
    assert_eq!((load.sessions, load.transactions, load.timers), (1, 0, 1));
}

#[test]
fn an_ack_to_2xx_with_the_branch_of_the_invite_is_taken_all_the_same() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint
        .accept(session, sdp("x"), CONTACT, &[], now)
        .unwrap();
    let tag = format!(";tag={}", lone.only().to_tag().unwrap());
    lone.hear(&request("ACK", 1, &tag, "z9hG4bKinvite", ""));
    assert!(matches!(lone.events()[..], [Event::Acked { .. }]));
    assert_eq!(lone.until(60_000), []);
}
