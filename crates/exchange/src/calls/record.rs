//! A call's row while it lives, and its record when it ends: CDR, event 30012
//! and the end of the row, together.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use store::{Batch, CdrRow, LiveChange};
use switch::{CallId, CallRecord, Disposition, HangupSide, Mono, Now, Utc};
use wire::event;

use super::push;
use crate::identity::Identity;

/// A moment by the monotonic clock of one run of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    run: u64,
    /// Microseconds since that run began.
    mono: u64,
}

impl Moment {
    /// That moment of that run.
    pub fn of(run: u64, mono: Mono) -> Self {
        Self {
            run,
            mono: u64::try_from(mono.0.as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// Microseconds from another moment to this one; none between two runs.
    fn since(self, earlier: Self) -> Option<i64> {
        let same = self.run == earlier.run;
        same.then(|| i64::try_from(self.mono.saturating_sub(earlier.mono)).unwrap_or(i64::MAX))
    }
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
    /// Where the caller's phone is, as soon as that is known.
    pub from_address: Option<SocketAddr>,
    started: i64,
    /// When that was by the clock that doesn't jump.
    began: Moment,
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
        started: Now,
        run: u64,
    ) -> Self {
        Self {
            epoch: call.epoch,
            counter: call.counter,
            from_number: from.0.into(),
            from_name: from.1.into(),
            to_number: to.0.into(),
            to_name: to.1.into(),
            from_address,
            started: started.utc.0,
            began: Moment::of(run, started.mono),
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

    /// The record of a call that can't tell its end itself and was alive then.
    /// What is known of it may be later.
    pub fn record(&self, alive: Option<Moment>, unanswered: Disposition) -> CallRecord {
        let answered = self.answered.map(|answered| answered.max(self.started));
        let lasted = alive.and_then(|alive| alive.since(self.began)).unwrap_or(0);
        let last = self.started.saturating_add(lasted);
        let ended = last.max(answered.unwrap_or(self.started));
        CallRecord {
            call: self.call(),
            from_number: self.from_number.as_str().into(),
            from_name: self.from_name.as_str().into(),
            to_number: self.to_number.as_str().into(),
            to_name: self.to_name.as_str().into(),
            from_address: self.from_address,
            started: Utc(self.started),
            answered: answered.map(Utc),
            ended: Utc(ended),
            disposition: match self.answered {
                Some(_) => Disposition::Answered,
                None => unanswered,
            },
            hangup: HangupSide::Exchange,
        }
    }

    /// As [`LiveRow::record`], of a call that is alive now.
    pub fn record_at(&self, now: Mono, unanswered: Disposition) -> CallRecord {
        self.record(Some(Moment::of(self.began.run, now)), unanswered)
    }

    fn call(&self) -> CallId {
        CallId {
            epoch: self.epoch,
            counter: self.counter,
        }
    }
}

/// The record of a call that was live when the process died: it ends when the
/// exchange is known to have run last. False where its row can't be read.
pub(crate) fn recover(
    doc: &str,
    alive: Option<Moment>,
    identity: &Identity,
    batch: &mut Batch,
) -> bool {
    let Ok(row) = serde_json::from_str::<LiveRow>(doc) else {
        return false;
    };
    let record = row.record(alive, Disposition::NoAnswer);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(answered_after: Option<i64>) -> LiveRow {
        let call = CallId {
            epoch: 1_700_000_000,
            counter: 1,
        };
        let started = Now {
            mono: Mono(Duration::from_secs(100)),
            utc: Utc(1_700_000_000_000_000),
        };
        let mut row = LiveRow::begin(call, ("1000", ""), ("1001", ""), None, started, 7);
        row.answered = answered_after.map(|s| started.utc.0 + s * 1_000_000);
        row
    }

    /// Duration, ring and talk as they are recovered.
    fn recovered(row: &LiveRow, alive: Option<Moment>) -> (i64, i64, i64) {
        let doc = serde_json::to_string(row).unwrap();
        let mut batch = Batch::default();
        assert!(recover(&doc, alive, &crate::common::identity(), &mut batch));
        let row = &batch.records[0];
        (row.duration, row.ring_duration, row.talk_duration)
    }

    fn alive(run: u64, seconds: u64) -> Option<Moment> {
        Some(Moment::of(run, Mono(Duration::from_secs(seconds))))
    }

    #[test]
    fn recovered_call_lasted_as_long_as_its_exchange_ran_whatever_the_wall_clock_says() {
        assert_eq!(recovered(&row(Some(5)), alive(7, 160)), (60, 5, 55));
        assert_eq!(recovered(&row(None), alive(7, 160)), (60, 60, 0));
    }

    #[test]
    fn last_thing_known_of_a_call_ends_it_where_no_heartbeat_was_kept_since() {
        for nothing in [None, alive(6, 160), alive(7, 103)] {
            assert_eq!(recovered(&row(Some(5)), nothing), (5, 5, 0));
        }
    }

    #[test]
    fn no_duration_is_negative() {
        assert_eq!(recovered(&row(Some(-5)), alive(7, 160)), (60, 0, 60));
    }
}
