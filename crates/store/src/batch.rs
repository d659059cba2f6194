//! A batch: what belongs together and is kept whole or not at all.

use crate::cdr::CdrRow;
use crate::object::ObjectChange;
use crate::registration::RegistrationChange;
use crate::token::TokenChange;

/// What one step of the exchange, or one settings change, produced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Live-call rows.
    pub live: Vec<LiveChange>,
    /// Call records.
    pub records: Vec<CdrRow>,
    /// Events, in the order in which they are to be told.
    pub events: Vec<NewEvent>,
    /// Registrations.
    pub registrations: Vec<RegistrationChange>,
    /// High-water marks by name; a lower value than the stored one changes nothing.
    pub counters: Vec<(String, u64)>,
    /// Configuration objects, each once.
    pub objects: Vec<ObjectChange>,
    /// Access tokens.
    pub tokens: Vec<TokenChange>,
    /// Single values by name.
    pub meta: Vec<(String, String)>,
}

impl Batch {
    /// Whether it is not worth a wait for company: somebody made a change and
    /// waits for its answer, and makes the next one only then.
    pub(crate) fn is_urgent(&self) -> bool {
        !self.objects.is_empty() || !self.tokens.is_empty() || !self.meta.is_empty()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
            && self.records.is_empty()
            && self.events.is_empty()
            && self.registrations.is_empty()
            && self.counters.is_empty()
            && self.objects.is_empty()
            && self.tokens.is_empty()
            && self.meta.is_empty()
    }
}

/// A change to a live-call row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChange {
    /// The call.
    pub call_id: String,
    /// The row's JSON; `None` removes the row.
    pub doc: Option<String>,
}

/// An event that is to be kept and then told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The event's number, such as 30011.
    pub id: u32,
    /// The frame as it goes over the wire.
    pub frame: String,
}
