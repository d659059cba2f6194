//! A phone calls an extension: ring, answer, refusals, hang-ups, crossings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use std::time::Duration;
use switch::*;

fn world() -> World {
    World::new(&[("1000", 1), ("1001", 1), ("1002", 2), ("1003", 0)])
}

fn offer() -> MediaDescription {
    sdp(1, &[PCMU, PCMA, EVENT])
}

#[test]
fn a_plain_call_rings_is_answered_and_ends_with_one_record() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(offer()));
    assert_eq!(
        step.facts(),
        [
            "started 1000 1001",
            "1000 Caller Calling",
            "1001 Callee Trying",
            "1000 is Busy"
        ]
    );
    let (b, invitation) = step.invitations().remove(0);
    assert_eq!(invitation.extension, ext("1001"));
    assert_eq!(invitation.contact, ContactId(10010));
    assert_eq!(&*invitation.caller.number, "1000");
    assert_eq!(&*invitation.caller.name, "User 1000");
    assert_eq!(types(&invitation.offer), [0, 8, 101]);
    assert!(step.to(a).is_empty(), "no 180 before a phone rings");

    let step = w.leg(b, LegInput::Ringing);
    assert_eq!(step.to(a), [LegCommand::Ring]);
    assert_eq!(step.facts(), ["1001 Callee Ringing", "1001 is Ringing"]);
    assert_eq!(w.leg(b, LegInput::Ringing).out, Output::default());

    w.pass(Duration::from_secs(3));
    let step = w.leg(b, LegInput::Answered(sdp(2, &[PCMA, EVENT])));
    let [LegCommand::Answer(answer)] = &step.to(a)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(answer), [8, 101]);
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Answered",
            "1001 Callee Answered",
            "answered",
            "1001 is Busy"
        ]
    );
    assert_eq!(
        step.heard(),
        ["1->2 [(8, 8), (101, 101)], back [(8, 8), (101, 101)]"]
    );
    assert_eq!(w.exchange.calls(), 1);

    w.pass(Duration::from_secs(60));
    let step = w.leg(a, LegInput::Ended(Cause::Normal));
    assert_eq!(step.to(b), [LegCommand::End(Cause::Normal)]);
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Ended",
            "1001 Callee Ended",
            "ended Answered by Caller",
            "1000 is Idle",
            "1001 is Idle"
        ]
    );
    let Fact::CallEnded(record) = &step.out.facts[2] else {
        panic!("{:?}", step.out.facts)
    };
    let began = Utc(1_700_000_000_000_000);
    assert_eq!(record.started, began);
    assert_eq!(record.answered, Some(Utc(began.0 + 3_000_000)));
    assert_eq!(record.ended, Utc(began.0 + 63_000_000));
    assert_eq!(record.from_address, Some(([192, 0, 2, 7], 5060).into()));
    assert_eq!(
        (&*record.from_name, &*record.to_name),
        ("User 1000", "User 1001")
    );
    assert_eq!(
        w.exchange.calls(),
        0,
        "the call does not wait for the BYE's answer"
    );
    assert!(!w.exchange.is_idle(), "the leg does");
    w.settle();
}

#[test]
fn the_media_learns_both_far_ends_with_the_agreed_codecs_only() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(offer()));
    let b = step.invited()[0];
    let step = w.leg(b, LegInput::Answered(sdp(2, &[PCMA])));
    let remotes: Vec<_> = step
        .media()
        .into_iter()
        .filter_map(|action| match action {
            MediaAction::Remote { leg, description } => Some((leg, description)),
            _ => None,
        })
        .collect();
    assert_eq!(remotes, [(a, sdp(1, &[PCMA])), (b, sdp(2, &[PCMA]))]);
}

#[test]
fn a_number_of_nobody_fails_at_once_and_is_recorded() {
    let mut w = world();
    for dialled in ["4711", "hello", ""] {
        let (a, step) = w.call("1000", dialled, Some(offer()));
        assert_eq!(step.to(a), [LegCommand::End(Cause::NotFound)]);
        assert_eq!(
            step.facts(),
            [
                format!("started 1000 {dialled}"),
                "1000 Caller Calling".into(),
                "1000 Caller Ended".into(),
                "failed NotFound".into(),
                "ended Failed by Exchange".into()
            ]
        );
    }
    w.settle();
}

