//! A call record as a row.

use serde::Deserialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::aside::aside;
use crate::error::StoreError;

/// The columns, in the order of [`CdrRow`]; [`read`] takes them so and `group` writes them.
pub(crate) const COLUMNS: &str = "seq, new_id, uid, call_id, time_start, call_from_number, \
     call_from_name, call_to_number, call_to_name, src_addr, src_trunk, dst_trunk, duration, \
     ring_duration, talk_duration, disposition, call_type, did_number, did_name, dod_number, \
     record_file, reason, call_note_id, enb_call_note, pin_code";

/// One call record: a leg pair. Empty texts and zeros stand for "none".
/// Its members stand in the order of the columns: it is read of them, as an array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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

/// Records read in one statement.
const ROWS_AT_ONCE: usize = 1_024;

/// The records of these `seq`s, in their order.
pub(super) async fn read(pool: &SqlitePool, seqs: &[i64]) -> Result<Vec<CdrRow>, StoreError> {
    // In the order in which they lie in the database; two connections share them.
    let mut sorted = seqs.to_vec();
    sorted.sort_unstable();
    let (first, second) = sorted.split_at(match sorted.len() {
        few if few <= ROWS_AT_ONCE => few,
        many => many / 2,
    });
    let (mut rows, more) = tokio::try_join!(in_order(pool, first), in_order(pool, second))?;
    rows.extend(more);
    if seqs.is_sorted() {
        return Ok(rows);
    }
    if seqs.iter().rev().is_sorted() {
        rows.reverse();
        return Ok(rows);
    }
    let found: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let mut rows: Vec<Option<CdrRow>> = rows.into_iter().map(Some).collect();
    Ok(seqs
        .iter()
        .filter_map(|seq| rows.get_mut(found.binary_search(seq).ok()?)?.take())
        .collect())
}

/// The records of these `seq`s, which rise. A row of 25 values costs more on its
/// way from the database than in it, so that many come as one text (JSON, in
/// which SQLite writes and reads it; PostgreSQL has the same under other names).
async fn in_order(pool: &SqlitePool, seqs: &[i64]) -> Result<Vec<CdrRow>, StoreError> {
    let mut rows = Vec::with_capacity(seqs.len());
    for seqs in seqs.chunks(ROWS_AT_ONCE) {
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT json_group_array(json_array(");
        sql.push(COLUMNS)
            .push(")) FROM json_each(")
            .push_bind(serde_json::to_string(seqs).unwrap_or_default())
            .push(") AS wanted CROSS JOIN cdr ON cdr.seq = wanted.value");
        let row = sql.build().fetch_one(pool).await?;
        rows.extend(aside(move || parsed(&row)).await??);
    }
    Ok(rows)
}

fn parsed(row: &SqliteRow) -> Result<Vec<CdrRow>, StoreError> {
    serde_json::from_str(row.try_get(0)?)
        .map_err(|error| StoreError::Corrupt(format!("call records: {error}")))
}
