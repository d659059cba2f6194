//! What an endpoint is asked to send.

use std::net::SocketAddr;

use crate::transaction::{Body, Flow};
use crate::{HeaderName, Method};

/// Whom we claim to be when the far end asks (401, 407).
#[derive(Clone, PartialEq, Eq)]
pub struct ClientAuth {
    /// Digest user.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAuth")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// A request outside of dialogs: REGISTER, OPTIONS …
#[derive(Debug, Clone)]
pub struct OutOfDialog {
    /// The method; not INVITE, ACK or CANCEL.
    pub method: Method,
    /// Request-URI.
    pub uri: String,
    /// Through which socket, and to whom.
    pub flow: Flow,
    /// From, a name-addr without tag.
    pub from: String,
    /// To, a name-addr without tag.
    pub to: String,
    /// Call-ID; `None`: a new one.
    pub call_id: Option<String>,
    /// CSeq number; `None`: 1.
    pub cseq: Option<u32>,
    /// More headers, Contact among them, in order.
    pub headers: Vec<(HeaderName, String)>,
    /// The body.
    pub body: Option<Body>,
    /// How to answer 401 or 407; the retry has the next CSeq number.
    pub auth: Option<ClientAuth>,
    /// Sent-by of the Via: the address at which the far end reaches us.
    pub via_host: SocketAddr,
}

/// An INVITE as caller.
#[derive(Debug, Clone)]
pub struct Invite {
    /// Request-URI.
    pub uri: String,
    /// Through which socket, and to whom.
    pub flow: Flow,
    /// From, a name-addr without tag.
    pub from: String,
    /// To, a name-addr without tag.
    pub to: String,
    /// Our Contact, a name-addr.
    pub contact: String,
    /// How many hops more it may make: 70, or fewer where it passes on a call
    /// that has made some (RFC 3261 16.6).
    pub max_forwards: u8,
    /// More headers, in order.
    pub headers: Vec<(HeaderName, String)>,
    /// The offer; `None`: the far end makes it.
    pub body: Option<Body>,
    /// How to answer 401 or 407.
    pub auth: Option<ClientAuth>,
    /// Sent-by of the Via: the address at which the far end reaches us.
    pub via_host: SocketAddr,
}
