//! What can go wrong between an application and its PBX, and whose fault it is.

use std::io;
use std::path::PathBuf;

use serde_json::{Map, Value};
use wire::ErrCode;

use crate::tls::Fingerprint;

/// Why a request did not give what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The PBX understood the request and said no.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The PBX did a part of what was asked, and says which.
    #[error("done in part: {0}")]
    Partial(Box<Refusal>),
    /// The PBX's certificate is not believed. Where it is known to be the
    /// PBX's, [`ClientBuilder::fingerprint`](crate::ClientBuilder::fingerprint)
    /// makes it so.
    #[error("the PBX's certificate is not trusted; its SHA-256 fingerprint is {0}")]
    Certificate(Fingerprint),
    /// The PBX could not be reached, or the connection broke.
    #[error("the PBX could not be reached: {0}")]
    Unreachable(#[source] Box<reqwest::Error>),
    /// The event socket could not be opened, or broke.
    #[error("the event socket failed: {0}")]
    Socket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// No answer within the time allowed.
    #[error("no answer in time")]
    Timeout,
    /// Something that isn't a P-Series PBX answered.
    #[error("HTTP status {0} instead of an answer of the API")]
    Status(u16),
    /// The answer is not what the contract says.
    #[error("the answer to {operation} can't be read: {reason}")]
    Malformed {
        /// The operation's path.
        operation: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer is longer than this client takes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The request can't be written as JSON object or query.
    #[error("the request is no object: {0}")]
    Request(String),
    /// The address of the PBX is no `http` or `https` URL.
    #[error("{0:?} is no address of a PBX")]
    BaseUrl(String),
    /// The `User-Agent` has signs that no header may have.
    #[error("{0:?} can't be sent as User-Agent")]
    UserAgent(String),
    /// TLS can't be set up.
    #[error("TLS can't be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The client was closed while the request waited for a token.
    #[error("the client was closed meanwhile")]
    Closed,
    /// A file of certificates has none.
    #[error("no certificate in PEM form")]
    NoPem,
    /// The file for tokens can't be used.
    #[error("the token file {}: {}", .0.display(), .1)]
    TokenFile(PathBuf, #[source] io::Error),
    /// What was downloaded can't be written.
    #[error("the download can't be written: {0}")]
    Write(#[source] io::Error),
    /// A download's link leads to another host, which the token is not for.
    #[error("{0:?} is no link of this PBX")]
    Link(String),
    /// A download broke, and the PBX does not go on where it did.
    #[error("the download broke after {0} bytes and can't be resumed")]
    Broken(u64),
}

/// An answer with an `errcode` that says no.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{operation}: {errcode} {errmsg}{}", self.fields())]
#[non_exhaustive]
pub struct Refusal {
    /// The operation's path.
    pub operation: String,
    /// The code, as `wire::ErrCode` has them.
    pub errcode: i64,
    /// Its message.
    pub errmsg: String,
    /// The whole answer: `invalid_param_list`, `duplicate_field_list`,
    /// `block_expire_time` and what else came.
    pub answer: Map<String, Value>,
}

impl Refusal {
    /// The code, where the contract lists it.
    pub fn code(&self) -> Option<ErrCode> {
        i32::try_from(self.errcode)
            .ok()
            .and_then(ErrCode::from_code)
    }

    /// The entries of `invalid_param_list` that can be read.
    pub fn invalid_params(&self) -> Vec<wire::InvalidParam> {
        self.entries("invalid_param_list")
    }

    /// The entries of `duplicate_field_list` that can be read.
    pub fn duplicates(&self) -> Vec<wire::DuplicateField> {
        self.entries("duplicate_field_list")
    }

    fn entries<T: serde::de::DeserializeOwned>(&self, list: &str) -> Vec<T> {
        let entries = self.answer.get(list).and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| T::deserialize(entry).ok())
            .collect()
    }
    /// The names in `invalid_param_list`.
    pub fn invalid_fields(&self) -> Vec<&str> {
        self.names("invalid_param_list")
    }

    /// The names in `duplicate_field_list`.
    pub fn duplicate_fields(&self) -> Vec<&str> {
        self.names("duplicate_field_list")
    }

    fn names(&self, list: &str) -> Vec<&str> {
        let entries = self.answer.get(list).and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("field").and_then(Value::as_str))
            .collect()
    }

    fn fields(&self) -> String {
        let names: Vec<&str> = self
            .invalid_fields()
            .into_iter()
            .chain(self.duplicate_fields())
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(" ({})", names.join(", "))
        }
    }
}

impl Error {
    /// The PBX's `errcode`, where it was the PBX that said no.
    pub fn errcode(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) | Self::Partial(refusal) => Some(refusal.errcode),
            _ => None,
        }
    }

    /// Whether the same request may succeed later without anything being
    /// changed: the network, a full or blocked account, a fault of the PBX.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Refused(refusal) => TEMPORARY.contains(&refusal.errcode),
            Self::Unreachable(_) | Self::Socket(_) | Self::Timeout | Self::Broken(_) => true,
            Self::Status(status) => *status >= 500,
            _ => false,
        }
    }
}

/// A fault of the server, an expired token, all places taken, an address
/// blocked for some minutes, a task that runs.
const TEMPORARY: [i64; 5] = [-2, 10004, 60002, 70004, 70082];

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // The URL holds the access token: it must not end up in a log.
        if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Unreachable(Box::new(error.without_url()))
        }
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for Error {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}
