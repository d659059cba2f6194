//! The database: journal, objects, records, event log.
//!
//! All that is written goes through one [`Journal`]: batches that are never
//! split, committed in groups, told to nobody before they are kept. Reads have
//! connections of their own and never wait for a write. It must never know
//! what a record means: it keeps rows, and its callers give them sense.

mod batch;
mod cdr;
mod error;
mod event;
mod group;
mod journal;
mod object;
mod registration;
mod store;
mod token;
mod writer;

pub use batch::{Batch, LiveChange, NewEvent};
pub use cdr::{CdrField, CdrFilter, CdrRow, CdrSelection, Did, MAX_PAGE_SIZE, Page, Sort};
pub use error::StoreError;
pub use event::{CommittedEvent, EVENTS_KEPT, Position};
pub use journal::{Committed, Journal, JournalFull, JournalStats, QUEUE_BATCHES, Ticket};
pub use object::{Object, ObjectChange, ObjectKey, ObjectRef};
pub use registration::{RegistrationChange, RegistrationRow};
pub use store::{Store, StoreOptions};
pub use token::{TokenChange, TokenHash, TokenRow};
