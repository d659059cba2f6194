//! What is asked of the records: which, in which order, which part.

/// Most records a page holds; also what it holds where nothing is said.
pub const MAX_PAGE_SIZE: u32 = 10_000;

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
    /// The two numbers match where they contain the text, not only where they
    /// equal it.
    pub fuzzy: bool,
    /// Caller or callee is one of these numbers. `Some` of none matches nothing.
    pub members: Option<Vec<String>>,
    /// Disposition.
    pub status: Option<String>,
    /// Kind of traffic.
    pub call_type: Option<String>,
    /// PIN used.
    pub pin_code: Option<String>,
    /// Dialled in by one of these. `Some` of none matches nothing.
    pub did: Option<Vec<Did>>,
}

/// A number that is dialled in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// The number, or its name.
    pub number_or_name: String,
    /// The trunk that it comes in by; any where nothing is said.
    pub trunk: Option<String>,
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
}

/// In which order. The default is by time, oldest first; equals stand in the
/// order in which they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub field: CdrField,
    /// Greatest first, and of equals the newest.
    pub descending: bool,
}
