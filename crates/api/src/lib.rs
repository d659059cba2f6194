//! The door of the P-Series OpenAPI: HTTP, WebSocket, tokens, operations.
//!
//! Operations are thin: a change to the settings, an input to the exchange, a
//! page of the store. This crate must never hold state of a call, and never
//! answer a request with anything but the envelope.
//!
//! The order in which a request is refused, each step before the next:
//!
//! | what is wrong | errcode |
//! | --- | --- |
//! | an address that is not permitted (`api.permitted`) | 70087 `IP FORBIDDEN` |
//! | more requests than `api.requests_per_second` | 60002 `MAX LIMITATION EXCEEDED` |
//! | no `User-Agent`, or a blank one (event sockets need none) | 40002, `invalid_param_list` names it |
//! | a path or a method that the contract does not have | 10001 `INTERFACE NOT EXISTED` |
//! | no token, or one that is not valid (any more) | 10004 `TOKEN EXPIRED` |
//! | an operation of the contract that is not built yet | 10009 `OPERATION FAILED` |
//! | a body that is no JSON object | 40001 `PARAMETER SYNTAX ERROR` |
//! | a body over its bound | 40004 `FILE SIZE EXCEEDED` |
//! | parameters that break the contract's table | 40002 with `invalid_param_list` |
//!
//! Files (`/api/download/`) are no part of the API's tree: their answers are
//! HTTP's, but for the token's; see `download/serve.rs`.
//!
//! What is no HTTP request (quotes or spaces in the target, a header over its
//! bound) never gets here: it is answered 400 or 431, as HTTP says. `CONNECT`
//! is answered 501 with the envelope: 200 would be a tunnel.

mod activity;
mod admit;
mod auth;
mod blocklist;
mod call;
mod cdr;
mod connections;
mod door;
mod download;
mod extension;
mod extension_status_monitor;
mod failure;
pub mod limits;
mod listen;
mod menu;
mod objects;
mod operations;
mod page;
mod pages;
mod password;
mod rate;
mod request;
mod subscribe;
mod system;
pub mod tls;
mod token;
mod turn;
mod welcome;

pub use blocklist::Blocklist;
pub use listen::{ApiConfig, ApiError, Serving, serve};
pub use operations::IMPLEMENTED;
