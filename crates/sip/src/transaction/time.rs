//! Time as it is handed in. Nothing in this crate asks a clock.

use std::time::Duration;

/// A point on the caller's monotonic clock: the time since an epoch of its
/// choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub Duration);

impl Instant {
    /// That much later; saturates.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }
}

/// The three times from which RFC 3261 makes all its timers (table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Estimate of the round trip; first retransmission.
    pub t1: Duration,
    /// Longest interval between retransmissions of a non-INVITE request and of
    /// a response to INVITE.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

/// No retransmission comes faster.
const SHORTEST: Duration = Duration::from_millis(1);

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl Timers {
    /// 64 × T1: timers B, F, H, J, L, M, and the wait for the ACK to a 2xx.
    pub(crate) fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D: at least 32 s over UDP (RFC 3261 17.1.1.2), where T1 is the
    /// RFC's or longer.
    pub(crate) fn d(&self) -> Duration {
        self.timeout()
    }

    /// The same, with no interval that would let a timer run on the spot.
    pub(crate) fn checked(self) -> Self {
        Self {
            t1: self.t1.max(SHORTEST),
            t2: self.t2.max(SHORTEST),
            t4: self.t4,
        }
    }

    /// The interval after this one, for what backs off up to T2 (E, G, 2xx).
    pub(crate) fn back_off(&self, interval: Duration) -> Duration {
        interval.saturating_mul(2).min(self.t2)
    }
}

/// The interval after this one where nothing bounds it (timer A).
pub(crate) fn back_off_without_bound(interval: Duration) -> Duration {
    interval.saturating_mul(2)
}
