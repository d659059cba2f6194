//! The dial command: the caller's own phone rings first, then the callee.
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
    World::new(&[("1000", 1), ("1001", 1), ("1002", 2), ("1003", 0)])
}

const BOTH: [Entry; 3] = [PCMU, PCMA, EVENT];

#[test]
fn the_callers_phone_rings_then_the_callees_then_they_talk() {
    let mut w = world();
    let step = w.dial("1000", "1001");
    assert_eq!(
        step.facts(),
        [
            "started 1000 1001",
            "1000 Caller Ringing",
            "1000 is Ringing"
        ]
    );
    let (a, invitation) = step.invitations().remove(0);
    assert_eq!(
        step.out.actions[0],
        Action::Reply(
            RequestId(1),
            Ok(Reply::Dialled {
                call: invitation.call
            })
        ),
    );
    assert_eq!(
        &*invitation.caller.number, "1001",
        "it is shown whom it will talk to"
    );
    assert_eq!(&*invitation.caller.name, "User 1001");
    assert_eq!(types(&invitation.offer), [0, 8, 9, 96, 18, 101]);

    let step = w.leg(a, LegInput::Ringing);
    assert_eq!(
        step.out,
        Output::default(),
        "it was told as ringing from the start"
    );

    let step = w.leg(a, LegInput::Answered(sdp(1, &BOTH)));
    assert_eq!(
        step.facts(),
        ["1000 Caller Calling", "1001 Callee Trying", "1000 is Busy"]
    );
    assert_eq!(step.heard(), ["Ringback to 1"]);
    let (b, invitation) = step.invitations().remove(0);
    assert_eq!(
        types(&invitation.offer),
        [0, 8, 101],
        "what the caller accepted"
    );
    assert_eq!(&*invitation.caller.number, "1000");

    let step = w.leg(b, LegInput::Ringing);
    assert_eq!(step.to(a), [], "its phone is off the hook");
    assert_eq!(step.facts(), ["1001 Callee Ringing", "1001 is Ringing"]);

    let step = w.leg(b, LegInput::Answered(sdp(2, &BOTH)));
    assert_eq!(step.to(a), []);
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
        [
            "silence 1",
            "1->2 [(0, 0), (8, 8), (101, 101)], back [(0, 0), (8, 8), (101, 101)]"
        ]
    );
    let step = w.hang_up(a);
    assert_eq!(step.facts()[2], "ended Answered by Exchange");
    w.settle();
}

#[test]
fn a_callee_without_the_callers_first_codec_has_the_caller_change() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    let step = w.leg(a, LegInput::Answered(sdp(1, &[OPUS, PCMA, EVENT])));
    let b = step.invited()[0];
    let step = w.leg(b, LegInput::Answered(sdp(2, &[PCMA, EVENT])));
    let [LegCommand::Modify(change)] = &step.to(a)[..] else {
        panic!("{:?}", step.out)
    };
    assert_eq!(types(change), [8, 101]);
    assert_eq!(
        step.heard(),
        [
            "silence 1",
            "1->2 [(8, 8), (101, 101)], back [(8, 8), (101, 101)]"
        ]
    );
    let step = w.leg(a, LegInput::Modified(sdp(1, &[PCMA, EVENT])));
    assert!(step.heard().is_empty() && step.facts().is_empty());
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn a_caller_that_is_no_extension_is_refused_without_a_call() {
    let mut w = world();
    let step = w.dial("9999", "1001");
    assert_eq!(
        step.out.actions,
        [Action::Reply(
            RequestId(1),
            Err(CommandError::NoSuchExtension)
        )]
    );
    assert!(step.facts().is_empty());
    w.settle();
}

#[test]
fn what_cannot_succeed_fails_at_once_and_rings_nobody() {
    let mut w = world();
    w.change("1002", |extension| extension.do_not_disturb = true);
    let cases = [
        (
            "1000",
            "4711",
            "failed NotFound",
            "ended Failed by Exchange",
        ),
        (
            "1000",
            "1003",
            "failed NotRegistered",
            "ended Failed by Exchange",
        ),
        (
            "1000",
            "1002",
            "failed DoNotDisturb",
            "ended Busy by Exchange",
        ),
        ("1000", "1000", "failed Leg(Busy)", "ended Busy by Exchange"),
        (
            "1003",
            "1001",
            "failed NotRegistered",
            "ended Failed by Exchange",
        ),
    ];
    for (caller, callee, failed, ended) in cases {
        let step = w.dial(caller, callee);
        assert_eq!(
            step.facts(),
            [format!("started {caller} {callee}").as_str(), failed, ended]
        );
        assert!(matches!(
            step.out.actions[..],
            [Action::Reply(_, Ok(Reply::Dialled { .. }))]
        ));
    }
    w.settle();
}

