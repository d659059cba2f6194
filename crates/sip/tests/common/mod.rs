//! A simulated network in virtual time: two endpoints ([`Pair`]) or one and
//! messages by hand ([`Lone`]). A time-out of 32 s takes microseconds.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use sip::{
    Arrival, Body, ClientAuth, EndCause, Endpoint, EndpointConfig, Event, Flow, Instant, Invite,
    Message, Method, ServerTxId, SessionId, Transmit, Transport,
};

pub const T1: Duration = Duration::from_millis(500);
/// 64 × T1.
pub const TIMEOUT: Duration = Duration::from_secs(32);

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn sdp(text: &str) -> Body {
    Body::sdp(text.to_owned())
}

/// A small generator of its own: the same seed, the same network.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// What becomes of a message under way.
pub enum Fate {
    Deliver,
    Drop,
    /// Takes that much longer.
    Late(Duration),
}

type Rule = Box<dyn FnMut(usize, &Message) -> Fate>;

pub struct Net {
    pub delay: Duration,
    /// A further delay below this, for each message anew: reordering.
    pub jitter: Duration,
    /// In percent.
    pub loss: u64,
    pub duplicates: u64,
    /// Decides before chance does.
    pub rule: Option<Rule>,
    dice: Dice,
    under_way: BTreeMap<(Duration, u64), (usize, Transmit)>,
    count: u64,
}

pub struct Side {
    pub endpoint: Endpoint,
    pub address: SocketAddr,
    /// Not yet looked at by the test.
    pub events: Vec<Event>,
    /// Sessions of INVITEs that came and were taken on at once, not yet looked
    /// at either.
    pub called: Vec<SessionId>,
}

/// One message that was sent, delivered or not.
pub struct Wire {
    pub at: Duration,
    pub from: usize,
    pub message: Message,
}

/// The caller's side.
pub const A: usize = 0;
/// The callee's side.
pub const B: usize = 1;

pub struct Pair {
    pub now: Duration,
    pub sides: [Side; 2],
    pub net: Net,
    pub wire: Vec<Wire>,
}

pub fn config(seed: u8) -> EndpointConfig {
    EndpointConfig {
        max_transactions: 10_000,
        max_sessions: 1_000,
        ..EndpointConfig::new([seed; 32])
    }
}

impl Pair {
    pub fn new(seed: u64) -> Self {
        let side = |number: u8| Side {
            endpoint: Endpoint::new(config(number)),
            address: SocketAddr::from(([192, 0, 2, number], 5060)),
            events: Vec::new(),
            called: Vec::new(),
        };
        Self {
            now: Duration::from_secs(1),
            sides: [side(1), side(2)],
            net: Net {
                delay: ms(10),
                jitter: Duration::ZERO,
                loss: 0,
                duplicates: 0,
                rule: None,
                dice: Dice::new(seed),
                under_way: BTreeMap::new(),
                count: 0,
            },
            wire: Vec::new(),
        }
    }

    pub fn at(&self) -> Instant {
        Instant(self.now)
    }

