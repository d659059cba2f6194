//! The kind `extension`: a user with a number and phones.

mod kind;
mod members;
mod presence;
mod typed;

pub(crate) use kind::{ExtensionKind, MAX_EXTENSIONS, display_name};
pub(crate) use presence::MEMBERS as PRESENCE_MEMBERS;
pub use typed::{Extension, Monitor};
pub(crate) use typed::{FLAGS as MONITOR_FLAGS, MONITOR};
