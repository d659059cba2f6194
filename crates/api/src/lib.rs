//! The door of the P-Series OpenAPI: HTTP, WebSocket, tokens, operations.
//!
//! A request goes through [`door`](mod@self) checks in a fixed order and then
//! to one operation; operations are thin: a change to the settings, an input to
//! the exchange, a page of the store. This crate must never hold state of a
//! call, and never answer a request with anything but the envelope.

mod auth;
mod call;
mod cdr;
mod door;
mod extension;
mod extension_status_monitor;
mod failure;
pub mod limits;
mod listen;
mod operations;
mod page;
mod request;
mod subscribe;
mod system;
pub mod tls;
mod token;

pub use listen::{ApiConfig, ApiError, Serving, serve};
pub use operations::IMPLEMENTED;
