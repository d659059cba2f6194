//! Files that are made to be fetched: `GET /api/download/<name>`.
//!
//! An operation makes a file on the [`Shelf`] and answers its name; who has a
//! valid token (or, of files that are open, just the name, which nobody can
//! guess) fetches it for half an hour, whole or in parts. A file can be fetched
//! while it is still being written. It must never give out what was not put on
//! the shelf, and never hold a file in memory.

mod serve;
mod shelf;

pub use serve::serve;
pub use shelf::{Access, FileWriter, Label, Progress, Shelf, ShelfError};

/// Where files are fetched.
pub const PREFIX: &str = "/api/download/";
