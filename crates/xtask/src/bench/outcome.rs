//! What a load of calls came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::stats::Samples;

/// Why a call is counted as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The INVITE was refused with this status.
    Refused(u16),
    /// The BYE was.
    ByeRefused(u16),
    /// The caller's request was cancelled towards the callee.
    Cancelled,
    /// The challenge was one that no phone can answer.
    Challenge,
    /// It was not over in time; where it stuck is told by both legs' states.
    Stuck(&'static str),
    /// A leg was hung up from inside before its time.
    CutOff,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "INVITE answered {status}"),
            Self::ByeRefused(status) => write!(f, "BYE answered {status}"),
            Self::Cancelled => f.write_str("cancelled towards the callee"),
            Self::Challenge => f.write_str("a challenge that no phone knows"),
            Self::Stuck(place) => write!(f, "stuck: {place}"),
            Self::CutOff => f.write_str("hung up before its time"),
        }
    }
}

/// Counts and delays of one load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Calls placed.
    pub placed: u64,
    /// Calls that went through all their stages.
    pub completed: u64,
    /// The others, by reason.
    pub failures: BTreeMap<Failure, u64>,
    /// Copies that our phones had to send.
    pub repeated: u64,
    /// INVITEs to a callee whom nobody called, and requests no phone expects.
    pub stray: u64,
    /// INVITE with credentials to 180, at the caller.
    pub ring_delay: Samples,
    /// 180 sent by the callee to 180 received by the caller.
    pub ring_relay: Samples,
    /// 200 sent by the callee to 200 received by the caller.
    pub answer_relay: Samples,
    /// How long after its time each call was placed: the generator's own delay.
    pub late: Samples,
    /// Most calls at once.
    pub live_max: usize,
    /// First to last call placed.
    pub placing: Duration,
}

impl Outcome {
    /// Calls that failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Calls placed a second.
    pub fn rate(&self) -> f64 {
        let seconds = self.placing.as_secs_f64();
        if seconds == 0.0 {
            return 0.0;
        }
        (self.placed.saturating_sub(1)) as f64 / seconds
    }

    /// The failures in words.
    pub fn told(&self) -> String {
        let list: Vec<_> = self
            .failures
            .iter()
            .map(|(failure, count)| format!("{count} × {failure}"))
            .collect();
        list.join(", ")
    }
}
