//! The calls as applications see them: the one mapping of the switch's facts
//! to P-Series events, call records and live-call rows.
//!
//! It must never decide anything about a call: it only tells what happened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::{Batch, CdrRow, LiveChange};
use switch::{
    CallId, CallRecord, Cause, Disposition, ExtensionNumber, ExtensionState, Fact, FailReason,
    HangupSide, LegId, LegSnapshot, LegState, Party, Role, Utc,
};
use wire::call::{CallInfo, CallMember, ExtensionLeg};
use wire::event;

use crate::identity::Identity;

/// One leg in a live call.
#[derive(Debug, Clone)]
struct Member {
    leg: LegId,
    number: ExtensionNumber,
    role: Role,
    state: LegState,
    /// An application has heard of it.
    told: bool,
}

/// One live call.
#[derive(Debug, Clone)]
struct LiveCall {
    row: LiveRow,
    /// Caller first, then callees in the order they were called.
    members: Vec<Member>,
    failed: Option<FailReason>,
}

/// What a live-call row holds: all that a record needs should the process die.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LiveRow {
    epoch: u64,
    counter: u64,
    from_number: String,
    from_name: String,
    to_number: String,
    to_name: String,
    from_address: Option<String>,
    started: i64,
    answered: Option<i64>,
}

/// Which calls a query is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
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

/// Whom event 30008 is switched on for.
pub(crate) trait Monitored {
    /// Whether the extension's call state is watched.
    fn call_state(&self, extension: &ExtensionNumber) -> bool;
}

/// All live calls as applications see them.
#[derive(Debug, Default)]
pub(crate) struct LiveCalls {
    calls: BTreeMap<CallId, LiveCall>,
    legs: BTreeMap<LegId, (CallId, ExtensionNumber)>,
}

/// The API's name of an extension's leg.
pub(crate) fn channel_id(number: &ExtensionNumber, leg: LegId) -> String {
    format!("PJSIP/{number}-{:08x}", leg.short())
}

