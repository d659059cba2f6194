//! Digest authentication (RFC 3261 22, RFC 7616, RFC 8760), both ends, without
//! a clock and without randomness of its own: time, secrets and client nonces
//! are handed in.
//!
//! Passwords come in and never leave; nothing here prints or keeps them.

mod algorithm;
mod challenge;
mod client;
mod credentials;
mod nonce;
mod params;
mod response;
mod server;

pub use algorithm::Algorithm;
pub use challenge::Challenge;
pub use client::{Client, Request, strongest};
pub use credentials::{Credentials, Qop};
pub use nonce::MAX_NONCES;
pub use server::{Server, Verdict};

use crate::header::HeaderName;
use crate::message::Message;

/// The challenges of a 401 or 407 that we can answer, in their order, each with
/// the name of the header field that answers it.
pub fn challenges(response: &Message) -> impl Iterator<Item = (HeaderName, Challenge)> {
    let of = |asks: HeaderName, answers: HeaderName| {
        let values = response
            .headers(asks)
            .filter_map(|v| Challenge::parse(v).ok());
        values.map(move |c| (answers.clone(), c))
    };
    of(HeaderName::WwwAuthenticate, HeaderName::Authorization).chain(of(
        HeaderName::ProxyAuthenticate,
        HeaderName::ProxyAuthorization,
    ))
}

/// The credentials that a request has for a realm, in Authorization or
/// Proxy-Authorization.
pub fn credentials(request: &Message, name: HeaderName, realm: &str) -> Option<Credentials> {
    request
        .headers(name)
        .filter_map(|v| Credentials::parse(v).ok())
        .find(|c| c.realm == realm)
}
