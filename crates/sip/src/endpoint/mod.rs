//! One sans-IO core for everything that SIP does over one or more sockets:
//! `receive`, `handle_timeout` and commands go in, `poll_transmit`,
//! `poll_event` and `poll_timeout` come out. It must never ask a clock, a
//! socket or a source of randomness.
//!
//! After each call that changes something, drain `poll_transmit` and
//! `poll_event`, then ask `poll_timeout` anew.

mod arrival;
mod command;
mod config;
mod error;
mod event;
mod outside;
mod receive;
mod refusal;

pub use arrival::Arrival;
pub use command::{ClientAuth, Invite, OutOfDialog};
pub use config::EndpointConfig;
pub use error::EndpointError;
pub use event::{EndCause, Event};
pub use refusal::refuse;

use std::collections::VecDeque;

use crate::session::{Carrier, Context, Session, SessionId, Sessions};
use crate::transaction::{
    Alarm, Base, Body, Flow, Instant, Layer, Reply, RequestTxId, ServerTxId, Transmit, check_body,
    check_headers, check_uri, check_value,
};
use crate::{HeaderName, Message};
use outside::{Outside, check_address};

/// The core: transactions, INVITE sessions, requests outside of dialogs.
pub struct Endpoint {
    config: EndpointConfig,
    layer: Layer,
    sessions: Sessions,
    outside: Outside,
    events: VecDeque<Event>,
}

impl Endpoint {
    /// An endpoint without anything going on.
    #[must_use]
    pub fn new(config: EndpointConfig) -> Self {
        Self {
            layer: Layer::new(Base::new(&config)),
            sessions: Sessions::default(),
            outside: Outside::default(),
            events: VecDeque::new(),
            config,
        }
    }

    /// A message came in.
    pub fn receive(&mut self, message: Message, flow: Flow, now: Instant) {
        self.receive_message(&message, flow, now);
    }

