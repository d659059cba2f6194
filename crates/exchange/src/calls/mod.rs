//! The calls as applications see them: the one mapping of the switch's facts
//! to P-Series events, call records and live-call rows.
//!
//! It must never decide anything about a call: it only tells what happened.

mod member;
mod record;

use std::collections::{BTreeMap, HashMap};

use settings::Snapshot;
use store::Batch;
use switch::{
    CallId, CallRecord, Disposition, ExtensionNumber, ExtensionState, Fact, FailReason, LegId,
    LegSnapshot, LegState, Mono, Party, Role,
};
use wire::call::{CallInfo, CallMember};
use wire::event;

use crate::identity::Identity;
use crate::legs::Legs;
use member::{Member, read_channel_id, reason_text};
use record::LiveRow;

pub(crate) use record::{Moment, recover};

/// One live call.
#[derive(Debug)]
struct LiveCall {
    row: LiveRow,
    /// The row is in the database.
    kept: bool,
    /// Caller first, then callees in the order they were called.
    members: Vec<Member>,
    /// Those members as applications were told last, without the ones that left.
    told: Vec<(LegId, &'static str)>,
    failed: Option<FailReason>,
}

/// Which calls a query is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// All of them.
    All,
    /// One call, by its id.
    Call(String),
    /// All calls of one kind.
    Kind(CallKind),
    /// All calls an extension takes part in.
    Extension(String),
}

/// The kinds of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// From a trunk.
    Inbound,
    /// To a trunk.
    Outbound,
    /// Between extensions.
    Internal,
}

/// What the calls are seen against.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub identity: &'a Identity,
    /// Whom events are switched on for.
    pub snapshot: &'a Snapshot,
    /// Where phones are.
    pub legs: &'a Legs,
}

/// All live calls as applications see them.
#[derive(Debug, Default)]
pub(crate) struct LiveCalls {
    calls: BTreeMap<CallId, LiveCall>,
    /// By the eight digits of a channel's name.
    channels: HashMap<u32, (LegId, CallId)>,
    extensions: HashMap<ExtensionNumber, Vec<CallId>>,
}

impl LiveCalls {
    /// Takes in a call that its fact says has started: before anything is told of it.
    pub fn begin(&mut self, call: CallId, fact: &Fact, run: u64) {
        let Fact::CallStarted {
            from_number,
            from_name,
            to_number,
            to_name,
            from_address,
            started,
            ..
        } = fact
        else {
            return;
        };
        let row = LiveRow::begin(
            call,
            (from_number, from_name),
            (to_number, to_name),
            *from_address,
            *started,
            run,
        );
        let live = LiveCall {
            row,
            kept: false,
            members: Vec::new(),
            told: Vec::new(),
            failed: None,
        };
        self.calls.insert(call, live);
    }

    /// Tells the facts of one input: adds to `batch` what is to be kept and told.
    /// Calls that they start have [begun](LiveCalls::begin).
    pub fn tell(&mut self, facts: &[Fact], scene: &Scene<'_>, batch: &mut Batch) {
        let identity = scene.identity;
        let mut touched: Vec<CallId> = Vec::new();
        let mut rows: Vec<CallId> = Vec::new();
        let mut over: Vec<&CallRecord> = Vec::new();
        let mut states: Vec<(&ExtensionNumber, ExtensionState)> = Vec::new();
        for fact in facts {
            match fact {
                Fact::CallStarted {
                    call,
                    from_number: from,
                    to_number: to,
                    ..
                } => {
                    metrics::counter!("strowger_calls_started_total").increment(1);
                    tracing::debug!(call_id = %call, %from, %to, "call started");
                    rows.push(*call);
                }
                Fact::Leg { call, leg } => {
                    if self.leg(*call, leg) && !touched.contains(call) {
                        touched.push(*call);
                    }
                    if self.locate(*call, leg, scene.legs) && !rows.contains(call) {
                        rows.push(*call);
                    }
                }
                Fact::CallAnswered { call, at } => {
                    metrics::counter!("strowger_calls_answered_total").increment(1);
                    tracing::debug!(call_id = %call, "call answered");
                    if let Some(live) = self.calls.get_mut(call) {
                        live.row.answered = Some(at.0);
                        rows.push(*call);
                    }
                }
                Fact::CallFailed { call, reason } => {
                    metrics::counter!("strowger_calls_failed_total").increment(1);
                    tracing::debug!(call_id = %call, ?reason, "call failed");
                    if let Some(live) = self.calls.get_mut(call) {
                        live.failed = Some(*reason);
                    }
                }
                Fact::CallEnded(record) => over.push(record),
                Fact::Extension { extension, state } => states.push((extension, *state)),
            }
        }
        for call in &touched {
            self.changed(*call, identity, batch);
        }
        for record in over {
            self.end(record, identity, batch);
        }
        rows.dedup();
        for call in rows {
            // What began and ended at once is never kept as live.
            if let Some(live) = self.calls.get_mut(&call) {
                live.row.keep(batch);
                live.kept = true;
            }
        }
        for (extension, state) in states {
            tell_state(extension, state, scene, batch);
        }
    }

