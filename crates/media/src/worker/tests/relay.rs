//! Relay, playback, and how one takes over from the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::Order;
use super::bench::{Bench, home, packet, voice};
use crate::codec::Codec;
use crate::command::{Command, PayloadMap, Report};
use crate::ring::Ring;
use crate::rtp::{Header, TelephoneEvent};
use crate::tone;

/// No jump in sequence, one SSRC, time going on.
fn is_one_stream(stream: &[Header]) {
    for pair in stream.windows(2) {
        assert_eq!(pair[0].ssrc, pair[1].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((1..80_000).contains(&step), "step of {step}");
    }
}

fn joins(stream: &[Header]) -> usize {
    stream.iter().filter(|header| header.marker).count()
}

#[test]
fn relay_both_ways_rewrites_ssrc_and_keeps_gaps_and_order() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(a, b);
    bench.connect(b, a);
    for n in [0, 1, 2, 5, 4, 6] {
        bench.home_sends(a, &voice(1, n));
        bench.home_sends(b, &voice(2, 70_000 + n));
        bench.pass_ms(20);
    }
    for (slot, ssrc) in [(a, 0xaaaa_0000), (b, 0xaaaa_0001)] {
        let heard = bench.heard(slot);
        assert!(heard.iter().all(|(_, to)| *to == home(slot)));
        assert!(heard.iter().all(|(header, _)| header.ssrc == ssrc));
        let first = heard[0].0;
        let steps: Vec<_> = heard
            .iter()
            .map(|(h, _)| {
                (
                    h.sequence.wrapping_sub(first.sequence),
                    h.timestamp.wrapping_sub(first.timestamp),
                )
            })
            .collect();
        let expected = [0u16, 1, 2, 5, 4, 6].map(|n| (n, u32::from(n) * 160));
        assert_eq!(steps, expected);
        let markers = heard.iter().map(|(header, _)| header.marker);
        assert!(markers.eq([true, false, false, false, false, false]));
    }
}

#[test]
fn tone_then_relay_then_another_source_is_one_stream_with_a_marker_at_each_join() {
    let mut bench = Bench::new();
    let (a, b, c) = (bench.leg(), bench.leg(), bench.leg());
    let playback = tone::ringback(Codec::Pcmu);
    let play = Command::Play {
        playback,
        payload_type: 0,
        repeat: true,
    };
    bench.command(a, play.clone());
    bench.pass_ms(6010);
    bench.connect(b, a);
    bench.home_sends(b, &voice(2, 9)); // waits while the tone plays
    bench.command(a, Command::Stop);
    for n in 10..60 {
        bench.home_sends(b, &voice(2, n));
        bench.pass_ms(20);
    }
    bench.pass_ms(700);
    bench.connect(c, a);
    for n in 0..50 {
        bench.home_sends(c, &voice(3, 40_000 + n));
        bench.pass_ms(20);
    }
    // The same far end begins a new stream (a new SSRC), then is put on hold.
    for n in 0..50 {
        bench.home_sends(c, &voice(4, n));
        bench.pass_ms(20);
    }
    bench.command(a, play);
    bench.pass_ms(100);

    let heard = bench.heard(a);
    let stream: Vec<Header> = heard.into_iter().map(|(header, _)| header).collect();
    assert_eq!(stream.len(), 301 + 50 + 50 + 50 + 6);
    is_one_stream(&stream);
    assert_eq!(joins(&stream), 5);
    // The timestamp kept the clock's pace through all of it: 9.33 s.
    let span = stream[450].timestamp.wrapping_sub(stream[0].timestamp);
    let passed = 8 * (6010 + 50 * 20 + 700 + 50 * 20 + 49 * 20);
    assert!(span.abs_diff(passed) < 400, "{span} in place of {passed}");
}

#[test]
fn reconnecting_the_same_peer_leaves_no_gap_for_what_was_not_relayed() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(b, a);
    for n in 0..30 {
        match n {
            10 => bench.command(b, Command::Disconnect),
            20 => bench.connect(b, a),
            _ => {}
        }
        bench.home_sends(b, &voice(2, n));
        bench.pass_ms(20);
    }
    let heard = bench.heard(a);
    let stream: Vec<Header> = heard.into_iter().map(|(header, _)| header).collect();
    assert_eq!(stream.len(), 20);
    is_one_stream(&stream);
    let step = stream[10].timestamp.wrapping_sub(stream[9].timestamp);
    assert_eq!(step, 11 * 160);
}

#[test]
fn payload_types_are_mapped_and_what_has_no_place_in_the_map_is_dropped() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    let map = PayloadMap::empty().with(96, 111).with(101, 110);
    bench.command(a, Command::Connect { peer: b, map });
    for (n, pt) in [(0, 96), (1, 101), (2, 0), (3, 96)] {
        bench.home_sends(a, &packet(1, n, u32::from(n) * 160, pt, &[1; 4]));
    }
    let heard = bench.heard(b);
    let types: Vec<u8> = heard.iter().map(|(h, _)| h.payload_type).collect();
    assert_eq!(types, [111, 110, 111]);
    assert_eq!(heard[2].0.sequence.wrapping_sub(heard[0].0.sequence), 3);
    bench.command(a, Command::Close);
    let Report::Closed { stats, .. } = bench.reports().pop().unwrap() else {
        panic!("not closed");
    };
    assert_eq!((stats.packets_in, stats.dropped), (4, 1));
}

