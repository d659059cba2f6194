//! The queue of everything that waits for a time. Each owner has at most one
//! entry, set to the earliest of its timers, and takes it out when it goes:
//! nothing that was cancelled stays behind.

use std::collections::BTreeSet;

use super::{ClientKey, Instant, ServerTxId};
use crate::session::SessionId;

/// Whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    Client(ClientKey),
    Server(ServerTxId),
    Session(SessionId),
}

#[derive(Default)]
pub(crate) struct TimerQueue {
    entries: BTreeSet<(Instant, Alarm)>,
}

impl TimerQueue {
    /// Sets the one entry of `alarm`; `slot` is where its owner keeps it.
    pub(crate) fn set(&mut self, alarm: Alarm, slot: &mut Option<Instant>, at: Option<Instant>) {
        if *slot == at {
            return;
        }
        if let Some(old) = slot.take() {
            self.entries.remove(&(old, alarm));
        }
        if let Some(at) = at {
            self.entries.insert((at, alarm));
        }
        *slot = at;
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Takes out the first entry that is due. Its owner's slot still names it:
    /// the owner must empty it.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Alarm> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop_first().map(|(_, alarm)| alarm)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
