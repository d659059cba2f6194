//! What one connection is doing, so that one that does nothing can be closed.
//!
//! Bytes on the wire say too little: an HTTP/2 client that answers pings moves
//! bytes for ever. What counts is that a request arrives, is worked on, or that
//! its answer is taken piece by piece. It never counts the time in which we
//! are the ones to wait for.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What a connection is doing. It is shared by its stream and its requests.
#[derive(Debug)]
pub struct Activity {
    idle: Duration,
    ends: Option<Instant>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests, and answers' bodies, that wait for us.
    busy: usize,
    /// It is an event socket now, which has timeouts of its own.
    upgraded: bool,
    moved: Instant,
}

impl Activity {
    /// A new connection, which may do nothing for so long, and lives no longer
    /// than `life`, if that is given.
    pub fn new(idle: Duration, life: Option<Duration>) -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            busy: 0,
            upgraded: false,
            moved: now,
        };
        Arc::new(Self {
            idle,
            ends: life.map(|life| now + life),
            state: Mutex::new(state),
        })
    }

    /// Something was asked or taken.
    pub fn moved(&self) {
        self.state.lock().moved = Instant::now();
    }

    /// It is no longer HTTP's.
    pub fn upgraded(&self) {
        self.state.lock().upgraded = true;
    }

    /// When it is to be looked at again; nothing where it is to be closed now.
    pub fn next_look(&self, now: Instant) -> Option<Instant> {
        if self.ends.is_some_and(|ends| ends <= now) {
            return None;
        }
        let state = self.state.lock();
        let look = if state.upgraded || state.busy > 0 {
            now + self.idle
        } else {
            state.moved + self.idle
        };
        let look = self.ends.map_or(look, |ends| ends.min(look));
        (look > now).then_some(look)
    }
}

/// As long as it lives, the connection waits for us.
#[derive(Debug)]
pub struct Busy(Arc<Activity>);

impl Busy {
    /// From now on.
    pub fn new(activity: &Arc<Activity>) -> Self {
        activity.state.lock().busy += 1;
        Self(activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.busy = state.busy.saturating_sub(1);
        state.moved = Instant::now();
    }
}
