//! The journal as its users see it: hand in a batch, go on, hear of it when it
//! is kept. Handing in never waits: a full journal is an answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::batch::Batch;
use crate::error::StoreError;
use crate::event::{CommittedEvent, Position};

/// Most batches that wait to be written.
pub const QUEUE_BATCHES: usize = 16_384;
/// With fewer places than this left, nothing new should be started: what is
/// left belongs to what already runs.
const HEADROOM_BATCHES: usize = QUEUE_BATCHES / 4;
/// How many events a slow subscriber may lag behind before it loses some.
const BROADCAST_EVENTS: usize = 8_192;

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    pub batch: Batch,
    pub ticket: oneshot::Sender<Result<Committed, StoreError>>,
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

/// What the writer tells of itself.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// The last write failed.
    pub failing: AtomicBool,
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
    gauges: Arc<Gauges>,
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

impl Journal {
    /// The journal and what its writer is fed by.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, receiver) = mpsc::channel(QUEUE_BATCHES);
        let (events, _) = broadcast::channel(BROADCAST_EVENTS);
        (
            Self {
                orders,
                events,
                gauges: Arc::default(),
            },
            receiver,
        )
    }

    /// Hands in a batch. Never waits.
    pub fn submit(&self, batch: Batch) -> Result<Ticket, JournalFull> {
        let (ticket, receiver) = oneshot::channel();
        match self
            .orders
            .try_send(Order::Write(Box::new(Pending { batch, ticket })))
        {
            Ok(()) => Ok(Ticket(receiver)),
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
        self.orders.capacity() > HEADROOM_BATCHES && !self.gauges.failing.load(Ordering::Relaxed)
    }

    /// Waits until all that was handed in before is written or given up.
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
            batches: self.gauges.batches.load(Ordering::Relaxed),
            transactions: self.gauges.transactions.load(Ordering::Relaxed),
            events: self.gauges.events.load(Ordering::Relaxed),
            failures: self.gauges.failures.load(Ordering::Relaxed),
        }
    }

    /// Writes what was handed in and stops the writer; later batches are refused.
    pub(crate) async fn close(&self) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            let _ = wait.await;
        }
    }

    pub(crate) fn gauges(&self) -> Arc<Gauges> {
        self.gauges.clone()
    }

    pub(crate) fn broadcaster(&self) -> broadcast::Sender<Arc<CommittedEvent>> {
        self.events.clone()
    }
}