    /// The time of [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(alarm) = self.layer.base.alarms.pop(now) {
            let layer = &mut self.layer;
            match alarm {
                Alarm::Client(key) => {
                    let told = layer.clients.timeout(key, &mut layer.base, now);
                    if let Some((owner, report)) = told {
                        self.report(key, owner, report, None, now);
                    }
                }
                Alarm::Server(id) => layer.servers.timeout(id, &mut layer.base, now),
                Alarm::Session(id) => {
                    let mut cx = Context {
                        layer,
                        events: &mut self.events,
                        now,
                    };
                    self.sessions.timeout(id, &mut cx);
                    self.sessions.settle(id, &mut self.layer.base);
                }
            }
        }
    }

    /// Nothing can be sent on this flow any more.
    pub fn transport_failed(&mut self, flow: &Flow, now: Instant) {
        let layer = &mut self.layer;
        let reports = layer.clients.transport_failed(flow, &mut layer.base);
        for (key, owner, report) in reports {
            self.report(key, owner, report, None, now);
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.layer.base.out.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.layer.base.alarms.next()
    }

    /// How much is going on.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            transactions: self.layer.len(),
            sessions: self.sessions.len(),
            timers: self.layer.base.alarms.len(),
        }
    }

    /// Answers a request that was taken on by [`Self::take_request`]. A status of
    /// 200 or more is the last.
    ///
    /// # Errors
    /// Where the transaction has been answered or is too old, or a value can't
    /// be sent.
    pub fn respond(
        &mut self,
        tx: ServerTxId,
        status: u16,
        headers: &[(HeaderName, String)],
        body: Option<Body>,
        now: Instant,
    ) -> Result<(), EndpointError> {
        if !(100..=699).contains(&status) {
            return Err(EndpointError::BadStatus(status));
        }
        check_headers(headers)?;
        check_body(body.as_ref())?;
        let tag = self.layer.base.identities.tag();
        let reply = Reply {
            headers,
            body: body.as_ref(),
            ..Reply::plain(status, tag)
        };
        let layer = &mut self.layer;
        layer.servers.reply(tx, &reply, &mut layer.base, now)?;
        Ok(())
    }

    /// Sends a request outside of dialogs. Answers come as
    /// [`Event::Response`], their lack as [`Event::RequestTimeout`].
    ///
    /// # Errors
    /// Where a bound is met or a value can't be sent.
    pub fn request(
        &mut self,
        request: OutOfDialog,
        now: Instant,
    ) -> Result<RequestTxId, EndpointError> {
        self.check_room()?;
        self.outside.send(request, &mut self.layer, now)
    }

    /// Calls someone.
    ///
    /// # Errors
    /// Where a bound is met or a value can't be sent.
    pub fn invite(&mut self, invite: Invite, now: Instant) -> Result<SessionId, EndpointError> {
        self.check_room()?;
        if self.sessions.len() >= self.config.max_sessions {
            return Err(EndpointError::TooManySessions);
        }
        check_uri(&invite.uri)?;
        check_address(&invite.from)?;
        check_address(&invite.to)?;
        check_value(&invite.contact)?;
        check_headers(&invite.headers)?;
        check_body(invite.body.as_ref())?;
        let identities = &mut self.layer.base.identities;
        let (call_id, tag) = (identities.call_id(), identities.tag());
        let id = self
            .sessions
            .insert(|id| Session::caller(id, invite, call_id, tag));
        let sent = self.on_live(id, now, |session, cx| session.call(None, cx));
        if sent.is_err() {
            self.sessions.remove(id);
        }
        sent.map(|()| id)
    }

    /// Sends a provisional answer (101–199) to the INVITE.
    ///
    /// # Errors
    /// Where the session is no callee's before its final answer.
    pub fn ring(
        &mut self,
        session: SessionId,
        status: u16,
        body: Option<Body>,
        contact: &str,
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_body(body.as_ref())?;
        self.on_live(session, now, |session, cx| {
            session.ring(status, body.as_ref(), contact, cx)
        })
    }

    /// Sends 200 to the INVITE, and again until its ACK comes.
    ///
    /// # Errors
    /// Where the session is no callee's before its final answer.
    pub fn accept(
        &mut self,
        session: SessionId,
        body: Body,
        contact: &str,
        headers: &[(HeaderName, String)],
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_headers(headers)?;
        check_body(Some(&body))?;
        self.on_live(session, now, |session, cx| {
            session.accept(&body, contact, headers, cx)
        })
    }

    /// Sends a final status of 300 or more to the INVITE.
    ///
    /// # Errors
    /// Where the session is no callee's before its final answer.
    pub fn reject(
        &mut self,
        session: SessionId,
        status: u16,
        headers: &[(HeaderName, String)],
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_headers(headers)?;
        self.on_live(session, now, |session, cx| {
            session.reject(status, headers, cx)
        })
    }

    /// Sends a re-INVITE, now or as soon as what is pending is done; retries
    /// after 491 (RFC 3261 14.1). `None` asks the far end for its offer.
    ///
    /// # Errors
    /// Where the session is not established, or a re-INVITE of ours is pending.
    pub fn reinvite(
        &mut self,
        session: SessionId,
        body: Option<Body>,
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_body(body.as_ref())?;
        self.on_live(session, now, |session, cx| {
            session.offer(Carrier::Reinvite, body, cx)
        })
    }

    /// The same with an UPDATE (RFC 3311).
    ///
    /// # Errors
    /// As [`Self::reinvite`].
    pub fn update(
        &mut self,
        session: SessionId,
        body: Body,
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_body(Some(&body))?;
        self.on_live(session, now, |session, cx| {
            session.offer(Carrier::Update, Some(body), cx)
        })
    }

    /// Answers [`Event::Offered`] with 200.
    ///
    /// # Errors
    /// Where nothing was offered.
    pub fn answer_reinvite(
        &mut self,
        session: SessionId,
        body: Body,
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_body(Some(&body))?;
        self.on_live(session, now, |session, cx| session.answer_offer(&body, cx))
    }

    /// Refuses [`Event::Offered`]; the session stands as before.
    ///
    /// # Errors
    /// Where nothing was offered.
    pub fn refuse_reinvite(
        &mut self,
        session: SessionId,
        status: u16,
        headers: &[(HeaderName, String)],
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_headers(headers)?;
        self.on_live(session, now, |session, cx| {
            session.refuse_offer(status, headers, cx)
        })
    }

    /// Takes an offer of ours back that only waits: for what is under way, or
    /// for its time after a glare. True: nothing more will be heard of it. Who
    /// is to answer [`Event::Offered`] does so, for what was to be offered was
    /// made of what stood before.
    ///
    /// # Errors
    /// Where the session has ended.
    pub fn withdraw_offer(
        &mut self,
        session: SessionId,
        now: Instant,
    ) -> Result<bool, EndpointError> {
        let mut withdrawn = false;
        self.on_live(session, now, |session, _| {
            withdrawn = session.withdraw_offer();
            Ok(())
        })?;
        Ok(withdrawn)
    }

    /// Sends the ACK that waits for our answer to an offer in a 2xx.
    ///
    /// # Errors
    /// Where no ACK waits.
    pub fn answer_in_ack(
        &mut self,
        session: SessionId,
        body: Body,
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_body(Some(&body))?;
        self.on_live(session, now, |session, cx| session.answer_in_ack(&body, cx))
    }

    /// Ends the session by whatever is right now: CANCEL, BYE or a final
    /// status (480). [`Event::Ended`] comes at once; what crosses is handled
    /// inside.
    ///
    /// # Errors
    /// Where the session has ended, or a value can't be sent.
    pub fn terminate(
        &mut self,
        session: SessionId,
        headers: &[(HeaderName, String)],
        now: Instant,
    ) -> Result<(), EndpointError> {
        check_headers(headers)?;
        self.on_live(session, now, |session, cx| {
            session.terminate(headers, cx);
            Ok(())
        })
    }

    fn check_room(&self) -> Result<(), EndpointError> {
        if self.layer.len() >= self.config.max_transactions {
            return Err(EndpointError::TooManyTransactions);
        }
        Ok(())
    }

    /// The bound for what belongs to sessions.
    fn most_transactions(&self) -> usize {
        let reserve = self.config.reserve();
        self.config.max_transactions.saturating_add(reserve)
    }

    /// A command to a session that has not ended.
    fn on_live(
        &mut self,
        id: SessionId,
        now: Instant,
        command: impl FnOnce(&mut Session, &mut Context<'_>) -> Result<(), EndpointError>,
    ) -> Result<(), EndpointError> {
        self.sessions.live(id)?;
        let mut result = Err(EndpointError::UnknownSession);
        self.with_session(id, now, |session, cx| result = command(session, cx));
        result
    }

    /// Does something with a session, ended or not.
    fn with_session(
        &mut self,
        id: SessionId,
        now: Instant,
        act: impl FnOnce(&mut Session, &mut Context<'_>),
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let mut cx = Context {
            layer: &mut self.layer,
            events: &mut self.events,
            now,
        };
        act(session, &mut cx);
        self.sessions.settle(id, &mut self.layer.base);
    }
}

/// How much an endpoint has going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Transactions, those included that only wait for repetitions.
    pub transactions: usize,
    /// Sessions, those included that have ended and have something to repeat.
    pub sessions: usize,
    /// Timers that are set.
    pub timers: usize,
}
