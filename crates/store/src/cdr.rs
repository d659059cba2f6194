//! Call records: rows, pages of them, filters.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::error::StoreError;
use crate::store::Store;

/// Most records a page holds; also what it holds where nothing is said.
pub const MAX_PAGE_SIZE: u32 = 10_000;

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

/// Which records. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CdrFilter {
    /// Started at or after, unix seconds.
    pub start: Option<i64>,
    /// Started at or before, unix seconds.
    pub end: Option<i64>,
    /// The caller's number.
    pub call_from: Option<String>,
    /// The callee's number.
    pub call_to: Option<String>,
    /// Numbers match where they contain the text, not only where they equal it.
    pub fuzzy: bool,
    /// Disposition.
    pub status: Option<String>,
    /// Kind of traffic.
    pub call_type: Option<String>,
    /// PIN used.
    pub pin_code: Option<String>,
    /// One call, by its id while it lived.
    pub call_id: Option<String>,
    /// One row, by its key.
    pub new_id: Option<String>,
}

/// Which part of what matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    number: u32,
    size: u32,
}

impl Page {
    /// Page `number` from 1, `size` records each; both are brought into their bounds.
    pub fn new(number: u32, size: u32) -> Self {
        Self {
            number: number.max(1),
            size: size.clamp(1, MAX_PAGE_SIZE),
        }
    }

    /// How many records it may hold.
    pub fn size(self) -> u32 {
        self.size
    }

    /// How many records stand before it.
    pub fn offset(self) -> u64 {
        u64::from(self.number - 1) * u64::from(self.size)
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new(1, MAX_PAGE_SIZE)
    }
}

/// What records can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CdrField {
    /// Order of being written.
    Id,
    /// The call's id in records.
    Uid,
    /// Start.
    #[default]
    Time,
    /// Seconds in all.
    Duration,
    /// Seconds until answer.
    RingDuration,
    /// Seconds of talk.
    TalkDuration,
    /// Outcome.
    Disposition,
    /// Trunk that it came in by.
    SrcTrunk,
    /// Trunk that it went out by.
    DstTrunk,
    /// Kind of traffic.
    CallType,
    /// Number that was dialled in.
    DidNumber,
    /// Caller id shown outside.
    DodNumber,
    /// The caller's address.
    SrcAddr,
}

impl CdrField {
    /// The field that a `sort_by` of `cdr/list` v1.0 names.
    pub fn from_wire(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "uid" => Self::Uid,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "ring_duration" => Self::RingDuration,
            "talk_duration" => Self::TalkDuration,
            "disposition" => Self::Disposition,
            "src_trunk" => Self::SrcTrunk,
            "dst_trunk" => Self::DstTrunk,
            "call_type" => Self::CallType,
            "did_number" => Self::DidNumber,
            "dod_number" => Self::DodNumber,
            "src_addr" => Self::SrcAddr,
            _ => return None,
        })
    }

    fn column(self) -> &'static str {
        match self {
            Self::Id => "seq",
            Self::Uid => "uid",
            Self::Time => "time_start",
            Self::Duration => "duration",
            Self::RingDuration => "ring_duration",
            Self::TalkDuration => "talk_duration",
            Self::Disposition => "disposition",
            Self::SrcTrunk => "src_trunk",
            Self::DstTrunk => "dst_trunk",
            Self::CallType => "call_type",
            Self::DidNumber => "did_number",
            Self::DodNumber => "dod_number",
            Self::SrcAddr => "src_addr",
        }
    }
}

/// In which order. The default is by time, oldest first; equals stand in the
/// order in which they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub field: CdrField,
    /// Greatest first.
    pub descending: bool,
}

impl Store {
    /// One page of the records that match, and how many match in all.
    pub async fn cdr_page(
        &self,
        filter: &CdrFilter,
        page: Page,
        sort: Sort,
    ) -> Result<(u64, Vec<CdrRow>), StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM cdr");
        filter.push(&mut sql);
        let total: i64 = sql.build_query_scalar().fetch_one(self.readers()).await?;
        let total = u64::try_from(total).unwrap_or(0);
        if page.offset() >= total {
            return Ok((total, Vec::new()));
        }
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
        sql.push(COLUMNS).push(" FROM cdr");
        filter.push(&mut sql);
        let direction = if sort.descending { " DESC" } else { "" };
        sql.push(" ORDER BY ")
            .push(sort.field.column())
            .push(direction);
        if sort.field != CdrField::Id {
            sql.push(", seq").push(direction);
        }
        sql.push(" LIMIT ").push_bind(i64::from(page.size()));
        sql.push(" OFFSET ")
            .push_bind(i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let rows = sql.build().fetch_all(self.readers()).await?;
        let rows = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok((total, rows))
    }
}

impl CdrFilter {
    fn push(&self, sql: &mut QueryBuilder<Sqlite>) {
        let mut and = " WHERE ";
        let mut condition = |sql: &mut QueryBuilder<Sqlite>, text: &str| {
            sql.push(and).push(text);
            and = " AND ";
        };
        if let Some(start) = self.start {
            condition(sql, "time_start >= ");
            sql.push_bind(start);
        }
        if let Some(end) = self.end {
            condition(sql, "time_start <= ");
            sql.push_bind(end);
        }
        for (column, number) in [
            ("call_from_number", &self.call_from),
            ("call_to_number", &self.call_to),
        ] {
            let Some(number) = number else { continue };
            condition(sql, column);
            if self.fuzzy {
                sql.push(" LIKE ")
                    .push_bind(contains(number))
                    .push(" ESCAPE '\\'");
            } else {
                sql.push(" = ").push_bind(number.clone());
            }
        }
        for (equals, value) in [
            ("disposition = ", &self.status),
            ("call_type = ", &self.call_type),
            ("pin_code = ", &self.pin_code),
            ("call_id = ", &self.call_id),
            ("new_id = ", &self.new_id),
        ] {
            let Some(value) = value else { continue };
            condition(sql, equals);
            sql.push_bind(value.clone());
        }
    }
}

/// The LIKE pattern of "contains this text, taken literally".
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn read(row: &SqliteRow) -> Result<CdrRow, StoreError> {
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