#[test]
fn who_cannot_be_reached_is_told_as_the_reason_it_has() {
    let mut w = world();
    w.change("1001", |extension| extension.do_not_disturb = true);
    let cases = [
        (
            "1003",
            Cause::Unavailable,
            "failed NotRegistered",
            "ended Failed by Exchange",
        ),
        (
            "1001",
            Cause::Unavailable,
            "failed DoNotDisturb",
            "ended Busy by Exchange",
        ),
        (
            "1000",
            Cause::Busy,
            "failed Leg(Busy)",
            "ended Busy by Exchange",
        ),
    ];
    for (dialled, cause, failed, ended) in cases {
        let (a, step) = w.call("1000", dialled, Some(offer()));
        assert_eq!(step.to(a), [LegCommand::End(cause)]);
        let phone = ["1000 Caller Calling", "1000 Caller Ended"];
        assert_eq!(step.facts()[1..], [phone[0], phone[1], failed, ended]);
        assert!(step.invited().is_empty());
    }
    w.settle();
}

#[test]
fn an_offer_without_speech_is_refused_before_anyone_rings() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(sdp(1, &[EVENT])));
    assert_eq!(step.to(a), [LegCommand::End(Cause::NotAcceptable)]);
    assert!(step.invited().is_empty());
    w.settle();
}

#[test]
fn a_full_exchange_refuses_calls_with_congestion_and_keeps_those_it_has() {
    let mut w = world();
    w.configuration.max_calls = 1;
    w.configure();
    let (a, b) = w.talk();
    let (c, step) = w.call("1002", "1001", Some(offer()));
    assert_eq!(step.to(c), [LegCommand::End(Cause::Congestion)]);
    assert_eq!(step.facts()[3], "failed Leg(Congestion)");
    let step = w.dial("1002", "1001");
    assert!(matches!(
        step.out.actions[..],
        [Action::Reply(_, Err(CommandError::Congestion))]
    ));
    w.leg(b, LegInput::Ended(Cause::Normal));
    let _ = a;
    w.settle();
}

#[test]
fn without_a_common_codec_both_are_told_488_and_nobody_talked() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(offer()));
    let b = step.invited()[0];
    let step = w.leg(b, LegInput::Answered(sdp(2, &[G729, EVENT])));
    assert_eq!(step.to(a), [LegCommand::End(Cause::NotAcceptable)]);
    assert_eq!(step.to(b), [LegCommand::End(Cause::NotAcceptable)]);
    assert_eq!(
        step.facts()[..4],
        [
            "1000 Caller Ended",
            "1001 Callee Ended",
            "failed Leg(NotAcceptable)",
            "ended Failed by Exchange"
        ]
    );
    w.settle();
}

#[test]
fn all_phones_of_an_extension_ring_and_the_first_to_answer_has_the_call() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(offer()));
    let [b, c] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(w.leg(b, LegInput::Ringing).to(a), [LegCommand::Ring]);
    assert_eq!(w.leg(c, LegInput::Ringing).to(a), []);
    let step = w.leg(c, LegInput::Answered(offer()));
    assert_eq!(step.to(b), [LegCommand::End(Cause::AnsweredElsewhere)]);
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Answered",
            "1002 Callee Answered",
            "answered",
            "1002 Callee Ended",
            "1002 is Busy"
        ]
    );
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn a_second_answer_that_crosses_the_cancel_does_not_disturb_the_talk() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(offer()));
    let [b, c] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    w.leg(b, LegInput::Answered(offer()));
    for late in [
        LegInput::Answered(offer()),
        LegInput::Ringing,
        LegInput::Offered(None),
        LegInput::Ended(Cause::Normal),
        LegInput::Answered(offer()),
    ] {
        assert_eq!(w.leg(c, late).out, Output::default());
    }
    assert_eq!(w.exchange.calls(), 1);
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn the_refusal_that_tells_most_goes_to_the_caller_when_all_have_refused() {
    let cases = [
        (
            Cause::Unreachable,
            Cause::Busy,
            Cause::Busy,
            "ended Busy by Callee",
        ),
        (
            Cause::Busy,
            Cause::Declined,
            Cause::Busy,
            "ended Busy by Callee",
        ),
        (
            Cause::Declined,
            Cause::Unreachable,
            Cause::Declined,
            "ended Busy by Callee",
        ),
        (
            Cause::Unavailable,
            Cause::Unreachable,
            Cause::Unavailable,
            "ended NoAnswer by Exchange",
        ),
        (
            Cause::Unreachable,
            Cause::Unreachable,
            Cause::Unavailable,
            "ended Failed by Exchange",
        ),
        // Login is asked of us, not of the caller.
        (
            Cause::Status(401),
            Cause::Unreachable,
            Cause::Unavailable,
            "ended Failed by Exchange",
        ),
    ];
    for (first, second, told, ended) in cases {
        let mut w = world();
        let (a, step) = w.call("1000", "1002", Some(offer()));
        let [b, c] = step.invited()[..] else {
            panic!("{:?}", step.out)
        };
        let step = w.leg(b, LegInput::Ended(first));
        assert_eq!(step.to(a), []);
        assert_eq!(step.facts(), ["1002 Callee Ended"]);
        let step = w.leg(c, LegInput::Ended(second));
        assert_eq!(step.to(a), [LegCommand::End(told)], "{first:?} {second:?}");
        assert_eq!(step.facts()[3], ended);
        w.settle();
    }
}

