//! INVITE usages: the session of a caller or a callee with its dialogs.
//!
//! A session is live until `Ended` is told, which every way out does by
//! [`Session::end`] and so once. What may still cross on the wire then (a 2xx
//! after CANCEL, the ACK our BYE waits for, a 2xx that repeats) is handled by
//! the same value until nothing of it is left.

mod auth;
mod callee;
mod caller;
mod dialog;
mod leave;
mod modify;
mod offer;
mod refresh;
mod resend;
mod table;
mod within;

use std::collections::VecDeque;

use bytes::Bytes;
use smallvec::SmallVec;

pub(crate) use auth::answer as answer_challenge;
pub(crate) use offer::Carrier;
pub(crate) use table::Sessions;

use crate::endpoint::EndpointError;
use crate::transaction::{
    Body, ClientKey, Flow, Instant, Layer, MAX_FORWARDS, Outgoing, Owner, Report, ServerTxId, Tag,
};
use crate::{ClientAuth, EndCause, Event, HeaderName, Message, Method};
use dialog::Dialog;
use offer::{Ours, Role, Theirs};
use refresh::Refresh;
use resend::{Due, Resend};

slotmap::new_key_type! {
    /// One INVITE usage, as caller or callee. Generation-checked: the id of an
    /// ended session never means another.
    pub struct SessionId;
}

/// Forks of one INVITE that are kept apart.
const MAX_FORKS: usize = 16;

/// Headers given by the user.
type Headers = Box<[(HeaderName, String)]>;

/// What a request of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Invite,
    Reinvite,
    Update,
    /// To hear whether the far end is still there.
    Refresh,
    Bye,
    /// A BYE with credentials.
    ByeAgain,
}

pub(crate) struct Session {
    id: SessionId,
    role: Role,
    call_id: Box<str>,
    /// Our tag, and the address it belongs to.
    tag: Tag,
    local: Box<str>,
    contact: Box<str>,
    sent_by: Box<str>,
    flow: Flow,
    auth: Option<Box<ClientAuth>>,
    stage: Stage,
    /// Once established, the first is the session's; others are forks that came
    /// too late.
    dialogs: SmallVec<[Dialog; 1]>,
    ours: Ours,
    theirs: Theirs,
    /// Our 2xx, until its ACK.
    resend: Option<Resend>,
    /// Our ACKs, as long as their 2xx may come again.
    acks: SmallVec<[Ack; 1]>,
    refresh: Refresh,
    /// Client transactions that will still report.
    running: u16,
    alarm: Option<Instant>,
}

/// Where a session stands.
enum Stage {
    /// Caller: no final answer.
    Inviting(Box<caller::Inviting>),
    /// Callee: no final answer.
    Incoming(callee::Incoming),
    /// There was a 2xx.
    Established,
    /// Ended. CANCEL waits for a provisional response (RFC 3261 9.1).
    Withdrawing { invite: ClientKey, headers: Headers },
    /// Ended. BYE waits for the ACK to our 2xx (RFC 3261 15).
    ByeDue { headers: Headers },
    /// Ended.
    Over,
}

impl Stage {
    fn is_live(&self) -> bool {
        matches!(
            self,
            Self::Inviting(_) | Self::Incoming(_) | Self::Established
        )
    }
}

struct Ack {
    tx: ClientKey,
    remote_tag: Box<str>,
    bytes: Bytes,
}

/// What a session acts on.
pub(crate) struct Context<'a> {
    pub(crate) layer: &'a mut Layer,
    pub(crate) events: &'a mut VecDeque<Event>,
    pub(crate) now: Instant,
}

/// A request within a dialog.
struct Within<'a> {
    method: Method,
    headers: &'a [(HeaderName, String)],
    body: Option<&'a Body>,
    credentials: Option<(&'a str, &'a str)>,
}

impl Session {
    pub(crate) fn is_live(&self) -> bool {
        self.stage.is_live()
    }

