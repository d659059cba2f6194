//! RTCP ends here, each leg its own; and reports to the control side.

use std::net::SocketAddr;
use std::time::Duration;

use super::bench::{Bench, at, home, voice};
use crate::command::{Command, Remote, Report, SlotId};
use crate::rtcp::{self, Ntp, Outgoing, Received, Sent};

fn rtcp_port(slot: SlotId) -> SocketAddr {
    SocketAddr::new(home(slot).ip(), home(slot).port() + 1)
}

/// What a phone would report of our stream.
fn phone_report(about: u32, last_report: u32, delay: u32, buffer: &mut [u8]) -> usize {
    let outgoing = Outgoing {
        ssrc: 1,
        cname: "phone",
        sent: Some(Sent {
            ntp: Ntp(0x1234_5678_9abc_def0),
            timestamp: 0,
            packets: 1,
            octets: 1,
        }),
        received: Some(Received {
            ssrc: about,
            fraction_lost: 12,
            cumulative_lost: 7,
            highest_sequence: 9,
            jitter: 80,
            last_report,
            delay,
        }),
        bye: false,
    };
    rtcp::write(&outgoing, buffer).unwrap()
}

#[test]
fn each_leg_reports_about_every_five_seconds_and_nothing_is_relayed() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(a, b);
    let mut buffer = [0; 200];
    let len = phone_report(5, 0, 0, &mut buffer);
    for n in 0..6000 {
        bench.home_sends(a, &voice(1, n));
        if n % 250 == 0 {
            bench.sends_report(a, rtcp_port(a), &buffer[..len]);
        }
        bench.pass_ms(20);
    }
    // a only receives, b only sends: RR about 1 with its last SR, and SR.
    let a_reports = bench.rtcp[&a].sent();
    let b_reports = bench.rtcp[&b].sent();
    for (reports, slot) in [(&a_reports, a), (&b_reports, b)] {
        assert!((18..=32).contains(&reports.len()), "{}", reports.len());
        assert!(reports.iter().all(|(_, to)| *to == rtcp_port(slot)));
    }
    let last = rtcp::parse(&a_reports.last().unwrap().0, 1).unwrap();
    assert_eq!(last.sender, None);
    assert_eq!(last.about_us.unwrap().last_report, 0x5678_9abc);
    let last = rtcp::parse(&b_reports.last().unwrap().0, 1).unwrap();
    assert_eq!(last.sender.unwrap().0, 0xaaaa_0001);
    assert_eq!(last.about_us, None);
}

#[test]
fn reports_go_where_sdp_says_or_where_the_far_ends_come_from() {
    let mut bench = Bench::new();
    let a = bench.leg();
    let told = SocketAddr::new(home(a).ip(), 7777);
    let remote = Remote {
        rtcp: Some(told),
        ..bench.remote(a)
    };
    bench.command(a, Command::Remote(remote));
    bench.home_sends(a, &voice(1, 0));
    bench.pass_ms(10_000);
    assert!(bench.rtcp[&a].sent().iter().all(|(_, to)| *to == told));

    let mut buffer = [0; 200];
    let len = phone_report(5, 0, 0, &mut buffer);
    let heard = SocketAddr::new(home(a).ip(), 8888);
    bench.sends_report(a, at("203.0.113.66:1"), &buffer[..len]);
    bench.sends_report(a, heard, &buffer[..len]);
    bench.pass_ms(10_000);
    let sent = bench.rtcp[&a].sent();
    assert!(!sent.is_empty() && sent.iter().all(|(_, to)| *to == heard));
}

#[test]
fn close_says_bye_and_tells_what_went_through() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    bench.connect(a, b);
    for n in (0..100).filter(|n| n % 10 != 5) {
        bench.home_sends(a, &voice(1, n));
        bench.pass_ms(20);
    }
    let sent = bench.rtcp[&b].sent();
    drop(sent);
    // b's phone answers a report that left two seconds ago and lay there for one.
    let report = Ntp::from_unix(std::time::Duration::from_secs(1_800_000_000) + bench.now);
    let mut buffer = [0; 200];
    let len = phone_report(
        0xaaaa_0001,
        report.middle().wrapping_sub(2 << 16),
        1 << 16,
        &mut buffer,
    );
    bench.sends_report(b, rtcp_port(b), &buffer[..len]);
    bench.command(a, Command::Close);
    bench.command(b, Command::Close);
    bench.command(b, Command::Close);
    let bye = bench.rtcp[&b].sent().pop().unwrap().0;
    assert!(rtcp::parse(&bye, 0).unwrap().bye);
    let reports = bench.reports();
    let [
        Report::Closed {
            slot: first,
            stats: of_a,
        },
        Report::Closed {
            slot: second,
            stats: of_b,
        },
    ] = reports.as_slice()
    else {
        panic!("{reports:?}");
    };
    assert_eq!((*first, *second), (a, b));
    assert_eq!(
        (of_a.packets_in, of_a.lost, of_a.bytes_in),
        (90, 10, 14_400)
    );
    assert_eq!((of_b.packets_out, of_b.remote_lost), (90, 7));
    assert_eq!(of_b.remote_jitter.as_millis(), 10);
    assert_eq!(of_b.round_trip.unwrap().as_millis(), 1000);
}

#[test]
fn report_that_was_not_taken_is_offered_again_in_order() {
    let mut bench = Bench::new();
    let (a, b) = (bench.leg(), bench.leg());
    *bench.open_ear.lock().unwrap() = false;
    bench.command(a, Command::Close);
    bench.command(b, Command::Close);
    bench.pass_ms(500);
    assert_eq!(bench.reports(), []);
    *bench.open_ear.lock().unwrap() = true;
    bench.pass_ms(100);
    let closed: Vec<SlotId> = bench
        .reports()
        .iter()
        .map(|report| match report {
            Report::Closed { slot, .. } => *slot,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(closed, [a, b]);
    assert_eq!(bench.core.deadline(), None);
}

#[test]
fn far_end_that_sends_rtcp_alone_is_alive_until_it_says_goodbye() {
    let mut bench = Bench::new();
    let leg = bench.leg();
    let timeout = Some(Duration::from_secs(10));
    bench.command(leg, Command::Watch { timeout });
    let mut buffer = [0; 200];
    let len = phone_report(5, 0, 0, &mut buffer);
    for _ in 0..12 {
        bench.sends_report(leg, rtcp_port(leg), &buffer[..len]);
        bench.pass_ms(5_000);
    }
    assert_eq!(bench.reports(), []);
    bench.pass_ms(6_000);
    assert_eq!(bench.reports(), [Report::MediaLost { slot: leg }]);
    let goodbye = Outgoing {
        ssrc: 1,
        cname: "phone",
        sent: None,
        received: None,
        bye: true,
    };
    let len = rtcp::write(&goodbye, &mut buffer).unwrap();
    bench.sends_report(leg, rtcp_port(leg), &buffer[..len]);
    bench.pass_ms(30_000);
    assert_eq!(
        bench.reports(),
        [],
        "it was told, and its end is no sign of life"
    );
}
