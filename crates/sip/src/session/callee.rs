//! INVITE as callee: ring, accept, reject, CANCEL (RFC 3261 13.3, 9.2).

use std::time::Duration;

use smallvec::smallvec;

use super::dialog::Dialog;
use super::offer::{Ours, Role, Theirs};
use super::refresh::Refresh;
use super::resend::{Answer, Resend};
use super::{Context, Session, SessionId, Stage, reply_and_forget};
use crate::endpoint::EndpointError;
use crate::transaction::{Body, Instant, Reply, Request, ServerTxId, Tag};
use crate::{EndCause, Event, HeaderName, NameAddr, Uri};

/// A provisional response is sent again after this long, lest a proxy cancel
/// (RFC 3261 13.3.1.1).
const REFRESH: Duration = Duration::from_secs(60);

/// An INVITE that waits for our final answer.
pub(super) struct Incoming {
    pub(super) invite: ServerTxId,
    cseq: u32,
    refresh_at: Option<Instant>,
}

impl Incoming {
    pub(super) fn refresh_at(&self) -> Option<Instant> {
        self.refresh_at
    }

    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        if self.refresh_at.is_some_and(|at| at <= cx.now) {
            let layer = &mut *cx.layer;
            layer.servers.repeat(self.invite, &mut layer.base);
            self.refresh_at = Some(cx.now.after(REFRESH));
        }
    }
}

impl Session {
    /// A callee's session.
    pub(crate) fn callee(
        id: SessionId,
        request: &Request<'_>,
        invite: ServerTxId,
        tag: Tag,
    ) -> Self {
        let to = request.message.header(HeaderName::To).unwrap_or_default();
        let mut refresh = Refresh::new();
        refresh.note(request.message);
        Self {
            id,
            role: Role::Callee,
            call_id: request.call_id.into(),
            tag,
            local: to.into(),
            contact: Box::default(),
            sent_by: Box::default(),
            flow: request.back,
            auth: None,
            stage: Stage::Incoming(Incoming {
                invite,
                cseq: request.cseq,
                refresh_at: None,
            }),
            dialogs: smallvec![Dialog::of_request(request)],
            ours: Ours::None,
            theirs: Theirs::None,
            resend: None,
            acks: smallvec![],
            refresh,
            running: 0,
            alarm: None,
        }
    }

    pub(crate) fn ring(
        &mut self,
        status: u16,
        body: Option<&Body>,
        contact: &str,
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Stage::Incoming(incoming) = &mut self.stage else {
            return Err(EndpointError::WrongState);
        };
        if !(101..=199).contains(&status) {
            return Err(EndpointError::BadStatus(status));
        }
        let sent_by = sent_by(contact)?;
        let reply = Reply {
            status,
            tag: Some(self.tag),
            contact: Some(contact),
            headers: &[],
            body,
        };
        let layer = &mut *cx.layer;
        layer
            .servers
            .reply(incoming.invite, &reply, &mut layer.base, cx.now)?;
        incoming.refresh_at = Some(cx.now.after(REFRESH));
        self.sent_by = sent_by;
        self.contact = contact.into();
        Ok(())
    }

    pub(crate) fn accept(
        &mut self,
        body: &Body,
        contact: &str,
        headers: &[(HeaderName, String)],
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Stage::Incoming(incoming) = &self.stage else {
            return Err(EndpointError::WrongState);
        };
        let sent_by = sent_by(contact)?;
        let reply = Reply {
            status: 200,
            tag: Some(self.tag),
            contact: Some(contact),
            headers,
            body: Some(body),
        };
        let layer = &mut *cx.layer;
        let bytes = layer
            .servers
            .reply(incoming.invite, &reply, &mut layer.base, cx.now)?;
        self.resend = Some(Resend::new(
            Answer::First,
            incoming.cseq,
            self.flow,
            bytes,
            &cx.layer.base.timers,
            cx.now,
        ));
        self.sent_by = sent_by;
        self.contact = contact.into();
        self.stage = Stage::Established;
        self.alive(cx);
        Ok(())
    }

    pub(crate) fn reject(
        &mut self,
        status: u16,
        headers: &[(HeaderName, String)],
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Stage::Incoming(incoming) = &self.stage else {
            return Err(EndpointError::WrongState);
        };
        if !(300..=699).contains(&status) {
            return Err(EndpointError::BadStatus(status));
        }
        let reply = Reply {
            headers,
            ..Reply::plain(status, self.tag)
        };
        let layer = &mut *cx.layer;
        let sent = layer
            .servers
            .reply(incoming.invite, &reply, &mut layer.base, cx.now);
        // Whatever became of the answer, nobody will give another.
        self.end(EndCause::Local, Stage::Over, cx);
        sent.map(|_| ())
    }

    /// CANCEL came before our final answer.
    pub(crate) fn cancelled(&mut self, cx: &mut Context<'_>) {
        if let Stage::Incoming(incoming) = &self.stage {
            reply_and_forget(incoming.invite, 487, self.tag, &[], cx);
            self.end(EndCause::Cancelled, Stage::Over, cx);
        }
    }

    /// An ACK to a 2xx of ours.
    pub(crate) fn acknowledged(&mut self, request: &Request<'_>, cx: &mut Context<'_>) {
        if self.resend.as_ref().is_none_or(|r| r.cseq != request.cseq) {
            return;
        }
        self.resend = None;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::ByeDue { headers } => self.send_bye(0, &headers, cx),
            stage => {
                self.stage = stage;
                cx.events.push_back(Event::Acked {
                    session: self.id,
                    body: request.body(),
                });
                self.send_queued_offer(cx);
            }
        }
    }

    /// No ACK came.
    pub(super) fn unacknowledged(&mut self, cx: &mut Context<'_>) {
        self.resend = None;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::ByeDue { headers } => self.send_bye(0, &headers, cx),
            stage => {
                self.stage = stage;
                self.hang_up_for(EndCause::Timeout, cx);
            }
        }
    }
}

/// Host and port of a Contact: how the far end reaches us is also our Via.
fn sent_by(contact: &str) -> Result<Box<str>, EndpointError> {
    crate::transaction::check_value(contact)?;
    let address = NameAddr::parse(contact).map_err(|_| EndpointError::BadValue)?;
    let uri = Uri::parse(address.uri).map_err(|_| EndpointError::BadValue)?;
    let host = uri.host();
    Ok(match uri.port() {
        Some(port) => format!("{host}:{port}").into(),
        None => host.into(),
    })
}
