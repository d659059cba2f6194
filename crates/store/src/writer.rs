//! The one task that writes, on a thread of its own: REGISTER's answers and all
//! events wait for it, so that no long work of anybody else may hold it up. It
//! takes what is pending, commits it as one group, and only then answers tickets
//! and tells events. It must never lose a batch for which nobody waits, and
//! never tell of one that is not kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::batch::Batch;
use crate::error::StoreError;
use crate::event::{CommittedEvent, Position};
use crate::group::{Cursor, unix_now, write_group};
use crate::journal::{Committed, Journal, Order, Pending, QUEUE_BATCHES, Shared};
use crate::store::{StoreOptions, let_go};

/// Most batches in one transaction.
const GROUP_BATCHES: usize = 1_024;
/// Tries before those who wait hear that a write failed.
const TRIES: u32 = 5;
/// Or so long: a try that waits for another program's lock takes its time.
const TRY_FOR: Duration = Duration::from_secs(3);
/// Pause after the first failed try; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(20);
/// Longest pause between two tries.
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// Most batches in hand while none can be written: then the queue fills too.
const IN_HAND: usize = QUEUE_BATCHES;
/// While the last write failed and nothing is there to write, the database is
/// tried so often: for nothing new begins before it is known to take writes.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// The value that such a try writes: what tells a full disk must write something.
const PROBE: &str = "journal.probe";
/// Transactions after which the log is brought into the database, aside.
const CHECKPOINT_EVERY: u64 = 500;

/// The writer's state.
pub(crate) struct Writer {
    connection: SqliteConnection,
    orders: mpsc::Receiver<Order>,
    events: broadcast::Sender<Arc<CommittedEvent>>,
    shared: Arc<Shared>,
    linger: Duration,
    cursor: Cursor,
    checkpointer: Checkpointer,
    follower: Follower,
    /// Who waits for the end of this turn.
    flushes: Vec<oneshot::Sender<()>>,
    /// Who asked to stop: after this turn.
    close: Option<oneshot::Sender<()>>,
    /// The journal closed and the database took no writes: nothing is tried any more.
    given_up: bool,
}

/// Who is told that records have come, and after how many.
#[derive(Debug)]
pub(crate) struct Follower {
    pub wake: watch::Sender<()>,
    pub every: u64,
    pub since: u64,
}