    /// Nothing is left of it.
    fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Over) && self.running == 0
    }

    pub(crate) fn tag(&self) -> Tag {
        self.tag
    }

    /// Which of its dialogs a request belongs to.
    fn dialog_of(&self, call_id: &str, remote_tag: &str) -> Option<usize> {
        if *self.call_id != *call_id {
            return None;
        }
        self.dialogs
            .iter()
            .position(|dialog| *dialog.remote_tag == *remote_tag)
    }

    /// A client transaction of this session reports.
    pub(crate) fn report(
        &mut self,
        tx: ClientKey,
        purpose: Purpose,
        report: Report,
        response: Option<&Message>,
        cx: &mut Context<'_>,
    ) {
        if !matches!(report, Report::Provisional | Report::Accepted) {
            self.running = self.running.saturating_sub(1);
        }
        match (purpose, report, response) {
            (Purpose::Invite, Report::Provisional, Some(response)) => {
                self.provisional(response, cx);
            }
            (Purpose::Invite, Report::Accepted, Some(response)) => {
                self.accepted(tx, response, cx);
            }
            (Purpose::Invite, Report::Final, Some(response)) => self.refused(response, cx),
            (Purpose::Invite, Report::TimedOut, _) => self.end(EndCause::Timeout, Stage::Over, cx),
            (Purpose::Reinvite, Report::Provisional, _) if !self.is_live() => {
                let layer = &mut *cx.layer;
                layer.clients.abandon(tx, &mut layer.base, cx.now);
            }
            (Purpose::Reinvite, Report::Accepted, Some(response)) => {
                self.reinvite_accepted(tx, response, cx);
            }
            (Purpose::Invite | Purpose::Reinvite, Report::Done, _) => {
                self.acks.retain(|ack| ack.tx != tx);
                if purpose == Purpose::Invite {
                    self.dialogs.truncate(1);
                }
            }
            (Purpose::Reinvite | Purpose::Update, Report::Final, Some(response)) => {
                self.offer_answered(tx, response, cx);
            }
            (Purpose::Refresh, Report::Final, Some(response)) => {
                self.refresh_answered(response, cx);
            }
            (Purpose::Reinvite | Purpose::Update | Purpose::Refresh, Report::TimedOut, _) => {
                self.hang_up_for(EndCause::Timeout, cx);
            }
            (Purpose::Bye, Report::Final, Some(response)) => self.bye_answered(response, cx),
            (
                Purpose::Invite | Purpose::Reinvite | Purpose::Update | Purpose::Refresh,
                Report::TransportFailed,
                _,
            ) => self.end(EndCause::TransportError, Stage::Over, cx),
            _ => {}
        }
    }

    /// The earliest of its timers.
    fn deadline(&self) -> Option<Instant> {
        let resend = self.resend.as_ref().map(Resend::deadline);
        let offer = match self.ours {
            Ours::Queued { at, .. } => at,
            _ => None,
        };
        let refresh = match &self.stage {
            Stage::Incoming(incoming) => incoming.refresh_at(),
            _ => None,
        };
        [resend, offer, refresh, self.refresh_at()]
            .into_iter()
            .flatten()
            .min()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        let due = match &mut self.resend {
            Some(resend) => resend.timeout(&cx.layer.base.timers, cx.now),
            None => Due::Nothing,
        };
        match due {
            Due::Send(flow, bytes) => cx.layer.base.send(flow, bytes),
            Due::GiveUp => self.unacknowledged(cx),
            Due::Nothing => {}
        }
        if let Stage::Incoming(incoming) = &mut self.stage {
            incoming.refresh(cx);
        }
        self.send_queued_offer(cx);
        self.refresh(cx);
    }

    /// Tells the end, if it has not been told.
    fn end(&mut self, cause: EndCause, next: Stage, cx: &mut Context<'_>) {
        if self.stage.is_live() {
            cx.events.push_back(Event::Ended {
                session: self.id,
                cause,
            });
            self.settle_their_offer(cx);
            if let Ours::Sent { tx, .. } = std::mem::replace(&mut self.ours, Ours::None) {
                let layer = &mut *cx.layer;
                layer.clients.abandon(tx, &mut layer.base, cx.now);
            }
        }
        if !matches!(next, Stage::ByeDue { .. }) {
            self.resend = None;
        }
        self.stage = next;
    }

    /// Sends a request in one of the dialogs.
    fn send_within(
        &mut self,
        dialog: usize,
        request: &Within<'_>,
        purpose: Purpose,
        cx: &mut Context<'_>,
    ) -> Result<ClientKey, EndpointError> {
        let cseq = self
            .dialogs
            .get_mut(dialog)
            .map(Dialog::next_cseq)
            .ok_or(EndpointError::WrongState)?;
        let Some((outgoing_dialog, flow)) = self.dialogs.get(dialog).map(|d| (d, self.flow)) else {
            return Err(EndpointError::WrongState);
        };
        let (uri, routes) = outgoing_dialog.way();
        let outgoing = self.outgoing(outgoing_dialog, &uri, &routes, request, cseq);
        let owner = Owner::Session(self.id, purpose);
        let layer = &mut *cx.layer;
        let key = layer
            .clients
            .start(&outgoing, flow, owner, &mut layer.base, cx.now)?;
        self.running += 1;
        Ok(key)
    }

    /// ACKs a 2xx: a request of its own, with its own branch (13.2.2.4).
    fn send_ack(
        &mut self,
        dialog: usize,
        tx: ClientKey,
        cseq: u32,
        body: Option<&Body>,
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let request = Within {
            method: Method::Ack,
            headers: &[],
            body,
            credentials: None,
        };
        let Some(dialog) = self.dialogs.get(dialog) else {
            return Err(EndpointError::WrongState);
        };
        let (uri, routes) = dialog.way();
        let branch = cx.layer.base.identities.branch();
        let outgoing = self.outgoing(dialog, &uri, &routes, &request, cseq);
        let (bytes, _) = outgoing.write(branch, &mut cx.layer.base)?;
        cx.layer.base.send(self.flow, bytes.clone());
        let remote_tag = dialog.remote_tag.clone();
        self.acks.push(Ack {
            tx,
            remote_tag,
            bytes,
        });
        Ok(())
    }

    /// Sends the ACK to a 2xx that came again. False: it never was ACKed.
    fn ack_again(&self, tx: ClientKey, response: &Message, cx: &mut Context<'_>) -> bool {
        let tag = response.to_tag().unwrap_or_default();
        let sent = self
            .acks
            .iter()
            .find(|ack| ack.tx == tx && *ack.remote_tag == *tag);
        if let Some(ack) = sent {
            cx.layer.base.send(self.flow, ack.bytes.clone());
        }
        sent.is_some()
    }

    fn outgoing<'a>(
        &'a self,
        dialog: &'a Dialog,
        uri: &'a str,
        routes: &'a [Box<str>],
        request: &'a Within<'a>,
        cseq: u32,
    ) -> Outgoing<'a> {
        let contact = matches!(request.method, Method::Invite | Method::Update);
        Outgoing {
            method: &request.method,
            uri,
            transport: self.flow.transport,
            sent_by: &self.sent_by,
            routes,
            from: &self.local,
            tag: self.tag,
            to: &dialog.remote,
            call_id: &self.call_id,
            cseq,
            max_forwards: MAX_FORWARDS,
            contact: contact.then_some(&*self.contact),
            headers: request.headers,
            credentials: request.credentials,
            body: request.body,
        }
    }
}

/// The INVITE that a session began with, as callee.
fn reply_and_forget(
    tx: ServerTxId,
    status: u16,
    tag: Tag,
    headers: &[(HeaderName, String)],
    cx: &mut Context<'_>,
) {
    let reply = crate::transaction::Reply {
        headers,
        ..crate::transaction::Reply::plain(status, tag)
    };
    let layer = &mut *cx.layer;
    // Fails only where the transaction is gone, and with it who would read it.
    let _ = layer.servers.reply(tx, &reply, &mut layer.base, cx.now);
}
