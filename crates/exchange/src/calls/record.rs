//! A call's row while it lives, and its record when it ends: CDR, event 30012
//! and the end of the row, together.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use store::{Batch, CdrRow, LiveChange};
use switch::{CallId, CallRecord, Disposition, HangupSide, Utc};
use wire::event;

use super::push;
use crate::identity::Identity;

/// What a live-call row holds: all that a record needs should the process die.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LiveRow {
    epoch: u64,
    counter: u64,
    from_number: String,
    from_name: String,
    to_number: String,
    to_name: String,
    /// Where the caller's phone is, as soon as that is known.
    pub from_address: Option<SocketAddr>,
    started: i64,
    /// Microseconds since the epoch, as all its times.
    pub answered: Option<i64>,
}

impl LiveRow {
    /// A call that has just begun.
    pub fn begin(
        call: CallId,
        from: (&str, &str),
        to: (&str, &str),
        from_address: Option<SocketAddr>,
        started: Utc,
    ) -> Self {
        Self {
            epoch: call.epoch,
            counter: call.counter,
            from_number: from.0.into(),
            from_name: from.1.into(),
            to_number: to.0.into(),
            to_name: to.1.into(),
            from_address,
            started: started.0,
            answered: None,
        }
    }

    /// Writes the row.
    pub fn keep(&self, batch: &mut Batch) {
        batch.live.push(LiveChange {
            call_id: self.call().to_string(),
            // A struct of plain members always serializes.
            doc: Some(serde_json::to_string(self).unwrap_or_default()),
        });
    }

    /// The record of a call that can't tell its end itself.
    pub fn record(&self, ended: Utc, unanswered: Disposition) -> CallRecord {
        let last = self.answered.unwrap_or(self.started).max(self.started);
        CallRecord {
            call: self.call(),
            from_number: self.from_number.as_str().into(),
            from_name: self.from_name.as_str().into(),
            to_number: self.to_number.as_str().into(),
            to_name: self.to_name.as_str().into(),
            from_address: self.from_address,
            started: Utc(self.started),
            answered: self.answered.map(Utc),
            ended: Utc(ended.0.max(last)),
            disposition: match self.answered {
                Some(_) => Disposition::Answered,
                None => unanswered,
            },
            hangup: HangupSide::Exchange,
        }
    }

    fn call(&self) -> CallId {
        CallId {
            epoch: self.epoch,
            counter: self.counter,
        }
    }
}

/// The record of a call that was live when the process died: it ends at
/// `last_alive`, the last moment the exchange is known to have run. False
/// where its row can't be read.
pub(crate) fn recover(doc: &str, last_alive: Utc, identity: &Identity, batch: &mut Batch) -> bool {
    let Ok(row) = serde_json::from_str::<LiveRow>(doc) else {
        return false;
    };
    let record = row.record(last_alive, Disposition::NoAnswer);
    write_record(&record, record.from_address, identity, batch);
    forget(record.call, batch);
    true
}

/// The live row goes: in one batch with the record, never alone.
pub(super) fn forget(call: CallId, batch: &mut Batch) {
    batch.live.push(LiveChange {
        call_id: call.to_string(),
        doc: None,
    });
}

/// CDR row and event 30012.
pub(super) fn write_record(
    record: &CallRecord,
    from_address: Option<SocketAddr>,
    identity: &Identity,
    batch: &mut Batch,
) {
    let row = cdr_row(record, from_address, identity);
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
    batch.records.push(row);
}

fn cdr_row(record: &CallRecord, from_address: Option<SocketAddr>, identity: &Identity) -> CdrRow {
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
        src_addr: from_address.map(|a| a.to_string()).unwrap_or_default(),
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
