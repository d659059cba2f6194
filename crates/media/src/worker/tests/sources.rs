//! Who is listened to, seen from the socket.

use super::bench::{Bench, at, home, voice};
use crate::command::{Command, Remote, Report};
use std::time::Duration;

const THIEF: &str = "203.0.113.66:6666";

#[test]
fn stranger_neither_gets_through_nor_diverts_audio_while_the_far_end_speaks() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(a, b);
    bench.connect(b, a);
    for n in 0..500 {
        bench.sends(a, at(THIEF), &voice(66, n));
        bench.home_sends(a, &voice(1, n));
        bench.home_sends(b, &voice(2, n));
        bench.pass_ms(20);
    }
    assert_eq!(bench.rtp[&a].peer(), Some(home(a)));
    assert!(bench.heard(a).iter().all(|(_, to)| *to == home(a)));
    assert_eq!(bench.heard(b).len(), 500);
    bench.command(a, Command::Close);
    let Some(Report::Closed { stats, .. }) = bench.reports().pop() else {
        panic!("not closed");
    };
    assert_eq!((stats.packets_in, stats.dropped), (500, 500));
}

#[test]
fn phone_behind_nat_is_learned_and_answered_where_it_speaks_from() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(b, a);
    bench.home_sends(b, &voice(2, 0));
    assert_eq!(bench.heard(a)[0].1, home(a)); // SDP, for want of better
    bench.pass_ms(600);
    let outside = at("198.51.100.7:31000");
    for n in 0..4 {
        bench.sends(a, outside, &voice(1, n));
    }
    bench.home_sends(b, &voice(2, 1));
    assert_eq!(bench.heard(a)[0].1, outside);
}

#[test]
fn silent_lock_opens_the_socket_after_five_seconds_and_only_then() {
    let mut bench = Bench::new();
    let a = bench.leg();
    bench.home_sends(a, &voice(1, 0));
    bench.pass_ms(4900);
    assert_eq!(bench.rtp[&a].peer(), Some(home(a)));
    bench.pass_ms(1000);
    assert_eq!(bench.rtp[&a].peer(), None);
    // It resumes: the socket is its own again.
    bench.home_sends(a, &voice(1, 1));
    bench.pass_ms(1000);
    assert_eq!(bench.rtp[&a].peer(), Some(home(a)));
    bench.pass_ms(5000);
    for n in 0..4 {
        bench.sends(a, at(THIEF), &voice(66, n));
    }
    // A stranger may get the lock, but never the socket to itself.
    assert_eq!(bench.rtp[&a].peer(), None);
}

#[test]
fn new_sdp_opens_the_socket_at_once_and_no_address_means_nothing_is_sent() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(b, a);
    bench.home_sends(a, &voice(1, 0));
    let moved = Remote {
        rtp: Some(at("10.9.9.9:5000")),
        ..bench.remote(a)
    };
    bench.command(a, Command::Remote(moved));
    assert_eq!(bench.rtp[&a].peer(), None);
    bench.home_sends(b, &voice(2, 0));
    assert_eq!(bench.heard(a)[0].1, at("10.9.9.9:5000"));
    for nowhere in [None, Some(at("0.0.0.0:5000")), Some(at("10.9.9.9:0"))] {
        let rtp = nowhere;
        bench.command(a, Command::Remote(Remote { rtp, ..moved }));
        bench.home_sends(b, &voice(2, 1));
        assert_eq!(bench.heard(a), []);
    }
}

#[test]
fn silence_is_reported_once_where_watched_and_again_only_after_speech() {
    let mut bench = Bench::new();
    let (watched, other) = (bench.leg(), bench.leg());
    let timeout = Some(Duration::from_secs(60));
    bench.home_sends(watched, &voice(1, 0));
    bench.home_sends(other, &voice(1, 0));
    bench.command(watched, Command::Watch { timeout });
    bench.pass_ms(30_000);
    bench.home_sends(watched, &voice(1, 1));
    bench.pass_ms(59_900);
    assert_eq!(bench.reports(), []);
    bench.pass_ms(600);
    assert_eq!(bench.reports(), [Report::MediaLost { slot: watched }]);
    bench.pass_ms(300_000);
    assert_eq!(bench.reports(), []);
    bench.home_sends(watched, &voice(1, 2));
    bench.pass_ms(61_000);
    assert_eq!(bench.reports(), [Report::MediaLost { slot: watched }]);
    bench.home_sends(watched, &voice(1, 3));
    bench.command(watched, Command::Watch { timeout: None });
    bench.pass_ms(300_000);
    assert_eq!(bench.reports(), []);
}

#[test]
fn who_moves_after_a_long_talk_is_given_its_time_to_speak() {
    let mut bench = Bench::new();
    let leg = bench.leg();
    let timeout = Some(Duration::from_secs(60));
    bench.command(leg, Command::Watch { timeout });
    for n in 0..100 {
        bench.home_sends(leg, &voice(1, n));
        bench.pass_ms(1000);
    }
    let moved = Remote {
        rtp: Some(at("10.9.9.9:5000")),
        ..bench.remote(leg)
    };
    bench.command(leg, Command::Remote(moved));
    bench.pass_ms(59_000);
    assert_eq!(bench.reports(), []);
    bench.pass_ms(2_000);
    assert_eq!(bench.reports(), [Report::MediaLost { slot: leg }]);
}

#[test]
fn only_a_source_beside_its_signalling_has_the_socket_to_itself() {
    let mut bench = Bench::new();
    let (beside, elsewhere) = (bench.leg(), bench.leg());
    bench.home_sends(beside, &voice(1, 0));
    assert_eq!(bench.rtp[&beside].peer(), Some(home(beside)));
    let proxied = Remote {
        rtp: Some(at("10.9.9.9:5000")),
        ..bench.remote(elsewhere)
    };
    bench.command(elsewhere, Command::Remote(proxied));
    bench.sends(elsewhere, at("10.9.9.9:5000"), &voice(1, 0));
    assert_eq!(bench.rtp[&elsewhere].peer(), None);
}
