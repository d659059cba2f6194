//! The whole of media over real sockets: relay, playback, ports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use common::{DEADLINE, LISTEN, Phone, free_range, start, until};
use media::rtp::{Header, TelephoneEvent};
use media::{Codec, Command, MediaError, PORT_REST, PayloadMap, Report, goertzel, tone};

fn connect(media: &media::Media, a: &Phone, b: &Phone) {
    for (from, to) in [(a, b), (b, a)] {
        let map = PayloadMap::identity();
        let connect = Command::Connect { peer: to.slot, map };
        media.command(from.slot, connect).unwrap();
    }
}

/// Speaks and listens in turn: each packet is an event to wait for.
fn talk(a: &Phone, b: &Phone, ssrc: u32, packets: std::ops::Range<u16>) -> Vec<Header> {
    packets
        .map(|n| {
            a.say(ssrc, n);
            let (header, payload) = b.hear();
            assert_eq!(payload, [n as u8; 160]);
            header
        })
        .collect()
}

#[test]
fn two_phones_talk_and_a_third_takes_over_without_a_jump() {
    let (media, reports) = start(free_range(8), 2);
    let a = Phone::new(&media, 2, None);
    let b = Phone::new(&media, 3, Some(a.slot));
    connect(&media, &a, &b);
    let to_b = talk(&a, &b, 7, 0..100);
    let to_a = talk(&b, &a, 7, 900..1000);
    assert_ne!(to_a[0].ssrc, to_b[0].ssrc);
    for heard in [to_a, to_b] {
        assert!(heard[0].marker);
        for pair in heard.windows(2) {
            assert_eq!(pair[0].ssrc, pair[1].ssrc);
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        }
    }

    // B's far end is another phone now: A hears one stream on.
    let c = Phone::new(&media, 4, None);
    let last = talk(&b, &a, 7, 1000..1001)[0];
    connect(&media, &a, &c);
    let next = talk(&c, &a, 99, 0..1)[0];
    assert_eq!(next.ssrc, last.ssrc);
    assert_eq!(next.sequence, last.sequence.wrapping_add(1));
    assert!(next.marker);

    for phone in [&a, &b, &c] {
        media.command(phone.slot, Command::Close).unwrap();
        let gone = media.command(phone.slot, Command::Stop);
        assert_eq!(gone, Err(MediaError::NoSuchSlot));
    }
    for _ in 0..3 {
        let Report::Closed { slot, stats } = reports.recv_timeout(DEADLINE).unwrap() else {
            panic!("another report");
        };
        if slot == a.slot {
            assert_eq!((stats.packets_in, stats.packets_out), (100, 102));
            assert_eq!((stats.bytes_in, stats.lost, stats.dropped), (16_000, 0, 0));
        }
    }
}

#[test]
fn every_codec_plays_a_tone_that_is_recognised_by_its_content() {
    let (media, _reports) = start(free_range(8), 1);
    for codec in Codec::ALL {
        let phone = Phone::new(&media, 2, None);
        let payload_type = codec.payload_type().unwrap_or(111);
        let tones = [425, 697, 1004];
        for (playback, hz) in [
            (tone::ringback(codec), tone::SUPERVISORY_HZ),
            (tone::sine(codec, 1004), 1004),
        ] {
            let play = Command::Play {
                playback,
                payload_type,
                repeat: true,
            };
            media.command(phone.slot, play).unwrap();
            // Old frames of the first playback may still come.
            let mut decoder = codec.decoder();
            until("the tone", || {
                let mut pcm = Vec::new();
                for _ in 0..10 {
                    let (header, payload) = phone.hear();
                    assert_eq!(header.payload_type, payload_type);
                    pcm.extend(decoder.decode(&payload));
                }
                assert_eq!(pcm.len(), 10 * codec.frame_samples());
                goertzel::loudest(&pcm, codec.sample_rate(), &tones) == Some(hz)
            });
        }
        media.command(phone.slot, Command::Close).unwrap();
    }
}

#[test]
fn tone_then_speech_is_one_stream_on_the_wire() {
    let (media, _reports) = start(free_range(8), 1);
    let a = Phone::new(&media, 2, None);
    let b = Phone::new(&media, 3, Some(a.slot));
    let play = Command::Play {
        playback: tone::hold(Codec::Pcmu),
        payload_type: 0,
        repeat: true,
    };
    let began = Instant::now();
    media.command(b.slot, play).unwrap();
    let mut heard: Vec<Header> = (0..25).map(|_| b.hear().0).collect();
    assert!(began.elapsed() >= Duration::from_millis(20 * 23));
    connect(&media, &a, &b);
    media.command(b.slot, Command::Stop).unwrap();
    for n in 0..500 {
        a.say(5, n);
        heard.push(b.hear().0);
        let joined = heard.iter().filter(|header| header.marker).count() == 2;
        if joined && heard.len() > 60 {
            break;
        }
    }
    assert_eq!(heard.iter().filter(|header| header.marker).count(), 2);
    for pair in heard.windows(2) {
        assert_eq!(pair[0].ssrc, pair[1].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) < 8000);
    }
}

