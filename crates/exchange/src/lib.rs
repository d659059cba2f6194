//! The running exchange: owns the loop, the clock, timers and ids; where the
//! parts meet.
//!
//! One task owns [`switch::Exchange`] and is fed by bounded lanes; what the
//! switch says is done on `sip`, `media` and the journal. Its faces hold a
//! [`Handle`]. It must never let the path of a call wait for the database.

// The tests within share the houses and phones of those without.
#[cfg(test)]
extern crate self as exchange;

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
#[cfg(test)]
mod tests;

mod address;
mod audio;
mod auth;
mod calls;
mod cause;
mod change;
pub mod clock;
mod core;
mod guard;
mod handle;
mod home;
mod identity;
mod incoming;
mod legs;
pub mod mail;
mod numbering;
mod outbox;
mod recovery;
mod register;
mod registrar;
mod requests;
mod sdp;
mod sessions;
mod start;
mod timers;
mod tones;
#[cfg(test)]
mod trip;
mod turn;
mod wires;

pub use address::{InvalidNetwork, Network};
pub use calls::{CallKind, Selector};
pub use handle::{DialRequest, ExchangeError, Handle, Load, OnlineNow, Registered};
pub use identity::{FIRMWARE, Identity};
pub use sip::digest::Algorithm as DigestAlgorithm;
pub use start::{ExchangeConfig, Running, StartError, start};

/// The events that this exchange sends, by id; the status table is made from it.
pub const EVENTS_SENT: &[u32] = &[30007, 30008, 30011, 30012, 30015];