impl LiveCalls {
    /// Tells the facts of one input: adds to `batch` what is to be kept and told.
    pub fn tell(
        &mut self,
        facts: &[Fact],
        identity: &Identity,
        monitored: &impl Monitored,
        batch: &mut Batch,
    ) {
        let mut touched: Vec<CallId> = Vec::new();
        let mut over: Vec<&CallRecord> = Vec::new();
        let mut states: Vec<(&ExtensionNumber, ExtensionState)> = Vec::new();
        for fact in facts {
            match fact {
                Fact::CallStarted { call, .. } => self.start(*call, fact, batch),
                Fact::Leg { call, leg } => {
                    if self.leg(*call, leg) && !touched.contains(call) {
                        touched.push(*call);
                    }
                }
                Fact::CallAnswered { call, at } => {
                    if let Some(live) = self.calls.get_mut(call) {
                        live.row.answered = Some(at.0);
                        keep(*call, &live.row, batch);
                    }
                }
                Fact::CallFailed { call, reason } => {
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
        for (extension, state) in states {
            if monitored.call_state(extension) {
                let event = event::ExtensionCallStateChanged {
                    extension: Some(extension.to_string()),
                    status: Some(
                        match state {
                            ExtensionState::Idle => "Idle",
                            ExtensionState::Ringing => "Ringing",
                            ExtensionState::Busy => "Busy",
                        }
                        .into(),
                    ),
                };
                push(batch, &event, identity);
            }
        }
    }

    /// The leg and call that a channel's name stands for.
    pub fn channel(&self, channel: &str) -> Option<LegId> {
        let hex = channel.rsplit_once('-')?.1;
        let short = u32::from_str_radix(hex, 16).ok()?;
        self.legs
            .iter()
            .find(|(leg, (_, number))| leg.short() == short && channel_id(number, **leg) == channel)
            .map(|(leg, _)| *leg)
    }

    /// What `call/query` answers.
    pub fn query(&self, selector: &Selector) -> Vec<CallInfo> {
        let chosen = |id: &CallId, live: &LiveCall| match selector {
            Selector::Call(text) => id.to_string() == *text,
            Selector::Kind(kind) => *kind == CallKind::Internal,
            Selector::Extension(number) => live.members.iter().any(|m| m.number.as_str() == number),
        };
        self.calls
            .iter()
            .filter(|(id, live)| chosen(id, live))
            .map(|(id, live)| CallInfo {
                call_id: Some(id.to_string()),
                members: Some(
                    live.members
                        .iter()
                        .filter(|m| visible(m) && m.state != LegState::Ended)
                        .map(member)
                        .collect(),
                ),
            })
            .collect()
    }

    /// How many calls are live.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// The legs of all live calls, callers first: what a shutdown hangs up.
    pub fn callers(&self) -> Vec<LegId> {
        self.calls
            .values()
            .filter_map(|c| c.members.first())
            .map(|m| m.leg)
            .collect()
    }

    fn start(&mut self, call: CallId, fact: &Fact, batch: &mut Batch) {
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
        let row = LiveRow {
            epoch: call.epoch,
            counter: call.counter,
            from_number: from_number.to_string(),
            from_name: from_name.to_string(),
            to_number: to_number.to_string(),
            to_name: to_name.to_string(),
            from_address: from_address.map(|a| a.to_string()),
            started: started.0,
            answered: None,
        };
        keep(call, &row, batch);
        self.calls.insert(
            call,
            LiveCall {
                row,
                members: Vec::new(),
                failed: None,
            },
        );
    }

    /// Takes a leg's new state; true where applications can see the change.
    fn leg(&mut self, call: CallId, snapshot: &LegSnapshot) -> bool {
        let Some(live) = self.calls.get_mut(&call) else {
            return false;
        };
        let Party::Extension(number) = &snapshot.party;
        match live.members.iter_mut().find(|m| m.leg == snapshot.leg) {
            Some(member) => {
                let changed = member.state != snapshot.state || member.role != snapshot.role;
                member.state = snapshot.state;
                member.role = snapshot.role;
                changed
            }
            None => {
                self.legs.insert(snapshot.leg, (call, number.clone()));
                let member = Member {
                    leg: snapshot.leg,
                    number: number.clone(),
                    role: snapshot.role,
                    state: snapshot.state,
                    told: false,
                };
                match snapshot.role {
                    Role::Caller => {
                        let at = live
                            .members
                            .iter()
                            .take_while(|m| m.role == Role::Caller)
                            .count();
                        live.members.insert(at, member);
                    }
                    Role::Callee => live.members.push(member),
                }
                true
            }
        }
    }

    /// Event 30011: the call's members as they stand, those that just left included.
    fn changed(&mut self, call: CallId, identity: &Identity, batch: &mut Batch) {
        let Some(live) = self.calls.get_mut(&call) else {
            return;
        };
        // A caller alone is not told before the other end rings: applications
        // look for the pair. One who was rung first by a dial command is.
        let lonely = live.members.iter().all(|m| {
            !visible(m) || (m.role == Role::Caller && m.state == LegState::Calling && !m.told)
        });
        if lonely {
            return;
        }
        let members: Vec<CallMember> = live
            .members
            .iter_mut()
            .filter(|m| visible(m))
            .filter(|m| m.state != LegState::Ended || m.told || m.role == Role::Caller)
            .map(|m| {
                m.told = true;
                member(m)
            })
            .collect();
        // Those that left are told once.
        let legs = &mut self.legs;
        live.members.retain(|m| {
            let stays = m.state != LegState::Ended || live.failed.is_some();
            if !stays {
                legs.remove(&m.leg);
            }
            stays
        });
        if members.is_empty() {
            return;
        }
        let event = event::CallStateChanged {
            call_id: Some(call.to_string()),
            members: Some(members),
        };
        push(batch, &event, identity);
    }

    fn end(&mut self, record: &CallRecord, identity: &Identity, batch: &mut Batch) {
        if let Some(live) = self.calls.remove(&record.call) {
            for member in &live.members {
                self.legs.remove(&member.leg);
            }
            if let Some(reason) = live.failed {
                let members: Vec<CallMember> = live
                    .members
                    .iter()
                    .map(|m| {
                        member(&Member {
                            state: LegState::Ended,
                            ..m.clone()
                        })
                    })
                    .collect();
                let event = event::CallFailureReport {
                    call_id: Some(record.call.to_string()),
                    reason: Some(reason_text(reason).into()),
                    members: (!members.is_empty()).then_some(members),
                };
                push(batch, &event, identity);
            }
        }
        write_record(record, identity, batch);
    }
}

/// The record of a call that was live when the process died: it ends at
/// `last_alive`, the last moment the exchange is known to have run.
pub(crate) fn recover(doc: &str, last_alive: Utc, identity: &Identity, batch: &mut Batch) -> bool {
    let Ok(row) = serde_json::from_str::<LiveRow>(doc) else {
        return false;
    };
    let last = row.answered.unwrap_or(row.started).max(row.started);
    let record = CallRecord {
        call: CallId {
            epoch: row.epoch,
            counter: row.counter,
        },
        from_number: row.from_number.into(),
        from_name: row.from_name.into(),
        to_number: row.to_number.into(),
        to_name: row.to_name.into(),
        from_address: row.from_address.and_then(|a| a.parse().ok()),
        started: Utc(row.started),
        answered: row.answered.map(Utc),
        ended: Utc(last_alive.0.max(last)),
        disposition: if row.answered.is_some() {
            Disposition::Answered
        } else {
            Disposition::NoAnswer
        },
        hangup: HangupSide::Exchange,
    };
    write_record(&record, identity, batch);
    true
}

/// CDR row, event 30012 and the end of the live row: one batch, never split.
fn write_record(record: &CallRecord, identity: &Identity, batch: &mut Batch) {
    let row = cdr_row(record, identity);
    let event = event::CallEndDetailsNotification {
        call_id: Some(row.call_id.clone()),
        time_start: Some(identity.clock.dashed(row.time_start)),
        call_from: Some(row.call_from_number.clone()),
        call_to: Some(row.call_to_number.clone()),
        call_duration: Some(row.duration),
        talk_duration: Some(row.talk_duration),
        src_trunk_name: Some(String::new()),
        dst_trunk_name: Some(String::new()),
        pin_code: Some(String::new()),
        // The event's closed list has no FAILED.
        status: Some(
            match record.disposition {
                Disposition::Answered => "ANSWERED",
                Disposition::NoAnswer | Disposition::Failed => "NO ANSWER",
                Disposition::Busy => "BUSY",
            }
            .into(),
        ),
        r#type: Some(row.call_type.as_str().into()),
        recording: Some(String::new()),
        did_number: Some(String::new()),
        agent_ring_time: Some(0),
        uid: Some(row.uid.clone()),
        call_note_id: Some(String::new()),
        enb_call_note: Some(0),
        ..Default::default()
    };
    push(batch, &event, identity);
    batch.live.push(LiveChange {
        call_id: row.call_id.clone(),
        doc: None,
    });
    batch.records.push(row);
}

fn cdr_row(record: &CallRecord, identity: &Identity) -> CdrRow {
    let seconds = |from: Utc, to: Utc| (to.0 - from.0).max(0) / 1_000_000;
    let duration = seconds(record.started, record.ended);
    let talk = record
        .answered
        .map_or(0, |answered| seconds(answered, record.ended));
    let call = record.call;
    // An odd factor maps counters one to one onto the five digits, so that two
    // calls of one second differ.
    let tail = call.counter.wrapping_mul(0x9_e37b) & 0xf_ffff;
    CdrRow {
        seq: 0,
        new_id: format!(
            "{:08x}-{:08x}",
            call.epoch & 0xffff_ffff,
            call.counter & 0xffff_ffff
        ),
        uid: format!(
            "{}{tail:05X}",
            identity.clock.compact(record.started.seconds())
        ),
        call_id: call.to_string(),
        time_start: record.started.seconds(),
        call_from_number: record.from_number.to_string(),
        call_from_name: record.from_name.to_string(),
        call_to_number: record.to_number.to_string(),
        call_to_name: record.to_name.to_string(),
        src_addr: record
            .from_address
            .map(|a| a.to_string())
            .unwrap_or_default(),
        duration,
        ring_duration: duration - talk,
        talk_duration: talk,
        disposition: match record.disposition {
            Disposition::Answered => "ANSWERED",
            Disposition::NoAnswer => "NO ANSWER",
            Disposition::Busy => "BUSY",
            Disposition::Failed => "FAILED",
        }
        .into(),
        call_type: "Internal".into(),
        reason: match record.hangup {
            HangupSide::Caller => "src hangup",
            HangupSide::Callee => "dst hangup",
            HangupSide::Exchange => "",
        }
        .into(),
        ..Default::default()
    }
}

fn keep(call: CallId, row: &LiveRow, batch: &mut Batch) {
    // A struct of plain members always serializes.
    let doc = serde_json::to_string(row).unwrap_or_default();
    batch.live.push(LiveChange {
        call_id: call.to_string(),
        doc: Some(doc),
    });
}

pub(crate) fn push<E: event::Event>(batch: &mut Batch, event: &E, identity: &Identity) {
    batch.events.push(store::NewEvent {
        id: E::ID,
        frame: event::frame(event, &identity.serial),
    });
}

/// A leg that is called but does not ring is nobody's news.
fn visible(member: &Member) -> bool {
    member.state != LegState::Trying
        && (member.state != LegState::Ended || member.told || member.role == Role::Caller)
}

fn member(member: &Member) -> CallMember {
    let status = match (member.role, member.state) {
        (_, LegState::Ended) => "BYE",
        (_, LegState::Held) => "HOLD",
        (_, LegState::Ringing | LegState::Trying | LegState::Early) => "RING",
        (_, LegState::Calling) => "ALERT",
        (Role::Caller, LegState::Answered) => "ANSWERED",
        (Role::Callee, LegState::Answered) => "ANSWER",
    };
    CallMember {
        extension: Some(ExtensionLeg {
            number: Some(member.number.to_string()),
            channel_id: Some(channel_id(&member.number, member.leg)),
            member_status: Some(status.into()),
            call_path: Some(String::new()),
        }),
        ..Default::default()
    }
}

/// The contract's words for a failure (event 30015), odd spellings included.
fn reason_text(reason: FailReason) -> &'static str {
    match reason {
        FailReason::NotFound | FailReason::Leg(Cause::NotFound) => "404 NOT found",
        FailReason::DoNotDisturb => "DND",
        FailReason::NotRegistered => "Line Unreachable",
        FailReason::Leg(cause) => match cause {
            Cause::Busy => "486 Busy here",
            Cause::Declined => "User Busy",
            Cause::Gone => "410 Gone",
            Cause::AddressIncomplete => "484 Address incomplete",
            Cause::NoAnswer | Cause::Status(408) => "408 Request Time",
            Cause::Unavailable => "480 Temporatily Unavailable",
            Cause::Forbidden => "NO Dial Permission",
            Cause::Unreachable | Cause::MediaLost => "Line Unreachable",
            _ => "Circuit/channel congestion",
        },
    }
}
