//! What an endpoint is told once.

use std::time::Duration;

use crate::transaction::Timers;

/// Half of what session timers commonly come to (RFC 4028 4).
const REFRESH_EVERY: Duration = Duration::from_secs(15 * 60);

/// Configuration of an [`crate::Endpoint`].
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Tags, branches, Call-IDs and the spread of retry times are made from
    /// this by a keyed hash over a counter. It must be random and secret.
    pub seed: [u8; 32],
    /// `User-Agent` of requests and `Server` of responses; empty: none.
    pub user_agent: String,
    /// T1, T2, T4.
    pub timers: Timers,
    /// After so long without a word from the far end of an established session
    /// it is asked whether it is still there; `None`: never.
    pub refresh_every: Option<Duration>,
    /// So many transactions at once; past it what starts something new gets
    /// 503, what belongs to a session still has [`Self::reserve`].
    pub max_transactions: usize,
    /// So many INVITE sessions at once, those included that have ended less
    /// than 64 × T1 ago and still have something to repeat.
    pub max_sessions: usize,
}

/// Transactions beyond `max_transactions` for ACK, BYE, CANCEL and everything
/// else within a dialog: a quarter again, and at least this many.
const LEAST_RESERVE: usize = 64;

impl EndpointConfig {
    /// The configuration with the RFC's timers and bounds for a large PBX.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            user_agent: String::from("Strowger"),
            timers: Timers::default(),
            refresh_every: Some(REFRESH_EVERY),
            max_transactions: 400_000,
            max_sessions: 50_000,
        }
    }

    /// How many transactions more there may be within sessions.
    #[must_use]
    pub fn reserve(&self) -> usize {
        (self.max_transactions / 4).max(LEAST_RESERVE)
    }
}
