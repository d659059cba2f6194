//! A call record as a row.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;

/// The columns, in the order in which [`read`] takes them and `group` writes them.
pub(crate) const COLUMNS: &str = "seq, new_id, uid, call_id, time_start, call_from_number, \
     call_from_name, call_to_number, call_to_name, src_addr, src_trunk, dst_trunk, duration, \
     ring_duration, talk_duration, disposition, call_type, did_number, did_name, dod_number, \
     record_file, reason, call_note_id, enb_call_note, pin_code";

/// One call record: a leg pair. Empty texts and zeros stand for "none".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CdrRow {
    /// Order of being written; given by the store, whatever is handed in.
    pub seq: i64,
    /// The row's key for applications.
    pub new_id: String,
    /// The call's id in records, the same in all rows of a call.
    pub uid: String,
    /// The call's id while it lived.
    pub call_id: String,
    /// Start, unix seconds.
    pub time_start: i64,
    /// Caller's number.
    pub call_from_number: String,
    /// Caller's name.
    pub call_from_name: String,
    /// Callee's number.
    pub call_to_number: String,
    /// Callee's name.
    pub call_to_name: String,
    /// The caller's address, `ip:port`.
    pub src_addr: String,
    /// Trunk that it came in by.
    pub src_trunk: String,
    /// Trunk that it went out by.
    pub dst_trunk: String,
    /// Seconds in all.
    pub duration: i64,
    /// Seconds until answer.
    pub ring_duration: i64,
    /// Seconds from answer to end.
    pub talk_duration: i64,
    /// `ANSWERED`, `NO ANSWER`, `BUSY`, `FAILED`, `VOICEMAIL`.
    pub disposition: String,
    /// `Inbound`, `Outbound`, `Internal`.
    pub call_type: String,
    /// Number that was dialled in.
    pub did_number: String,
    /// That number's name.
    pub did_name: String,
    /// Caller id shown outside.
    pub dod_number: String,
    /// The recording's file name.
    pub record_file: String,
    /// Why it ended.
    pub reason: String,
    /// Its call note.
    pub call_note_id: String,
    /// Whether the note can be edited, as the API numbers it.
    pub enb_call_note: i64,
    /// PIN used on a restricted route.
    pub pin_code: String,
}

/// The record of a database row that has [`COLUMNS`].
pub(super) fn read(row: &SqliteRow) -> Result<CdrRow, StoreError> {
    Ok(CdrRow {
        seq: row.try_get(0)?,
        new_id: row.try_get(1)?,
        uid: row.try_get(2)?,
        call_id: row.try_get(3)?,
        time_start: row.try_get(4)?,
        call_from_number: row.try_get(5)?,
        call_from_name: row.try_get(6)?,
        call_to_number: row.try_get(7)?,
        call_to_name: row.try_get(8)?,
        src_addr: row.try_get(9)?,
        src_trunk: row.try_get(10)?,
        dst_trunk: row.try_get(11)?,
        duration: row.try_get(12)?,
        ring_duration: row.try_get(13)?,
        talk_duration: row.try_get(14)?,
        disposition: row.try_get(15)?,
        call_type: row.try_get(16)?,
        did_number: row.try_get(17)?,
        did_name: row.try_get(18)?,
        dod_number: row.try_get(19)?,
        record_file: row.try_get(20)?,
        reason: row.try_get(21)?,
        call_note_id: row.try_get(22)?,
        enb_call_note: row.try_get(23)?,
        pin_code: row.try_get(24)?,
    })
}
