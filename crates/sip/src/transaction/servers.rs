//! The table of server transactions.

use std::collections::HashMap;

use bytes::Bytes;
use slotmap::SlotMap;

use super::base::Base;
use super::identity::Fingerprint;
use super::invite_server::{self, InviteServer, OnRepeat};
use super::reply::{Reply, ReplyHead};
use super::request::Request;
use super::server::PlainServer;
use super::timers::Alarm;
use super::{Flow, Instant, ServerTxId};
use crate::Method;
use crate::endpoint::EndpointError;
use crate::session::SessionId;

/// A request of the far end, and what was answered.
struct ServerTx {
    fingerprint: Fingerprint,
    /// By what a copy that came another way is known; until the final answer.
    merge: Option<Fingerprint>,
    /// Where responses go.
    back: Flow,
    machine: Machine,
    /// For further responses; dropped with the final one.
    head: Option<Box<ReplyHead>>,
    /// The last response, as long as it may have to be sent again.
    last: Option<Bytes>,
    session: Option<SessionId>,
    alarm: Option<Instant>,
}

enum Machine {
    Invite(InviteServer),
    Plain(PlainServer),
}

/// What an INVITE's CANCEL finds.
pub(crate) enum Cancelled {
    /// It had no final answer yet.
    Pending(SessionId),
    /// It had.
    TooLate(Option<SessionId>),
    /// There is none.
    Unknown,
}

#[derive(Default)]
pub(crate) struct Servers {
    table: SlotMap<ServerTxId, ServerTx>,
    by_fingerprint: HashMap<Fingerprint, ServerTxId>,
    by_merge: HashMap<Fingerprint, ServerTxId>,
}

impl Servers {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether the request came before: then it is done with here.
    pub(crate) fn absorb(&mut self, fingerprint: Fingerprint, base: &mut Base) -> bool {
        let Some(tx) = self.find(fingerprint) else {
            return false;
        };
        let resend = match &tx.machine {
            Machine::Invite(machine) => machine.repeat() == OnRepeat::Resend,
            Machine::Plain(_) => true,
        };
        if resend && let Some(last) = &tx.last {
            base.send(tx.back, last.clone());
        }
        true
    }

    /// An ACK. False where it belongs to no refused INVITE.
    pub(crate) fn acknowledge(
        &mut self,
        fingerprint: Fingerprint,
        base: &mut Base,
        now: Instant,
    ) -> bool {
        let Some(&id) = self.by_fingerprint.get(&fingerprint) else {
            return false;
        };
        let Some(tx) = self.table.get_mut(id) else {
            return false;
        };
        let Machine::Invite(machine) = &mut tx.machine else {
            return false;
        };
        let reliable = tx.back.transport.is_reliable();
        if !machine.acknowledge(reliable, &base.timers, now) {
            return false;
        }
        tx.last = None;
        let at = machine.deadline();
        base.alarms.set(Alarm::Server(id), &mut tx.alarm, at);
        true
    }

    /// What the INVITE with this fingerprint has to do with a CANCEL.
    pub(crate) fn cancelled(&self, fingerprint: Fingerprint) -> Cancelled {
        let tx = self.by_fingerprint.get(&fingerprint);
        match tx.and_then(|id| self.table.get(*id)) {
            Some(ServerTx {
                machine: Machine::Invite(InviteServer::Proceeding),
                session: Some(session),
                ..
            }) => Cancelled::Pending(*session),
            Some(ServerTx {
                machine: Machine::Invite(_),
                session,
                ..
            }) => Cancelled::TooLate(*session),
            _ => Cancelled::Unknown,
        }
    }

    /// Whether a request with this fingerprint was taken on.
    pub(crate) fn knows(&self, fingerprint: Fingerprint) -> bool {
        self.by_fingerprint.contains_key(&fingerprint)
    }

    /// Whether this is a copy of a request being handled (RFC 3261 8.2.2.2).
    pub(crate) fn is_merged(&self, merge: Fingerprint) -> bool {
        self.by_merge.contains_key(&merge)
    }