#[test]
fn key_pressed_is_reported_once() {
    let (media, reports) = start(free_range(4), 1);
    let a = Phone::new(&media, 2, None);
    for n in 0..12u16 {
        let event = TelephoneEvent {
            event: if n < 6 { 10 } else { 11 },
            end: n % 6 > 2,
            volume: 10,
            duration: 160 * (n + 1),
        };
        let header = Header {
            marker: n == 0,
            payload_type: 101,
            sequence: n,
            timestamp: 5000 + u32::from(n / 6) * 8000,
            ssrc: 3,
        };
        a.send(header, &event.bytes());
    }
    for key in ['*', '#'] {
        let told = reports.recv_timeout(DEADLINE).unwrap();
        let slot = a.slot;
        assert_eq!(told, Report::Digit { slot, digit: key });
    }
    media.command(a.slot, Command::Close).unwrap();
    let last = reports.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(last, Report::Closed { .. }), "{last:?}");
}

#[test]
fn strangers_packets_do_not_reach_the_other_phone() {
    let (media, _reports) = start(free_range(4), 1);
    let a = Phone::new(&media, 2, None);
    let b = Phone::new(&media, 3, Some(a.slot));
    connect(&media, &a, &b);
    let thief = UdpSocket::bind("127.0.0.66:0").unwrap();
    let to = SocketAddr::new(LISTEN, a.port);
    for n in 0..50 {
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: n,
            timestamp: 0,
            ssrc: 66,
        };
        // Once the slot's socket is connected, the kernel may answer with an error.
        let _ = thief.send_to(&header.packet(&[66; 160]), to);
        let heard = talk(&a, &b, 7, n + 100..n + 101);
        assert_eq!(heard.len(), 1);
    }
}

#[test]
fn both_ports_are_bound_at_once_in_random_order_and_rest_after_use() {
    let range = free_range(40);
    let (media, reports) = start(range.clone(), 1);
    let mut ports = Vec::new();
    let mut slots = Vec::new();
    for _ in 0..40 {
        let opened = media.open(None).unwrap();
        for port in [opened.port, opened.port + 1] {
            assert!(UdpSocket::bind((LISTEN, port)).is_err(), "{port} is free");
        }
        assert!(opened.port.is_multiple_of(2) && range.contains(&(opened.port + 1)));
        ports.push(opened.port);
        slots.push(opened.slot);
    }
    assert_eq!(media.open(None), Err(MediaError::NoPort));
    assert_eq!(media.ports_in_use(), 40);
    assert!(!ports.is_sorted(), "in order: {ports:?}");
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 40);

    let closed = Instant::now();
    media.command(slots[0], Command::Close).unwrap();
    reports.recv_timeout(DEADLINE).unwrap();
    assert_eq!(media.ports_in_use(), 39);
    until("a port's rest ending", || {
        let opened = media.open(None);
        std::thread::sleep(Duration::from_millis(5)); // polls, not waits
        opened.is_ok()
    });
    assert!(closed.elapsed() >= PORT_REST);
}

#[test]
fn port_that_another_program_holds_is_passed_over() {
    let range = free_range(8);
    let held: Vec<UdpSocket> = range
        .clone()
        .filter(|port| (port - range.start()) % 4 == 1) // the RTCP port of every other pair
        .map(|port| UdpSocket::bind((LISTEN, port)).unwrap())
        .collect();
    let (media, _reports) = start(range, 1);
    for _ in 0..4 {
        let opened = media.open(None).unwrap();
        let taken = held
            .iter()
            .map(|socket| socket.local_addr().unwrap().port());
        assert!(taken.into_iter().all(|port| port != opened.port + 1));
    }
    assert_eq!(media.open(None), Err(MediaError::NoPort));
    assert_eq!(media.ports_in_use(), 4);
}

#[test]
fn what_can_not_work_is_told_at_once_and_typed() {
    let config = |listen: &str, ports| media::MediaConfig {
        listen: listen.parse().unwrap(),
        ports,
        workers: 1,
    };
    let empty = media::Media::start(config("127.0.0.1", 21_001..=21_002), |_| true);
    assert_eq!(empty.err(), Some(MediaError::EmptyRange));
    let media = media::Media::start(config("192.0.2.1", 21_000..=21_003), |_| true).unwrap();
    let foreign = media.open(None);
    assert_eq!(
        foreign,
        Err(MediaError::Socket(std::io::ErrorKind::AddrNotAvailable))
    );
}

#[test]
fn phones_on_a_socket_of_all_addresses_of_both_families_talk() {
    let (sink, _reports) = std::sync::mpsc::channel();
    let range = free_range(4);
    let config = media::MediaConfig {
        listen: "::".parse().unwrap(),
        ports: range,
        workers: 1,
    };
    let media = media::Media::start(config, move |report| sink.send(report).is_ok()).unwrap();
    let a = Phone::new(&media, 2, None);
    let b = Phone::new(&media, 3, None);
    connect(&media, &a, &b);
    for n in 0..10 {
        let to = SocketAddr::new("127.0.0.1".parse().unwrap(), a.port);
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: n,
            timestamp: 0,
            ssrc: 1,
        };
        a.rtp.send_to(&header.packet(&[1; 160]), to).unwrap();
        let mut buffer = [0; 2048];
        let (len, source) = b.rtp.recv_from(&mut buffer).unwrap();
        assert_eq!((len, source.port()), (172, b.port));
    }
}
