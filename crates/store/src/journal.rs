//! The journal as its users see it: hand in a batch, go on, hear of it when it
//! is kept. Handing in never waits: a full journal is an answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::batch::Batch;
use crate::cdr::NewBlock;
use crate::error::StoreError;
use crate::event::{CommittedEvent, Position};

/// Most batches that wait to be written.
pub const QUEUE_BATCHES: usize = 16_384;
/// With fewer places than this left, nothing new should be started: what is
/// left belongs to what already runs.
const HEADROOM_BATCHES: usize = QUEUE_BATCHES / 4;
/// How many events a slow subscriber may lag behind before it loses some.
const BROADCAST_EVENTS: usize = 8_192;

/// How long a closing journal goes on trying while the database takes no writes.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    pub batch: Batch,
    /// A block of the record index, which comes alone.
    pub block: Option<NewBlock>,
    /// Who waits for it; nobody once he was told that it fails.
    pub ticket: Option<oneshot::Sender<Result<Committed, StoreError>>>,
    /// It is kept in the end, whatever its ticket was told.
    pub lasting: bool,
    /// Done when it is kept, before anybody hears of it.
    pub kept: Option<Kept>,
}

/// What is to be done between a batch's commit and the telling of its events.
pub(crate) struct Kept(pub Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(…)")
    }
}

/// What goes to the writer.
#[derive(Debug)]
pub(crate) enum Order {
    /// Write this.
    Write(Box<Pending>),
    /// Say when all that was handed in before is written.
    Flush(oneshot::Sender<()>),
    /// Write what is there and stop.
    Close(oneshot::Sender<()>),
}

/// What the journal and its writer know of each other beside the queue.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The last write failed.
    pub failing: AtomicBool,
    /// The journal closes: after this moment a write that fails is the last.
    /// Beside the queue, for a writer that can't write doesn't take from it.
    pub closing: watch::Sender<Option<Instant>>,
    /// What came last is not worth a wait for company.
    pub urgent: Notify,
    pub batches: AtomicU64,
    pub transactions: AtomicU64,
    pub events: AtomicU64,
    pub failures: AtomicU64,
}

/// What the journal did since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalStats {
    /// Batches kept.
    pub batches: u64,
    /// Transactions that kept them.
    pub transactions: u64,
    /// Events kept.
    pub events: u64,
    /// Writes that failed, each try counted.
    pub failures: u64,
}

/// The way to the one writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    orders: mpsc::Sender<Order>,
    events: broadcast::Sender<Arc<CommittedEvent>>,
    shared: Arc<Shared>,
}

/// The journal took no more: it is full or closed. The batch comes back.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the journal is full")]
pub struct JournalFull(pub Box<Batch>);

/// A batch was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// Where its events stand in the log.
    pub positions: Vec<Position>,
}

/// Resolves when the batch is kept, or can't be. May be dropped: then the
/// batch is kept all the same, and tried until it is.
#[derive(Debug)]
#[must_use = "await it, or drop it where nobody waits for the write"]
pub struct Ticket(oneshot::Receiver<Result<Committed, StoreError>>);

impl Future for Ticket {
    type Output = Result<Committed, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.unwrap_or(Err(StoreError::Closed)))
    }
}

/// The way to the writer for who must not keep it running.
#[derive(Debug, Clone)]
pub(crate) struct WeakJournal {
    orders: mpsc::WeakSender<Order>,
    events: broadcast::Sender<Arc<CommittedEvent>>,
    shared: Arc<Shared>,
}

impl WeakJournal {
    /// The journal, as long as others hold it.
    pub fn upgrade(&self) -> Option<Journal> {
        Some(Journal {
            orders: self.orders.upgrade()?,
            events: self.events.clone(),
            shared: self.shared.clone(),
        })
    }
}

impl Journal {
    /// A way to the writer that ends with all others.
    pub(crate) fn downgrade(&self) -> WeakJournal {
        WeakJournal {
            orders: self.orders.downgrade(),
            events: self.events.clone(),
            shared: self.shared.clone(),
        }
    }