    pub fn flow(&self, from: usize) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.sides[from].address,
            remote: self.sides[1 - from].address,
        }
    }

    pub fn invitation(&self, body: Option<Body>) -> Invite {
        Invite {
            uri: "sip:bob@192.0.2.2".into(),
            flow: self.flow(A),
            from: "\"Alice\" <sip:alice@example.com>".into(),
            to: "<sip:bob@example.com>".into(),
            contact: "<sip:alice@192.0.2.1:5060>".into(),
            max_forwards: 70,
            headers: Vec::new(),
            body,
            auth: None,
            via_host: self.sides[A].address,
        }
    }

    /// The caller invites.
    pub fn invite(&mut self) -> SessionId {
        let invite = self.invitation(Some(sdp("offer")));
        let now = self.at();
        self.sides[A].endpoint.invite(invite, now).unwrap()
    }

    pub fn endpoint(&mut self, side: usize) -> &mut Endpoint {
        &mut self.sides[side].endpoint
    }

    /// Sends what is to be sent, and collects events.
    pub fn flush(&mut self) {
        for from in [A, B] {
            self.take_calls(from);
            while let Some(transmit) = self.sides[from].endpoint.poll_transmit() {
                self.put_on_the_wire(from, transmit);
            }
        }
    }

    /// Collects events; an INVITE that came is taken on.
    fn take_calls(&mut self, side: usize) {
        let now = self.at();
        let side = &mut self.sides[side];
        while let Some(event) = side.endpoint.poll_event() {
            match event {
                Event::Arrived(call) if call.message().method() == Some(Method::Invite) => {
                    side.called
                        .push(side.endpoint.take_invite(&call, now).unwrap());
                }
                event => side.events.push(event),
            }
        }
    }

    fn put_on_the_wire(&mut self, from: usize, transmit: Transmit) {
        let message = Message::parse(transmit.bytes.clone())
            .unwrap_or_else(|e| panic!("we sent a bad message: {e}\n{:?}", transmit.bytes));
        let fate = match &mut self.net.rule {
            Some(rule) => rule(from, &message),
            None => Fate::Deliver,
        };
        self.wire.push(Wire {
            at: self.now,
            from,
            message,
        });
        let net = &mut self.net;
        let extra = match fate {
            Fate::Drop => return,
            Fate::Deliver => Duration::ZERO,
            Fate::Late(extra) => extra,
        };
        let copies = if net.dice.percent(net.duplicates) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            if net.dice.percent(net.loss) {
                continue;
            }
            let jitter = ms(net.dice.below(net.jitter.as_millis() as u64 + 1));
            net.count += 1;
            let at = self.now + net.delay + extra + jitter;
            net.under_way
                .insert((at, net.count), (from, transmit.clone()));
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<Duration> {
        let arrival = self.net.under_way.keys().next().map(|(at, _)| *at);
        let timers = self.sides.iter().map(|s| s.endpoint.poll_timeout());
        timers.flatten().map(|i| i.0).chain(arrival).min()
    }

    /// Goes to the next thing that happens, if that is not past `until`.
    pub fn step(&mut self, until: Duration) -> bool {
        self.flush();
        let Some(next) = self.next().filter(|next| *next <= until) else {
            return false;
        };
        self.now = self.now.max(next);
        let now = self.at();
        while let Some(entry) = self.net.under_way.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (from, transmit) = entry.remove();
            let flow = Flow {
                local: transmit.flow.remote,
                remote: transmit.flow.local,
                ..transmit.flow
            };
            let message = Message::parse(transmit.bytes).unwrap();
            self.sides[1 - from].endpoint.receive(message, flow, now);
            self.flush();
        }
        for side in [A, B] {
            self.sides[side].endpoint.handle_timeout(now);
            self.flush();
        }
        true
    }

    /// Lets time go by.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
        self.now = until;
    }

    /// Until nothing is under way and no timer is set, for five minutes at most.
    pub fn drive(&mut self) {
        let until = self.now + Duration::from_secs(300);
        while self.step(until) {}
        self.flush();
    }

    /// Takes the events of a side.
    pub fn events(&mut self, side: usize) -> Vec<Event> {
        self.flush();
        std::mem::take(&mut self.sides[side].events)
    }

    /// The INVITE that came to B.
    pub fn incoming(&mut self) -> SessionId {
        self.events(B);
        self.sides[B].called.pop().expect("no INVITE came")
    }

    pub fn accept(&mut self, session: SessionId) {
        let now = self.at();
        let contact = "<sip:bob@192.0.2.2:5060>";
        self.sides[B]
            .endpoint
            .accept(session, sdp("answer"), contact, &[], now)
            .unwrap();
    }

    pub fn ring(&mut self, session: SessionId) {
        let now = self.at();
        let contact = "<sip:bob@192.0.2.2:5060>";
        self.sides[B]
            .endpoint
            .ring(session, 180, None, contact, now)
            .unwrap();
    }

    pub fn terminate(&mut self, side: usize, session: SessionId) {
        let now = self.at();
        self.sides[side]
            .endpoint
            .terminate(session, &[], now)
            .unwrap();
    }

    /// A session that both have established; no event is left.
    pub fn established(seed: u64) -> (Self, SessionId, SessionId) {
        let mut pair = Self::new(seed);
        let a = pair.invite();
        pair.run_for(ms(50));
        let b = pair.incoming();
        pair.accept(b);
        pair.run_for(ms(50));
        let answered = pair.events(A);
        assert!(
            matches!(answered[..], [Event::Answered { .. }]),
            "{answered:?}"
        );
        let acked = pair.events(B);
        assert!(matches!(acked[..], [Event::Acked { .. }]), "{acked:?}");
        (pair, a, b)
    }

    /// What was sent by a side since the start, as `INVITE` or `200 INVITE`.
    pub fn sent(&self, from: usize) -> Vec<String> {
        self.wire
            .iter()
            .filter(|wire| wire.from == from)
            .map(|wire| label(&wire.message))
            .collect()
    }

    /// How often a side sent this.
    pub fn count(&self, from: usize, what: &str) -> usize {
        self.sent(from).iter().filter(|l| *l == what).count()
    }

    /// The causes of the ends that a side was told.
    pub fn ends(&mut self, side: usize) -> Vec<EndCause> {
        ends(&self.events(side))
    }

    /// Nothing is left of anything.
    pub fn assert_clean(&self) {
        for side in &self.sides {
            assert_eq!(side.endpoint.load(), sip::Load::default());
            assert_eq!(side.endpoint.poll_timeout(), None);
        }
    }
}

