//! The loop's way into the journal. New work is refused long before the journal
//! is full; what is under way must be kept even then: what finds no place waits
//! here, in order, and is handed in again. It must never wait itself.

use std::collections::VecDeque;

use store::{Batch, Journal, JournalFull, Ticket};

/// Most batches that wait for a place. The reserve of the journal comes before,
/// and while any waits nothing new is begun.
const WAITING: usize = 32_768;

/// Batches on their way out of the loop.
#[derive(Debug)]
pub(crate) struct Outbox {
    journal: Journal,
    waiting: VecDeque<Batch>,
}

impl Outbox {
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            waiting: VecDeque::new(),
        }
    }

    /// Whether there is room to start something new.
    pub fn headroom(&self) -> bool {
        self.waiting.is_empty() && self.journal.headroom()
    }

    /// Hands in a batch that is kept in the end, whatever happens meanwhile.
    pub fn submit(&mut self, batch: Batch) {
        // Nobody waits for it.
        drop(self.submit_waited(batch));
    }

    /// As [`Outbox::submit`]; the ticket says whether it is kept by now. `None`:
    /// it has no place yet.
    pub fn submit_waited(&mut self, batch: Batch) -> Option<Ticket> {
        self.hand_in_again();
        if self.waiting.is_empty() {
            match self.journal.submit_lasting(batch) {
                Ok(ticket) => return Some(ticket),
                Err(JournalFull(batch)) => self.wait(*batch),
            }
        } else {
            self.wait(batch);
        }
        None
    }

    /// Whether any batch waits for a place.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until there is a place; for ever where there will be none.
    pub async fn room(&self) {
        if !self.journal.room().await {
            std::future::pending::<()>().await;
        }
    }

    /// Hands in what waits, as far as there are places.
    pub fn hand_in_again(&mut self) {
        while let Some(batch) = self.waiting.pop_front() {
            if let Err(JournalFull(batch)) = self.journal.submit_lasting(batch) {
                return self.waiting.push_front(*batch);
            }
        }
    }

    /// Waits until all that was handed in is written or given up.
    pub async fn flushed(&mut self) {
        while self.waits() {
            self.room().await;
            self.hand_in_again();
        }
        self.journal.flushed().await;
    }

    fn wait(&mut self, batch: Batch) {
        if self.waiting.is_empty() {
            tracing::warn!("the journal is full; what is under way waits for a place");
        }
        if self.waiting.len() >= WAITING {
            metrics::counter!("strowger_journal_lost_batches_total").increment(1);
            tracing::error!("a batch found no place in the journal and is lost");
            return;
        }
        self.waiting.push_back(batch);
    }
}
