//! Offer and answer between the two phones of a call: codecs, early media,
//! calls without an offer, hold and resume.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use switch::*;

fn world() -> World {
    World::new(&[("1000", 1), ("1001", 1), ("1002", 2)])
}

const BOTH: [Entry; 3] = [PCMU, PCMA, EVENT];
const OPEN: &str = "1->2 [(0, 0), (8, 8), (101, 101)], back [(0, 0), (8, 8), (101, 101)]";

fn re_offer(w: &mut World, leg: LegId, description: MediaDescription) -> Step {
    w.leg(leg, LegInput::Offered(Some(description)))
}

fn answer_to(step: &Step, leg: LegId) -> MediaDescription {
    match &step.to(leg)[..] {
        [LegCommand::AnswerOffer(answer)] => answer.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn payload_types_may_differ_on_the_two_legs() {
    let mut w = world();
    let (a, step) = w.call(
        "1000",
        "1001",
        Some(sdp(1, &[OPUS, PCMU, (100, Encoding::TelephoneEvent, 8000)])),
    );
    let (b, invitation) = step.invitations().remove(0);
    assert_eq!(types(&invitation.offer), [107, 0, 100]);
    // It names its own types, as RFC 3264 §5.1 allows.
    let answer = sdp(2, &[PCMU, (96, Encoding::Opus, 48000), EVENT]);
    let step = w.leg(b, LegInput::Answered(answer));
    let [LegCommand::Answer(answer)] = &step.to(a)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(answer), [107, 0, 100]);
    assert_eq!(
        step.heard(),
        ["1->2 [(107, 96), (0, 0), (100, 101)], back [(0, 0), (107, 107), (100, 100)]"]
    );
}

#[test]
fn early_media_is_heard_before_the_answer_and_the_answer_repeats_it() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(sdp(1, &BOTH)));
    let b = step.invited()[0];
    let step = w.leg(b, LegInput::Early(sdp(2, &[PCMA])));
    let [LegCommand::EarlyMedia(early)] = &step.to(a)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(early), [8]);
    assert_eq!(step.facts(), ["1001 Callee Early", "1001 is Ringing"]);
    assert_eq!(step.heard(), ["1->2 [(8, 8)], back [(8, 8)]"]);
    assert_eq!(
        w.leg(b, LegInput::Ringing).to(a),
        [],
        "no 180 over early media"
    );
    let step = w.leg(b, LegInput::Answered(sdp(2, &[PCMA])));
    assert_eq!(step.to(a), [LegCommand::Answer(early.clone())]);
    assert!(step.heard().is_empty(), "it is bridged already");
    w.leg(b, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn another_phone_answers_than_the_one_heard_early_and_the_caller_is_moved_to_its_codec() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(sdp(1, &BOTH)));
    let [b, c] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    w.leg(b, LegInput::Early(sdp(2, &[PCMA])));
    let step = w.leg(c, LegInput::Answered(sdp(3, &[PCMU])));
    // The 200 must repeat what 183 said; what is true comes by re-INVITE.
    let [LegCommand::Answer(answer), LegCommand::Modify(change)] = &step.to(a)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!((types(answer), types(change)), (vec![8], vec![0]));
    assert_eq!(step.heard(), ["unbridge 1"]);
    let step = w.leg(a, LegInput::Modified(sdp(1, &[PCMU])));
    assert_eq!(step.heard(), ["1->3 [(0, 0)], back [(0, 0)]"]);
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn early_media_that_goes_leaves_the_caller_with_ringback_while_others_ring() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(sdp(1, &BOTH)));
    let [b, c] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    w.leg(b, LegInput::Early(sdp(2, &[PCMA])));
    let step = w.leg(b, LegInput::Ended(Cause::Busy));
    assert_eq!(step.heard(), ["unbridge 1", "Ringback to 1"]);
    let step = w.leg(c, LegInput::Answered(sdp(3, &[PCMA])));
    assert_eq!(step.heard(), ["silence 1", "1->3 [(8, 8)], back [(8, 8)]"]);
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn a_call_without_an_offer_is_offered_what_the_callee_accepted() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", None);
    let (b, invitation) = step.invitations().remove(0);
    assert_eq!(types(&invitation.offer), [0, 8, 9, 96, 18, 101]);
    assert_eq!(
        w.leg(b, LegInput::Early(sdp(2, &[G722]))).to(a),
        [LegCommand::Ring]
    );
    let step = w.leg(b, LegInput::Answered(sdp(2, &[G722, PCMA, EVENT])));
    let [LegCommand::Answer(offer)] = &step.to(a)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(offer), [9, 8, 101]);
    assert!(step.heard().is_empty(), "nobody knows yet where A hears");
    assert!(step.facts().contains(&"answered".into()));
    // A can only PCMA: B is asked to speak that.
    let step = w.leg(a, LegInput::Modified(sdp(1, &[PCMA, EVENT])));
    let [LegCommand::Modify(change)] = &step.to(b)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(change), [8, 101]);
    assert_eq!(
        step.heard(),
        ["1->2 [(8, 8), (101, 101)], back [(8, 8), (101, 101)]"]
    );
    w.leg(b, LegInput::Modified(sdp(2, &[PCMA, EVENT])));
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn a_late_answer_that_shares_nothing_or_none_at_all_ends_the_call() {
    for late in [LegInput::Modified(sdp(1, &[G729])), LegInput::ModifyRefused] {
        let mut w = world();
        let (a, step) = w.call("1000", "1001", None);
        let b = step.invited()[0];
        w.leg(b, LegInput::Answered(sdp(2, &[PCMA])));
        let step = w.leg(a, late);
        for leg in [a, b] {
            assert_eq!(step.to(leg), [LegCommand::End(Cause::NotAcceptable)]);
        }
        w.settle();
    }
}

