//! What a crash left behind: each call that was live gets its record and its
//! event, once, before the sockets open.

use std::time::Duration;

use store::{Batch, LiveChange, Store, StoreError};
use switch::Utc;

use crate::calls;
use crate::identity::Identity;

/// The counter that says until when the exchange is known to have run, Unix seconds.
pub(crate) const ALIVE: &str = "alive";
/// How often that is written while calls are live.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Gives every call that was live its end. Done before this answers.
pub(crate) async fn recover(store: &Store, identity: &Identity) -> Result<usize, StoreError> {
    let live = store.live_calls().await?;
    if live.is_empty() {
        return Ok(0);
    }
    let alive = i64::try_from(store.counter(ALIVE).await?).unwrap_or(0);
    let mut tickets = Vec::with_capacity(live.len());
    let count = live.len();
    for (call_id, doc) in live {
        let mut batch = Batch::default();
        if !calls::recover(
            &doc,
            Utc(alive.saturating_mul(1_000_000)),
            identity,
            &mut batch,
        ) {
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