    /// The leg that a channel's name stands for.
    pub fn channel(&self, channel: &str) -> Option<LegId> {
        let (number, short) = read_channel_id(channel)?;
        let (leg, call) = *self.channels.get(&short)?;
        let members = &self.calls.get(&call)?.members;
        members
            .iter()
            .any(|m| m.leg == leg && m.number.as_str() == number)
            .then_some(leg)
    }

    /// The call that a leg is in, as far as applications were told.
    pub fn call_of(&self, leg: LegId) -> Option<CallId> {
        let (found, call) = *self.channels.get(&leg.short())?;
        (found == leg).then_some(call)
    }

    /// What `call/query` answers.
    pub fn query(&self, selector: &Selector) -> Vec<CallInfo> {
        match selector {
            Selector::Call(text) => read_call_id(text)
                .and_then(|id| self.info(id))
                .into_iter()
                .collect(),
            // There are no trunks: all are of one kind.
            Selector::All | Selector::Kind(CallKind::Internal) => {
                self.calls.keys().filter_map(|id| self.info(*id)).collect()
            }
            Selector::Kind(CallKind::Inbound | CallKind::Outbound) => Vec::new(),
            Selector::Extension(number) => ExtensionNumber::new(number)
                .ok()
                .and_then(|number| self.extensions.get(&number))
                .into_iter()
                .flatten()
                .filter_map(|id| self.info(*id))
                .collect(),
        }
    }

    /// How many calls are live.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// All live calls: what a shutdown ends.
    pub fn ids(&self) -> Vec<CallId> {
        self.calls.keys().copied().collect()
    }

    /// Ends a call that the switch did not end: it has lost it.
    pub fn abandon(&mut self, call: CallId, now: Mono, identity: &Identity, batch: &mut Batch) {
        let Some(live) = self.calls.get_mut(&call) else {
            return;
        };
        for member in &mut live.members {
            member.state = LegState::Ended;
        }
        let record = live.row.record_at(now, Disposition::Failed);
        self.changed(call, identity, batch);
        self.end(&record, identity, batch);
    }

    fn info(&self, call: CallId) -> Option<CallInfo> {
        let members = &self.calls.get(&call)?.members;
        Some(CallInfo {
            call_id: Some(call.to_string()),
            members: Some(
                members
                    .iter()
                    .filter(|m| m.is_visible() && m.state != LegState::Ended)
                    .map(Member::shown)
                    .collect(),
            ),
        })
    }

    /// Takes a leg's new state; true where applications can see the change.
    fn leg(&mut self, call: CallId, snapshot: &LegSnapshot) -> bool {
        let Some(live) = self.calls.get_mut(&call) else {
            return false;
        };
        let Party::Extension(number) = &snapshot.party;
        if let Some(member) = live.members.iter_mut().find(|m| m.leg == snapshot.leg) {
            let changed = member.state != snapshot.state || member.role != snapshot.role;
            member.state = snapshot.state;
            member.role = snapshot.role;
            return changed;
        }
        self.channels
            .insert(snapshot.leg.short(), (snapshot.leg, call));
        let calls = self.extensions.entry(number.clone()).or_default();
        if !calls.contains(&call) {
            calls.push(call);
        }
        let member = Member {
            leg: snapshot.leg,
            number: number.clone(),
            role: snapshot.role,
            state: snapshot.state,
            told: false,
        };
        let at = match snapshot.role {
            Role::Caller => live
                .members
                .iter()
                .take_while(|m| m.role == Role::Caller)
                .count(),
            Role::Callee => live.members.len(),
        };
        live.members.insert(at, member);
        true
    }

    /// The caller of a dial command is where the phone is that it answered.
    fn locate(&mut self, call: CallId, leg: &LegSnapshot, legs: &Legs) -> bool {
        if leg.role != Role::Caller || leg.state != LegState::Calling {
            return false;
        }
        let Some(live) = self.calls.get_mut(&call) else {
            return false;
        };
        if live.row.from_address.is_some() {
            return false;
        }
        live.row.from_address = legs.get(leg.leg).map(|leg| leg.flow.remote);
        live.row.from_address.is_some()
    }

    /// Event 30011: the call's members as they stand, those that just left included.
    fn changed(&mut self, call: CallId, identity: &Identity, batch: &mut Batch) {
        let Some(live) = self.calls.get_mut(&call) else {
            return;
        };
        let seen = |m: &Member| m.is_visible() && !m.waits_alone();
        let visible = live.members.iter().filter(|m| m.is_visible());
        let shown: Vec<_> = visible.map(|m| (m.leg, m.status())).collect();
        if live.members.iter().any(seen) && shown != live.told {
            live.told = shown;
            let members: Vec<CallMember> = live
                .members
                .iter_mut()
                .filter(|m| m.is_visible())
                .map(|m| {
                    m.told = true;
                    m.shown()
                })
                .collect();
            let event = event::CallStateChanged {
                call_id: Some(call.to_string()),
                members: Some(members),
            };
            push(batch, &event, identity);
        }
        // Those that left are told once; a failure tells them all again.
        if live.failed.is_some() {
            return;
        }
        let gone = live
            .members
            .extract_if(.., |m| m.state == LegState::Ended)
            .collect();
        live.told
            .retain(|(leg, _)| live.members.iter().any(|m| m.leg == *leg));
        self.forget_members(call, gone);
    }

