//! 17.1.1 and RFC 6026 7.2: the INVITE client transaction.

use sip::{EndCause, Event, Transport};

use crate::common::*;

fn times(sent: &[(u64, String)], what: &str) -> Vec<u64> {
    let wanted = sent.iter().filter(|(_, label)| label == what);
    wanted.map(|(at, _)| *at).collect()
}

#[test]
fn timer_a_doubles_and_timer_b_ends_it_after_64_t1() {
    let mut lone = Lone::new();
    lone.invite();
    let sent = lone.until(31_999);
    assert_eq!(
        times(&sent, "INVITE"),
        [500, 1_500, 3_500, 7_500, 15_500, 31_500]
    );
    assert_eq!(lone.events().len(), 0);
    lone.until(32_000);
    assert_eq!(ends(&lone.events()), [EndCause::Timeout]);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}

#[test]
fn over_a_reliable_transport_nothing_is_sent_twice() {
    let mut lone = Lone::over(Transport::Tcp);
    let (_, invite) = lone.invite();
    assert_eq!(lone.until(10_000), []);
    lone.hear(&response(&invite, 486, "b", ""));
    assert_eq!(label(&lone.only()), "ACK");
    // Timer D is zero.
    lone.until(10_000);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}

#[test]
fn a_provisional_response_stops_the_retransmissions() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    lone.until(600);
    lone.hear(&response(&invite, 100, "", ""));
    assert_eq!(lone.until(300_000), []);
}

#[test]
fn a_refusal_is_acked_with_the_invites_branch_uri_and_routes_and_again_until_timer_d() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    let refusal = response(&invite, 404, "b", "");
    lone.hear(&refusal);
    let ack = lone.only();
    assert_eq!(label(&ack), "ACK");
    assert_eq!(ack.request_uri(), invite.request_uri());
    assert_eq!(ack.to_tag(), Some("b"));
    for name in ["Via", "From", "Call-ID", "Max-Forwards"] {
        assert_eq!(ack.header(name.into()), invite.header(name.into()));
    }
    assert_eq!(ack.cseq().unwrap().number, 1);
    lone.until(31_000);
    lone.hear(&refusal);
    assert_eq!(lone.only().as_bytes(), ack.as_bytes());
    lone.until(32_000);
    lone.hear(&refusal);
    assert_eq!(lone.sent().len(), 0);
    assert_eq!(lone.events().len(), 1, "told once");
}

#[test]
fn in_accepted_each_2xx_reaches_the_user_until_timer_m() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    let accepted = response(&invite, 200, "b", ANSWER);
    lone.hear(&accepted);
    let ack = lone.only();
    assert_ne!(
        ack.top_via().unwrap().branch(),
        invite.top_via().unwrap().branch()
    );
    lone.hear(&response(&invite, 486, "b", ""));
    assert_eq!(lone.sent().len(), 0, "a refusal after 2xx means nothing");
    lone.until(31_999);
    lone.hear(&accepted);
    assert_eq!(lone.only().as_bytes(), ack.as_bytes());
    lone.until(32_000);
    lone.hear(&accepted);
    assert_eq!(lone.sent().len(), 0);
    assert!(matches!(lone.events()[..], [Event::Answered { .. }]));
}

#[test]
fn after_cancel_64_t1_without_final_response_count_as_one() {
    let mut lone = Lone::new();
    let (session, invite) = lone.invite();
    lone.hear(&response(&invite, 180, "b", ""));
    let now = lone.at();
    lone.endpoint.terminate(session, &[], now).unwrap();
    let cancel = lone.only();
    lone.hear(&response(&cancel, 200, "b", ""));
    lone.until(40_000);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}
