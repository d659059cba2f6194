//! The settings mechanism, the snapshot, and the switch's configuration made from it.
//!
//! Configuration objects are of a kind; list, search, get, query, create,
//! update and delete are written once, for all kinds. A change is checked
//! against the contract and the kind's rules, kept by the journal together with
//! its event, swapped in as a new [`Snapshot`], and with the exchange before its
//! answer leaves. It must never let bad input change anything, put a secret
//! into a document, a log or an event, or take a value that is not acted on
//! where neglecting it would mislead.

mod change;
mod contacts;
mod draft;
mod error;
mod extension;
mod extensiongroup;
mod kind;
mod listing;
mod menu;
mod monitor;
mod nested;
mod organization;
mod present;
mod read;
mod record;
mod reference;
mod role;
mod seal;
mod secret;
mod sent;
mod settings;
mod single;
mod snapshot;
mod table;
mod unacted;

pub use contacts::{Caller, CallerMatch};
pub use error::SettingsError;
pub use extension::{Extension, MAX_EXTENSIONS, Monitor};
pub use kind::{Fixed, MemberRule, Rule, SecretForm};
pub use listing::{Listing, Live};
pub use present::{Change, Changes, ExtensionChange};
pub use record::Record;
pub use reference::id as read_id;
pub use seal::Sealer;
pub use secret::{MASK, Secret};
pub use settings::{Features, HashCost, Options, Settings};
pub use snapshot::Snapshot;
pub use unacted::{Unacted, unacted};

/// The events that a settings change sets off.
pub const EVENTS_SENT: &[u32] = &[30005, 30006, 30009, 30022];
