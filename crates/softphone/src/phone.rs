//! The phone itself: one task that owns its SIP endpoint, and its handle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sip::{ClientAuth, Endpoint, EndpointConfig, Event, Flow, Method, Transport};
use sip_net::{Lanes, NetError, Received, UdpTransport};
use tokio::sync::{mpsc, oneshot};

use crate::audio::Ear;
use crate::call::Call;
use crate::config::SoftphoneConfig;
use crate::registration::Registration;

/// Most events that wait for the phone's owner; further ones are dropped.
const EVENTS: usize = 256;
/// Most messages that wait for the phone.
const MESSAGES: usize = 256;

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
        /// `From`'s display name.
        name: String,
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

/// Who waits for an order to be done.
pub(crate) type Done = oneshot::Sender<Result<(), PhoneError>>;

enum Order {
    Register { leaving: bool, done: Done },
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
        let call_id = format!("{:016x}", getrandom::u64()?);
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
            registration: Registration::new(call_id),
            started: Instant::now(),
            answer_at: None,
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
        self.order(|done| Order::Register {
            leaving: false,
            done,
        })
        .await
    }

    /// Takes its registration back.
    pub async fn unregister(&self) -> Result<(), PhoneError> {
        self.order(|done| Order::Register {
            leaving: true,
            done,
        })
        .await
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

/// The phone's task.
pub(crate) struct Phone {
    pub(crate) sip: Endpoint,
    transport: Arc<UdpTransport>,
    pub(crate) flow: Flow,
    pub(crate) config: SoftphoneConfig,
    events: mpsc::Sender<PhoneEvent>,
    pub(crate) call: Option<Call>,
    pub(crate) registration: Registration,
    started: Instant,
    pub(crate) answer_at: Option<Instant>,
    pub(crate) ear: Arc<Mutex<Option<Arc<Mutex<Ear>>>>>,
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
                () = until(self.registration.refresh_at) => self.register(false, None),
            }
            self.settle().await;
        }
    }

    pub(crate) fn now(&self) -> sip::Instant {
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
            Order::Register { leaving, done } => self.register(leaving, Some(done)),
            Order::Dial(number, done) => {
                let result = self.dial(&number).await;
                let _ = done.send(result);
            }
            Order::Hangup(done) => {
                let result = self.hang_up();
                let _ = done.send(result);
            }
            Order::Hold(hold, done) => {
                let result = self.hold(hold);
                let _ = done.send(result);
            }
        }
    }

    pub(crate) fn aor(&self) -> String {
        format!("<sip:{}@{}>", self.config.number, self.config.registrar)
    }

    pub(crate) fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.config.number, self.flow.local)
    }

    pub(crate) fn auth(&self) -> Option<ClientAuth> {
        Some(ClientAuth {
            username: self.config.reg_name.clone(),
            password: self.config.password.clone(),
        })
    }

    pub(crate) fn tell(&self, event: PhoneEvent) {
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
            Event::Response { tx, response } => self.register_answered(tx, Some(&response)),
            Event::RequestTimeout { tx } => self.register_answered(tx, None),
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
            Event::ReinviteAnswered { session, body } if self.is(session) => {
                self.offer_answered(body.as_ref());
            }
            Event::Acked { session, body } if self.is(session) => self.connect(body.as_ref()),
            Event::ReinviteRefused { session, .. } if self.is(session) => self.offer_refused(),
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
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
