//! Whatever phones, applications and timers do, and in whatever order it
//! arrives: the invariants of `common::watch` hold, nothing is left behind,
//! and the same inputs give the same outputs.
#![allow(
    clippy::manual_is_multiple_of,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use common::*;
use proptest::prelude::*;
use switch::*;

/// One thing that happens; the numbers choose among what there is by then.
type Op = (u8, u8, u8);

const NUMBERS: [&str; 6] = ["1000", "1001", "1002", "1003", "1004", "9999"];

fn description(a: u8, b: u8) -> MediaDescription {
    let all = [PCMU, PCMA, G722, OPUS, G729, EVENT];
    let mut codecs: Vec<Entry> = all
        .into_iter()
        .enumerate()
        .filter(|(bit, _)| (b >> bit) & 1 == 1 || (*bit == 1 && b % 8 != 0))
        .map(|(_, codec)| codec)
        .collect();
    if a % 3 == 0 {
        codecs.reverse();
    }
    if a % 5 == 0 {
        codecs
            .iter_mut()
            .filter(|c| c.0 > 95)
            .for_each(|c| c.0 += 3);
    }
    let mut description = sdp(1 + a % 4, &codecs);
    description.direction = match b % 16 {
        1 => Direction::SendOnly,
        2 => Direction::Inactive,
        3 => Direction::RecvOnly,
        _ => Direction::SendRecv,
    };
    if a % 32 == 7 {
        description.remote = Some(([0, 0, 0, 0], 4000).into());
    }
    if a % 64 == 9 {
        description.remote = Some(([192, 0, 2, 1], 0).into());
    }
    description
}

fn cause(b: u8) -> Cause {
    [
        Cause::Normal,
        Cause::Cancelled,
        Cause::Busy,
        Cause::Declined,
        Cause::Unavailable,
        Cause::NoAnswer,
        Cause::NotAcceptable,
        Cause::Unreachable,
        Cause::Status(u16::from(b) * 3),
    ][usize::from(b) % 9]
}

fn apply(world: &mut World, (kind, a, b): Op, outputs: &mut Vec<Output>) {
    let number = |n: u8| NUMBERS[usize::from(n) % NUMBERS.len()];
    let living = world.watch.living();
    // Mostly the phone whose turn it is, now and then one whose turn it isn't.
    let likely = match kind % 20 {
        3..=9 => world.watch.ringing(),
        10 | 11 => world.watch.answered(),
        12 | 13 => world.watch.offered(),
        14 => world.watch.ending(),
        _ => Vec::new(),
    };
    let among = match likely.is_empty() || b % 11 == 10 {
        true => &living,
        false => &likely,
    };
    let leg = match among.len() {
        0 => LegId(u64::from(a) + 100_000),
        len => among[usize::from(a) % len],
    };
    let step = match kind % 20 {
        0 | 1 => {
            let offer = (b % 7 != 0).then(|| description(a, b | 0b100_0010));
            world.call(number(a), number(b / 3), offer).1
        }
        2 => world.dial(number(a), number(b)),
        4 | 5 => world.leg(leg, LegInput::Ringing),
        6 => world.leg(leg, LegInput::Early(description(a, b))),
        7..=9 => world.leg(leg, LegInput::Answered(description(a, b | 0b10))),
        10 | 11 => {
            let offer = (b % 5 != 0).then(|| description(a / 3, b));
            if b % 3 == 0 && world.watch.offered().contains(&leg) {
                outputs.push(world.leg(leg, LegInput::ModifyWithdrawn).out);
            }
            world.leg(leg, LegInput::Offered(offer))
        }
        12 => world.leg(leg, LegInput::Modified(description(a, b))),
        13 => world.leg(leg, LegInput::ModifyRefused),
        3 | 14 | 15 if !living.is_empty() => world.leg(leg, LegInput::Ended(cause(b))),
        16 if b % 16 < 2 => match world.watch.calls() {
            calls if calls.is_empty() => return,
            mut calls => {
                let (call, legs) = calls.swap_remove(usize::from(a) % calls.len());
                match b % 16 {
                    0 => world.close(call),
                    _ => world.input(Input::GivenUp {
                        call: Some(call),
                        legs,
                    }),
                }
            }
        },
        16 => world.hang_up(leg),
        17 => match b % 3 {
            0 => world.leg(leg, LegInput::MediaLost),
            1 => world.leg(leg, LegInput::Digit('5')),
            _ => world.input(Input::Timer(Timer::Ring(CallId {
                epoch: 1_700_000_000,
                counter: u64::from(a),
            }))),
        },
        18 if !world.timers.is_empty() && b % 2 == 0 => world.next_timer(),
        18 => {
            world.pass(Duration::from_millis(u64::from(b) * 100));
            return;
        }
        19 => {
            if b % 32 < 2 {
                world.change(number(a % 5), |extension| {
                    extension.do_not_disturb = b % 64 == 0;
                });
            } else {
                world.register(number(a % 5), u64::from(b % 16 / 3));
            }
            return;
        }
        _ => return,
    };
    outputs.push(step.out);
}

