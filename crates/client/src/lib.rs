//! A typed async client for any P-Series PBX: Strowger, or the vendor's own.
//!
//! - **Operations**: all of the contract's, with their types, by area: [`ops`].
//! - **Lists** as streams of rows, fetched page by page: [`Rows`].
//! - **Events** over a WebSocket that is kept alive, opened anew when it
//!   breaks, and tells of its gaps: [`Client::events`].
//! - **Downloads** by chunks, taken up where they broke: [`Client::download`].
//! - **Tokens**: a PBX gives an application eight at a time. A client takes
//!   one place, refreshes before its time is up and logs in anew when the PBX
//!   says that a token is no longer valid; processes can
//!   [share one](ClientBuilder::token_file).
//! - **Certificates**: a self-made one is believed by its
//!   [fingerprint](ClientBuilder::fingerprint).
//!
//! It never repeats a request that the PBX may have carried out: the only
//! retry is after `TOKEN EXPIRED`, which says that nothing was done.
//!
//! ```no_run
//! # async fn example() -> Result<(), strowger_client::Error> {
//! use strowger_client::Update;
//!
//! let pbx = strowger_client::Client::builder("https://pbx.example:8088")
//!     .credentials("the client id", "the client secret")
//!     .build()?;
//!
//! // Watch first, so that nothing of the call is missed.
//! let mut events = pbx.events(&[30011, 30012]).await?;
//! let call = pbx.dial("1000", "1001").await?;
//! while let Some(update) = events.next().await {
//!     match update? {
//!         Update::Event(event) => {
//!             println!("{} {}", event.id, event.msg);
//!             if event.id == 30012 {
//!                 break;
//!             }
//!         }
//!         Update::Lost(why) => eprintln!("{why}; trying again"),
//!         Update::Resumed { .. } => println!("{:?}", pbx.live_call(&call).await?),
//!         _ => {}
//!     }
//! }
//! pbx.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Times, durations, flags are as the contract has them; [`wire`] says what
//! each member means. TLS is rustls. The process may install a default crypto
//! provider (`rustls::crypto::CryptoProvider::install_default`); where it has
//! not, the client uses ring's for itself and installs nothing.

mod builder;
mod client;
mod dial;
mod download;
mod error;
mod events;
mod generated;
mod http;
pub mod ops;
mod paging;
mod tls;
mod token;
mod token_file;

pub use builder::ClientBuilder;
pub use client::{Client, TokenLife};
pub use download::Download;
pub use error::{Error, Refusal};
pub use events::{Event, EventStream, Update};
pub use http::{Method, Upload};
pub use paging::Rows;
pub use serde_json::{Map, Value, json};
pub use tls::{Fingerprint, NoFingerprint};
pub use wire;

/// What the README shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
