//! What a call is and how it moves: one pure machine.
//!
//! [`Exchange`] holds all calls and the extensions' live states. It is handed
//! inputs with the time and fresh ids, and answers with actions and facts.
//! It must never touch a socket, a clock, randomness or a database, and knows
//! no vendor's word: the mapping to the P-Series vocabulary is `exchange`'s.

mod action;
mod audio;
mod call;
mod codecs;
mod config;
mod desk;
mod directory;
mod exchange;
mod fact;
mod fork;
mod ids;
mod input;
mod leg;
mod media;
mod negotiation;
mod outcome;
mod presence;
mod record;
mod table;

pub use action::{Action, CallerIdentity, Invitation, LegCommand, MediaAction, Reply, Tone};
pub use config::{Configuration, Extension};
pub use exchange::{Exchange, Output};
pub use fact::{
    CallRecord, Disposition, ExtensionState, Fact, FailReason, HangupSide, LegSnapshot, LegState,
    Party, Role,
};
pub use ids::{
    CallId, ContactId, ExtensionNumber, Ids, InvalidNumber, LegId, Mono, Now, RequestId, Utc,
};
pub use input::{Caller, Cause, Command, CommandError, Input, LegInput, Timer};
pub use media::{Codec, Direction, Encoding, MediaDescription};
