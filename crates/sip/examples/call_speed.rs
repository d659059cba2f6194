//! What a call costs in the core: two endpoints, one process, no sockets.
//! `cargo run --release -p sip --example call_speed`
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant as Clock};

use sip::{
    Body, Endpoint, EndpointConfig, Event, Flow, Instant, Invite, Message, SessionId, Transport,
};

/// Calls a second of virtual time, as on a busy exchange.
const RATE: u64 = 200;
/// So many calls are made.
const CALLS: u64 = 40_000;
/// A call lasts this long.
const TALK: Duration = Duration::from_secs(5);

/// A session description of usual length.
const SDP: &str = "v=0\r\no=- 3890 3890 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 20000 RTP/AVP 0 8 9 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

fn main() {
    let side = |seed| Endpoint::new(EndpointConfig::new([seed; 32]));
    let (mut a, mut b) = (side(1), side(2));
    let [at_a, at_b] = [1, 2].map(|n| std::net::SocketAddr::from(([192, 0, 2, n], 5060)));
    let flow = Flow {
        transport: Transport::Udp,
        local: at_a,
        remote: at_b,
    };
    let mut talking: std::collections::VecDeque<(Duration, SessionId)> = Default::default();
    let (mut messages, mut most) = (0_u64, sip::Load::default());
    let start = Clock::now();
    for call in 0..CALLS {
        let now = Instant(Duration::from_micros(call * 1_000_000 / RATE));
        a.handle_timeout(now);
        b.handle_timeout(now);
        let invite = Invite {
            uri: "sip:1001@192.0.2.2".into(),
            flow,
            from: "\"Alice\" <sip:1000@192.0.2.1>".into(),
            to: "<sip:1001@192.0.2.2>".into(),
            contact: "<sip:1000@192.0.2.1:5060>".into(),
            max_forwards: 70,
            headers: Vec::new(),
            body: Some(Body::sdp(SDP)),
            auth: None,
            via_host: at_a,
        };
        talking.push_back((now.0 + TALK, a.invite(invite, now).unwrap()));
        while talking.front().is_some_and(|(at, _)| *at <= now.0) {
            if let Some((_, session)) = talking.pop_front() {
                a.terminate(session, &[], now).unwrap();
            }
        }
        loop {
            let before = messages;
            while let Some(transmit) = a.poll_transmit() {
                messages += 1;
                b.receive(Message::parse(transmit.bytes).unwrap(), back(flow), now);
            }
            while let Some(event) = b.poll_event() {
                if let Event::Arrived(call) = event {
                    let session = b.take_invite(&call, now).unwrap();
                    let contact = "<sip:1001@192.0.2.2:5060>";
                    b.ring(session, 180, None, contact, now).unwrap();
                    b.accept(session, Body::sdp(SDP), contact, &[], now)
                        .unwrap();
                }
            }
            while let Some(transmit) = b.poll_transmit() {
                messages += 1;
                a.receive(Message::parse(transmit.bytes).unwrap(), flow, now);
            }
            while a.poll_event().is_some() {}
            if messages == before {
                break;
            }
        }
        let load = a.load();
        if load.transactions > most.transactions {
            most = load;
        }
    }
    let spent = start.elapsed();
    let per = |count: u64| spent.as_secs_f64() * 1e6 / count as f64;
    println!(
        "{:.1} µs a call (both ends), {:.2} µs a message; caller's most: {most:?}",
        per(CALLS),
        per(messages),
    );
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = memory.lines().find(|line| line.starts_with("VmHWM"));
    println!("{}", peak.unwrap_or_default());
}

fn back(flow: Flow) -> Flow {
    Flow {
        local: flow.remote,
        remote: flow.local,
        ..flow
    }
}