#[test]
fn digit_is_reported_once_and_passes_with_one_timestamp() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(a, b);
    bench.home_sends(a, &voice(1, 0));
    for n in 1..7u16 {
        let event = TelephoneEvent {
            event: 5,
            end: n > 3,
            volume: 10,
            duration: 160 * n.min(4),
        };
        bench.home_sends(a, &packet(1, n, 160, 101, &event.bytes()));
        bench.pass_ms(20);
    }
    assert_eq!(
        bench.reports(),
        [Report::Digit {
            slot: a,
            digit: '5'
        }]
    );
    let heard = bench.heard(b);
    let event: Vec<u32> = heard[1..].iter().map(|(h, _)| h.timestamp).collect();
    assert_eq!(event, [heard[0].0.timestamp.wrapping_add(160); 6]);
}

#[test]
fn playback_keeps_fifty_frames_a_second_however_unevenly_the_worker_wakes() {
    let mut bench = Bench::new();
    let a = bench.leg();
    let playback = tone::sine(Codec::Pcma, 440);
    let play = Command::Play {
        playback: Arc::clone(&playback),
        payload_type: 8,
        repeat: true,
    };
    bench.command(a, play);
    for n in 0..6000u64 {
        bench.now += Duration::from_micros(5_000 + (n % 7) * 1_666);
        bench.core.handle_timeout(&mut bench.buffer, bench.now);
    }
    let heard = bench.heard(a);
    let seconds = 60.0 * (5_000.0 + 3.0 * 1_666.0) / 10_000.0;
    let expected = (seconds * 50.0) as usize;
    assert!(
        heard.len().abs_diff(expected) <= 2,
        "{} frames",
        heard.len()
    );
    let stream: Vec<Header> = heard.into_iter().map(|(header, _)| header).collect();
    is_one_stream(&stream);
    // One that plays once ends by itself.
    bench.command(
        a,
        Command::Play {
            playback,
            payload_type: 8,
            repeat: false,
        },
    );
    bench.pass_ms(3000);
    assert_eq!(bench.heard(a).len(), 50);
}

#[test]
fn worker_that_overslept_leaves_frames_out_and_goes_on_in_time() {
    let mut bench = Bench::new();
    let a = bench.leg();
    let play = Command::Play {
        playback: tone::ringback(Codec::Pcmu),
        payload_type: 0,
        repeat: true,
    };
    bench.command(a, play);
    bench.pass_ms(100);
    bench.now += Duration::from_secs(2);
    bench.pass_ms(100);
    let heard = bench.heard(a);
    let stream: Vec<Header> = heard.into_iter().map(|(header, _)| header).collect();
    assert!((11..=13).contains(&stream.len()), "{}", stream.len());
    is_one_stream(&stream);
    assert_eq!(joins(&stream), 2);
}

#[test]
fn slot_that_moves_to_another_worker_takes_its_stream_and_orders_wait_for_it() {
    let mut old = Bench::new();
    let mut new = Bench::new();
    let _ = old.leg();
    let b = old.leg();
    let a = new.leg();
    old.connect(b, b); // hears itself
    old.home_sends(b, &voice(2, 0));
    let before = old.heard(b)[0].0;

    let ring = Arc::new(Ring::new().unwrap());
    new.order(Order::Expect(b));
    let map = PayloadMap::identity();
    new.command(b, Command::Connect { peer: a, map });
    new.connect(a, b);
    new.home_sends(a, &voice(1, 0)); // too early
    old.order(Order::Evict(b, Arc::clone(&ring)));
    new.rtp.insert(b, old.rtp[&b].clone());
    let mut orders = VecDeque::new();
    ring.take(&mut orders);
    new.core.obey(&mut orders, &mut new.buffer, new.now);

    new.pass_ms(20);
    new.home_sends(a, &voice(1, 1));
    new.home_sends(b, &voice(2, 1));
    let after = new.heard(b)[0].0;
    assert_eq!(after.ssrc, before.ssrc);
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    assert_eq!(new.heard(a).len(), 1);
}

proptest! {
    #[test]
    fn no_datagram_panics_and_none_but_rtp_gets_through(
        datagrams in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 1..60),
        shape in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        let (a, b) = (bench.leg(), bench.leg());
        bench.connect(a, b);
        bench.connect(b, a);
        for (from_a, mut datagram) in datagrams {
            if shape && let Some(first) = datagram.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            let slot = if from_a { a } else { b };
            bench.home_sends(slot, &datagram);
            bench.sends_report(slot, home(slot), &datagram);
            bench.pass_ms(20);
        }
        for slot in [a, b] {
            bench.heard(slot); // unwraps what is not RTP
            bench.command(slot, Command::Close);
        }
    }
}
