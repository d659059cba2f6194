//! The exchange's timers: a wheel (`tokio-util`'s) with names, so that setting
//! a timer that runs replaces it and a forgotten one leaves nothing behind.

use std::collections::HashMap;
use std::time::Duration;

use switch::{ContactId, Timer};
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

/// Longest that the wheel is asked to wait: it would panic at two years. Who
/// meant later is woken early, and says so again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Alarm {
    /// One of the switch's.
    Switch(Timer),
    /// A registration's time is over.
    Registration(ContactId),
    /// Once in a while: the heartbeat that recovery reads, gauges.
    Housekeeping,
}

/// All running timers.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: DelayQueue<Alarm>,
    keys: HashMap<Alarm, Key>,
}

impl Timers {
    /// Sets or replaces a timer.
    pub fn set(&mut self, alarm: Alarm, after: Duration) {
        let after = after.min(LONGEST);
        match self.keys.get(&alarm) {
            Some(key) => self.queue.reset(key, after),
            None => {
                let key = self.queue.insert(alarm, after);
                self.keys.insert(alarm, key);
            }
        }
    }

    /// Forgets a timer.
    pub fn cancel(&mut self, alarm: Alarm) {
        if let Some(key) = self.keys.remove(&alarm) {
            self.queue.try_remove(&key);
        }
    }

    /// Waits for the next timer; for ever where there is none.
    pub async fn next(&mut self) -> Alarm {
        loop {
            match std::future::poll_fn(|cx| self.queue.poll_expired(cx)).await {
                Some(expired) => {
                    let alarm = expired.into_inner();
                    self.keys.remove(&alarm);
                    return alarm;
                }
                None => std::future::pending::<()>().await,
            }
        }
    }

    /// How many run.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
}
