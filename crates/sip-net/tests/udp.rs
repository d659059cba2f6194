//! The UDP transport over real sockets of the loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::{Message, Method};
use sip_net::{Lanes, NetError, Received, UdpTransport};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

struct Rig {
    transport: Arc<UdpTransport>,
    urgent: mpsc::Receiver<Received>,
    fresh: mpsc::Receiver<Received>,
    peer: UdpSocket,
}

impl Rig {
    async fn new(room: usize) -> Self {
        Self::on("127.0.0.1:0", room).await
    }

    async fn on(address: &str, room: usize) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let transport = UdpTransport::bind(address.parse().unwrap()).await.unwrap();
        let (urgent_in, urgent) = mpsc::channel(room);
        let (fresh_in, fresh) = mpsc::channel(room);
        tokio::spawn(transport.clone().receive(Lanes {
            urgent: urgent_in,
            fresh: fresh_in,
        }));
        let peer = UdpSocket::bind(any).await.unwrap();
        let port = transport.local_addr().port();
        peer.connect(("127.0.0.1", port)).await.unwrap();
        Self {
            transport,
            urgent,
            fresh,
            peer,
        }
    }

    async fn say(&self, text: &str) {
        self.peer.send(text.as_bytes()).await.unwrap();
    }

    async fn hear(&self) -> Message {
        let mut buffer = [0; 4096];
        let length = timeout(DEADLINE, self.peer.recv(&mut buffer))
            .await
            .expect("no answer")
            .unwrap();
        Message::parse(Bytes::copy_from_slice(&buffer[..length])).unwrap()
    }
}

async fn next(lane: &mut mpsc::Receiver<Received>) -> Received {
    timeout(DEADLINE, lane.recv())
        .await
        .expect("empty")
        .unwrap()
}

fn request(method: &str, to_tag: &str, branch: &str) -> String {
    format!(
        "{method} sip:100@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK{branch}\r\n\
         From: <sip:a@127.0.0.1>;tag=1\r\n\
         To: <sip:100@127.0.0.1>{to_tag}\r\n\
         Call-ID: {branch}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n\r\n"
    )
}

#[tokio::test]
async fn what_starts_something_and_what_belongs_to_something_take_different_lanes() {
    let mut rig = Rig::new(8).await;
    rig.say(&request("INVITE", "", "a")).await;
    rig.say(&request("REGISTER", ";tag=9", "b")).await;
    rig.say(&request("BYE", ";tag=9", "c")).await;
    rig.say(&request("INVITE", ";tag=9", "d")).await;
    rig.say(&request("CANCEL", "", "e")).await;
    for call_id in ["a", "b"] {
        let received = next(&mut rig.fresh).await;
        assert_eq!(received.message.call_id(), Some(call_id));
        assert_eq!(received.flow.remote, rig.peer.local_addr().unwrap());
        assert_eq!(received.flow.local, rig.transport.local_addr());
    }
    for call_id in ["c", "d", "e"] {
        assert_eq!(next(&mut rig.urgent).await.message.call_id(), Some(call_id));
    }
}

#[tokio::test]
async fn a_full_fresh_lane_is_answered_with_503_and_the_urgent_lane_still_runs() {
    let mut rig = Rig::new(1).await;
    rig.say(&request("INVITE", "", "first")).await;
    rig.say(&request("INVITE", "", "second")).await;
    let refused = rig.hear().await;
    assert_eq!(refused.status(), Some(503));
    assert_eq!(refused.call_id(), Some("second"));
    assert!(refused.header("Retry-After".into()).is_some());
    assert!(refused.to_tag().is_some());
    rig.say(&request("BYE", ";tag=9", "third")).await;
    let bye = next(&mut rig.urgent).await;
    assert_eq!(bye.message.method(), Some(Method::Bye));
    assert_eq!(next(&mut rig.fresh).await.message.call_id(), Some("first"));
}

