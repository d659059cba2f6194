//! The way from the control side to a worker: bounded, and a bell. The worker
//! takes everything at once when the bell rings, so its lock is never on a
//! packet's way.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::Bell;

/// Orders that may wait for one worker. Opening, moving and closing go beyond,
/// for they are bounded by the number of slots.
pub(crate) const RING_CAPACITY: usize = 4096;

/// The ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Debug)]
pub(crate) struct Ring<T> {
    queue: Mutex<VecDeque<T>>,
    bell: Bell,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            queue: Mutex::new(VecDeque::with_capacity(RING_CAPACITY)),
            bell: Bell::new()?,
        })
    }

    /// Adds an order, unless the ring is full.
    pub(crate) fn push(&self, order: T) -> Result<(), Full> {
        let mut queue = self.lock();
        if queue.len() >= RING_CAPACITY {
            return Err(Full);
        }
        self.add(&mut queue, order);
        Ok(())
    }

    /// Adds an order that must not be refused.
    pub(crate) fn push_always(&self, order: T) {
        self.add(&mut self.lock(), order);
    }

    /// Takes all orders in exchange for an empty queue.
    pub(crate) fn take(&self, emptied: &mut VecDeque<T>) {
        self.bell.hush();
        std::mem::swap(&mut *self.lock(), emptied);
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    fn add(&self, queue: &mut VecDeque<T>, order: T) {
        let was_empty = queue.is_empty();
        queue.push_back(order);
        if was_empty {
            self.bell.ring();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        // A queue is whole at every moment that could panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_ring_refuses_commands_but_not_what_must_not_be_refused() {
        let ring = Ring::new().unwrap();
        for n in 0..RING_CAPACITY {
            ring.push(n).unwrap();
        }
        assert_eq!(ring.push(0), Err(Full));
        ring.push_always(RING_CAPACITY);
        let mut taken = VecDeque::new();
        ring.take(&mut taken);
        assert!(taken.into_iter().eq(0..=RING_CAPACITY));
        assert_eq!(ring.push(0), Ok(()));
    }
}
