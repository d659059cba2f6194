//! What shall happen when: a heap, drained by the generator's loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Place call number so-and-so.
    Start(usize),
    /// The callee picks up.
    Answer(usize),
    /// Somebody has talked enough.
    HangUp(usize),
    /// Send a message again, if it is still the one that waits.
    Again {
        /// The call.
        call: usize,
        /// Its leg.
        side: Side,
        /// Which message.
        message: u32,
    },
    /// The call must be over by now.
    Deadline(usize),
}

/// An end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who calls.
    Caller,
    /// Who is called.
    Callee,
}

/// The heap.
#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    /// Adds one.
    pub fn set(&mut self, at: Instant, timer: Timer) {
        self.heap.push(Reverse((at, timer)));
    }

    /// The next that is due.
    pub fn due(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}
