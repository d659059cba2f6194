//! Sessions of two endpoints over a simulated network: what crosses, what is
//! lost, what is said twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;

mod arrivals;
mod auth;
mod commands;
mod crossing;
mod forks;
mod offers;
mod plain;
mod refresh;
mod stray;
mod sweep;
