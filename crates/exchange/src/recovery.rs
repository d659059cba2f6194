//! What a crash left behind: each call that was live gets its record and its
//! event, once, before the sockets open.

use std::time::Duration;

use store::{Batch, LiveChange, Store, StoreError};

use crate::calls::{self, Moment};
use crate::identity::Identity;

/// The value that says until when the exchange is known to have run. The wall
/// clock may be set: it is told by the clock of that run.
const ALIVE: &str = "alive";
/// How often that is written while calls are live.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Says that the exchange runs at that moment.
pub(crate) fn heartbeat(at: Moment) -> Batch {
    // A struct of plain members always serializes.
    let at = serde_json::to_string(&at).unwrap_or_default();
    Batch {
        meta: vec![(ALIVE.into(), at)],
        ..Batch::default()
    }
}

/// Gives every call that was live its end. Done before this answers.
pub(crate) async fn recover(store: &Store, identity: &Identity) -> Result<usize, StoreError> {
    let live = store.live_calls().await?;
    if live.is_empty() {
        return Ok(0);
    }
    let alive = store.meta(ALIVE).await?;
    let alive = alive.and_then(|alive| serde_json::from_str(&alive).ok());
    let mut tickets = Vec::with_capacity(live.len());
    let count = live.len();
    for (call_id, doc) in live {
        let mut batch = Batch::default();
        if !calls::recover(&doc, alive, identity, &mut batch) {
            tracing::error!(
                call_id,
                "a live call's row can't be read; it is dropped without a record"
            );
            batch.live.push(LiveChange { call_id, doc: None });
        }
        // More live calls than the journal holds: let it work some off first.
        loop {
            match store.journal().submit(batch.clone()) {
                Ok(ticket) => {
                    tickets.push(ticket);
                    break;
                }
                Err(_) => store.journal().flushed().await,
            }
        }
    }
    for ticket in tickets {
        ticket.await?;
    }
    Ok(count)
}
