//! The plain call, and what loss makes of it.

use sip::{EndCause, Event};

use crate::common::*;

#[test]
fn a_call_is_offered_answered_acked_and_hung_up() {
    let mut pair = Pair::new(1);
    let a = pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.ring(b);
    pair.run_for(ms(50));
    assert!(matches!(
        pair.events(A)[..],
        [Event::Ringing {
            status: 180,
            body: None,
            ..
        }]
    ));
    pair.accept(b);
    pair.run_for(ms(50));
    assert!(matches!(
        &pair.events(A)[..],
        [Event::Answered { session, body: Some(body), .. }]
            if *session == a && body.bytes == "answer"
    ));
    assert!(matches!(
        pair.events(B)[..],
        [Event::Acked { body: None, .. }]
    ));
    pair.terminate(A, a);
    assert_eq!(pair.ends(A), [EndCause::Local]);
    pair.run_for(ms(50));
    assert_eq!(pair.ends(B), [EndCause::Bye]);
    assert_eq!(pair.sent(A), ["INVITE", "ACK", "BYE"]);
    assert_eq!(
        pair.sent(B),
        ["100 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]
    );
    pair.drive();
    pair.assert_clean();
}

#[test]
fn the_callee_hangs_up_through_the_flow_of_the_invite() {
    let (mut pair, _, b) = Pair::established(2);
    pair.terminate(B, b);
    pair.run_for(ms(50));
    assert_eq!(pair.ends(A), [EndCause::Bye]);
    assert_eq!(pair.ends(B), [EndCause::Local]);
    let bye = pair.wire.iter().find(|w| is(&w.message, "BYE")).unwrap();
    assert_eq!(bye.message.request_uri(), Some("sip:alice@192.0.2.1:5060"));
    assert_eq!(bye.message.top_via().unwrap().host, "192.0.2.2");
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_lost_2xx_is_sent_again_until_its_ack() {
    let mut pair = Pair::new(3);
    pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    let mut lost = 0;
    pair.net.rule = Some(Box::new(move |_, message| {
        if is(message, "200 INVITE") && lost < 3 {
            lost += 1;
            return Fate::Drop;
        }
        Fate::Deliver
    }));
    pair.accept(b);
    pair.run_for(ms(10_000));
    assert_eq!(pair.count(B, "200 INVITE"), 4);
    assert_eq!(pair.count(A, "ACK"), 1);
    assert!(matches!(pair.events(A)[..], [Event::Answered { .. }]));
    assert!(matches!(pair.events(B)[..], [Event::Acked { .. }]));
}

#[test]
fn each_2xx_that_comes_again_is_acked_again_with_the_same_ack() {
    let mut pair = Pair::new(4);
    pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    let mut lost = 0;
    pair.net.rule = Some(Box::new(move |_, message| {
        if is(message, "ACK") && lost < 2 {
            lost += 1;
            return Fate::Drop;
        }
        Fate::Deliver
    }));
    pair.accept(b);
    pair.run_for(ms(10_000));
    let acks: Vec<_> = pair
        .wire
        .iter()
        .filter(|w| is(&w.message, "ACK"))
        .map(|w| w.message.as_bytes().clone())
        .collect();
    assert_eq!(acks.len(), 3);
    assert!(acks.iter().all(|ack| *ack == acks[0]));
    assert_eq!(pair.events(A).len(), 1, "answered once");
    assert_eq!(pair.events(B).len(), 1, "acked once");
}

#[test]
fn without_an_ack_the_callee_hangs_up_after_64_t1() {
    let mut pair = Pair::new(5);
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
    let accepted = pair.now;
    pair.run_for(TIMEOUT - ms(1));
    assert_eq!(pair.ends(B), []);
    pair.run_for(ms(100));
    assert_eq!(pair.ends(B), [EndCause::Timeout]);
    assert_eq!(pair.ends(A), [EndCause::Bye]);
    let bye = pair.wire.iter().find(|w| is(&w.message, "BYE")).unwrap();
    assert_eq!((bye.from, bye.at), (B, accepted + TIMEOUT));
    // 0.5, 1, 2, 4, 4 … seconds between them.
    assert_eq!(pair.count(B, "200 INVITE"), 11);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_callee_that_is_not_there_is_a_timeout() {
    let mut pair = Pair::new(6);
    pair.net.loss = 100;
    pair.invite();
    pair.run_for(TIMEOUT);
    assert_eq!(pair.ends(A), [EndCause::Timeout]);
    assert_eq!(pair.count(A, "INVITE"), 7);
    pair.assert_clean();
}

#[test]
fn a_rejection_tells_its_status_and_reason() {
    let mut pair = Pair::new(7);
    pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    let now = pair.at();
    let reason = [(sip::HeaderName::Reason, "Q.850;cause=17".to_owned())];
    pair.endpoint(B).reject(b, 486, &reason, now).unwrap();
    assert_eq!(pair.ends(B), [EndCause::Local]);
    pair.run_for(ms(50));
    assert_eq!(
        pair.ends(A),
        [EndCause::Rejected {
            status: 486,
            reason: Some("Q.850;cause=17".into())
        }]
    );
    // The ACK to a refusal is the hop's: with the branch of the INVITE.
    let branch = |what: &str| {
        let wire = pair.wire.iter().find(|w| is(&w.message, what)).unwrap();
        wire.message.top_via().unwrap().branch().unwrap().to_owned()
    };
    assert_eq!(branch("ACK"), branch("INVITE"));
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_call_that_rings_long_is_kept_alive_each_minute() {
    let mut pair = Pair::new(8);
    let a = pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.ring(b);
    pair.run_for(ms(150_000));
    assert_eq!(pair.count(B, "180 INVITE"), 3);
    pair.terminate(A, a);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn info_whose_body_nobody_reads_is_not_said_to_be_taken() {
    let (mut lone, _, tag) = Lone::called();
    let digit = "Content-Type: application/dtmf-relay\n\nSignal=5";
    lone.hear(&request("INFO", 2, &tag, "z9hG4bKi", digit));
    let refused = lone.only();
    assert_eq!(refused.status(), Some(415));
    assert_eq!(
        refused.header(sip::HeaderName::Accept),
        Some("application/sdp")
    );
    lone.hear(&request("INFO", 3, &tag, "z9hG4bKi2", ""));
    assert_eq!(label(&lone.only()), "200 INFO");
    assert_eq!(lone.events().len(), 0);
}
