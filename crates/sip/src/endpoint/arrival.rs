//! Requests that would begin something. Nothing is kept of one before the user
//! takes it on: who has proved nothing yet gets one answer and costs no memory
//! (RFC 3261 8.2.7, 22.1, 26.3.2.4).

use super::{Endpoint, EndpointError};
use crate::session::{Session, SessionId};
use crate::transaction::{Flow, Instant, Reply, Request, ServerTxId, check_headers};
use crate::{HeaderName, Message, Method};

/// An INVITE, REGISTER or OPTIONS outside of dialogs, as it came.
#[derive(Debug, Clone)]
pub struct Arrival {
    message: Message,
    flow: Flow,
}

impl Arrival {
    pub(super) fn of(request: &Request<'_>) -> Self {
        Self {
            message: request.message.clone(),
            flow: request.flow,
        }
    }

    /// The request.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Whence it came; answers, and all requests of a session, go there.
    #[must_use]
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    fn read(&self) -> Result<Request<'_>, EndpointError> {
        Request::read(&self.message, self.flow).ok_or(EndpointError::UnknownTransaction)
    }
}

impl Endpoint {
    /// Takes an INVITE on: 100 Trying is sent, and a session begins on which
    /// we are the callee. It wants ring, accept, reject or terminate.
    ///
    /// # Errors
    /// Where it is no INVITE, a bound is met, or it has been taken on already.
    pub fn take_invite(
        &mut self,
        arrival: &Arrival,
        now: Instant,
    ) -> Result<SessionId, EndpointError> {
        if self.sessions.len() >= self.config.max_sessions {
            return Err(EndpointError::TooManySessions);
        }
        let request = arrival.read()?;
        if request.method != Method::Invite {
            return Err(EndpointError::WrongState);
        }
        let tx = self.begin(&request, now)?;
        let layer = &mut self.layer;
        let tag = layer.base.identities.tag();
        let session = self
            .sessions
            .insert(|id| Session::callee(id, &request, tx, tag));
        layer.servers.belongs_to(tx, session);
        let trying = Reply {
            status: 100,
            ..Reply::default()
        };
        // Never too long: that was looked at when it came.
        let _ = layer.servers.reply(tx, &trying, &mut layer.base, now);
        Ok(session)
    }

    /// Takes another request on. It wants [`Endpoint::respond`].
    ///
    /// # Errors
    /// Where it is an INVITE, a bound is met, or it has been taken on already.
    pub fn take_request(
        &mut self,
        arrival: &Arrival,
        now: Instant,
    ) -> Result<ServerTxId, EndpointError> {
        let request = arrival.read()?;
        if request.method == Method::Invite {
            return Err(EndpointError::WrongState);
        }
        self.begin(&request, now)
    }

    /// Answers with a final status, once, and keeps nothing: each copy of the
    /// request arrives anew and is to get the same answer. Its ACK is nobody's.
    ///
    /// # Errors
    /// Where the status does not fit or a value can't be sent.
    pub fn answer_once(
        &mut self,
        arrival: &Arrival,
        status: u16,
        headers: &[(HeaderName, String)],
    ) -> Result<(), EndpointError> {
        let request = arrival.read()?;
        let least = match request.method {
            Method::Invite => 300,
            _ => 200,
        };
        if !(least..=699).contains(&status) {
            return Err(EndpointError::BadStatus(status));
        }
        check_headers(headers)?;
        let fingerprint = request.fingerprint(&self.layer.base.identities);
        let reply = Reply {
            headers,
            ..Reply::plain(status, fingerprint.tag())
        };
        self.layer.reply_stateless(&request, &reply);
        Ok(())
    }

    fn begin(&mut self, request: &Request<'_>, now: Instant) -> Result<ServerTxId, EndpointError> {
        self.check_room()?;
        let layer = &mut self.layer;
        let fingerprint = request.fingerprint(&layer.base.identities);
        let merge = request.merge_fingerprint(&layer.base.identities);
        if layer.servers.knows(fingerprint) || layer.servers.is_merged(merge) {
            return Err(EndpointError::TakenAlready);
        }
        Ok(layer
            .servers
            .start(request, fingerprint, Some(merge), &mut layer.base, now))
    }
}