#[test]
fn ringing_too_long_ends_as_no_answer() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(offer()));
    let b = step.invited()[0];
    w.leg(b, LegInput::Ringing);
    let begun = w.now.mono;
    let step = w.next_timer();
    assert_eq!(w.now.mono.0 - begun.0, RING);
    assert_eq!(step.to(a), [LegCommand::End(Cause::NoAnswer)]);
    assert_eq!(step.to(b), [LegCommand::End(Cause::NoAnswer)]);
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Ended",
            "1001 Callee Ended",
            "failed Leg(NoAnswer)",
            "ended NoAnswer by Exchange",
            "1000 is Idle",
            "1001 is Idle"
        ]
    );
    w.settle();
}

#[test]
fn a_timer_that_fires_early_is_set_again() {
    let mut w = world();
    w.call("1000", "1001", Some(offer()));
    let (timer, at) = w.timers.iter().next().map(|(t, at)| (*t, *at)).unwrap();
    w.timers.clear();
    let step = w.input(Input::Timer(timer));
    assert_eq!(step.out.actions, [Action::SetTimer(timer, at)]);
    w.next_timer();
    w.settle();
}

#[test]
fn a_caller_who_gives_up_leaves_a_record_and_no_failure() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(offer()));
    let [b, c] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    let step = w.leg(a, LegInput::Ended(Cause::Cancelled));
    for leg in [b, c] {
        assert_eq!(step.to(leg), [LegCommand::End(Cause::Cancelled)]);
    }
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Ended",
            "1002 Callee Ended",
            "1002 Callee Ended",
            "ended NoAnswer by Caller",
            "1000 is Idle"
        ]
    );
    // The answer that crossed the CANCEL.
    assert_eq!(w.leg(b, LegInput::Answered(offer())).out, Output::default());
    w.settle();
}

#[test]
fn the_callee_who_hangs_up_is_recorded_as_the_one_who_did() {
    let mut w = world();
    let (a, b) = w.talk();
    let step = w.leg(b, LegInput::Ended(Cause::Normal));
    assert_eq!(step.to(a), [LegCommand::End(Cause::Normal)]);
    assert_eq!(step.facts()[2], "ended Answered by Callee");
    assert_eq!(step.heard(), ["unbridge 1"]);
    // Both hung up at once: the other's end is what was asked for anyway.
    assert_eq!(
        w.leg(a, LegInput::Ended(Cause::Normal)).out,
        Output::default()
    );
    w.settle();
}

