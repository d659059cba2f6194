//! Offers within the session, ours and theirs.

use sip::{EndCause, Event, SessionId};

use crate::common::*;

fn reinvite(pair: &mut Pair, side: usize, session: SessionId, body: &str) {
    let now = pair.at();
    pair.endpoint(side)
        .reinvite(session, Some(sdp(body)), now)
        .unwrap();
}

fn answer(pair: &mut Pair, side: usize, session: SessionId, body: &str) {
    let now = pair.at();
    pair.endpoint(side)
        .answer_reinvite(session, sdp(body), now)
        .unwrap();
}

fn offered(pair: &mut Pair, side: usize, wanted: &str) {
    let events = pair.events(side);
    assert!(
        matches!(&events[..], [Event::Offered { body: Some(body), .. }] if body.bytes == wanted),
        "{events:?}"
    );
}

#[test]
fn either_side_holds_and_resumes() {
    let (mut pair, a, b) = Pair::established(1);
    for (ours, theirs, session, other) in [(A, B, a, b), (B, A, b, a), (A, B, a, b)] {
        reinvite(&mut pair, ours, session, "hold");
        pair.run_for(ms(50));
        offered(&mut pair, theirs, "hold");
        answer(&mut pair, theirs, other, "held");
        pair.run_for(ms(50));
        assert!(matches!(
            &pair.events(ours)[..],
            [Event::ReinviteAnswered { body: Some(body), .. }] if body.bytes == "held"
        ));
        assert!(matches!(pair.events(theirs)[..], [Event::Acked { .. }]));
    }
    pair.terminate(A, a);
    pair.drive();
    assert_eq!(pair.ends(B), [EndCause::Bye]);
    pair.assert_clean();
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    let (mut pair, a, b) = Pair::established(2);
    reinvite(&mut pair, A, a, "video");
    pair.run_for(ms(50));
    offered(&mut pair, B, "video");
    let now = pair.at();
    pair.endpoint(B).refuse_reinvite(b, 488, &[], now).unwrap();
    pair.run_for(ms(50));
    assert!(matches!(
        pair.events(A)[..],
        [Event::ReinviteRefused { status: 488, .. }]
    ));
    reinvite(&mut pair, B, b, "hold");
    pair.run_for(ms(50));
    offered(&mut pair, A, "hold");
    answer(&mut pair, A, a, "held");
    pair.run_for(ms(50));
    assert!(matches!(
        pair.events(B)[..],
        [Event::ReinviteAnswered { .. }]
    ));
}

