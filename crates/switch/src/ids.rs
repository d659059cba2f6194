//! Identities and instants. They come in with the input; nothing here makes
//! one by itself.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A call's identity: `<unix seconds>.<counter>`. The counter is never reused
/// and carries the node's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId {
    /// Unix seconds at which the call began.
    pub epoch: u64,
    /// Never reused on this exchange.
    pub counter: u64,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}

/// One leg: a dialog with one phone or trunk, from its first INVITE to its
/// end. A leg keeps its id when it moves from call to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(pub u64);

impl LegId {
    /// The eight hex digits by which the API knows the leg.
    pub fn short(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }
}

/// A registered contact of an extension, as `exchange`'s registrar names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactId(pub u64);

/// A command's id: its reply carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// An extension's number: 1 to 8 digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtensionNumber(Arc<str>);

/// The text is not 1 to 8 digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an extension number is 1 to 8 digits")]
pub struct InvalidNumber;

impl ExtensionNumber {
    /// Takes 1 to 8 ASCII digits.
    pub fn new(text: &str) -> Result<Self, InvalidNumber> {
        if (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidNumber)
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Equal, ordered and hashed as its digits are.
impl Borrow<str> for ExtensionNumber {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Monotonic time since the exchange started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Mono(pub Duration);

/// Microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Utc(pub i64);

impl Utc {
    /// Whole seconds since the Unix epoch.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// The time, handed in with each input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Monotonic: what timers and durations are measured by.
    pub mono: Mono,
    /// Wall clock: when something began.
    pub utc: Utc,
}

impl Now {
    /// This moment as a clock shows it that was right at `start` and was not set
    /// since: what is billed is time that passed, whatever becomes of the wall clock.
    pub fn counted_from(self, start: Now) -> Utc {
        let passed = self.mono.0.saturating_sub(start.mono.0).as_micros();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        Utc(start.utc.0.saturating_add(passed))
    }
}

/// The fresh ids that come in with an input. The machine takes what it needs
/// and leaves the cursors behind the last one taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// The next call's counter.
    pub next_call: u64,
    /// Distance between two counters: the node's number lies between.
    pub call_stride: u64,
    /// The next leg's id.
    pub next_leg: u64,
}

impl Ids {
    /// Takes a call id.
    pub fn call(&mut self, now: Now) -> CallId {
        let counter = self.next_call;
        self.next_call += self.call_stride;
        CallId {
            epoch: now.utc.seconds().max(0) as u64,
            counter,
        }
    }

    /// Takes a leg id.
    pub fn leg(&mut self) -> LegId {
        let id = self.next_leg;
        self.next_leg += 1;
        LegId(id)
    }
}
