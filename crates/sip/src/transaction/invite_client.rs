//! The INVITE client transaction (RFC 3261 17.1.1, RFC 6026 7.2).

use std::time::Duration;

use super::time::back_off_without_bound;
use super::{Instant, Timers};

/// Its states, with the timers that run in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InviteClient {
    /// The INVITE is sent, nothing came back. `again` is timer A (UDP only),
    /// `until` timer B.
    Calling {
        again: Option<(Instant, Duration)>,
        until: Instant,
    },
    /// A provisional response came. `until` is set when CANCEL was sent or a
    /// BYE overtook the INVITE: no final response 64 × T1 after it counts as
    /// one (RFC 3261 9.1).
    Proceeding { until: Option<Instant> },
    /// A final status of 300 or more came and was ACKed; timer D.
    Completed { until: Instant },
    /// A 2xx came; more of them may; timer M.
    Accepted { until: Instant },
}

/// What a response means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnResponse {
    /// 1xx, for the user.
    Provisional,
    /// 2xx, for the user, each time.
    Accepted,
    /// The first final status of 300 or more: ACK it and tell the user.
    Refused,
    /// The same again: send the same ACK.
    AckAgain,
    /// Too late to mean anything.
    Ignore,
}

/// What a timer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnTimeout {
    /// Timer A: send the INVITE again.
    Resend,
    /// Timer B, or no answer after CANCEL: tell the user; the transaction is over.
    TimedOut,
    /// Timer D: over.
    Gone,
    /// Timer M: over, and the user hears of it.
    Done,
    /// Nothing was due.
    Early,
}

impl InviteClient {
    pub(crate) fn start(reliable: bool, timers: &Timers, now: Instant) -> Self {
        Self::Calling {
            again: (!reliable).then(|| (now.after(timers.t1), timers.t1)),
            until: now.after(timers.timeout()),
        }
    }

    pub(crate) fn respond(
        &mut self,
        status: u16,
        reliable: bool,
        timers: &Timers,
        now: Instant,
    ) -> OnResponse {
        match (&*self, status) {
            (Self::Calling { .. }, 100..=199) => {
                *self = Self::Proceeding { until: None };
                OnResponse::Provisional
            }
            (Self::Proceeding { .. }, 100..=199) => OnResponse::Provisional,
            (Self::Calling { .. } | Self::Proceeding { .. }, 200..=299) => {
                *self = Self::Accepted {
                    until: now.after(timers.timeout()),
                };
                OnResponse::Accepted
            }
            (Self::Accepted { .. }, 200..=299) => OnResponse::Accepted,
            (Self::Calling { .. } | Self::Proceeding { .. }, _) => {
                *self = Self::Completed {
                    until: if reliable { now } else { now.after(timers.d()) },
                };
                OnResponse::Refused
            }
            (Self::Completed { .. }, 300..) => OnResponse::AckAgain,
            (Self::Completed { .. } | Self::Accepted { .. }, _) => OnResponse::Ignore,
        }
    }

    /// CANCEL was sent, or nobody waits any more.
    pub(crate) fn abandon(&mut self, timers: &Timers, now: Instant) {
        if let Self::Proceeding { until } = self {
            until.get_or_insert(now.after(timers.timeout()));
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Calling { again, until } => Some(again.map_or(until, |(at, _)| at.min(until))),
            Self::Proceeding { until } => until,
            Self::Completed { until } | Self::Accepted { until } => Some(until),
        }
    }

    pub(crate) fn timeout(&mut self, now: Instant) -> OnTimeout {
        match self {
            Self::Calling { until, .. } | Self::Proceeding { until: Some(until) }
                if *until <= now =>
            {
                OnTimeout::TimedOut
            }
            Self::Completed { until } if *until <= now => OnTimeout::Gone,
            Self::Accepted { until } if *until <= now => OnTimeout::Done,
            Self::Calling {
                again: Some((at, interval)),
                ..
            } if *at <= now => {
                *interval = back_off_without_bound(*interval);
                *at = now.after(*interval);
                OnTimeout::Resend
            }
            _ => OnTimeout::Early,
        }
    }
}
