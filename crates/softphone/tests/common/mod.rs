//! The other end of a softphone, by hand: a socket that says what it is told to.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use media::Codec;
use sip::{HeaderName, Message, MessageBuilder, Method};
use softphone::{Answer, Softphone, SoftphoneConfig};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Longest that a test waits for any one thing.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Peer {
    socket: UdpSocket,
    waiting: VecDeque<Message>,
    cseq: u32,
    /// To, with the phone's tag once it is known.
    phone: String,
}

impl Peer {
    /// A peer, and a phone that takes it for its exchange.
    pub async fn with_phone() -> (Self, Softphone) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let phone = Softphone::start(SoftphoneConfig {
            registrar: socket.local_addr().unwrap(),
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            number: "1000".into(),
            reg_name: "auth1000".into(),
            password: "secret".into(),
            tone: None,
            codecs: vec![Codec::Pcmu],
            answer: Answer::After(Duration::ZERO),
        })
        .await
        .unwrap();
        socket.connect(phone.address()).await.unwrap();
        let peer = Self {
            socket,
            waiting: VecDeque::new(),
            cseq: 0,
            phone: "<sip:1000@127.0.0.1>".into(),
        };
        (peer, phone)
    }

    /// The next message that is wanted; others wait.
    async fn hear(&mut self, wanted: impl Fn(&Message) -> bool) -> Message {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).unwrap();
        }
        let hearing = async {
            let mut buffer = [0; 4096];
            loop {
                let length = self.socket.recv(&mut buffer).await.unwrap();
                let message = Message::parse(Bytes::copy_from_slice(&buffer[..length])).unwrap();
                if wanted(&message) {
                    return message;
                }
                self.waiting.push_back(message);
            }
        };
        timeout(PATIENCE, hearing).await.expect("nothing came")
    }

    pub async fn request(&mut self, method: Method) -> Message {
        self.hear(|m| m.method() == Some(method.clone())).await
    }

    pub async fn reply(
        &self,
        request: &Message,
        status: u16,
        headers: &[(HeaderName, String)],
        body: Option<&str>,
    ) {
        let mut response = MessageBuilder::response_to(request, status, Some("peer"))
            .header(HeaderName::Contact, self.contact());
        for (name, value) in headers {
            response = response.header(name.clone(), value);
        }
        if let Some(body) = body {
            response = response.body("application/sdp", body.as_bytes().to_vec());
        }
        let response = response.build().unwrap();
        self.socket.send(response.as_bytes()).await.unwrap();
    }

    fn contact(&self) -> String {
        format!("<sip:peer@{}>", self.socket.local_addr().unwrap())
    }

    /// The SDP of an end that does this with audio.
    pub fn sdp(direction: &str) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio 9 RTP/AVP 0\r\na={direction}\r\n"
        )
    }

    /// Offers, at first or anew; the direction that the phone answers.
    pub async fn offer(&mut self, direction: &str) -> String {
        self.cseq += 1;
        let cseq = self.cseq;
        let build = |method: Method, to: &str, contact: &str, branch: &str| {
            MessageBuilder::request(method.clone(), "sip:1000@127.0.0.1")
                .header(
                    HeaderName::Via,
                    format!("SIP/2.0/UDP 127.0.0.1;rport;branch={branch}"),
                )
                .header(HeaderName::MaxForwards, "70")
                .header(HeaderName::From, "<sip:peer@127.0.0.1>;tag=peer")
                .header(HeaderName::To, to)
                .header(HeaderName::CallId, "call")
                .header(HeaderName::CSeq, format!("{cseq} {method}"))
                .header(HeaderName::Contact, contact)
        };
        let contact = self.contact();
        let branch = format!("z9hG4bK{cseq}");
        let invite = build(Method::Invite, &self.phone, &contact, &branch)
            .body("application/sdp", Self::sdp(direction).into_bytes());
        let invite = invite.build().unwrap();
        self.socket.send(invite.as_bytes()).await.unwrap();
        let answer = self
            .hear(|m| m.status().is_some_and(|s| s >= 200) && m.cseq().unwrap().number == cseq)
            .await;
        assert_eq!(answer.status(), Some(200), "{answer}");
        self.phone = answer.header(HeaderName::To).unwrap().to_owned();
        let ack = build(Method::Ack, &self.phone, &contact, &format!("{branch}a"));
        let ack = ack.build().unwrap();
        self.socket.send(ack.as_bytes()).await.unwrap();
        direction_of(&answer)
    }
}

/// What a message's SDP says its sender does with audio.
pub fn direction_of(message: &Message) -> String {
    let body = String::from_utf8(message.body().to_vec()).unwrap();
    let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
    let said = known.iter().find(|d| body.contains(&format!("a={d}\r\n")));
    (*said.unwrap_or_else(|| panic!("{body}"))).to_owned()
}
