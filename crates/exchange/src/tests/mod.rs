//! Tests that look inside: with quick SIP timers, or a trip wire that makes
//! the exchange panic.

mod another_stack;
mod leftovers;
mod panics;
mod vanished;

use std::time::Duration;

use tokio::time::timeout;

use crate::Load;
use crate::common::{House, PATIENCE};

/// SIP's timers so short that what waits for repetitions is over within a test.
fn quick() -> sip::Timers {
    sip::Timers {
        t1: Duration::from_millis(20),
        t2: Duration::from_millis(100),
        t4: Duration::from_millis(100),
    }
}

async fn open(tuning: crate::start::Tuning) -> House {
    let dir = tempfile::tempdir().unwrap();
    House::open_by(dir, |config, store, settings| {
        crate::start::start_with(config, store, settings, tuning)
    })
    .await
}

/// Waits until nothing at all is left but registrations, their timers and the
/// housekeeping's.
async fn nothing_left(house: &House) {
    let mut last = Load::default();
    let over = async {
        loop {
            last = house.running.handle.load().await.unwrap();
            let idle = Load {
                registrations: last.registrations,
                timers: last.registrations + 1,
                ..Load::default()
            };
            if last == idle {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, over).await.is_ok(), "left: {last:?}");
}
