//! The table of client transactions.

use std::collections::HashMap;

use bytes::Bytes;
use slotmap::SlotMap;

use super::base::Base;
use super::client::{self, PlainClient};
use super::identity::Branch;
use super::invite_client::{self, InviteClient};
use super::outgoing::{Layout, Outgoing};
use super::timers::Alarm;
use super::{ClientKey, Flow, Instant, RequestTxId};
use crate::endpoint::EndpointError;
use crate::session::{Purpose, SessionId};
use crate::{HeaderName, Message, Method};

/// Whom a transaction reports to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Session(SessionId, Purpose),
    Request(RequestTxId),
    /// A CANCEL, whose fate changes nothing.
    Nobody,
}

/// What a transaction reports. All but the first two are the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// A provisional response.
    Provisional,
    /// A 2xx to INVITE; more may come, until `Done`.
    Accepted,
    /// The final response, other than a 2xx to INVITE.
    Final,
    /// No more 2xx can come.
    Done,
    /// No final response came in time.
    TimedOut,
    /// Nothing can be sent.
    TransportFailed,
}

struct ClientTx {
    branch: Branch,
    owner: Owner,
    flow: Flow,
    method: Method,
    cseq: u32,
    machine: Machine,
    /// What would be sent again: the request, after the final response the
    /// ACK. Of an INVITE that needs no repetition, what its CANCEL and ACK copy.
    wire: Bytes,
    layout: Layout,
    alarm: Option<Instant>,
}

enum Machine {
    Invite(InviteClient),
    Plain(PlainClient),
}

#[derive(Default)]
pub(crate) struct Clients {
    table: SlotMap<ClientKey, ClientTx>,
    /// By branch, and whether it is the CANCEL of that branch.
    by_branch: HashMap<(Branch, bool), ClientKey>,
}

impl Clients {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Sends a request.
    pub(crate) fn start(
        &mut self,
        request: &Outgoing<'_>,
        flow: Flow,
        owner: Owner,
        base: &mut Base,
        now: Instant,
    ) -> Result<ClientKey, EndpointError> {
        let branch = base.identities.branch();
        let (wire, layout) = request.write(branch, base)?;
        let reliable = flow.transport.is_reliable();
        let machine = if *request.method == Method::Invite {
            Machine::Invite(InviteClient::start(reliable, &base.timers, now))
        } else {
            Machine::Plain(PlainClient::start(reliable, &base.timers, now))
        };
        Ok(self.insert(
            ClientTx {
                branch,
                owner,
                flow,
                method: request.method.clone(),
                cseq: request.cseq,
                machine,
                wire,
                layout,
                alarm: None,
            },
            base,
        ))
    }

    /// Cancels an INVITE that has had a provisional response.
    pub(crate) fn cancel(
        &mut self,
        key: ClientKey,
        headers: &[(HeaderName, String)],
        base: &mut Base,
        now: Instant,
    ) {
        let Some(tx) = self.table.get_mut(key) else {
            return;
        };
        let Machine::Invite(machine @ InviteClient::Proceeding { until: None }) = &mut tx.machine
        else {
            return;
        };
        machine.abandon(&base.timers, now);
        let at = machine.deadline();
        base.alarms.set(Alarm::Client(key), &mut tx.alarm, at);
        let wire = tx.layout.cancel(&tx.wire, tx.cseq, headers, base);
        let reliable = tx.flow.transport.is_reliable();
        let cancel = ClientTx {
            branch: tx.branch,
            owner: Owner::Nobody,
            flow: tx.flow,
            method: Method::Cancel,
            cseq: tx.cseq,
            machine: Machine::Plain(PlainClient::start(reliable, &base.timers, now)),
            wire,
            layout: tx.layout,
            alarm: None,
        };
        self.insert(cancel, base);
    }

    /// Nobody waits for this INVITE any more: what has no final response in
    /// 64 × T1 is forgotten.
    pub(crate) fn abandon(&mut self, key: ClientKey, base: &mut Base, now: Instant) {
        if let Some(tx) = self.table.get_mut(key)
            && let Machine::Invite(machine) = &mut tx.machine
        {
            machine.abandon(&base.timers, now);
            let at = machine.deadline();
            base.alarms.set(Alarm::Client(key), &mut tx.alarm, at);
        }
    }

    /// A response. `None`: it matches nothing, or changes nothing.
    pub(crate) fn receive(
        &mut self,
        message: &Message,
        base: &mut Base,
        now: Instant,
    ) -> Option<(ClientKey, Owner, Report)> {
        let status = message.status()?;
        let branch = Branch::parse(message.top_via().ok()?.branch()?)?;
        let cseq = message.cseq().ok()?;
        let key = *self
            .by_branch
            .get(&(branch, cseq.method == Method::Cancel))?;
        let tx = self.table.get_mut(key)?;
        if tx.method != cseq.method || tx.cseq != cseq.number {
            return None;
        }
        // Someone else's (RFC 3261 8.1.3.3).
        if message.values(HeaderName::Via).nth(1).is_some() {
            return None;
        }
        let report = tx.respond(message, status, base, now);
        let at = tx.machine.deadline();
        base.alarms.set(Alarm::Client(key), &mut tx.alarm, at);
        report.map(|report| (key, tx.owner, report))
    }