    fn end(&mut self, record: &CallRecord, identity: &Identity, batch: &mut Batch) {
        let call = record.call;
        let Some(live) = self.calls.remove(&call) else {
            // It was given up and has its record.
            return;
        };
        tracing::debug!(call_id = %call, disposition = ?record.disposition, "call ended");
        let from_address = record.from_address.or(live.row.from_address);
        if let Some(reason) = live.failed {
            let members: Vec<CallMember> = live.members.iter().map(Member::shown_as_gone).collect();
            let event = event::CallFailureReport {
                call_id: Some(call.to_string()),
                reason: Some(reason_text(reason).into()),
                members: (!members.is_empty()).then_some(members),
            };
            push(batch, &event, identity);
        }
        if live.kept {
            record::forget(call, batch);
        }
        self.forget_members(call, live.members);
        record::write_record(record, from_address, identity, batch);
    }

    /// Members that are in the call no more.
    fn forget_members(&mut self, call: CallId, gone: Vec<Member>) {
        for member in gone {
            self.channels.remove(&member.leg.short());
            let stays = self
                .calls
                .get(&call)
                .is_some_and(|live| live.members.iter().any(|m| m.number == member.number));
            if stays {
                continue;
            }
            if let Some(calls) = self.extensions.get_mut(&member.number) {
                calls.retain(|other| *other != call);
                if calls.is_empty() {
                    self.extensions.remove(&member.number);
                }
            }
        }
    }
}

/// Event 30008, where it is switched on.
fn tell_state(
    extension: &ExtensionNumber,
    state: ExtensionState,
    scene: &Scene<'_>,
    batch: &mut Batch,
) {
    let watched = scene
        .snapshot
        .extension_by_number(extension.as_str())
        .is_some_and(|e| e.monitor.call_status);
    if !watched {
        return;
    }
    let status = match state {
        ExtensionState::Idle => "Idle",
        ExtensionState::Ringing => "Ringing",
        ExtensionState::Busy => "Busy",
    };
    let event = event::ExtensionCallStateChanged {
        extension: Some(extension.to_string()),
        status: Some(status.into()),
    };
    push(batch, &event, scene.identity);
}

/// Adds an event to what is to be kept and then told.
pub(crate) fn push<E: event::Event>(batch: &mut Batch, event: &E, identity: &Identity) {
    batch.events.push(store::NewEvent {
        id: E::ID,
        frame: event::frame(event, &identity.serial),
    });
}

/// A call's id from its text, as we write it.
fn read_call_id(text: &str) -> Option<CallId> {
    let (epoch, counter) = text.split_once('.')?;
    let id = CallId {
        epoch: epoch.parse().ok()?,
        counter: counter.parse().ok()?,
    };
    // No other way to write the same number.
    (id.to_string() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switch::{HangupSide, Now, Utc};

    use super::*;

    #[test]
    fn call_that_was_given_up_gets_no_second_record_from_the_switch() {
        let call = CallId {
            epoch: 1_700_000_000,
            counter: 1,
        };
        let started = Now {
            mono: Mono(Duration::from_secs(7)),
            utc: Utc(1_700_000_000_000_000),
        };
        let fact = Fact::CallStarted {
            call,
            from_number: "1000".into(),
            from_name: "".into(),
            to_number: "1001".into(),
            to_name: "".into(),
            from_address: None,
            started,
        };
        let identity = crate::common::identity();
        let (snapshot, legs) = (Snapshot::default(), Legs::default());
        let scene = Scene {
            identity: &identity,
            snapshot: &snapshot,
            legs: &legs,
        };
        let mut calls = LiveCalls::default();
        calls.begin(call, &fact, 1);
        calls.tell(&[fact], &scene, &mut Batch::default());
        let mut batch = Batch::default();
        let later = Mono(Duration::from_secs(10));
        calls.abandon(call, later, &identity, &mut batch);
        let ended = Fact::CallEnded(CallRecord {
            call,
            from_number: "1000".into(),
            from_name: "".into(),
            to_number: "1001".into(),
            to_name: "".into(),
            from_address: None,
            started: started.utc,
            answered: None,
            ended: started.utc,
            disposition: Disposition::NoAnswer,
            hangup: HangupSide::Exchange,
        });
        calls.tell(&[ended], &scene, &mut batch);
        assert_eq!(batch.records.len(), 1);
        assert_eq!(batch.records[0].duration, 3);
        assert_eq!(batch.events.iter().filter(|e| e.id == 30012).count(), 1);
    }
}