#[test]
fn phones_already_invited_ring_on_when_the_registration_goes() {
    let mut w = world();
    let (a, step) = w.call("1000", "1001", Some(offer()));
    let b = step.invited()[0];
    assert_eq!(step.to(a), []);
    w.register("1001", 0);
    w.input(Input::Extensions(vec![(ext("1001"), None)]));
    let step = w.leg(b, LegInput::Answered(offer()));
    assert!(step.facts().contains(&"answered".into()));
    let (_, step) = w.call("1002", "1001", Some(offer()));
    assert_eq!(step.facts()[3], "failed NotFound");
    w.leg(b, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn lost_media_ends_the_call_but_a_holder_may_be_silent() {
    let mut w = world();
    let (a, b) = w.talk();
    let hold = directed(Direction::SendOnly, sdp(1, &[PCMU, PCMA, EVENT]));
    w.leg(a, LegInput::Offered(Some(hold)));
    assert_eq!(w.leg(a, LegInput::MediaLost).out, Output::default());
    let step = w.leg(b, LegInput::MediaLost);
    assert_eq!(step.to(a), [LegCommand::End(Cause::Normal)]);
    assert_eq!(step.to(b), [LegCommand::End(Cause::Normal)]);
    assert!(step.facts().contains(&"ended Answered by Exchange".into()));
    w.settle();
}

#[test]
fn hang_up_by_command_ends_a_talk_and_then_knows_the_leg_no_more() {
    let mut w = world();
    let (a, b) = w.talk();
    let step = w.hang_up(b);
    let Action::Reply(_, Ok(Reply::HungUp { .. })) = step.out.actions[0] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(step.to(a), [LegCommand::End(Cause::Normal)]);
    assert_eq!(step.to(b), [LegCommand::End(Cause::Normal)]);
    assert_eq!(step.facts()[2], "ended Answered by Exchange");
    for leg in [a, b, LegId(4711)] {
        assert!(matches!(
            w.hang_up(leg).out.actions[..],
            [Action::Reply(_, Err(CommandError::NoSuchLeg))]
        ));
    }
    w.settle();
}

#[test]
fn hang_up_of_one_phone_among_others_that_ring_leaves_the_others() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(offer()));
    let [b, c] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    let step = w.hang_up(b);
    assert_eq!(step.to(b), [LegCommand::End(Cause::Cancelled)]);
    assert_eq!(step.facts(), ["1002 Callee Ended"]);
    let step = w.hang_up(c);
    assert_eq!(step.to(c), [LegCommand::End(Cause::Cancelled)]);
    assert_eq!(step.to(a), [LegCommand::End(Cause::Declined)]);
    assert_eq!(step.facts()[2], "ended NoAnswer by Exchange");
    w.settle();
}

#[test]
fn a_wall_clock_that_is_set_during_a_call_changes_no_duration() {
    for hours in [-1, 1] {
        let mut w = world();
        let (a, step) = w.call("1000", "1001", Some(offer()));
        let began = w.now.utc;
        w.pass(Duration::from_secs(3));
        w.now.utc.0 += hours * 3_600_000_000;
        w.leg(step.invited()[0], LegInput::Answered(sdp(2, &[PCMU])));
        w.pass(Duration::from_secs(60));
        w.now.utc.0 += hours * 3_600_000_000;
        let step = w.leg(a, LegInput::Ended(Cause::Normal));
        let Fact::CallEnded(record) = &step.out.facts[2] else {
            panic!("{:?}", step.out.facts)
        };
        assert_eq!(record.started, began);
        assert_eq!(record.answered, Some(Utc(began.0 + 3_000_000)));
        assert_eq!(record.ended, Utc(began.0 + 63_000_000));
        w.settle();
    }
}

#[test]
fn a_call_that_is_closed_ends_whoever_rings_or_talks() {
    let mut w = world();
    let (a, step) = w.call("1000", "1002", Some(offer()));
    let ringing = step.invitations();
    let step = w.close(ringing[0].1.call);
    assert_eq!(step.to(a), [LegCommand::End(Cause::Declined)]);
    for (phone, _) in &ringing {
        assert_eq!(step.to(*phone), [LegCommand::End(Cause::Cancelled)]);
    }
    assert_eq!(ringing.len(), 2);
    assert_eq!(step.facts()[3], "ended NoAnswer by Exchange");
    let step = w.dial("1002", "1001");
    let fetched = step.invitations();
    let call = fetched[0].1.call;
    let step = w.close(call);
    for (phone, _) in &fetched {
        assert_eq!(step.to(*phone), [LegCommand::End(Cause::Cancelled)]);
    }
    assert_eq!(fetched.len(), 2);
    assert!(matches!(
        w.close(call).out.actions[..],
        [Action::Reply(_, Err(CommandError::NoSuchCall))]
    ));
    w.settle();
}
