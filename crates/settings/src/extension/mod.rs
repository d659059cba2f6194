//! The kind `extension`: a user with a number and phones.

mod kind;
mod language;
mod members;
mod presence;
mod typed;

pub use kind::MAX_EXTENSIONS;
pub(crate) use kind::{ExtensionKind, display_name, full_name, is_email};
pub(crate) use presence::MEMBERS as PRESENCE_MEMBERS;
pub use typed::{Extension, Monitor};
pub(crate) use typed::{FLAGS as MONITOR_FLAGS, MONITOR};
