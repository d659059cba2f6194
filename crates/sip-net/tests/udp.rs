//! Real sockets: what comes in, what is turned away, what is answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use sip::Method;
use sip_net::{Lanes, Received, UdpTransport};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

struct Bench {
    transport: Arc<UdpTransport>,
    urgent: mpsc::Receiver<Received>,
    fresh: mpsc::Receiver<Received>,
    peer: UdpSocket,
}

async fn bench(fresh_room: usize) -> Bench {
    let transport = UdpTransport::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let (urgent_in, urgent) = mpsc::channel(16);
    let (fresh_in, fresh) = mpsc::channel(fresh_room);
    tokio::spawn(transport.clone().receive(Lanes {
        urgent: urgent_in,
        fresh: fresh_in,
    }));
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    Bench {
        transport,
        urgent,
        fresh,
        peer,
    }
}

fn request(method: &str, to_tag: &str, peer: SocketAddr) -> String {
    format!(
        "{method} sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bK1;rport\r\n\
         From: <sip:1000@127.0.0.1>;tag=a\r\nTo: <sip:1001@127.0.0.1>{to_tag}\r\nCall-ID: c\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

impl Bench {
    fn say(&self, text: &str) {
        self.peer
            .send_to(text.as_bytes(), self.transport.local_addr())
            .unwrap();
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 2048];
        let length = self.peer.recv(&mut buffer).expect("no answer");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_invite_is_fresh_and_bye_is_urgent_and_via_knows_the_source() {
    let mut bench = bench(4).await;
    let peer = bench.peer.local_addr().unwrap();
    bench.say(&request("INVITE", "", peer));
    bench.say(&request("BYE", ";tag=b", peer));
    let invite = timeout(PATIENCE, bench.fresh.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(invite.message.method(), Some(Method::Invite));
    assert_eq!(invite.flow.remote, peer);
    assert!(
        invite
            .message
            .header(sip::HeaderName::Via)
            .unwrap()
            .contains(&format!("rport={}", peer.port()))
    );
    let bye = timeout(PATIENCE, bench.urgent.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bye.message.method(), Some(Method::Bye));
}

#[tokio::test(flavor = "multi_thread")]
async fn full_fresh_lane_is_answered_503_and_an_in_dialog_request_still_passes() {
    let mut bench = bench(1).await;
    let peer = bench.peer.local_addr().unwrap();
    bench.say(&request("INVITE", "", peer));
    bench.say(&request("INVITE", "", peer));
    let answer = tokio::task::block_in_place(|| bench.hear());
    assert!(answer.starts_with("SIP/2.0 503 "), "{answer}");
    assert!(answer.contains("Retry-After:"), "{answer}");
    bench.say(&request("INFO", ";tag=b", peer));
    let info = timeout(PATIENCE, bench.urgent.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(info.message.method(), Some(Method::Info));
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_alive_and_noise_are_silent_and_a_broken_request_is_told() {
    let bench = bench(4).await;
    let peer = bench.peer.local_addr().unwrap();
    bench.say("\r\n\r\n");
    bench.say("hello");
    bench.say(&request("INVITE", "", peer).replace("CSeq: 1 INVITE", "CSeq: 1 BYE"));
    let answer = tokio::task::block_in_place(|| bench.hear());
    assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
}
