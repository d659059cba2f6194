//! After a fault within: the exchange gives the call up, and nothing is left.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::*;
use switch::*;

/// The legs there are after a step that may have been broken off.
fn legs(out: &Output) -> Vec<LegId> {
    let invited = out.actions.iter().filter_map(|action| match action {
        Action::Leg(leg, LegCommand::Invite(_)) => Some(*leg),
        _ => None,
    });
    invited.collect()
}

fn begun(out: &Output) -> CallId {
    let mut begun = out.facts.iter().filter_map(|fact| match fact {
        Fact::CallStarted { call, .. } => Some(*call),
        _ => None,
    });
    begun.next().unwrap()
}

#[test]
#[cfg(debug_assertions)]
fn a_call_that_broke_off_while_it_began_leaves_nothing_once_given_up() {
    let incoming = Input::Incoming {
        leg: LegId(1),
        caller: Caller::Extension {
            number: ext("1000"),
            address: None,
            name: None,
        },
        dialled: "1002".into(),
        offer: Some(sdp(1, &[PCMU])),
    };
    let command = Input::Command {
        request: RequestId(1),
        command: Command::Dial {
            caller: ext("1002"),
            callee: "1000".into(),
            auto_answer: false,
            name: None,
        },
    };
    for input in [incoming, command] {
        let mut w = World::new(&[("1000", 1), ("1002", 2)]);
        let mut out = Output::default();
        // Its second phone finds no number any more.
        w.ids.next_leg = u64::MAX - 1;
        let broken = catch_unwind(AssertUnwindSafe(|| {
            w.exchange
                .handle(input.clone(), w.now, &mut w.ids, &mut out);
        }));
        assert!(broken.is_err(), "overflow is found in debug builds");
        assert!(!w.exchange.is_idle());
        let mut legs = legs(&out);
        assert_eq!(legs.len(), 1, "the first is asked for by then");
        legs.push(LegId(1));
        let call = Some(begun(&out));
        let step = w.input(Input::GivenUp { call, legs });
        assert_eq!(step.out, Output::default());
        assert!(w.exchange.is_idle(), "{:?}", w.exchange);
    }
}

#[test]
fn a_call_given_up_takes_its_timer_along_and_frees_its_extensions() {
    let mut w = World::new(&[("1000", 1), ("1001", 1)]);
    let (a, step) = w.call("1000", "1001", Some(sdp(1, &[PCMU])));
    let b = step.invited()[0];
    w.leg(b, LegInput::Ringing);
    assert_eq!(w.timers.len(), 1);
    let call = Some(begun(&step.out));
    let step = w.input(Input::GivenUp {
        call,
        legs: vec![a, b],
    });
    assert_eq!(step.facts(), ["1000 is Idle", "1001 is Idle"]);
    assert!(w.timers.is_empty());
    assert_eq!(w.leg(b, LegInput::Ringing).out, Output::default());
    w.settle();
}
