//! One sans-IO core for everything that SIP does over one or more sockets:
//! `receive`, `handle_timeout` and commands go in, `poll_transmit`,
//! `poll_event` and `poll_timeout` come out. It must never ask a clock, a
//! socket or a source of randomness.
//!
//! After each call that changes something, drain `poll_transmit` and
//! `poll_event`, then ask `poll_timeout` anew.

mod command;
mod config;
mod error;
mod event;


pub use command::{ClientAuth, Invite, OutOfDialog};
pub use config::EndpointConfig;
pub use error::EndpointError;
pub use event::{EndCause, Event};


use crate::session::SessionId;
use crate::transaction::{Body, Flow, Instant, RequestTxId, ServerTxId, Transmit};
use crate::{HeaderName, Message};

/// The core: transactions, INVITE sessions, requests outside of dialogs.
pub struct Endpoint {
    config: EndpointConfig,
}

impl Endpoint {
    /// An endpoint without anything going on.
    #[must_use]
    pub fn new(config: EndpointConfig) -> Self {
        Self { config }
    }

    /// A message came in.
    pub fn receive(&mut self, message: Message, flow: Flow, now: Instant) {
        let _ = (message, flow, now, &self.config);
    }

    /// The time of [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// Nothing can be sent on this flow any more.
    pub fn transport_failed(&mut self, flow: &Flow, now: Instant) {
        let _ = (flow, now);
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Answers an [`Event::Request`]. A status of 200 or more is the last.
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
        let _ = (tx, status, headers, body, now);
        Err(EndpointError::UnknownTransaction)
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
        let _ = (request, now);
        Err(EndpointError::TooManyTransactions)
    }

    /// Calls someone.
    ///
    /// # Errors
    /// Where a bound is met or a value can't be sent.
    pub fn invite(&mut self, invite: Invite, now: Instant) -> Result<SessionId, EndpointError> {
        let _ = (invite, now);
        Err(EndpointError::TooManySessions)
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
        let _ = (session, status, body, contact, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, body, contact, headers, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, status, headers, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, body, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, body, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, body, now);
        Err(EndpointError::UnknownSession)
    }

    /// Refuses [`Event::Offered`]; the session stands as before.
    ///
    /// # Errors
    /// Where nothing was offered.
    pub fn refuse_reinvite(
        &mut self,
        session: SessionId,
        status: u16,
        now: Instant,
    ) -> Result<(), EndpointError> {
        let _ = (session, status, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, body, now);
        Err(EndpointError::UnknownSession)
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
        let _ = (session, headers, now);
        Err(EndpointError::UnknownSession)
    }
}
