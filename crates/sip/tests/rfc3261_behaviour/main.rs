//! RFC 3261 (with RFC 6026, 3311, 3581) clause by clause, where it says what
//! an endpoint does: each file names the clause it tests. Syntax is in
//! `tests/rfc3261`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;

mod s12_2_2_dialog_requests;
mod s17_1_1_invite_client;
mod s17_1_2_non_invite_client;
mod s17_2_1_invite_server;
mod s17_2_2_non_invite_server;
mod s17_2_3_matching;
mod s18_2_2_responses;
mod s8_2_inspection;
