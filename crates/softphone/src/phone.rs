//! The phone itself: one task that owns its SIP endpoint, and its handle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::Codec;
use parking_lot::Mutex;
use sip::{
    Body, ClientAuth, Endpoint, EndpointConfig, Event, Flow, HeaderName, Invite, Message, Method,
    OutOfDialog, RequestTxId, SessionId, Transport,
};
use sip_net::{Lanes, NetError, Received, UdpTransport};
use tokio::sync::{mpsc, oneshot};

use crate::audio::{Audio, Ear};
use crate::config::{Answer, SoftphoneConfig};
use crate::sdp;

/// Most events that wait for the phone's owner; further ones are dropped.
const EVENTS: usize = 256;
/// Most messages that wait for the phone.
const MESSAGES: usize = 256;
/// How long a registration is asked for, seconds.
const EXPIRES: u32 = 300;

/// Why the phone could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// Its socket.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its audio.
    #[error("audio: {0}")]
    Audio(#[from] std::io::Error),
    /// The exchange refused, with this status; 408 where it did not answer.
    #[error("refused with {0}")]
    Refused(u16),
    /// No randomness.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    /// It is in a call already, or in none.
    #[error("the phone is not in a state for that")]
    State,
    /// It was switched off.
    #[error("the phone is off")]
    Off,
}

/// What the phone lives through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// It is called, and rings.
    Incoming {
        /// `From`'s user part.
        from: String,
    },
    /// The other end rings.
    Ringing,
    /// The call stands.
    Answered,
    /// The other end put it on hold or took it back.
    Held(bool),
    /// The call is over; the status where it was refused.
    Ended(Option<u16>),
}

type Done = oneshot::Sender<Result<(), PhoneError>>;

enum Order {
    Register(u32, Done),
    Dial(String, Done),
    Hangup(Done),
    Hold(bool, Done),
}

