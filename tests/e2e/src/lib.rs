//! What the end-to-end tests are written with: the real binary on a data
//! directory and ports of its own, the API as any application uses it, SIPp and
//! baresip as phones, and ears for what the phones recorded.
//!
//! Shares no code with the product. A phone or a binary that is missing is a
//! failure, never a test skipped. Nothing here waits without a deadline, or
//! sleeps for a time in which something will surely have happened.
// A test's helper says what is wrong by panicking; it is never shipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod api;
mod baresip;
mod command_line;
mod dir;
mod events;
mod expect;
mod http;
mod ports;
mod server;
mod sipp;
mod wait;
mod wav;

pub use api::{Account, Api};
pub use baresip::Baresip;
pub use command_line::{CommandLine, Ended, hang_up, interrupt, terminate};
pub use dir::TempDir;
pub use events::{Event, Events};
pub use expect::{failure_of, one_record, record_of, statuses};
pub use server::{Server, Stopped, binary};
pub use sipp::{Registered, Sipp, User, register};
pub use wait::{LONG, SOON, until, within};
pub use wav::{Recording, tone};
