//! The INVITE server transaction (RFC 3261 17.2.1, RFC 6026 7.1).

use std::time::Duration;

use super::{Instant, Timers};

/// Its states, with the timers that run in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InviteServer {
    /// No final response yet. A repeated INVITE gets the last provisional one.
    Proceeding,
    /// A status of 300 or more was sent and waits for its ACK: timers G (UDP
    /// only) and H.
    Completed {
        again: Option<(Instant, Duration)>,
        until: Instant,
    },
    /// The ACK came; more of them are absorbed until timer I.
    Confirmed { until: Instant },
    /// A 2xx was sent, which the user repeats; INVITEs that still come are
    /// absorbed until timer L.
    Accepted { until: Instant },
}

/// What to do with a repeated INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRepeat {
    /// Send the last response again.
    Resend,
    /// Nothing.
    Absorb,
}

/// What a timer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnTimeout {
    /// Timer G: send the response again.
    Resend,
    /// Timers H, I, L: over.
    Gone,
    /// Nothing was due.
    Early,
}

impl InviteServer {
    /// A response was sent. False where a final one was sent before.
    pub(crate) fn respond(
        &mut self,
        status: u16,
        reliable: bool,
        timers: &Timers,
        now: Instant,
    ) -> bool {
        if *self != Self::Proceeding {
            return false;
        }
        let until = now.after(timers.timeout());
        match status {
            100..=199 => {}
            200..=299 => *self = Self::Accepted { until },
            _ => {
                *self = Self::Completed {
                    again: (!reliable).then(|| (now.after(timers.t1), timers.t1)),
                    until,
                };
            }
        }
        true
    }

    /// The INVITE came again.
    pub(crate) fn repeat(&self) -> OnRepeat {
        match self {
            Self::Proceeding | Self::Completed { .. } => OnRepeat::Resend,
            Self::Confirmed { .. } | Self::Accepted { .. } => OnRepeat::Absorb,
        }
    }

    /// An ACK with the branch of the INVITE came. False where it is none of
    /// this transaction's business.
    pub(crate) fn acknowledge(&mut self, reliable: bool, timers: &Timers, now: Instant) -> bool {
        match self {
            Self::Completed { .. } => {
                *self = Self::Confirmed {
                    until: if reliable { now } else { now.after(timers.t4) },
                };
                true
            }
            Self::Confirmed { .. } => true,
            Self::Proceeding | Self::Accepted { .. } => false,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Proceeding => None,
            Self::Completed { again, until } => Some(again.map_or(until, |(at, _)| at.min(until))),
            Self::Confirmed { until } | Self::Accepted { until } => Some(until),
        }
    }

    pub(crate) fn timeout(&mut self, timers: &Timers, now: Instant) -> OnTimeout {
        match self {
            Self::Completed { until, .. }
            | Self::Confirmed { until }
            | Self::Accepted { until }
                if *until <= now =>
            {
                OnTimeout::Gone
            }
            Self::Completed {
                again: Some((at, interval)),
                ..
            } if *at <= now => {
                *interval = timers.back_off(*interval);
                *at = now.after(*interval);
                OnTimeout::Resend
            }
            _ => OnTimeout::Early,
        }
    }
}
