//! Every operation of the contract, with its types: a struct for the first part
//! of a path, a method for the second. `extension/list` is
//! [`pbx.extension().list(…)`](Extension::list), `cdr/list` of version 2.0
//! [`pbx.cdr().list_v2(…)`](Cdr::list_v2). Where an answer comes in pages there
//! is a method that gives all rows as a stream:
//! [`list_all`](Extension::list_all), [`search_all`](Cdr::search_all).
//!
//! Requests and answers are those of [`wire`]: every member may be absent, so
//! a request is written with `..Default::default()` and an answer is asked for
//! what it has.
//!
//! ```no_run
//! # async fn example(pbx: strowger_client::Client) -> Result<(), strowger_client::Error> {
//! use strowger_client::wire::extension::ExtensionUpdateRequest;
//! if let Some(row) = pbx.extension_by_number("1000").await? {
//!     let change = ExtensionUpdateRequest {
//!         id: row.id,
//!         first_name: Some("Ada".into()),
//!         ..Default::default()
//!     };
//!     pbx.extension().update(&change).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Tokens have no methods here: the client cares for them.

pub use crate::generated::*;
