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
    queue: Mutex<Queue<T>>,
    bell: Bell,
}

#[derive(Debug)]
struct Queue<T> {
    orders: VecDeque<T>,
    /// The bell is rung once at the end, not for the first order.
    corked: bool,
    /// It would have been rung meanwhile.
    owed: bool,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            queue: Mutex::new(Queue {
                orders: VecDeque::with_capacity(RING_CAPACITY),
                corked: false,
                owed: false,
            }),
            bell: Bell::new()?,
        })
    }

    /// Adds an order, unless the ring is full.
    pub(crate) fn push(&self, order: T) -> Result<(), Full> {
        let mut queue = self.lock();
        if queue.orders.len() >= RING_CAPACITY {
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
        std::mem::swap(&mut self.lock().orders, emptied);
    }

    /// From here on orders are collected: a worker that is woken for each of
    /// ten orders costs more than the orders.
    pub(crate) fn cork(&self) {
        self.lock().corked = true;
    }

    /// Rings the bell if anything was collected since [`Ring::cork`].
    pub(crate) fn uncork(&self) {
        let mut queue = self.lock();
        queue.corked = false;
        if std::mem::take(&mut queue.owed) {
            self.bell.ring();
        }
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    fn add(&self, queue: &mut Queue<T>, order: T) {
        let was_empty = queue.orders.is_empty();
        queue.orders.push_back(order);
        if was_empty {
            if queue.corked {
                queue.owed = true;
            } else {
                self.bell.ring();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
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

    #[test]
    fn corked_ring_rings_once_at_the_end_and_not_at_all_for_nothing() {
        let ring = Ring::new().unwrap();
        ring.cork();
        ring.push(1).unwrap();
        ring.push(2).unwrap();
        assert!(ring.lock().owed, "nobody was woken yet");
        ring.uncork();
        assert!(!ring.lock().owed);
        let mut taken = VecDeque::new();
        ring.take(&mut taken);
        assert!(taken.into_iter().eq(1..=2));
        ring.cork();
        ring.uncork();
        assert!(!ring.lock().owed);
    }
}
