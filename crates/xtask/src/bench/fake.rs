//! An exchange of the simplest kind, for the generator's own tests: one thread
//! and one socket, back to back, no audio in between. What it is told to spoil
//! the generator must find.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use super::digest::{Asked, Challenge, parameters};
use super::load::{CallPlan, Load};
use super::outcome::{Failure, Outcome};
use super::phones::{self, CNONCE, Phone};
use super::text::{self, Incoming, user_of};

/// What the exchange does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Refuses each fourth call.
    Refuse,
    /// Loses each fifth datagram that it receives.
    Lose,
    /// Takes so long over each response of a callee.
    Slow(Duration),
    /// Never tells the callee that the caller hung up.
    ForgetBye,
    /// Never sends the callee the ACK.
    ForgetAck,
}

const CHALLENGE: &str = "Digest realm=\"fake\", nonce=\"n0\", algorithm=MD5, qop=\"auth\"";

struct Exchange {
    socket: UdpSocket,
    fault: Fault,
    contacts: HashMap<String, (SocketAddr, String)>,
    /// Call-ID of either leg: the other leg's Call-ID, its peer, its first INVITE.
    legs: HashMap<String, Other>,
    heard: u64,
    calls: u64,
}

#[derive(Clone)]
struct Other {
    call_id: String,
    peer: SocketAddr,
    invite: Vec<u8>,
    /// From and To as the other leg must see them in requests of ours.
    target: String,
    local: String,
    remote: String,
    is_callee: bool,
}

fn start(fault: Fault) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        Exchange {
            socket,
            fault,
            contacts: HashMap::new(),
            legs: HashMap::new(),
            heard: 0,
            calls: 0,
        }
        .run();
    });
    address
}

impl Exchange {
    fn run(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
            self.heard += 1;
            if self.fault == Fault::Lose && self.heard.is_multiple_of(5) {
                continue;
            }
            let message = Incoming::parse(&buffer[..length]).unwrap();
            match message.method() {
                Some("REGISTER") => self.register(&message, from),
                Some("INVITE") => self.invite(&message, from),
                Some("ACK") => self.pass_ack(&message),
                Some("BYE") => self.bye(&message, from),
                Some(_) => {}
                None => self.response(&message),
            }
        }
    }

    fn send(&self, to: SocketAddr, bytes: &[u8]) {
        self.socket.send_to(bytes, to).unwrap();
    }

    /// Whether the request carries the right answer to our one challenge.
    fn proved(&self, message: &Incoming<'_>, method: &str) -> Option<String> {
        let value = message
            .one("Authorization")
            .or(message.one("Proxy-Authorization"))?;
        let given: HashMap<_, _> = parameters(value.strip_prefix("Digest ")?)
            .into_iter()
            .collect();
        let username = given.get("username")?;
        let number = username.strip_prefix("reg")?;
        let right = Challenge::parse(CHALLENGE)?.answer(Asked {
            username,
            password: &format!("Secret{number}x"),
            method,
            uri: given.get("uri")?,
            cnonce: CNONCE,
        });
        let response = given.get("response")?;
        right.contains(response.as_str()).then(|| number.to_owned())
    }

    fn register(&mut self, message: &Incoming<'_>, from: SocketAddr) {
        let Some(number) = self.proved(message, "REGISTER") else {
            let more = format!("WWW-Authenticate: {CHALLENGE}\r\n");
            self.send(from, &message.respond("401 Unauthorized", "r", &more, ""));
            return;
        };
        let contact = message.contact().unwrap().to_owned();
        self.contacts.insert(number, (from, contact));
        self.send(from, &message.respond("200 OK", "r", "", ""));
    }

    fn invite(&mut self, message: &Incoming<'_>, from: SocketAddr) {
        if self.proved(message, "INVITE").is_none() {
            let more = format!("Proxy-Authenticate: {CHALLENGE}\r\n");
            let status = "407 Proxy Authentication Required";
            self.send(from, &message.respond(status, "c", &more, ""));
            return;
        }
        if self.legs.contains_key(message.call_id()) {
            return;
        }
        self.calls += 1;
        if self.fault == Fault::Refuse && self.calls.is_multiple_of(4) {
            self.send(
                from,
                &message.respond("503 Service Unavailable", "x", "", ""),
            );
            return;
        }
        self.send(from, &message.respond("100 Trying", "", "", ""));
        let callee = user_of(message.uri().unwrap()).unwrap();
        let (peer, contact) = self.contacts[callee].clone();
        let own = self.socket.local_addr().unwrap();
        let call_id = format!("fake{}", self.calls);
        let invite = text::close(
            format!(
                "INVITE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{call_id}\r\n\
                 From: <sip:x@{own}>;tag=f\r\nTo: <{contact}>\r\nCall-ID: {call_id}\r\n\
                 CSeq: 1 INVITE\r\nContact: <sip:fake@{own}>\r\n"
            ),
            message.body,
        );
        self.send(peer, &invite);
        let mut caller_invite = format!("INVITE {} SIP/2.0\r\n", message.uri().unwrap());
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text::push(&mut caller_invite, name, message.one(name).unwrap());
        }
        let caller = Other {
            call_id: message.call_id().to_owned(),
            peer: from,
            invite: text::close(caller_invite, ""),
            target: message.contact().unwrap().to_owned(),
            local: format!("{};tag=f", message.one("To").unwrap()),
            remote: message.one("From").unwrap().to_owned(),
            is_callee: false,
        };
        let callee = Other {
            call_id: call_id.clone(),
            peer,
            invite: invite.clone(),
            target: contact.clone(),
            local: format!("<sip:x@{own}>;tag=f"),
            remote: format!("<{contact}>"),
            is_callee: true,
        };
        self.legs.insert(call_id, caller);
        self.legs.insert(message.call_id().to_owned(), callee);
    }

    fn response(&mut self, message: &Incoming<'_>) {
        let (_, method) = message.cseq();
        if method != "INVITE" {
            return;
        }
        if let Fault::Slow(time) = self.fault {
            thread::sleep(time);
        }
        let Some(caller) = self.legs.get(message.call_id()).cloned() else {
            return;
        };
        // The callee's tag is needed for a BYE to it.
        if let Some(callee) = self.legs.get_mut(&caller.call_id) {
            callee.remote = message.one("To").unwrap().to_owned();
        }
        let own = self.socket.local_addr().unwrap();
        let invite = Incoming::parse(&caller.invite).unwrap();
        let status = match message.status().unwrap() {
            180 => "180 Ringing",
            200 => "200 OK",
            _ => return,
        };
        let more = format!("Contact: <sip:fake@{own}>\r\n");
        self.send(
            caller.peer,
            &invite.respond(status, "f", &more, message.body),
        );
    }

    fn request(&self, method: &str, leg: &Other) -> Vec<u8> {
        let own = self.socket.local_addr().unwrap();
        let cseq = if method == "ACK" { 1 } else { 9 };
        text::close(
            format!(
                "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{method}{}\r\n\
                 From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n",
                leg.target, leg.call_id, leg.local, leg.remote, leg.call_id
            ),
            "",
        )
    }

    fn pass_ack(&self, message: &Incoming<'_>) {
        // The ACK to the 407 has the challenge's tag.
        let challenged = message.one("To").unwrap().contains("tag=c");
        if let Some(other) = self.legs.get(message.call_id())
            && other.is_callee
            && !challenged
            && self.fault != Fault::ForgetAck
        {
            self.send(other.peer, &self.request("ACK", other));
        }
    }

    fn bye(&self, message: &Incoming<'_>, from: SocketAddr) {
        self.send(from, &message.respond("200 OK", "", "", ""));
        if let Some(other) = self.legs.get(message.call_id())
            && !(self.fault == Fault::ForgetBye && other.is_callee)
        {
            self.send(other.peer, &self.request("BYE", other));
        }
    }
}

