//! A 2xx to INVITE, sent again and again until its ACK comes (RFC 3261
//! 13.3.1.4), over every transport.

use std::time::Duration;

use bytes::Bytes;

use crate::transaction::{Flow, Instant, Timers};

/// Which INVITE it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The one that made the session: no BYE before its ACK.
    First,
    /// A re-INVITE.
    Again,
}

pub(crate) struct Resend {
    pub(crate) answer: Answer,
    pub(crate) cseq: u32,
    flow: Flow,
    bytes: Bytes,
    interval: Duration,
    next: Instant,
    until: Instant,
}

/// What is due.
pub(crate) enum Due {
    Nothing,
    Send(Flow, Bytes),
    /// No ACK in 64 × T1.
    GiveUp,
}

impl Resend {
    pub(crate) fn new(
        answer: Answer,
        cseq: u32,
        flow: Flow,
        bytes: Bytes,
        timers: &Timers,
        now: Instant,
    ) -> Self {
        Self {
            answer,
            cseq,
            flow,
            bytes,
            interval: timers.t1,
            next: now.after(timers.t1),
            until: now.after(timers.timeout()),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.next.min(self.until)
    }

    pub(crate) fn timeout(&mut self, timers: &Timers, now: Instant) -> Due {
        if self.until <= now {
            return Due::GiveUp;
        }
        if self.next > now {
            return Due::Nothing;
        }
        self.interval = timers.back_off(self.interval);
        self.next = now.after(self.interval);
        Due::Send(self.flow, self.bytes.clone())
    }
}