impl Writer {
    /// Starts it with a connection that writes and one that checkpoints. It
    /// lives until the journal is closed or nobody holds it any more.
    pub async fn start(
        mut connection: SqliteConnection,
        aside: SqliteConnection,
        orders: mpsc::Receiver<Order>,
        journal: &Journal,
        options: StoreOptions,
        follower: Follower,
    ) -> Result<(), StoreError> {
        let cursor = Cursor::read(&mut connection, options.node).await?;
        let (events, shared) = (journal.broadcaster(), journal.shared());
        // Made on its thread: it never leaves it.
        let live = move || async move {
            let writer = Self {
                connection,
                orders,
                events,
                shared,
                linger: options.group_linger,
                cursor,
                checkpointer: Checkpointer::start(aside),
                follower,
                flushes: Vec::new(),
                close: None,
                given_up: false,
            };
            writer.run().await;
        };
        let failed = |error: std::io::Error| StoreError::Database(format!("its thread: {error}"));
        let (ready, started) = oneshot::channel();
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build();
                match runtime {
                    Ok(runtime) => {
                        // Who opens it may have gone; the rest follows from that.
                        let _ = ready.send(Ok(()));
                        runtime.block_on(live());
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                    }
                }
            })
            .map_err(failed)?;
        started
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(failed)
    }

    async fn run(mut self) {
        let mut orders = Vec::with_capacity(GROUP_BATCHES);
        let mut not_before = Instant::now();
        while self.close.is_none() {
            let taken = tokio::select! {
                taken = self.orders.recv_many(&mut orders, GROUP_BATCHES) => taken,
                () = tokio::time::sleep(PROBE_EVERY), if self.is_failing() => {
                    self.probe().await;
                    continue;
                }
            };
            if taken == 0 {
                break;
            }
            // The first write after a pause goes at once; while they come one
            // after another, each group waits for its share.
            if Instant::now() < not_before && !orders.iter().any(is_urgent) {
                tokio::select! {
                    () = tokio::time::sleep_until(not_before) => {}
                    () = self.shared.urgent.notified() => {}
                }
                while orders.len() < GROUP_BATCHES {
                    let Ok(order) = self.orders.try_recv() else {
                        break;
                    };
                    orders.push(order);
                }
            }
            not_before = Instant::now() + self.linger;
            self.turn(&mut orders).await;
        }
        // Whoever handed in before the door closed is still served.
        self.orders.close();
        while self.orders.recv_many(&mut orders, GROUP_BATCHES).await > 0 {
            self.turn(&mut orders).await;
        }
        self.checkpointer.stop().await;
        let_go(self.connection).await;
        if let Some(done) = self.close {
            let _ = done.send(());
        }
    }

    /// Carries out what was taken from the queue.
    async fn turn(&mut self, orders: &mut Vec<Order>) {
        let mut group = VecDeque::with_capacity(orders.len());
        for order in orders.drain(..) {
            group.extend(self.note(order));
        }
        self.keep(group).await;
        for done in self.flushes.drain(..) {
            let _ = done.send(());
        }
    }

    /// What of an order is to be written; the rest is for the end of the turn.
    fn note(&mut self, order: Order) -> Option<Pending> {
        match order {
            Order::Write(pending) => return Some(*pending),
            Order::Flush(done) => self.flushes.push(done),
            Order::Close(done) => self.close = Some(done),
        }
        None
    }

    /// Writes a group, however often it takes, a transaction for each
    /// [`GROUP_BATCHES`] of it. One batch that contradicts what is stored must
    /// not spoil the others: they are written one by one then.
    async fn keep(&mut self, mut group: VecDeque<Pending>) {
        let mut singly: usize = 0;
        let mut begun = Instant::now();
        let mut tries = 0;
        let mut pause = RETRY_FIRST;
        while !group.is_empty() && !self.given_up {
            let size = match singly {
                0 => group.len().min(GROUP_BATCHES),
                _ => 1,
            };
            let error = match self.commit(group.iter().take(size)).await {
                Ok(told) => {
                    self.tell(group.drain(..size).collect(), told);
                    singly = singly.saturating_sub(1);
                    (begun, tries, pause) = (Instant::now(), 0, RETRY_FIRST);
                    continue;
                }
                Err(StoreError::Conflict(_)) if size > 1 => {
                    singly = size;
                    continue;
                }
                Err(error @ StoreError::Conflict(_)) => {
                    contradicts(group.pop_front(), error);
                    singly = singly.saturating_sub(1);
                    continue;
                }
                Err(error) => error,
            };
            tries += 1;
            self.failed();
            if tries == 1 {
                tracing::error!(%error, batches = group.len(), "the journal can't be written, trying on");
            }
            let enough = tries >= TRIES || begun.elapsed() >= TRY_FOR;
            if enough {
                // Who waits decides what to do; what nobody waits for stays in hand.
                self.take_in(&mut group);
                refuse_the_waiting(&mut group, &error);
            }
            self.given_up = !self.waits(pause).await || enough && self.is_left();
            pause = (pause * 2).min(RETRY_LONGEST);
        }
        if !group.is_empty() {
            let batches = group.len();
            metrics::counter!("strowger_journal_lost_batches_total").increment(batches as u64);
            tracing::error!(batches, "leaving with batches that could not be written");
        }
    }

    /// Takes what has come meanwhile into hand: those who wait behind a group
    /// that can't be written must hear of it too.
    fn take_in(&mut self, group: &mut VecDeque<Pending>) {
        while group.len() < IN_HAND {
            let Ok(order) = self.orders.try_recv() else {
                return;
            };
            group.extend(self.note(order));
        }
    }

    /// The pause between two tries, shortened when the journal closes. `false`:
    /// there shall be no other try.
    async fn waits(&mut self, pause: Duration) -> bool {
        let next = Instant::now() + pause;
        let mut closing = self.shared.closing.subscribe();
        let deadline = *closing.borrow_and_update();
        match deadline {
            Some(deadline) => tokio::time::sleep_until(next.min(deadline)).await,
            None => tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                // The sender is ours too: it does not go.
                _ = closing.changed() => {}
            },
        }
        let deadline = *closing.borrow();
        deadline.is_none_or(|deadline| Instant::now() < deadline)
    }

    /// Whether the database takes writes again, though nothing is there to write.
    async fn probe(&mut self) {
        let probe = Batch {
            meta: vec![(PROBE.to_owned(), unix_now().to_string())],
            ..Batch::default()
        };
        let probe = std::iter::once(&probe);
        match write_group(&mut self.connection, self.cursor, probe, std::iter::empty()).await {
            Ok(_) => {
                self.shared.failing.store(false, Ordering::Relaxed);
                tracing::info!("the journal can be written again");
            }
            Err(_) => self.failed(),
        }
    }

    /// Whether all are gone who could hand in or close.
    fn is_left(&self) -> bool {
        self.orders.is_closed() && self.shared.closing.borrow().is_none()
    }

    fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    async fn commit<'p>(
        &mut self,
        group: impl Iterator<Item = &'p Pending> + Clone,
    ) -> Result<Cursor, StoreError> {
        let blocks = group.clone().filter_map(|p| p.block.as_ref());
        let batches = group.map(|p| &p.batch);
        write_group(&mut self.connection, self.cursor, batches, blocks).await
    }

    fn failed(&self) {
        self.shared.failing.store(true, Ordering::Relaxed);
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("strowger_journal_failures_total").increment(1);
    }

    /// The group is kept: now it may be told.
    fn tell(&mut self, group: Vec<Pending>, after: Cursor) {
        let mut position = self.cursor.event();
        self.cursor = after;
        self.shared.failing.store(false, Ordering::Relaxed);
        self.shared
            .batches
            .fetch_add(group.len() as u64, Ordering::Relaxed);
        let transactions = self.shared.transactions.fetch_add(1, Ordering::Relaxed) + 1;
        // Who hears that it is kept finds it counted.
        let events = group.iter().map(|p| p.batch.events.len() as u64).sum();
        self.shared.events.fetch_add(events, Ordering::Relaxed);
        for pending in group {
            let Pending {
                batch,
                ticket,
                kept,
                ..
            } = pending;
            if let Some(kept) = kept {
                (kept.0)();
            }
            self.follower.since += batch.records.len() as u64;
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
            }
            if let Some(ticket) = ticket {
                // Who waited may have gone.
                let _ = ticket.send(Ok(Committed { positions }));
            }
        }
        if self.follower.since >= self.follower.every {
            self.follower.since = 0;
            self.follower.wake.send_replace(());
        }
        if transactions.is_multiple_of(CHECKPOINT_EVERY) {
            self.checkpointer.wake();
        }
    }
}

/// Whether it shall not wait for company.
fn is_urgent(order: &Order) -> bool {
    match order {
        Order::Write(pending) => pending.batch.is_urgent(),
        Order::Flush(_) => false,
        Order::Close(_) => true,
    }
}

/// Tells those who wait that their batch was not written, and leaves the rest
/// and what lasts.
fn refuse_the_waiting(group: &mut VecDeque<Pending>, error: &StoreError) {
    group.retain_mut(|pending| match pending.ticket.take() {
        Some(ticket) if !ticket.is_closed() => {
            let _ = ticket.send(Err(error.clone()));
            pending.lasting
        }
        _ => true,
    });
}

/// A batch that will never be taken goes, and who waits for it hears why.
fn contradicts(pending: Option<Pending>, error: StoreError) {
    tracing::error!(%error, "a batch contradicts what is stored and is dropped");
    metrics::counter!("strowger_journal_conflicts_total").increment(1);
    if let Some(ticket) = pending.and_then(|pending| pending.ticket) {
        let _ = ticket.send(Err(error));
    }
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
