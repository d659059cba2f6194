//! The one task that writes. It takes what is pending, commits it as one
//! group, and only then answers tickets and tells events. It must never lose
//! a batch for which nobody waits, and never tell of one that is not kept.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::error::StoreError;
use crate::event::{CommittedEvent, Position};
use crate::group::{Cursor, write_group};
use crate::journal::{Committed, Gauges, Journal, Order, Pending};
use crate::store::{StoreOptions, let_go};

/// Most batches in one transaction.
const GROUP_BATCHES: usize = 1_024;
/// Tries before those who wait hear that a write failed.
const TRIES: u32 = 5;
/// Pause after the first failed try; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(20);
/// Longest pause between two tries.
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// Transactions after which the log is brought into the database, aside.
const CHECKPOINT_EVERY: u64 = 500;

/// The writer's state.
pub(crate) struct Writer {
    connection: SqliteConnection,
    orders: mpsc::Receiver<Order>,
    events: broadcast::Sender<Arc<CommittedEvent>>,
    gauges: Arc<Gauges>,
    linger: Duration,
    cursor: Cursor,
    checkpointer: Checkpointer,
}

impl Writer {
    pub async fn new(
        mut connection: SqliteConnection,
        orders: mpsc::Receiver<Order>,
        journal: &Journal,
        options: StoreOptions,
        checkpointer: Checkpointer,
    ) -> Result<Self, StoreError> {
        let cursor = Cursor::read(&mut connection, options.node).await?;
        Ok(Self {
            connection,
            orders,
            events: journal.broadcaster(),
            gauges: journal.gauges(),
            linger: options.group_linger,
            cursor,
            checkpointer,
        })
    }

    pub async fn run(mut self) {
        let mut orders = Vec::with_capacity(GROUP_BATCHES);
        let mut not_before = Instant::now();
        let closed = loop {
            if self.orders.recv_many(&mut orders, GROUP_BATCHES).await == 0 {
                break None;
            }
            // The first write after a pause goes at once; while they come one
            // after another, each group waits for its share.
            if Instant::now() < not_before && !orders.iter().any(is_urgent) {
                tokio::time::sleep_until(not_before).await;
                while orders.len() < GROUP_BATCHES {
                    let Ok(order) = self.orders.try_recv() else {
                        break;
                    };
                    orders.push(order);
                }
            }
            not_before = Instant::now() + self.linger;
            if let ControlFlow::Break(done) = self.turn(&mut orders).await {
                break Some(done);
            }
        };
        // Whoever handed in before the door closed is still served.
        self.orders.close();
        while self.orders.recv_many(&mut orders, GROUP_BATCHES).await > 0 {
            let _ = self.turn(&mut orders).await;
        }
        self.checkpointer.stop().await;
        let_go(self.connection).await;
        if let Some(done) = closed {
            let _ = done.send(());
        }
    }

    /// Carries out what was taken from the queue.
    async fn turn(&mut self, orders: &mut Vec<Order>) -> ControlFlow<oneshot::Sender<()>> {
        let mut group = Vec::with_capacity(orders.len());
        let mut flushes = Vec::new();
        let mut close = None;
        for order in orders.drain(..) {
            match order {
                Order::Write(pending) => group.push(*pending),
                Order::Flush(done) => flushes.push(done),
                Order::Close(done) => close = Some(done),
            }
        }
        if !group.is_empty() {
            self.keep(group, close.is_some()).await;
        }
        for done in flushes {
            let _ = done.send(());
        }
        match close {
            Some(done) => ControlFlow::Break(done),
            None => ControlFlow::Continue(()),
        }
    }

    /// Writes a group, however often it takes. `last`: the process is leaving,
    /// so that no try is left after [`TRIES`].
    async fn keep(&mut self, mut group: Vec<Pending>, last: bool) {
        let mut tries = 0;
        let mut pause = RETRY_FIRST;
        while !group.is_empty() {
            let error = match self.commit(&group).await {
                Ok(told) => return self.tell(group, told),
                Err(error) => error,
            };
            if let StoreError::Conflict(_) = error {
                return self.one_by_one(group).await;
            }
            tries += 1;
            self.failed();
            if tries == 1 {
                tracing::error!(%error, batches = group.len(), "the journal can't be written, trying on");
            }
            if tries == TRIES {
                // Who waits decides what to do; what nobody waits for stays in hand.
                group = refuse_the_waiting(group, &error);
            }
            if tries >= TRIES && (last || self.orders.is_closed()) {
                tracing::error!(%error, batches = group.len(), "leaving with batches that could not be written");
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_LONGEST);
        }
    }