fn run(ops: &[Op], max_calls: usize) -> Vec<Output> {
    let mut world = World::new(&[
        ("1000", 1),
        ("1001", 2),
        ("1002", 3),
        ("1003", 0),
        ("1004", 1),
    ]);
    world.configuration.max_calls = max_calls;
    world.configure();
    let mut outputs = Vec::new();
    for op in ops {
        apply(&mut world, *op, &mut outputs);
        world.watch.sweep();
    }
    // The evening: whoever rings rings out, whoever talks hangs up.
    while !world.timers.is_empty() {
        outputs.push(world.next_timer().out);
    }
    let ending = world.watch.ending();
    for leg in world.watch.living() {
        if !ending.contains(&leg) && world.watch.living().contains(&leg) {
            outputs.push(world.leg(leg, LegInput::Ended(Cause::Normal)).out);
        }
    }
    world.settle();
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_and_nothing_is_left_whatever_happens(
        ops in prop::collection::vec(any::<Op>(), 1..250),
        max_calls in prop_oneof![3 => Just(0usize), 1 => 1usize..6],
    ) {
        run(&ops, max_calls);
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(
        ops in prop::collection::vec(any::<Op>(), 1..150),
    ) {
        prop_assert_eq!(run(&ops, 0), run(&ops, 0));
    }
}

/// Guards the guard: a long random day does reach what can go wrong.
#[test]
fn a_random_day_of_twenty_thousand_inputs_meets_every_kind_of_moment() {
    let mut seed: u64 = 0x5eed;
    let mut random = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u8
    };
    let ops: Vec<Op> = (0..20_000)
        .map(|_| (random(), random(), random()))
        .collect();
    let outputs = run(&ops, 20);
    let mut met: std::collections::BTreeMap<String, usize> = Default::default();
    for output in &outputs {
        for fact in &output.facts {
            let what = match fact {
                Fact::Leg { leg, .. } => format!("{:?} {:?}", leg.role, leg.state),
                Fact::CallEnded(record) => {
                    format!("{:?} by {:?}", record.disposition, record.hangup)
                }
                Fact::CallFailed {
                    reason: FailReason::Leg(Cause::Status(_)),
                    ..
                } => continue,
                Fact::CallFailed { reason, .. } => format!("{reason:?}"),
                _ => continue,
            };
            *met.entry(what).or_default() += 1;
        }
        for action in &output.actions {
            let what = match action {
                Action::Leg(_, LegCommand::Modify(_)) => "Modify".into(),
                Action::Leg(_, LegCommand::AnswerOffer(_)) => "AnswerOffer".into(),
                Action::Leg(_, LegCommand::EarlyMedia(_)) => "EarlyMedia".into(),
                Action::Leg(_, LegCommand::End(Cause::AnsweredElsewhere)) => "Elsewhere".into(),
                Action::Media(MediaAction::Bridge { .. }) => "Bridge".into(),
                Action::Media(MediaAction::Play { tone, .. }) => format!("{tone:?}"),
                _ => continue,
            };
            *met.entry(what).or_default() += 1;
        }
    }
    let must = [
        "Caller Ringing",
        "Caller Calling",
        "Caller Answered",
        "Caller Held",
        "Callee Trying",
        "Callee Ringing",
        "Callee Early",
        "Callee Answered",
        "Callee Held",
        "Modify",
        "AnswerOffer",
        "EarlyMedia",
        "Elsewhere",
        "Bridge",
        "Ringback",
        "Hold",
        "NotFound",
        "NotRegistered",
        "DoNotDisturb",
        "Leg(Busy)",
        "Leg(NoAnswer)",
        "Leg(NotAcceptable)",
        "Answered by Caller",
        "Answered by Callee",
        "Answered by Exchange",
        "NoAnswer by Caller",
        "NoAnswer by Exchange",
        "Busy by Callee",
        "Failed by Exchange",
    ];
    let missed: Vec<_> = must
        .iter()
        .filter(|what| !met.contains_key(**what))
        .collect();
    assert!(missed.is_empty(), "never met {missed:?} in {met:#?}");
}