    pub(crate) fn timeout(
        &mut self,
        key: ClientKey,
        base: &mut Base,
        now: Instant,
    ) -> Option<(Owner, Report)> {
        let tx = self.table.get_mut(key)?;
        tx.alarm = None;
        let report = match &mut tx.machine {
            Machine::Invite(machine) => match machine.timeout(now) {
                invite_client::OnTimeout::Resend => Outcome::Resend,
                invite_client::OnTimeout::Early => Outcome::Early,
                invite_client::OnTimeout::Gone => Outcome::Over(None),
                invite_client::OnTimeout::Done => Outcome::Over(Some(Report::Done)),
                invite_client::OnTimeout::TimedOut => Outcome::Over(Some(Report::TimedOut)),
            },
            Machine::Plain(machine) => match machine.timeout(&base.timers, now) {
                client::OnTimeout::Resend => Outcome::Resend,
                client::OnTimeout::Early => Outcome::Early,
                client::OnTimeout::Gone => Outcome::Over(None),
                client::OnTimeout::TimedOut => Outcome::Over(Some(Report::TimedOut)),
            },
        };
        match report {
            Outcome::Over(report) => {
                let owner = self.remove(key, base)?;
                report.map(|report| (owner, report))
            }
            Outcome::Resend | Outcome::Early => {
                if let Outcome::Resend = report {
                    base.send(tx.flow, tx.wire.clone());
                }
                let at = tx.machine.deadline();
                base.alarms.set(Alarm::Client(key), &mut tx.alarm, at);
                None
            }
        }
    }

    /// Ends everything on a flow; returns who is to hear of it. A walk over
    /// the table: a flow of a stream fails rarely, a datagram's never.
    pub(crate) fn transport_failed(
        &mut self,
        flow: &Flow,
        base: &mut Base,
    ) -> Vec<(ClientKey, Owner, Report)> {
        let failed = self.table.iter().filter(|(_, tx)| tx.flow == *flow);
        let keys: Vec<_> = failed.map(|(key, tx)| (key, tx.reports())).collect();
        let mut reports = Vec::with_capacity(keys.len());
        for (key, report) in keys {
            if let Some(owner) = self.remove(key, base)
                && let Some(report) = report
            {
                reports.push((key, owner, report));
            }
        }
        reports
    }

    fn insert(&mut self, tx: ClientTx, base: &mut Base) -> ClientKey {
        base.send(tx.flow, tx.wire.clone());
        let by = (tx.branch, tx.method == Method::Cancel);
        let key = self.table.insert(tx);
        self.by_branch.insert(by, key);
        if let Some(tx) = self.table.get_mut(key) {
            let at = tx.machine.deadline();
            base.alarms.set(Alarm::Client(key), &mut tx.alarm, at);
        }
        key
    }

    fn remove(&mut self, key: ClientKey, base: &mut Base) -> Option<Owner> {
        let mut tx = self.table.remove(key)?;
        base.alarms.set(Alarm::Client(key), &mut tx.alarm, None);
        self.by_branch
            .remove(&(tx.branch, tx.method == Method::Cancel));
        Some(tx.owner)
    }
}

enum Outcome {
    Resend,
    Early,
    Over(Option<Report>),
}

impl ClientTx {
    fn respond(
        &mut self,
        message: &Message,
        status: u16,
        base: &mut Base,
        now: Instant,
    ) -> Option<Report> {
        let reliable = self.flow.transport.is_reliable();
        match &mut self.machine {
            Machine::Invite(machine) => {
                let calling = matches!(machine, InviteClient::Calling { .. });
                match machine.respond(status, reliable, &base.timers, now) {
                    invite_client::OnResponse::Provisional => {
                        if calling {
                            self.wire = self.layout.shrink(&self.wire);
                        }
                        Some(Report::Provisional)
                    }
                    invite_client::OnResponse::Accepted => {
                        self.wire = Bytes::new();
                        Some(Report::Accepted)
                    }
                    invite_client::OnResponse::Refused => {
                        let to = message.header(HeaderName::To).unwrap_or_default();
                        self.wire = self.layout.ack(&self.wire, to, self.cseq, base);
                        base.send(self.flow, self.wire.clone());
                        Some(Report::Final)
                    }
                    invite_client::OnResponse::AckAgain => {
                        base.send(self.flow, self.wire.clone());
                        None
                    }
                    invite_client::OnResponse::Ignore => None,
                }
            }
            Machine::Plain(machine) => match machine.respond(status, reliable, &base.timers, now) {
                client::OnResponse::Provisional => Some(Report::Provisional),
                client::OnResponse::Final => {
                    self.wire = Bytes::new();
                    Some(Report::Final)
                }
                client::OnResponse::Ignore => None,
            },
        }
    }

    /// What its owner hears where it ends before its time.
    fn reports(&self) -> Option<Report> {
        match self.machine {
            Machine::Invite(InviteClient::Completed { .. })
            | Machine::Plain(PlainClient::Completed { .. }) => None,
            Machine::Invite(InviteClient::Accepted { .. }) => Some(Report::Done),
            Machine::Invite(_) | Machine::Plain(_) => Some(Report::TransportFailed),
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