#[tokio::test]
async fn a_copy_of_what_is_in_already_is_not_refused_for_want_of_room() {
    let mut rig = Rig::new(1).await;
    rig.say(&request("INVITE", "", "rings")).await;
    assert_eq!(next(&mut rig.fresh).await.message.call_id(), Some("rings"));
    rig.say(&request("INVITE", "", "waits")).await;
    for copy in ["waits", "rings", "waits"] {
        rig.say(&request("INVITE", "", copy)).await;
    }
    rig.say(&request("INVITE", "", "new")).await;
    let refused = rig.hear().await;
    assert_eq!(refused.call_id(), Some("new"), "the first to be refused");
    // With room again, copies are for the transaction to absorb.
    assert_eq!(next(&mut rig.fresh).await.message.call_id(), Some("waits"));
    rig.say(&request("INVITE", "", "waits")).await;
    assert_eq!(next(&mut rig.fresh).await.message.call_id(), Some("waits"));
}

#[tokio::test]
async fn a_socket_of_both_families_knows_an_ipv4_peer_by_its_ipv4_address() {
    let mut rig = Rig::on("[::]:0", 1).await;
    rig.say(&request("BYE", ";tag=9", "x")).await;
    let received = next(&mut rig.urgent).await;
    let peer = rig.peer.local_addr().unwrap();
    assert!(peer.is_ipv4());
    assert_eq!(received.flow.remote, peer);
    let answer = request("OPTIONS", "", "y");
    rig.transport
        .send(answer.as_bytes(), received.flow.remote)
        .unwrap();
    assert_eq!(rig.hear().await.call_id(), Some("y"));
}

#[tokio::test]
async fn a_broken_request_that_can_be_answered_gets_400_and_an_ack_nothing() {
    let rig = Rig::new(1).await;
    let broken = |method: &str| request(method, "", "x").replace("70", "many");
    rig.say("\r\n\r\n").await;
    rig.say("not SIP at all").await;
    rig.say(&broken("ACK")).await;
    rig.say(&broken("OPTIONS")).await;
    let answer = rig.hear().await;
    assert_eq!(answer.status(), Some(400));
    assert_eq!(answer.cseq().unwrap().method, Method::Options);
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order() {
    const BURST: usize = 300;
    let mut rig = Rig::new(BURST).await;
    for number in 0..BURST {
        rig.say(&request("BYE", ";tag=9", &number.to_string()))
            .await;
    }
    for number in 0..BURST {
        let received = next(&mut rig.urgent).await;
        assert_eq!(received.message.call_id(), Some(&*number.to_string()));
    }
}

#[tokio::test]
async fn the_first_send_after_bind_is_sent_and_what_is_too_long_is_refused() {
    let rig = Rig::new(1).await;
    let to = rig.peer.local_addr().unwrap();
    rig.transport
        .send(request("OPTIONS", "", "y").as_bytes(), to)
        .unwrap();
    assert_eq!(rig.hear().await.call_id(), Some("y"));
    let long = vec![b'x'; 70_000];
    assert!(matches!(
        rig.transport.send(&long, to),
        Err(NetError::Send { .. })
    ));
}

#[tokio::test]
async fn a_taken_address_is_refused() {
    let rig = Rig::new(1).await;
    let taken = rig.transport.local_addr();
    assert!(matches!(
        UdpTransport::bind(taken).await,
        Err(NetError::Bind { address, .. }) if address == taken
    ));
}

#[tokio::test]
async fn receiving_ends_with_the_lanes() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let transport = UdpTransport::bind(any).await.unwrap();
    let (urgent, _) = mpsc::channel(1);
    let (fresh, _) = mpsc::channel(1);
    let receiving = tokio::spawn(transport.clone().receive(Lanes { urgent, fresh }));
    let peer = UdpSocket::bind(any).await.unwrap();
    let bye = request("BYE", ";tag=9", "z");
    peer.send_to(bye.as_bytes(), transport.local_addr())
        .await
        .unwrap();
    timeout(DEADLINE, receiving).await.unwrap().unwrap();
}
