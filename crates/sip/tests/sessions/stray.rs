//! Messages that belong to nothing, or that somebody has altered: no panic, and
//! nothing stays.

use bytes::Bytes;
use proptest::prelude::*;
use sip::{Event, Message};

use crate::common::*;

/// Everything said in a call with a hold and a resume.
fn talk() -> Vec<(usize, Bytes)> {
    let (mut pair, a, b) = Pair::established(1);
    for (ours, theirs, session, other) in [(A, B, a, b), (B, A, b, a)] {
        let now = pair.at();
        pair.endpoint(ours)
            .reinvite(session, Some(sdp("hold")), now)
            .unwrap();
        pair.run_for(ms(50));
        let now = pair.at();
        pair.endpoint(theirs)
            .answer_reinvite(other, sdp("held"), now)
            .unwrap();
        pair.run_for(ms(50));
    }
    pair.terminate(B, b);
    pair.run_for(ms(50));
    let said = pair.wire.iter();
    said.map(|w| (w.from, w.message.as_bytes().clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_altered_repeated_and_out_of_order_does_no_harm(seed in any::<u64>()) {
        let talk = talk();
        let mut dice = Dice::new(seed);
        let mut pair = Pair::new(seed);
        let mut live = [Vec::new(), Vec::new()];
        live[A].push(pair.invite());
        for _ in 0..400 {
            let (from, bytes) = &talk[dice.below(talk.len() as u64) as usize];
            let mut bytes = bytes.to_vec();
            for _ in 0..dice.below(4) {
                let at = dice.below(bytes.len() as u64) as usize;
                match dice.below(3) {
                    0 => bytes[at] = dice.below(256) as u8,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b'0' + dice.below(10) as u8),
                }
            }
            if let Ok(message) = Message::parse(bytes.into()) {
                let (flow, now) = (pair.flow(1 - from), pair.at());
                pair.endpoint(1 - from).receive(message, flow, now);
            }
            let time = ms(dice.below(300));
            pair.run_for(time);
            for (side, live) in live.iter_mut().enumerate() {
                let events = pair.events(side);
                for session in std::mem::take(&mut pair.sides[side].called) {
                    let now = pair.at();
                    let contact = "<sip:x@192.0.2.2>";
                    if dice.percent(50) {
                        let endpoint = pair.endpoint(side);
                        let _ = endpoint.accept(session, sdp("x"), contact, &[], now);
                    }
                    live.push(session);
                }
                for event in events {
                    if let Event::Ended { session, .. } = event {
                        live.retain(|s| *s != session);
                    }
                }
            }
        }
        for (side, live) in live.iter().enumerate() {
            for session in live {
                let now = pair.at();
                let _ = pair.endpoint(side).terminate(*session, &[], now);
            }
        }
        // What came to the other side meanwhile is given up there too.
        for _ in 0..4 {
            pair.run_for(TIMEOUT);
            for side in [A, B] {
                for session in std::mem::take(&mut pair.sides[side].called) {
                    let now = pair.at();
                    let _ = pair.endpoint(side).terminate(session, &[], now);
                }
            }
        }
        pair.drive();
        pair.assert_clean();
    }
}

#[test]
fn an_endpoint_can_be_moved_to_another_thread_and_its_events_are_small() {
    fn is_send<T: Send>() {}
    is_send::<sip::Endpoint>();
    assert!(size_of::<Event>() <= 136, "{}", size_of::<Event>());
}
