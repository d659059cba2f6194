//! A typed async client for any P-Series PBX: Strowger, or the vendor's own.
//!
//! It takes care of tokens (one `get_token`, refreshed before it runs out,
//! logged in anew when the PBX says that it is no longer valid), so that a
//! program holds one of the eight places of an application and no more. It
//! never repeats a request that the PBX may have carried out: the only retry
//! is after `TOKEN EXPIRED`, which says that nothing was done.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::Error> {
//! let pbx = client::Client::builder("https://pbx.example:8088")
//!     .credentials("the client id", "the client secret")
//!     .build()?;
//!
//! // Watch first, so that nothing of the call is missed.
//! let mut events = pbx.events(&[30011, 30012]).await?;
//! let call = pbx.dial("1000", "1001").await?;
//! while let Some(event) = events.next().await {
//!     let event = event?;
//!     println!("{} {}", event.id, event.msg);
//!     if event.id == 30012 {
//!         break;
//!     }
//! }
//! println!("{:?}", pbx.call_query_id(&call).await?);
//! pbx.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Every operation of the contract can be had by its path, with or without
//! types:
//!
//! ```no_run
//! # async fn example(pbx: client::Client) -> Result<(), client::Error> {
//! use client::json;
//! let answer = pbx.call("v1.0", "extension/get", json!({"id": 7})).await?;
//! println!("{}", answer["data"]["number"]);
//! # Ok(())
//! # }
//! ```
//!
//! TLS is rustls. The process may install a default crypto provider
//! (`rustls::crypto::CryptoProvider::install_default`); where it has not, the
//! client uses ring's for itself and installs nothing.

mod builder;
mod error;
mod events;
mod http;
mod operations;
mod paging;
mod tls;
mod token;

pub use builder::ClientBuilder;
pub use error::{Error, Refusal};
pub use events::{Event, EventStream};
pub use http::{Client, Method};
pub use serde_json::{Map, Value, json};
pub use wire;