fn load(fault: Fault, count: usize, hold: Duration) -> Outcome {
    let server = start(fault);
    let phones: Vec<_> = phones::accounts(4)
        .into_iter()
        .map(|account| Phone::open(account, server).unwrap())
        .collect();
    phones::register_all(&phones, server).unwrap();
    let plan = CallPlan {
        count,
        rate: 100.0,
        hold: Some(hold),
        ring: Duration::from_millis(5),
        ports: vec![[4000, 4002]],
        label: "test".to_owned(),
    };
    Load::new(&phones, server, plan).unwrap().finish().unwrap()
}

const HOLD: Duration = Duration::from_millis(30);

#[test]
fn calls_through_a_sound_exchange_all_complete_at_the_rate_asked_for() {
    let outcome = load(Fault::None, 60, HOLD);
    assert_eq!(outcome.completed, 60, "{outcome:?}");
    assert_eq!(
        outcome.failed() + outcome.stray + outcome.repeated,
        0,
        "{outcome:?}"
    );
    assert!(
        (95.0..105.0).contains(&outcome.rate()),
        "{}",
        outcome.rate()
    );
    assert_eq!(outcome.ring_delay.count(), 60);
    assert_eq!(outcome.answer_relay.count(), 60);
    assert!(outcome.answer_relay.summary().p50 < Duration::from_millis(2));
}

#[test]
fn refused_calls_are_counted_with_their_status() {
    let outcome = load(Fault::Refuse, 20, HOLD);
    assert_eq!(outcome.failures[&Failure::Refused(503)], 5);
    assert_eq!(outcome.completed, 15);
}

#[test]
fn lost_datagrams_are_sent_again_and_seen_as_such() {
    let outcome = load(Fault::Lose, 20, HOLD);
    assert!(outcome.repeated > 0, "{outcome:?}");
}

#[test]
fn the_delay_that_an_exchange_adds_is_what_is_measured() {
    let outcome = load(Fault::Slow(Duration::from_millis(3)), 20, HOLD);
    let (ring, answer) = (outcome.ring_relay.summary(), outcome.answer_relay.summary());
    let expected = Duration::from_millis(3)..Duration::from_millis(8);
    assert!(expected.contains(&ring.p50), "{ring:?}");
    assert!(expected.contains(&answer.p50), "{answer:?}");
    assert_eq!(outcome.failed(), 0);
}

#[test]
fn a_call_whose_callee_never_hears_of_its_end_has_failed() {
    let outcome = load(Fault::ForgetBye, 4, HOLD);
    let stuck = Failure::Stuck("the callee was not told of the end");
    assert_eq!(outcome.failures[&stuck], 2, "{outcome:?}");
    assert_eq!(outcome.completed, 2);
}

#[test]
fn a_call_whose_callee_never_gets_the_ack_has_failed() {
    let outcome = load(Fault::ForgetAck, 2, HOLD);
    assert_eq!(outcome.completed, 0, "{outcome:?}");
    assert_eq!(outcome.failed(), 2, "{outcome:?}");
}