pub fn ends(events: &[Event]) -> Vec<EndCause> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { cause, .. } => Some(cause.clone()),
            _ => None,
        })
        .collect()
}

/// `INVITE`, or `200 INVITE`.
pub fn label(message: &Message) -> String {
    match message.status() {
        Some(status) => format!("{status} {}", message.cseq().unwrap().method),
        None => message.method().unwrap().to_string(),
    }
}

pub fn is(message: &Message, what: &str) -> bool {
    label(message) == what
}

/// One endpoint; the far end is the test.
pub struct Lone {
    pub endpoint: Endpoint,
    pub now: Duration,
    pub flow: Flow,
}

impl Lone {
    pub fn new() -> Self {
        Self::with(config(7))
    }

    pub fn with(config: EndpointConfig) -> Self {
        Self {
            endpoint: Endpoint::new(config),
            now: Duration::ZERO,
            flow: Flow {
                transport: Transport::Udp,
                local: SocketAddr::from(([192, 0, 2, 1], 5060)),
                remote: SocketAddr::from(([192, 0, 2, 9], 5060)),
            },
        }
    }

    pub fn over(transport: Transport) -> Self {
        let mut lone = Self::new();
        lone.flow.transport = transport;
        lone
    }

    pub fn at(&self) -> Instant {
        Instant(self.now)
    }

    /// A message with plain line ends.
    pub fn hear(&mut self, text: &str) {
        let bytes = text.replace('\n', "\r\n").into_bytes();
        let message = Message::parse(bytes.into()).unwrap();
        let now = self.at();
        self.endpoint.receive(message, self.flow, now);
    }

