//! The P-Series vocabulary as types.
//!
//! Everything that a table can say (operations, members, types, bounds, events,
//! error codes) is made from `contract/*.yaml` by `cargo xtask contract` and lies
//! in `generated`; what is written by hand is what a table can't say: the answer's
//! [`Envelope`], how an [`event`] is framed, how a request is checked
//! ([`validate()`]), and how odd spellings are read.
//!
//! Reading is lenient (every member may be missing or null, unknown members are
//! skipped, `"5"` is 5), writing is strict. This crate does no IO, keeps no state
//! and knows nothing of how a call works.

#[macro_use]
mod object;
#[macro_use]
mod words;

pub mod contract;
mod envelope;
pub mod event;
mod generated;
mod joined;
mod number_or_text;
mod read;
mod validate;

pub use contract::{EventDef, Operation};
pub use envelope::{DuplicateField, Envelope, InvalidParam, PayloadError};
pub use generated::error::ErrCode;
pub use generated::{
    call, cdr, conference, contacts, extension, foundation, hotel, ivr, messaging, organization,
    paging, prompts, provisioning, queue, recording, reports, ring_group, routing, settings,
    system, time, trunk, uacsta, voicemail,
};
pub use joined::Joined;
pub use number_or_text::NumberOrText;
pub use object::Object;
pub use read::Read;
pub use validate::{MAX_INVALID_PARAMS, rule, validate, validate_patch};