#[test]
fn offers_that_cross_are_refused_with_491_and_tried_again_one_after_the_other() {
    for seed in 0..20 {
        let (mut pair, a, b) = Pair::established(seed);
        reinvite(&mut pair, A, a, "from a");
        reinvite(&mut pair, B, b, "from b");
        pair.run_for(ms(100));
        assert_eq!(pair.count(A, "491 INVITE"), 1);
        assert_eq!(pair.count(B, "491 INVITE"), 1);
        let glare = pair.now;
        let (mut answers, mut first) = ([0, 0], None);
        for _ in 0..800 {
            pair.run_for(ms(10));
            for (side, session) in [(A, a), (B, b)] {
                for event in pair.events(side) {
                    match event {
                        Event::Offered { .. } => {
                            first.get_or_insert((side, pair.now - glare));
                            answer(&mut pair, side, session, "fine");
                        }
                        Event::ReinviteAnswered { .. } => answers[side] += 1,
                        Event::Acked { .. } => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        assert_eq!(answers, [1, 1], "seed {seed}");
        // Who did not make the Call-ID goes first, within 2 s.
        let (side, after) = first.unwrap();
        assert_eq!(side, A);
        assert!(after <= ms(2050), "{after:?}");
    }
}

#[test]
fn an_offer_that_only_waits_can_be_taken_back_for_theirs() {
    let (mut pair, a, b) = Pair::established(21);
    reinvite(&mut pair, A, a, "from a");
    let now = pair.at();
    assert_eq!(pair.endpoint(A).withdraw_offer(a, now), Ok(false), "sent");
    reinvite(&mut pair, B, b, "from b");
    pair.run_for(ms(40));
    assert_eq!(
        (pair.count(A, "491 INVITE"), pair.count(B, "491 INVITE")),
        (1, 1)
    );
    let now = pair.at();
    assert_eq!(pair.endpoint(B).withdraw_offer(b, now), Ok(true));
    assert_eq!(pair.endpoint(B).withdraw_offer(b, now), Ok(false));
    pair.run_for(ms(5_000));
    offered(&mut pair, B, "from a");
    answer(&mut pair, B, b, "fine");
    pair.run_for(ms(5_000));
    assert_eq!(pair.count(B, "INVITE"), 1, "never sent again");
}

#[test]
fn an_offer_waits_for_the_ack_to_our_own_2xx() {
    let mut pair = Pair::new(3);
    pair.invite();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.accept(b);
    reinvite(&mut pair, B, b, "at once");
    pair.flush();
    assert_eq!(pair.count(B, "INVITE"), 0);
    pair.run_for(ms(50));
    assert_eq!(pair.count(B, "INVITE"), 1);
    assert!(matches!(
        pair.events(A)[..],
        [Event::Answered { .. }, Event::Offered { .. }]
    ));
}

#[test]
fn an_offer_waits_for_the_answer_to_theirs() {
    let (mut pair, a, b) = Pair::established(4);
    reinvite(&mut pair, A, a, "first");
    pair.run_for(ms(50));
    offered(&mut pair, B, "first");
    reinvite(&mut pair, B, b, "second");
    pair.run_for(ms(50));
    assert_eq!(pair.count(B, "INVITE"), 0);
    answer(&mut pair, B, b, "fine");
    pair.run_for(ms(100));
    assert_eq!(pair.count(B, "INVITE"), 1);
}

#[test]
fn an_invite_without_offer_gets_ours_in_the_2xx_and_the_answer_comes_with_the_ack() {
    let mut pair = Pair::new(5);
    let invite = pair.invitation(None);
    let now = pair.at();
    let a = pair.endpoint(A).invite(invite, now).unwrap();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.accept(b);
    pair.run_for(ms(700));
    // The 2xx came twice by now; the ACK waits for the user.
    assert!(pair.count(B, "200 INVITE") >= 2);
    assert_eq!(pair.count(A, "ACK"), 0);
    assert!(matches!(
        &pair.events(A)[..],
        [Event::Answered { body: Some(body), .. }] if body.bytes == "answer"
    ));
    let now = pair.at();
    pair.endpoint(A)
        .answer_in_ack(a, sdp("to your offer"), now)
        .unwrap();
    pair.run_for(ms(50));
    assert!(matches!(
        &pair.events(B)[..],
        [Event::Acked { body: Some(body), .. }] if body.bytes == "to your offer"
    ));
}

#[test]
fn a_late_offer_that_is_never_answered_is_acked_before_the_bye() {
    let mut pair = Pair::new(6);
    let invite = pair.invitation(None);
    let now = pair.at();
    let a = pair.endpoint(A).invite(invite, now).unwrap();
    pair.run_for(ms(50));
    let b = pair.incoming();
    pair.accept(b);
    pair.run_for(ms(50));
    pair.terminate(A, a);
    pair.run_for(ms(50));
    assert_eq!(pair.sent(A), ["INVITE", "ACK", "BYE"]);
    assert_eq!(pair.ends(B), [EndCause::Bye]);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_reinvite_without_offer_asks_for_one() {
    let (mut pair, a, b) = Pair::established(7);
    let now = pair.at();
    pair.endpoint(A).reinvite(a, None, now).unwrap();
    pair.run_for(ms(50));
    assert!(matches!(
        pair.events(B)[..],
        [Event::Offered { body: None, .. }]
    ));
    answer(&mut pair, B, b, "b's offer");
    pair.run_for(ms(50));
    assert!(matches!(
        &pair.events(A)[..],
        [Event::ReinviteAnswered { body: Some(body), .. }] if body.bytes == "b's offer"
    ));
    let now = pair.at();
    pair.endpoint(A)
        .answer_in_ack(a, sdp("a's answer"), now)
        .unwrap();
    pair.run_for(ms(50));
    assert!(matches!(
        &pair.events(B)[..],
        [Event::Acked { body: Some(body), .. }] if body.bytes == "a's answer"
    ));
}

#[test]
fn update_offers_without_ack() {
    let (mut pair, a, b) = Pair::established(8);
    let now = pair.at();
    pair.endpoint(B).update(b, sdp("moved"), now).unwrap();
    pair.run_for(ms(50));
    offered(&mut pair, A, "moved");
    answer(&mut pair, A, a, "fine");
    pair.run_for(ms(50));
    assert!(matches!(
        &pair.events(B)[..],
        [Event::ReinviteAnswered { body: Some(body), .. }] if body.bytes == "fine"
    ));
    assert_eq!(pair.count(A, "200 UPDATE"), 1);
    assert_eq!(pair.count(B, "ACK"), 0);
    reinvite(&mut pair, A, a, "again");
    pair.run_for(ms(50));
    offered(&mut pair, B, "again");
}

#[test]
fn bye_overtaking_an_offer_answers_it_with_487_and_ends_both() {
    let (mut pair, a, b) = Pair::established(9);
    reinvite(&mut pair, A, a, "hold");
    pair.run_for(ms(50));
    offered(&mut pair, B, "hold");
    pair.terminate(B, b);
    pair.run_for(ms(100));
    assert_eq!(pair.count(B, "487 INVITE"), 1);
    assert_eq!(pair.ends(A), [EndCause::Bye]);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn a_reinvite_that_nobody_answers_ends_the_session() {
    let (mut pair, a, _) = Pair::established(10);
    pair.net.loss = 100;
    reinvite(&mut pair, A, a, "hold");
    pair.run_for(TIMEOUT);
    assert_eq!(pair.ends(A), [EndCause::Timeout]);
    pair.net.loss = 0;
    pair.run_for(ms(5_000));
    assert_eq!(pair.ends(B), [EndCause::Bye]);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn bye_and_481_to_a_reinvite_end_the_session() {
    for (status, cause, bye) in [
        (
            481,
            EndCause::Rejected {
                status: 481,
                reason: Some("Reason".into()),
            },
            0,
        ),
        (408, EndCause::Timeout, 1),
    ] {
        let (mut lone, session, _) = Lone::called();
        let now = lone.at();
        lone.endpoint
            .reinvite(session, Some(sdp("hold")), now)
            .unwrap();
        let reinvite = lone.only();
        lone.hear(&response(&reinvite, status, "", ""));
        let sent: Vec<_> = lone.sent().iter().map(label).collect();
        assert_eq!(sent[0], "ACK");
        assert_eq!(sent.len(), 1 + bye);
        assert_eq!(ends(&lone.events()), [cause]);
    }
}

#[test]
fn a_500_with_retry_after_is_sat_out() {
    let (mut lone, session, _) = Lone::called();
    let now = lone.at();
    lone.endpoint
        .reinvite(session, Some(sdp("hold")), now)
        .unwrap();
    let reinvite = lone.only();
    lone.hear(&response(&reinvite, 500, "", "Retry-After: 3\n\n"));
    lone.sent();
    let sent = lone.until(10_000);
    assert_eq!(sent.first(), Some(&(3_500, "INVITE".to_owned())));
    assert_eq!(lone.events().len(), 0);
}

#[test]
fn the_flow_and_the_target_follow_an_accepted_reinvite() {
    let (mut lone, session, tag) = Lone::called();
    let moved = std::net::SocketAddr::from(([192, 0, 2, 50], 6000));
    let reinvite = request("INVITE", 2, &tag, "z9hG4bKre;rport", OFFER).replace(
        "Contact: <sip:them@192.0.2.9:5060>",
        "Contact: <sip:there@10.0.0.1>",
    );
    let first = lone.flow;
    lone.flow.remote = moved;
    lone.hear(&reinvite);
    lone.sent();
    let now = lone.at();
    lone.endpoint
        .answer_reinvite(session, sdp("fine"), now)
        .unwrap();
    lone.sent();
    lone.hear(&request("ACK", 2, &tag, "z9hG4bKack2", ""));
    lone.endpoint.terminate(session, &[], now).unwrap();
    let bye = lone.endpoint.poll_transmit().unwrap();
    assert_eq!(bye.flow.remote, moved);
    assert_ne!(first.remote, moved);
    let bye = sip::Message::parse(bye.bytes).unwrap();
    assert_eq!(bye.request_uri(), Some("sip:there@10.0.0.1"));
}