    pub fn sent(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.endpoint.poll_transmit())
            .map(|transmit| Message::parse(transmit.bytes).unwrap())
            .collect()
    }

    /// The one message that was sent.
    pub fn only(&mut self) -> Message {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }

    /// Goes to a time (ms since the start); returns what was sent and when.
    pub fn until(&mut self, millis: u64) -> Vec<(u64, String)> {
        let until = ms(millis);
        let mut sent = Vec::new();
        while let Some(next) = self.endpoint.poll_timeout().filter(|t| t.0 <= until) {
            self.now = self.now.max(next.0);
            self.endpoint.handle_timeout(next);
            for message in self.sent() {
                sent.push((self.now.as_millis() as u64, label(&message)));
            }
        }
        self.now = until;
        sent
    }

    pub fn invite(&mut self) -> (SessionId, Message) {
        self.invite_with(Some(sdp("offer")), None)
    }

    pub fn invite_with(
        &mut self,
        body: Option<Body>,
        auth: Option<ClientAuth>,
    ) -> (SessionId, Message) {
        let invite = Invite {
            uri: "sip:bob@192.0.2.9".into(),
            flow: self.flow,
            from: "<sip:alice@example.com>".into(),
            to: "<sip:bob@example.com>".into(),
            contact: "<sip:alice@192.0.2.1:5060>".into(),
            max_forwards: 70,
            headers: Vec::new(),
            body,
            auth,
            via_host: self.flow.local,
        };
        let now = self.at();
        let session = self.endpoint.invite(invite, now).unwrap();
        (session, self.only())
    }

    /// An INVITE comes and is told; its 100 has been looked at.
    pub fn invited(&mut self) -> SessionId {
        self.hear(&request("INVITE", 1, "", "z9hG4bKinvite", OFFER));
        let session = self.take_invite();
        let trying = self.only();
        assert_eq!(trying.status(), Some(100));
        session
    }

    /// The one request that arrived.
    pub fn arrival(&mut self) -> Arrival {
        match &self.events()[..] {
            [Event::Arrived(arrival)] => arrival.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Takes on the INVITE that arrived.
    pub fn take_invite(&mut self) -> SessionId {
        let (call, now) = (self.arrival(), self.at());
        self.endpoint.take_invite(&call, now).unwrap()
    }

    /// Takes on another request that arrived.
    pub fn take_request(&mut self) -> ServerTxId {
        let (asked, now) = (self.arrival(), self.at());
        self.endpoint.take_request(&asked, now).unwrap()
    }

    /// An INVITE that was accepted and ACKed; the To with our tag.
    pub fn called() -> (Self, SessionId, String) {
        let mut lone = Self::new();
        let session = lone.invited();
        let now = lone.at();
        lone.endpoint
            .accept(session, sdp("answer"), "<sip:us@192.0.2.1:5060>", &[], now)
            .unwrap();
        let tag = format!(";tag={}", lone.only().to_tag().unwrap());
        lone.hear(&request("ACK", 1, &tag, "z9hG4bKack", ""));
        assert!(matches!(lone.events()[..], [Event::Acked { .. }]));
        (lone, session, tag)
    }
}

pub const OFFER: &str = "Content-Type: application/sdp\n\noffer";

/// A request of the far end: a dialog's where `to_tag` has one.
pub fn request(method: &str, cseq: u32, to_tag: &str, branch: &str, rest: &str) -> String {
    let rest = if rest.is_empty() { "\n" } else { rest };
    format!(
        "{method} sip:us@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.9:5060;branch={branch}
From: <sip:them@192.0.2.9>;tag=them
To: <sip:us@192.0.2.1>{to_tag}
Call-ID: call-1@192.0.2.9
CSeq: {cseq} {method}
Contact: <sip:them@192.0.2.9:5060>
Max-Forwards: 70
{rest}"
    )
}

/// A response to a request of ours; `rest` has more headers and the body.
pub fn response(request: &Message, status: u16, to_tag: &str, rest: &str) -> String {
    let rest = if rest.is_empty() { "\n" } else { rest };
    let header = |name: &str| request.header(name.into()).unwrap().to_owned();
    let to = match request.to_tag() {
        Some(_) => header("To"),
        None if to_tag.is_empty() => header("To"),
        None => format!("{};tag={to_tag}", header("To")),
    };
    format!(
        "SIP/2.0 {status} Reason
Via: {}
From: {}
To: {to}
Call-ID: {}
CSeq: {}
{rest}",
        header("Via"),
        header("From"),
        header("Call-ID"),
        header("CSeq"),
    )
}

pub const ANSWER: &str = "Contact: <sip:bob@192.0.2.9:5060>
Content-Type: application/sdp

answer";

pub fn method(message: &Message) -> Method {
    message.method().unwrap()
}
