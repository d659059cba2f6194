//! The non-INVITE server transaction (RFC 3261 17.2.2).

use super::{Instant, Timers};

/// Its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainServer {
    /// Nothing was answered. Past `until` the client has given up (its timer
    /// F) and an answer would find nobody (RFC 4320).
    Trying { until: Instant },
    /// A provisional response was sent, and is repeated for a repeated request.
    Proceeding { until: Instant },
    /// The final response was sent, and is repeated until timer J.
    Completed { until: Instant },
}

impl PlainServer {
    pub(crate) fn start(timers: &Timers, now: Instant) -> Self {
        Self::Trying {
            until: now.after(timers.timeout()),
        }
    }

    /// A response was sent. False where a final one was sent before.
    pub(crate) fn respond(
        &mut self,
        status: u16,
        reliable: bool,
        timers: &Timers,
        now: Instant,
    ) -> bool {
        match *self {
            Self::Completed { .. } => false,
            Self::Trying { until } | Self::Proceeding { until } => {
                *self = match status {
                    100..=199 => Self::Proceeding { until },
                    _ if reliable => Self::Completed { until: now },
                    _ => Self::Completed {
                        until: now.after(timers.timeout()),
                    },
                };
                true
            }
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        match *self {
            Self::Trying { until } | Self::Proceeding { until } | Self::Completed { until } => {
                until
            }
        }
    }
}