#[test]
fn hold_plays_a_tone_to_the_held_and_resume_lets_them_talk_again() {
    for (direction, answered) in [
        (Direction::SendOnly, Direction::RecvOnly),
        (Direction::Inactive, Direction::Inactive),
    ] {
        let mut w = world();
        let (a, b) = w.talk();
        let step = re_offer(&mut w, a, directed(direction, sdp(1, &BOTH)));
        let answer = answer_to(&step, a);
        assert_eq!(
            (types(&answer), answer.direction),
            (vec![0, 8, 101], answered)
        );
        assert_eq!(step.heard(), ["unbridge 1", "Hold to 2"]);
        assert_eq!(step.facts(), ["1000 Caller Held"]);
        assert_eq!(step.to(b), [], "the held phone is not re-invited");
        let step = re_offer(&mut w, a, sdp(1, &BOTH));
        assert_eq!(answer_to(&step, a).direction, Direction::SendRecv);
        assert_eq!(step.heard(), ["silence 2", OPEN]);
        assert_eq!(step.facts(), ["1000 Caller Answered"]);
        w.leg(b, LegInput::Ended(Cause::Normal));
        w.settle();
    }
}

#[test]
fn hold_by_an_unspecified_address_is_hold_and_media_never_sends_there() {
    let mut w = world();
    let (_, b) = w.talk();
    let mut old_way = sdp(2, &BOTH);
    old_way.remote = Some(([0, 0, 0, 0], 4000).into());
    let step = re_offer(&mut w, b, old_way);
    assert_eq!(answer_to(&step, b).direction, Direction::RecvOnly);
    assert_eq!(step.facts(), ["1001 Callee Held"]);
    assert_eq!(step.heard(), ["unbridge 1", "Hold to 1"]);
    w.leg(b, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn when_both_hold_it_takes_both_to_resume() {
    let mut w = world();
    let (a, b) = w.talk();
    re_offer(&mut w, a, directed(Direction::SendOnly, sdp(1, &BOTH)));
    let step = re_offer(&mut w, b, directed(Direction::SendOnly, sdp(2, &BOTH)));
    assert_eq!(step.heard(), ["silence 2"], "neither wants to hear");
    assert_eq!(step.facts(), ["1001 Callee Held"]);
    let step = re_offer(&mut w, a, sdp(1, &BOTH));
    assert_eq!(step.heard(), ["Hold to 1"], "still held by the other");
    assert_eq!(step.facts(), ["1000 Caller Answered"]);
    let step = re_offer(&mut w, b, sdp(2, &BOTH));
    assert_eq!(step.heard(), ["silence 1", OPEN]);
    w.leg(b, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn a_session_refresh_changes_nothing_and_is_answered_the_same() {
    let mut w = world();
    let (a, b) = w.talk();
    for (leg, host) in [(a, 1), (b, 2)] {
        let mut answers = Vec::new();
        for _ in 0..2 {
            let step = re_offer(&mut w, leg, sdp(host, &BOTH));
            answers.push(answer_to(&step, leg));
            assert_eq!(step.out.actions.len(), 1);
            assert!(step.facts().is_empty());
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn a_new_address_is_told_to_the_media_alone() {
    let mut w = world();
    let (a, b) = w.talk();
    let step = re_offer(&mut w, a, sdp(9, &BOTH));
    answer_to(&step, a);
    assert_eq!(
        step.media(),
        [MediaAction::Remote {
            leg: a,
            description: sdp(9, &BOTH)
        }]
    );
    assert_eq!(step.to(b), []);
}

#[test]
fn a_change_of_codec_stays_within_what_the_other_speaks() {
    let mut w = world();
    let (a, b) = w.talk();
    let step = re_offer(&mut w, a, sdp(1, &[G729, G722]));
    assert_eq!(step.out.actions, [Action::Leg(a, LegCommand::RefuseOffer)]);
    assert!(step.facts().is_empty(), "the call goes on unchanged");
    let step = re_offer(&mut w, a, sdp(1, &[G722, PCMA]));
    assert_eq!(types(&answer_to(&step, a)), [8]);
    // B would go on in PCMU: it is asked to speak PCMA.
    let [LegCommand::Modify(change)] = &step.to(b)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(change), [8]);
    assert_eq!(step.heard(), ["1->2 [(8, 8)], back [(8, 8)]"]);
    w.leg(b, LegInput::ModifyRefused);
    assert_eq!(w.exchange.calls(), 1, "a refused change costs no call");
}

#[test]
fn an_offer_of_ours_that_was_never_sent_gives_way_to_the_legs_own() {
    let change_under_way = || {
        let mut w = world();
        let (a, b) = w.talk();
        let step = re_offer(&mut w, a, sdp(1, &[PCMA]));
        assert!(matches!(step.to(b)[..], [LegCommand::Modify(_)]));
        let step = w.leg(b, LegInput::ModifyWithdrawn);
        assert!(step.out.actions.is_empty(), "its own offer follows");
        (w, b)
    };
    let (mut w, b) = change_under_way();
    let step = re_offer(&mut w, b, sdp(2, &BOTH));
    assert_eq!(types(&answer_to(&step, b)), [8], "what the other speaks");
    let (mut w, b) = change_under_way();
    let step = re_offer(&mut w, b, sdp(2, &[G729]));
    assert!(
        matches!(
            step.to(b)[..],
            [LegCommand::RefuseOffer, LegCommand::Modify(_)]
        ),
        "ours is due again: {:?}",
        step.out
    );
}

#[test]
fn who_asks_for_an_offer_gets_what_stands_and_may_hold_or_resume_by_its_answer() {
    let mut w = world();
    let (a, _) = w.talk();
    re_offer(&mut w, a, directed(Direction::SendOnly, sdp(1, &BOTH)));
    let step = w.leg(a, LegInput::Offered(None));
    let offer = answer_to(&step, a);
    assert_eq!(
        (types(&offer), offer.direction),
        (vec![0, 8, 101], Direction::SendRecv)
    );
    let step = w.leg(a, LegInput::Offered(None));
    assert_eq!(step.to(a), [LegCommand::RefuseOffer], "one at a time");
    let step = w.leg(a, LegInput::Modified(sdp(1, &BOTH)));
    assert_eq!(step.heard(), ["silence 2", OPEN]);
    assert_eq!(step.facts(), ["1000 Caller Answered"]);
}

#[test]
fn an_offer_before_the_answer_is_refused() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(sdp(1, &BOTH)));
    let b = step.invited()[0];
    for leg in [a, b] {
        let step = re_offer(&mut w, leg, sdp(1, &BOTH));
        assert_eq!(
            step.out.actions,
            [Action::Leg(leg, LegCommand::RefuseOffer)]
        );
    }
}