    /// A new transaction.
    pub(crate) fn start(
        &mut self,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        merge: Option<Fingerprint>,
        base: &mut Base,
        now: Instant,
    ) -> ServerTxId {
        let head = Some(Box::new(ReplyHead::of(request, base)));
        let machine = if request.method == Method::Invite {
            Machine::Invite(InviteServer::Proceeding)
        } else {
            Machine::Plain(PlainServer::start(&base.timers, now))
        };
        let at = machine.deadline();
        let id = self.table.insert(ServerTx {
            fingerprint,
            merge,
            back: request.back,
            machine,
            head,
            last: None,
            session: None,
            alarm: None,
        });
        self.by_fingerprint.insert(fingerprint, id);
        if let Some(merge) = merge {
            self.by_merge.insert(merge, id);
        }
        if let Some(tx) = self.table.get_mut(id) {
            base.alarms.set(Alarm::Server(id), &mut tx.alarm, at);
        }
        id
    }

    /// Whose INVITE this is.
    pub(crate) fn belongs_to(&mut self, id: ServerTxId, session: SessionId) {
        if let Some(tx) = self.table.get_mut(id) {
            tx.session = Some(session);
        }
    }

    /// Sends a response, and returns it. A refusal that is too long for a
    /// datagram goes without its headers and body: it is final all the same.
    pub(crate) fn reply(
        &mut self,
        id: ServerTxId,
        reply: &Reply<'_>,
        base: &mut Base,
        now: Instant,
    ) -> Result<Bytes, EndpointError> {
        let tx = self
            .table
            .get_mut(id)
            .ok_or(EndpointError::UnknownTransaction)?;
        let head = tx.head.as_ref().ok_or(EndpointError::UnknownTransaction)?;
        let bytes = match head.write(reply, base) {
            Err(EndpointError::TooLong) if reply.status >= 300 => {
                let bare = Reply {
                    status: reply.status,
                    tag: reply.tag,
                    ..Reply::default()
                };
                head.write(&bare, base)?
            }
            written => written?,
        };
        let reliable = tx.back.transport.is_reliable();
        let taken = match &mut tx.machine {
            Machine::Invite(machine) => machine.respond(reply.status, reliable, &base.timers, now),
            Machine::Plain(machine) => machine.respond(reply.status, reliable, &base.timers, now),
        };
        if !taken {
            return Err(EndpointError::UnknownTransaction);
        }
        // A 2xx to INVITE is repeated by its session.
        let repeated = !matches!(tx.machine, Machine::Invite(InviteServer::Accepted { .. }));
        tx.last = repeated.then(|| bytes.clone());
        if reply.status >= 200 {
            tx.head = None;
            // A copy of an INVITE must not ring again while its dialog is young.
            if repeated && let Some(merge) = tx.merge.take() {
                self.by_merge.remove(&merge);
            }
        }
        base.send(tx.back, bytes.clone());
        let at = tx.machine.deadline();
        base.alarms.set(Alarm::Server(id), &mut tx.alarm, at);
        Ok(bytes)
    }

    /// Sends the last provisional response again (RFC 3261 13.3.1.1).
    pub(crate) fn repeat(&self, id: ServerTxId, base: &mut Base) {
        if let Some(tx) = self.table.get(id)
            && let Some(last) = &tx.last
        {
            base.send(tx.back, last.clone());
        }
    }

    pub(crate) fn timeout(&mut self, id: ServerTxId, base: &mut Base, now: Instant) {
        let Some(tx) = self.table.get_mut(id) else {
            return;
        };
        tx.alarm = None;
        let gone = match &mut tx.machine {
            Machine::Invite(machine) => match machine.timeout(&base.timers, now) {
                invite_server::OnTimeout::Gone => true,
                invite_server::OnTimeout::Early => false,
                invite_server::OnTimeout::Resend => {
                    if let Some(last) = &tx.last {
                        base.send(tx.back, last.clone());
                    }
                    false
                }
            },
            Machine::Plain(machine) => machine.deadline() <= now,
        };
        if gone {
            self.remove(id);
        } else {
            let at = tx.machine.deadline();
            base.alarms.set(Alarm::Server(id), &mut tx.alarm, at);
        }
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<&ServerTx> {
        self.table.get(*self.by_fingerprint.get(&fingerprint)?)
    }

    fn remove(&mut self, id: ServerTxId) {
        if let Some(tx) = self.table.remove(id) {
            self.by_fingerprint.remove(&tx.fingerprint);
            if let Some(merge) = tx.merge {
                self.by_merge.remove(&merge);
            }
        }
    }
}

impl Machine {
    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Invite(machine) => machine.deadline(),
            Self::Plain(machine) => Some(machine.deadline()),
        }
    }
}