/// A phone that is switched on. Dropping it switches it off without a goodbye.
pub struct Softphone {
    orders: mpsc::Sender<Order>,
    events: mpsc::Receiver<PhoneEvent>,
    ear: Arc<Mutex<Option<Arc<Mutex<Ear>>>>>,
    address: SocketAddr,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Drop for Softphone {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Softphone {
    /// Switches a phone on; it does nothing until told to.
    pub async fn start(config: SoftphoneConfig) -> Result<Self, PhoneError> {
        let transport = UdpTransport::bind(SocketAddr::new(config.listen, 0)).await?;
        let address = transport.local_addr();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let (orders, order_queue) = mpsc::channel(16);
        let (events_in, events) = mpsc::channel(EVENTS);
        let (urgent, urgent_messages) = mpsc::channel(MESSAGES);
        let (fresh, fresh_messages) = mpsc::channel(MESSAGES);
        let receiver = tokio::spawn(transport.clone().receive(Lanes { urgent, fresh }));
        let ear = Arc::new(Mutex::new(None));
        let phone = Phone {
            sip: Endpoint::new(EndpointConfig {
                user_agent: "Strowger softphone".into(),
                max_transactions: 1024,
                max_sessions: 16,
                ..EndpointConfig::new(seed)
            }),
            flow: Flow {
                transport: Transport::Udp,
                local: address,
                remote: config.registrar,
            },
            transport,
            config,
            events: events_in,
            call: None,
            registering: None,
            registration: None,
            started: Instant::now(),
            answer_at: None,
            refresh_at: None,
            ear: ear.clone(),
        };
        let task = tokio::spawn(phone.run(order_queue, urgent_messages, fresh_messages));
        Ok(Self {
            orders,
            events,
            ear,
            address,
            tasks: [receiver, task],
        })
    }

    /// Registers, and keeps registered from then on.
    pub async fn register(&self) -> Result<(), PhoneError> {
        self.order(|done| Order::Register(EXPIRES, done)).await
    }

    /// Takes its registration back.
    pub async fn unregister(&self) -> Result<(), PhoneError> {
        self.order(|done| Order::Register(0, done)).await
    }

    /// Calls a number; how it goes comes as events.
    pub async fn dial(&self, number: &str) -> Result<(), PhoneError> {
        self.order(|done| Order::Dial(number.into(), done)).await
    }

    /// Hangs up, whatever the call's state.
    pub async fn hangup(&self) -> Result<(), PhoneError> {
        self.order(Order::Hangup).await
    }

    /// Puts the other end on hold, or takes it back.
    pub async fn hold(&self, hold: bool) -> Result<(), PhoneError> {
        self.order(|done| Order::Hold(hold, done)).await
    }

    /// The next event; `None` when the phone is off.
    pub async fn event(&mut self) -> Option<PhoneEvent> {
        self.events.recv().await
    }

    /// The loudest of the tones in what it heard during the last second.
    pub fn hears(&self, candidates: &[u32]) -> Option<u32> {
        let ear = self.ear.lock().clone()?;
        ear.lock().loudest(candidates)
    }

    /// RTP packets heard in this call.
    pub fn packets(&self) -> u64 {
        self.ear.lock().as_ref().map_or(0, |ear| ear.lock().packets)
    }

    /// Its SIP address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    async fn order(&self, order: impl FnOnce(Done) -> Order) -> Result<(), PhoneError> {
        let (done, result) = oneshot::channel();
        self.orders
            .send(order(done))
            .await
            .map_err(|_| PhoneError::Off)?;
        result.await.map_err(|_| PhoneError::Off)?
    }
}

/// The one call a phone can be in.
struct Call {
    session: SessionId,
    audio: Audio,
    codecs: Vec<(Codec, u8)>,
    version: u64,
    offer: Option<sdp::Remote>,
    answered: bool,
}

struct Phone {
    sip: Endpoint,
    transport: Arc<UdpTransport>,
    flow: Flow,
    config: SoftphoneConfig,
    events: mpsc::Sender<PhoneEvent>,
    call: Option<Call>,
    registering: Option<(RequestTxId, u32, Option<Done>)>,
    registration: Option<(String, u32)>,
    started: Instant,
    answer_at: Option<Instant>,
    refresh_at: Option<Instant>,
    ear: Arc<Mutex<Option<Arc<Mutex<Ear>>>>>,
}

impl Phone {
    async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut urgent: mpsc::Receiver<Received>,
        mut fresh: mpsc::Receiver<Received>,
    ) {
        loop {
            let timeout = self.sip.poll_timeout().map(|at| self.started + at.0);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.order(order).await,
                    None => return,
                },
                Some(received) = urgent.recv() => self.sip.receive(received.message, received.flow, self.now()),
                Some(received) = fresh.recv() => self.sip.receive(received.message, received.flow, self.now()),
                () = until(timeout) => self.sip.handle_timeout(self.now()),
                () = until(self.answer_at) => self.answer(),
                () = until(self.refresh_at) => self.send_register(EXPIRES, None),
            }
            self.settle().await;
        }
    }

    fn now(&self) -> sip::Instant {
        sip::Instant(self.started.elapsed())
    }

    async fn settle(&mut self) {
        loop {
            while let Some(transmit) = self.sip.poll_transmit() {
                // A lost datagram is sent again by its transaction.
                let _ = self.transport.send(&transmit.bytes, transmit.flow.remote);
            }
            match self.sip.poll_event() {
                Some(event) => self.event(event).await,
                None => return,
            }
        }
    }

    async fn order(&mut self, order: Order) {
        match order {
            Order::Register(expires, done) => self.send_register(expires, Some(done)),
            Order::Dial(number, done) => {
                let result = self.dial(&number).await;
                let _ = done.send(result);
            }
            Order::Hangup(done) => {
                let now = self.now();
                let result = match &self.call {
                    Some(call) => self
                        .sip
                        .terminate(call.session, &[], now)
                        .map_err(|_| PhoneError::State),
                    None => Err(PhoneError::State),
                };
                let _ = done.send(result);
            }
            Order::Hold(hold, done) => {
                let now = self.now();
                let result = match &mut self.call {
                    Some(call) if call.answered => {
                        call.version += 1;
                        let body =
                            sdp::write(1, call.version, call.audio.local, &call.codecs, hold);
                        self.sip
                            .reinvite(call.session, Some(Body::sdp(body)), now)
                            .map_err(|_| PhoneError::State)
                    }
                    _ => Err(PhoneError::State),
                };
                let _ = done.send(result);
            }
        }
    }

    fn aor(&self) -> String {
        format!("<sip:{}@{}>", self.config.number, self.config.registrar)
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.config.number, self.flow.local)
    }

    fn auth(&self) -> Option<ClientAuth> {
        Some(ClientAuth {
            username: self.config.reg_name.clone(),
            password: self.config.password.clone(),
        })
    }

    fn send_register(&mut self, expires: u32, done: Option<Done>) {
        self.refresh_at = None;
        let (call_id, cseq) = match self.registration.take() {
            Some((call_id, cseq)) => (Some(call_id), Some(cseq + 1)),
            None => (None, None),
        };
        let request = OutOfDialog {
            method: Method::Register,
            uri: format!("sip:{}", self.config.registrar),
            flow: self.flow,
            from: self.aor(),
            to: self.aor(),
            call_id,
            cseq,
            headers: vec![
                (HeaderName::Contact, self.contact()),
                (HeaderName::Expires, expires.to_string()),
            ],
            body: None,
            auth: self.auth(),
            via_host: self.flow.local,
        };
        let now = self.now();
        match self.sip.request(request, now) {
            Ok(tx) => self.registering = Some((tx, expires, done)),
            Err(_) => {
                if let Some(done) = done {
                    let _ = done.send(Err(PhoneError::State));
                }
            }
        }
    }

    async fn dial(&mut self, number: &str) -> Result<(), PhoneError> {
        if self.call.is_some() {
            return Err(PhoneError::State);
        }
        let audio = self.open_audio().await?;
        let codecs: Vec<_> = self
            .config
            .codecs
            .iter()
            .map(|c| (*c, sdp::payload_type(*c)))
            .collect();
        let body = sdp::write(1, 1, audio.local, &codecs, false);
        let uri = format!("sip:{number}@{}", self.config.registrar);
        let invite = Invite {
            uri: uri.clone(),
            flow: self.flow,
            from: self.aor(),
            to: format!("<{uri}>"),
            contact: self.contact(),
            max_forwards: 70,
            headers: Vec::new(),
            body: Some(Body::sdp(body)),
            auth: self.auth(),
            via_host: self.flow.local,
        };
        let now = self.now();
        let session = self
            .sip
            .invite(invite, now)
            .map_err(|_| PhoneError::State)?;
        self.call = Some(Call {
            session,
            audio,
            codecs,
            version: 1,
            offer: None,
            answered: false,
        });
        Ok(())
    }

    async fn open_audio(&self) -> Result<Audio, PhoneError> {
        let mut ssrc = [0; 4];
        getrandom::fill(&mut ssrc)?;
        let audio = Audio::open(
            self.config.listen,
            self.config.tone,
            u32::from_ne_bytes(ssrc),
        )
        .await?;
        *self.ear.lock() = Some(audio.ear.clone());
        Ok(audio)
    }

    fn answer(&mut self) {
        self.answer_at = None;
        let (now, contact) = (self.now(), self.contact());
        let Some(call) = &mut self.call else { return };
        let body = match call.offer {
            Some(remote) => {
                call.audio.connect(remote);
                call.codecs = vec![(remote.codec, remote.payload_type)];
                sdp::write(1, 1, call.audio.local, &call.codecs, false)
            }
            None => sdp::write(1, 1, call.audio.local, &call.codecs, false),
        };
        call.answered = true;
        if self
            .sip
            .accept(call.session, Body::sdp(body), &contact, &[], now)
            .is_ok()
        {
            self.tell(PhoneEvent::Answered);
        }
    }

    fn tell(&self, event: PhoneEvent) {
        // An owner who does not look misses something; the phone goes on.
        let _ = self.events.try_send(event);
    }

    async fn event(&mut self, event: Event) {
        let now = self.now();
        match event {
            Event::Arrived(arrival) => match arrival.message().method() {
                Some(Method::Invite) => {
                    if let Ok(session) = self.sip.take_invite(&arrival, now) {
                        self.called(session, arrival.message()).await;
                    }
                }
                // What does not fit into a datagram is not answered.
                _ => drop(self.sip.answer_once(&arrival, 200, &[])),
            },
            Event::Response { tx, response } => self.register_answered(tx, &response),
            Event::RequestTimeout { tx } => {
                if let Some((_, _, done)) = self.registering.take_if(|(t, ..)| *t == tx)
                    && let Some(done) = done
                {
                    let _ = done.send(Err(PhoneError::Refused(408)));
                }
            }
            Event::Ringing { session, body, .. } if self.is(session) => {
                self.connect(body.as_ref());
                self.tell(PhoneEvent::Ringing);
            }
            Event::Answered { session, body, .. } if self.is(session) => {
                self.connect(body.as_ref());
                if let Some(call) = &mut self.call {
                    call.answered = true;
                }
                self.tell(PhoneEvent::Answered);
            }
            Event::Offered { session, body } if self.is(session) => self.offered(session, body),
            Event::ReinviteAnswered { session, body } | Event::Acked { session, body }
                if self.is(session) =>
            {
                self.connect(body.as_ref());
            }
            Event::Ended { session, cause } if self.is(session) => {
                self.call = None;
                self.answer_at = None;
                self.tell(PhoneEvent::Ended(match cause {
                    sip::EndCause::Rejected { status, .. } => Some(status),
                    sip::EndCause::Timeout => Some(408),
                    _ => None,
                }));
            }
            _ => {}
        }
    }

    fn is(&self, session: SessionId) -> bool {
        self.call
            .as_ref()
            .is_some_and(|call| call.session == session)
    }

    fn connect(&mut self, body: Option<&Body>) {
        let known = self.config.codecs.clone();
        if let (Some(call), Some(body)) = (&mut self.call, body)
            && let Some(remote) = sdp::read(&body.bytes, &known)
        {
            call.audio.connect(remote);
        }
    }

    async fn called(&mut self, session: SessionId, request: &Message) {
        let now = self.now();
        let refusal = match self.config.answer {
            _ if self.call.is_some() => Some(486),
            Answer::Busy => Some(486),
            Answer::Decline => Some(603),
            Answer::After(_) | Answer::Never => None,
        };
        let offer =
            (!request.body().is_empty()).then(|| sdp::read(request.body(), &self.config.codecs));
        let refusal = refusal.or((offer == Some(None)).then_some(488));
        let audio = match refusal {
            Some(_) => None,
            None => self.open_audio().await.ok(),
        };
        let Some(audio) = audio else {
            let _ = self.sip.reject(session, refusal.unwrap_or(500), &[], now);
            return;
        };
        let codecs = self
            .config
            .codecs
            .iter()
            .map(|c| (*c, sdp::payload_type(*c)))
            .collect();
        self.call = Some(Call {
            session,
            audio,
            codecs,
            version: 1,
            offer: offer.flatten(),
            answered: false,
        });
        let _ = self.sip.ring(session, 180, None, &self.contact(), now);
        let from = request
            .from()
            .ok()
            .and_then(|f| f.uri.parse::<sip::Uri>().ok());
        let from = from
            .and_then(|uri| uri.user_unescaped().map(|u| u.into_owned()))
            .unwrap_or_default();
        self.tell(PhoneEvent::Incoming { from });
        if let Answer::After(wait) = self.config.answer {
            let at_once = request
                .headers(HeaderName::CallInfo)
                .any(|value| value.contains("answer-after=0"));
            self.answer_at = Some(Instant::now() + if at_once { Duration::ZERO } else { wait });
        }
    }

    fn offered(&mut self, session: SessionId, body: Option<Body>) {
        let now = self.now();
        let known = self.config.codecs.clone();
        let Some(call) = &mut self.call else { return };
        call.version += 1;
        if let Some(body) = body {
            let Some(remote) = sdp::read(&body.bytes, &known) else {
                let _ = self.sip.refuse_reinvite(session, 488, &[], now);
                return;
            };
            call.audio.connect(remote);
            call.codecs = vec![(remote.codec, remote.payload_type)];
            let held = !remote.receives;
            self.tell(PhoneEvent::Held(held));
        }
        let Some(call) = &self.call else { return };
        let answer = sdp::write(1, call.version, call.audio.local, &call.codecs, false);
        let _ = self.sip.answer_reinvite(session, Body::sdp(answer), now);
    }

    fn register_answered(&mut self, tx: RequestTxId, response: &Message) {
        let status = response.status().unwrap_or(0);
        if status < 200 {
            return;
        }
        let Some((_, expires, done)) = self.registering.take_if(|(t, ..)| *t == tx) else {
            return;
        };
        let result = if status < 300 {
            if let (Some(call_id), Ok(cseq)) = (response.call_id(), response.cseq()) {
                self.registration = Some((call_id.to_owned(), cseq.number));
            }
            // Half the time: long before it runs out.
            self.refresh_at =
                (expires > 0).then(|| Instant::now() + Duration::from_secs(u64::from(expires / 2)));
            Ok(())
        } else {
            Err(PhoneError::Refused(status))
        };
        if let Some(done) = done {
            let _ = done.send(result);
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
