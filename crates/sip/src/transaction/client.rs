//! The non-INVITE client transaction (RFC 3261 17.1.2).

use std::time::Duration;

use super::{Instant, Timers};

/// Its states, with the timers that run in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainClient {
    /// The request is sent, nothing came back: timers E (UDP only) and F.
    Trying {
        again: Option<(Instant, Duration)>,
        until: Instant,
    },
    /// A provisional response came: E now runs at T2.
    Proceeding {
        again: Option<Instant>,
        until: Instant,
    },
    /// A final response came; what repeats it is absorbed until timer K.
    Completed { until: Instant },
}

/// What a response means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnResponse {
    /// 1xx, for the user.
    Provisional,
    /// The final one, for the user.
    Final,
    /// The same again.
    Ignore,
}

/// What a timer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnTimeout {
    /// Timer E: send the request again.
    Resend,
    /// Timer F: tell the user; over.
    TimedOut,
    /// Timer K: over.
    Gone,
    /// Nothing was due.
    Early,
}

impl PlainClient {
    pub(crate) fn start(reliable: bool, timers: &Timers, now: Instant) -> Self {
        Self::Trying {
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
            (Self::Completed { .. }, _) => OnResponse::Ignore,
            (Self::Trying { until, .. }, 100..=199) => {
                *self = Self::Proceeding {
                    again: (!reliable).then(|| now.after(timers.t2)),
                    until: *until,
                };
                OnResponse::Provisional
            }
            (Self::Proceeding { .. }, 100..=199) => OnResponse::Provisional,
            (Self::Trying { .. } | Self::Proceeding { .. }, _) => {
                *self = Self::Completed {
                    until: if reliable { now } else { now.after(timers.t4) },
                };
                OnResponse::Final
            }
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        match *self {
            Self::Trying { again, until } => again.map_or(until, |(at, _)| at.min(until)),
            Self::Proceeding { again, until } => again.map_or(until, |at| at.min(until)),
            Self::Completed { until } => until,
        }
    }

    pub(crate) fn timeout(&mut self, timers: &Timers, now: Instant) -> OnTimeout {
        match self {
            Self::Trying { until, .. } | Self::Proceeding { until, .. } if *until <= now => {
                OnTimeout::TimedOut
            }
            Self::Completed { until } if *until <= now => OnTimeout::Gone,
            Self::Trying {
                again: Some((at, interval)),
                ..
            } if *at <= now => {
                *interval = timers.back_off(*interval);
                *at = now.after(*interval);
                OnTimeout::Resend
            }
            Self::Proceeding {
                again: Some(at), ..
            } if *at <= now => {
                *at = now.after(timers.back_off(timers.t2));
                OnTimeout::Resend
            }
            _ => OnTimeout::Early,
        }
    }
}