    /// One batch contradicts what is stored: the others must not suffer for it.
    async fn one_by_one(&mut self, group: Vec<Pending>) {
        for pending in group {
            let single = [pending];
            match self.commit(&single).await {
                Ok(told) => self.tell(single.into(), told),
                Err(error @ StoreError::Conflict(_)) => {
                    tracing::error!(%error, "a batch contradicts what is stored and is dropped");
                    metrics::counter!("strowger_journal_conflicts_total").increment(1);
                    let [pending] = single;
                    let _ = pending.ticket.send(Err(error));
                }
                Err(_) => Box::pin(self.keep(single.into(), false)).await,
            }
        }
    }

    async fn commit(&mut self, group: &[Pending]) -> Result<Cursor, StoreError> {
        write_group(
            &mut self.connection,
            self.cursor,
            group.iter().map(|p| &p.batch),
        )
        .await
    }

    fn failed(&self) {
        self.gauges.failing.store(true, Ordering::Relaxed);
        self.gauges.failures.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("strowger_journal_failures_total").increment(1);
    }

    /// The group is kept: now it may be told.
    fn tell(&mut self, group: Vec<Pending>, after: Cursor) {
        let mut position = self.cursor.event();
        self.cursor = after;
        self.gauges.failing.store(false, Ordering::Relaxed);
        self.gauges
            .batches
            .fetch_add(group.len() as u64, Ordering::Relaxed);
        let transactions = self.gauges.transactions.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = 0;
        for Pending { batch, ticket } in group {
            let mut positions = Vec::with_capacity(batch.events.len());
            for event in batch.events {
                positions.push(position);
                if self.events.receiver_count() > 0 {
                    // An error says that nobody listens any more.
                    let _ = self.events.send(Arc::new(CommittedEvent {
                        position,
                        id: event.id,
                        frame: event.frame.into(),
                    }));
                }
                position = Position::next(position);
                told += 1;
            }
            let _ = ticket.send(Ok(Committed { positions }));
        }
        self.gauges.events.fetch_add(told, Ordering::Relaxed);
        if transactions.is_multiple_of(CHECKPOINT_EVERY) {
            self.checkpointer.wake();
        }
    }
}

/// Whether it is not worth a wait for company: somebody made a change and
/// waits for its answer, and makes the next one only then.
fn is_urgent(order: &Order) -> bool {
    match order {
        Order::Write(pending) => {
            let batch = &pending.batch;
            !batch.objects.is_empty() || !batch.tokens.is_empty() || !batch.meta.is_empty()
        }
        Order::Flush(_) => false,
        Order::Close(_) => true,
    }
}

/// Tells those who wait that their batch was not written, and leaves the rest.
fn refuse_the_waiting(group: Vec<Pending>, error: &StoreError) -> Vec<Pending> {
    let (rest, waiting): (Vec<_>, Vec<_>) = group.into_iter().partition(|p| p.ticket.is_closed());
    for pending in waiting {
        let _ = pending.ticket.send(Err(error.clone()));
    }
    rest
}

/// Brings the write-ahead log into the database on a connection of its own, so
/// that no commit waits for the disk.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    wake: watch::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Checkpointer {
    pub fn start(mut connection: SqliteConnection) -> Self {
        let (wake, mut woken) = watch::channel(());
        let task = tokio::spawn(async move {
            while woken.changed().await.is_ok() {
                let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
                    .fetch_all(&mut connection)
                    .await;
                if let Err(error) = done {
                    tracing::warn!(%error, "checkpoint");
                }
            }
            let_go(connection).await;
        });
        Self { wake, task }
    }

    fn wake(&self) {
        self.wake.send_replace(());
    }

    async fn stop(self) {
        drop(self.wake);
        let _ = self.task.await;
    }
}
