//! How long parsing the usual INVITE takes: `cargo run --release --example
//! parse_speed -p sip`. The figure is the best of many short runs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::{HeaderName, Message, Uri};

const RUNS: u32 = 20_000;
const TIMES: u32 = 50;

fn main() {
    let invite = invite();
    println!("INVITE of {} bytes", invite.len());
    measure("parse", || Message::parse(invite.clone()).is_ok());
    let Ok(message) = Message::parse(invite.clone()) else {
        return;
    };
    measure("with_top_via_received", || {
        message
            .with_top_via_received(([192, 0, 2, 9], 40000).into())
            .is_request()
    });
    measure("from, to, via, cseq", || {
        message.from_tag().is_some()
            && message.to().is_ok()
            && message.top_via().is_ok()
            && message.cseq().is_ok()
    });
    measure("last header", || {
        message.header(HeaderName::ContentLength).is_some()
    });
    measure("request URI", || {
        message
            .request_uri()
            .and_then(|u| Uri::parse(u).ok())
            .is_some()
    });
}

fn measure(what: &str, mut work: impl FnMut() -> bool) {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..TIMES {
            assert!(black_box(work()), "{what} fails");
        }
        best = best.min(start.elapsed());
    }
    println!(
        "{what}: {:.3} µs",
        best.as_secs_f64() * 1e6 / f64::from(TIMES)
    );
}

fn invite() -> Bytes {
    let sdp = "v=0\r\no=- 3907823 3907823 IN IP4 192.0.2.10\r\ns=phone\r\nc=IN IP4 192.0.2.10\r\n\
        t=0 0\r\nm=audio 11780 RTP/AVP 9 8 0 18 96 101\r\na=rtpmap:9 G722/8000\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\n\
        a=fmtp:18 annexb=no\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
    let head = "INVITE sip:1001@pbx.example.com:5060 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bK1d3f7a2c9be84f60;rport\r\n\
        From: \"Alice at the desk\" <sip:1000@pbx.example.com>;tag=77a1b2c3d4\r\n\
        To: <sip:1001@pbx.example.com>\r\n\
        Call-ID: 6f1d0c2e-5b7a-4e39-9c41-8d2f3a6b7c8d@192.0.2.10\r\n\
        CSeq: 102 INVITE\r\n\
        Contact: <sip:1000@192.0.2.10:5062;transport=udp;line=4c7d>\r\n\
        Max-Forwards: 70\r\n\
        Authorization: Digest username=\"1000\", realm=\"strowger\", \
        nonce=\"00000000000000010000000059682f004e5d6c7b8a9fae1d2c3b4a5968778695\", \
        uri=\"sip:1001@pbx.example.com:5060\", response=\"0123456789abcdef0123456789abcdef\", \
        algorithm=MD5, cnonce=\"9f8e7d6c\", qop=auth, nc=00000001\r\n\
        User-Agent: Deskphone T54 96.86.0.70\r\n\
        Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\n\
        Supported: replaces, timer, 100rel, path\r\n\
        Session-Expires: 1800\r\n\
        Content-Type: application/sdp\r\n";
    Bytes::from(format!("{head}Content-Length: {}\r\n\r\n{sdp}", sdp.len()))
}
