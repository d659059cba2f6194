//! What crosses on the wire. Each side hears of the end once.

use sip::{EndCause, Event};

use crate::common::*;

#[test]
fn cancel_ends_a_ringing_call_with_487() {
    let mut pair = Pair::new(1);
    let a = pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.ring(b);
    pair.run_for(ms(50));
    pair.events(A);
    let now = pair.at();
    let reason = [(
        sip::HeaderName::Reason,
        "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned(),
    )];
    pair.endpoint(A).terminate(a, &reason, now).unwrap();
    pair.run_for(ms(100));
    assert_eq!(pair.ends(A), [EndCause::Local]);
    assert_eq!(pair.ends(B), [EndCause::Cancelled]);
    assert_eq!(pair.sent(A), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(
        pair.sent(B),
        ["100 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]
    );
    let find = |what: &str| {
        let wire = pair.wire.iter().find(|w| is(&w.message, what));
        wire.unwrap().message.clone()
    };
    let (invite, cancel) = (find("INVITE"), find("CANCEL"));
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(cancel.header(name.into()), invite.header(name.into()));
    }
    assert_eq!(cancel.request_uri(), invite.request_uri());
    assert!(cancel.header("Reason".into()).is_some());
    pair.drive();
    pair.assert_clean();
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut pair = Pair::new(2);
    let a = pair.invite();
    pair.flush();
    pair.terminate(A, a);
    assert_eq!(pair.ends(A), [EndCause::Local]);
    pair.run_for(ms(15));
    assert_eq!(pair.sent(A), ["INVITE"]);
    pair.run_for(ms(100));
    assert_eq!(pair.sent(A), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(pair.ends(B), [EndCause::Cancelled]);
    pair.drive();
    assert_eq!(pair.ends(A), []);
    pair.assert_clean();
}

#[test]
fn a_cancelled_invite_that_nobody_hears_just_times_out() {
    let mut pair = Pair::new(3);
    pair.net.loss = 100;
    let a = pair.invite();
    pair.terminate(A, a);
    pair.run_for(TIMEOUT);
    assert_eq!(pair.count(A, "CANCEL"), 0);
    assert_eq!(pair.ends(A), [EndCause::Local]);
    pair.assert_clean();
}

#[test]
fn cancel_crossing_2xx_is_answered_with_bye() {
    let mut pair = Pair::new(4);
    let a = pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.accept(b);
    pair.terminate(A, a);
    pair.run_for(ms(100));
    assert_eq!(pair.ends(A), [EndCause::Local]);
    assert_eq!(pair.sent(A), ["INVITE", "CANCEL", "ACK", "BYE"]);
    assert_eq!(pair.count(B, "200 CANCEL"), 1);
    assert!(matches!(
        pair.events(B)[..],
        [
            Event::Acked { .. },
            Event::Ended {
                cause: EndCause::Bye,
                ..
            }
        ]
    ));
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_2xx_without_any_provisional_after_terminate_is_acked_and_hung_up() {
    let mut pair = Pair::new(5);
    pair.net.rule = Some(Box::new(|_, message| {
        if is(message, "100 INVITE") {
            return Fate::Drop;
        }
        Fate::Deliver
    }));
    let a = pair.invite();
    pair.run_for(ms(50));
    pair.terminate(A, a);
    let b = pair.incoming();
    pair.accept(b);
    pair.run_for(ms(100));
    assert_eq!(pair.sent(A), ["INVITE", "ACK", "BYE"]);
    assert_eq!(pair.ends(A), [EndCause::Local]);
    assert_eq!(pair.ends(B), [EndCause::Bye]);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_callee_that_hangs_up_before_the_ack_sends_bye_after_it() {
    let mut pair = Pair::new(6);
    pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.accept(b);
    pair.terminate(B, b);
    assert_eq!(pair.ends(B), [EndCause::Local]);
    pair.run_for(ms(15));
    assert_eq!(pair.count(B, "BYE"), 0);
    pair.run_for(ms(100));
    assert_eq!(pair.count(B, "BYE"), 1);
    assert!(matches!(
        pair.events(A)[..],
        [
            Event::Answered { .. },
            Event::Ended {
                cause: EndCause::Bye,
                ..
            }
        ]
    ));
    pair.drive();
    assert_eq!(pair.ends(B), []);
    pair.assert_clean();
}

#[test]
fn a_callee_that_hangs_up_and_never_gets_an_ack_sends_bye_after_64_t1() {
    let mut pair = Pair::new(7);
    pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.net.rule = Some(Box::new(|_, message| {
        if is(message, "ACK") {
            return Fate::Drop;
        }
        Fate::Deliver
    }));
    pair.accept(b);
    pair.terminate(B, b);
    pair.run_for(TIMEOUT + ms(100));
    assert_eq!(pair.count(B, "BYE"), 1);
    assert_eq!(pair.ends(A), [EndCause::Bye]);
    assert_eq!(pair.ends(B), [EndCause::Local]);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn two_byes_that_cross_are_both_answered_with_200() {
    let (mut pair, a, b) = Pair::established(8);
    pair.terminate(A, a);
    pair.terminate(B, b);
    pair.run_for(ms(100));
    assert_eq!(pair.ends(A), [EndCause::Local]);
    assert_eq!(pair.ends(B), [EndCause::Local]);
    assert_eq!(pair.count(A, "200 BYE"), 1);
    assert_eq!(pair.count(B, "200 BYE"), 1);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_rejection_crossing_cancel_ends_each_side_once() {
    let mut pair = Pair::new(9);
    let a = pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    let now = pair.at();
    pair.endpoint(B).reject(b, 603, &[], now).unwrap();
    pair.terminate(A, a);
    pair.run_for(ms(100));
    assert_eq!(pair.ends(A), [EndCause::Local]);
    assert_eq!(pair.ends(B), [EndCause::Local]);
    assert_eq!(pair.count(B, "200 CANCEL"), 1);
    assert_eq!(pair.count(B, "487 INVITE"), 0);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn bye_in_an_early_dialog_is_answered_and_the_invite_gets_487() {
    let mut lone = Lone::new();
    let session = lone.invited();
    let now = lone.at();
    lone.endpoint
        .ring(session, 180, None, "<sip:us@192.0.2.1>", now)
        .unwrap();
    let tag = format!(";tag={}", lone.only().to_tag().unwrap());
    lone.hear(&request("BYE", 2, &tag, "z9hG4bKbye", ""));
    let sent: Vec<_> = lone.sent().iter().map(label).collect();
    assert_eq!(sent, ["200 BYE", "487 INVITE"]);
    assert_eq!(ends(&lone.events()), [EndCause::Cancelled]);
}

#[test]
fn a_callee_whose_2xx_never_came_and_that_says_bye_is_believed() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    lone.hear(&response(&invite, 180, "b", ""));
    lone.events();
    let bye = response(&invite, 200, "", "");
    let get = |name: &str| {
        let prefix = format!("{name}: ");
        let line = bye.lines().find_map(|l| l.strip_prefix(&prefix));
        line.unwrap().to_owned()
    };
    lone.hear(&format!(
        "BYE sip:alice@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKq
From: {};tag=b
To: {}
Call-ID: {}
CSeq: 1 BYE

",
        get("To"),
        get("From"),
        get("Call-ID"),
    ));
    let sent: Vec<_> = lone.sent().iter().map(label).collect();
    assert_eq!(sent, ["200 BYE", "CANCEL"]);
    assert_eq!(ends(&lone.events()), [EndCause::Bye]);
}

#[test]
fn a_failed_transport_ends_what_waits_for_it() {
    let mut lone = Lone::over(sip::Transport::Tcp);
    lone.invite();
    let (flow, now) = (lone.flow, lone.at());
    lone.endpoint.transport_failed(&flow, now);
    assert_eq!(ends(&lone.events()), [EndCause::TransportError]);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}
