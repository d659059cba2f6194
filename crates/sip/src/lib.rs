//! SIP without sockets: messages, transactions, dialogs, digest.

pub mod digest;
mod endpoint;
mod header;
mod message;
mod session;
mod transaction;
mod uri;

pub use endpoint::{
    Arrival, ClientAuth, EndCause, Endpoint, EndpointConfig, EndpointError, Event, Invite, Load,
    OutOfDialog, refuse,
};
pub use header::{CSeq, HeaderError, HeaderName, NameAddr, Param, Params, Via, quote, unquote};
pub use message::{
    BuildError, MAX_FIELDS, MAX_MESSAGE, Message, MessageBuilder, Method, ParseError,
    ParseErrorKind, reason_phrase,
};
pub use session::SessionId;
pub use transaction::{Body, Flow, Instant, RequestTxId, ServerTxId, Timers, Transmit, Transport};
pub use uri::{Scheme, Uri, UriError, escape_user};