#[test]
fn a_caller_who_declines_or_never_answers_ends_the_call_before_the_callee_rings() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    let step = w.leg(a, LegInput::Ended(Cause::Declined));
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Ended",
            "failed Leg(Declined)",
            "ended Busy by Caller",
            "1000 is Idle"
        ]
    );
    let a = w.dial("1000", "1001").invited()[0];
    let step = w.next_timer();
    assert_eq!(step.to(a), [LegCommand::End(Cause::NoAnswer)]);
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Ended",
            "failed Leg(NoAnswer)",
            "ended NoAnswer by Exchange",
            "1000 is Idle"
        ]
    );
    w.settle();
}

#[test]
fn each_stage_has_its_own_ring_time() {
    let mut w = world();
    w.change("1001", |extension| extension.ring_timeout = 2 * RING);
    let a = w.dial("1000", "1001").invited()[0];
    w.pass(RING / 2);
    let b = w.leg(a, LegInput::Answered(sdp(1, &BOTH))).invited()[0];
    let begun = w.now.mono;
    let step = w.next_timer();
    assert_eq!(w.now.mono.0 - begun.0, 2 * RING);
    assert_eq!(step.to(b), [LegCommand::End(Cause::NoAnswer)]);
    assert_eq!(step.to(a), [LegCommand::End(Cause::NoAnswer)]);
    assert_eq!(step.heard(), ["silence 1"]);
    w.settle();
}

#[test]
fn the_first_of_the_callers_phones_to_answer_is_the_caller() {
    let mut w = world();
    let step = w.dial("1002", "1001");
    let [a, other] = step.invited()[..] else {
        panic!("{:?}", step.out)
    };
    let step = w.leg(a, LegInput::Answered(sdp(1, &BOTH)));
    assert_eq!(step.to(other), [LegCommand::End(Cause::AnsweredElsewhere)]);
    assert_eq!(
        step.facts(),
        [
            "1002 Caller Calling",
            "1002 Caller Ended",
            "1001 Callee Trying",
            "1002 is Busy"
        ]
    );
    assert_eq!(
        w.leg(other, LegInput::Answered(sdp(3, &BOTH))).out,
        Output::default()
    );
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn the_callees_refusal_ends_the_waiting_caller() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    let b = w.leg(a, LegInput::Answered(sdp(1, &BOTH))).invited()[0];
    let step = w.leg(b, LegInput::Ended(Cause::Busy));
    assert_eq!(step.to(a), [LegCommand::End(Cause::Busy)]);
    assert_eq!(
        step.facts()[..4],
        [
            "1000 Caller Ended",
            "1001 Callee Ended",
            "failed Leg(Busy)",
            "ended Busy by Callee"
        ]
    );
    w.settle();
}

#[test]
fn a_callee_who_unregistered_meanwhile_fails_the_call_when_the_caller_answers() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    w.register("1001", 0);
    let step = w.leg(a, LegInput::Answered(sdp(1, &BOTH)));
    assert_eq!(step.to(a), [LegCommand::End(Cause::Unavailable)]);
    assert!(step.facts().contains(&"failed NotRegistered".into()));
    w.settle();
}

#[test]
fn a_phone_that_is_rung_for_dial_can_be_hung_up_in_any_state() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    let step = w.hang_up(a);
    assert_eq!(step.to(a), [LegCommand::End(Cause::Cancelled)]);
    assert_eq!(
        step.facts(),
        [
            "1000 Caller Ended",
            "ended NoAnswer by Exchange",
            "1000 is Idle"
        ]
    );
    for callee_hangs in [false, true] {
        let a = w.dial("1000", "1001").invited()[0];
        let b = w.leg(a, LegInput::Answered(sdp(1, &BOTH))).invited()[0];
        let step = w.hang_up(if callee_hangs { b } else { a });
        assert_eq!(step.to(a), [LegCommand::End(Cause::Normal)]);
        assert_eq!(step.to(b), [LegCommand::End(Cause::Cancelled)]);
        assert_eq!(step.facts()[2], "ended NoAnswer by Exchange");
    }
    w.settle();
}

#[test]
fn a_caller_who_holds_while_it_rings_is_on_hold_when_the_callee_answers() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    let b = w.leg(a, LegInput::Answered(sdp(1, &BOTH))).invited()[0];
    let hold = directed(Direction::SendOnly, sdp(1, &BOTH));
    let step = w.leg(a, LegInput::Offered(Some(hold)));
    assert_eq!(step.heard(), ["silence 1"]);
    let step = w.leg(b, LegInput::Answered(sdp(2, &BOTH)));
    assert_eq!(
        step.facts()[..4],
        [
            "1000 Caller Answered",
            "1001 Callee Answered",
            "answered",
            "1000 Caller Held"
        ]
    );
    assert_eq!(step.heard(), ["Hold to 2"]);
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}

#[test]
fn early_media_replaces_the_ringback_tone() {
    let mut w = world();
    let a = w.dial("1000", "1001").invited()[0];
    let b = w.leg(a, LegInput::Answered(sdp(1, &BOTH))).invited()[0];
    let step = w.leg(b, LegInput::Early(sdp(2, &[PCMU])));
    assert_eq!(step.to(a), []);
    assert_eq!(step.heard(), ["silence 1", "1->2 [(0, 0)], back [(0, 0)]"]);
    w.leg(a, LegInput::Ended(Cause::Normal));
    w.settle();
}