    /// The journal and what its writer is fed by.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, receiver) = mpsc::channel(QUEUE_BATCHES);
        let (events, _) = broadcast::channel(BROADCAST_EVENTS);
        (
            Self {
                orders,
                events,
                shared: Arc::default(),
            },
            receiver,
        )
    }

    /// Hands in a batch. Never waits.
    ///
    /// While its ticket is waited for and the database takes no writes, the
    /// batch is given up after some tries, and the ticket says so. A batch whose
    /// ticket was dropped is tried until it is kept.
    pub fn submit(&self, batch: Batch) -> Result<Ticket, JournalFull> {
        self.hand_in(batch, None, false, None)
    }

    /// As [`Journal::submit`]; the writer does `kept` as soon as the batch is
    /// committed, in the order of commits, and only then tells its events and its
    /// ticket: who hears of a change finds it in effect. All other writes wait
    /// meanwhile, so that it must be short and wait for nothing.
    pub fn submit_then(
        &self,
        batch: Batch,
        kept: impl FnOnce() + Send + 'static,
    ) -> Result<Ticket, JournalFull> {
        self.hand_in(batch, None, false, Some(Kept(Box::new(kept))))
    }

    /// As [`Journal::submit`], of what is in effect already: who waits hears that
    /// it can't be kept yet, and it is tried until it is all the same.
    pub fn submit_lasting(&self, batch: Batch) -> Result<Ticket, JournalFull> {
        self.hand_in(batch, None, true, None)
    }

    /// Hands in a block of the record index.
    pub(crate) fn submit_block(&self, block: NewBlock) -> Result<Ticket, JournalFull> {
        self.hand_in(Batch::default(), Some(block), false, None)
    }

    fn hand_in(
        &self,
        batch: Batch,
        block: Option<NewBlock>,
        lasting: bool,
        kept: Option<Kept>,
    ) -> Result<Ticket, JournalFull> {
        let (ticket, receiver) = oneshot::channel();
        let urgent = batch.is_urgent();
        match self.orders.try_send(Order::Write(Box::new(Pending {
            batch,
            block,
            ticket: Some(ticket),
            lasting,
            kept,
        }))) {
            Ok(()) => {
                if urgent {
                    self.shared.urgent.notify_one();
                }
                Ok(Ticket(receiver))
            }
            Err(
                mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order),
            ) => {
                metrics::counter!("strowger_journal_refused_total").increment(1);
                let batch = match order {
                    Order::Write(pending) => pending.batch,
                    Order::Flush(_) | Order::Close(_) => Batch::default(),
                };
                Err(JournalFull(Box::new(batch)))
            }
        }
    }

    /// Whether there is room to start something new. `false` from three
    /// quarters full, and while the database takes no writes.
    pub fn headroom(&self) -> bool {
        self.orders.capacity() > HEADROOM_BATCHES && !self.shared.failing.load(Ordering::Relaxed)
    }

    /// Waits until there is a place for a batch. `false`: the journal is closed.
    pub async fn room(&self) -> bool {
        self.orders.reserve().await.is_ok()
    }

    /// Waits until all that was handed in before is written or given up. While
    /// the database takes no writes that is not before it does.
    pub async fn flushed(&self) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(Order::Flush(done)).await.is_ok() {
            // An error says that the writer has left: nothing is pending then.
            let _ = wait.await;
        }
    }

    /// Events from now on, in order, each after it is kept.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedEvent>> {
        self.events.subscribe()
    }

    /// What the journal did since the start.
    pub fn stats(&self) -> JournalStats {
        JournalStats {
            batches: self.shared.batches.load(Ordering::Relaxed),
            transactions: self.shared.transactions.load(Ordering::Relaxed),
            events: self.shared.events.load(Ordering::Relaxed),
            failures: self.shared.failures.load(Ordering::Relaxed),
        }
    }

    /// Writes what was handed in and stops the writer; later batches are refused.
    /// While the database takes no writes, it is tried for a while and given up.
    pub(crate) async fn close(&self) {
        self.shared.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert_with(|| Instant::now() + LEAVE_WITHIN);
            first
        });
        self.shared.urgent.notify_one();
        let (done, wait) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            let _ = wait.await;
        }
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    pub(crate) fn broadcaster(&self) -> broadcast::Sender<Arc<CommittedEvent>> {
        self.events.clone()
    }
}
