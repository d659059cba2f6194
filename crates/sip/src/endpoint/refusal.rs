//! Answers without an endpoint: for what is turned away at the door.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use crate::transaction::Flow;
use crate::{HeaderName, Message, MessageBuilder, Method};

/// A final response to a request of which nothing is kept, and the flow it
/// goes to: the same bytes each time the same request comes (RFC 3261 8.2.7).
/// `None` where nothing may be answered: a response, an ACK, a request too
/// broken ([`crate::ParseError::answerable`] is good enough) or with too much
/// that a response would have to copy.
#[must_use]
pub fn refuse(
    request: &Message,
    flow: Flow,
    status: u16,
    headers: &[(HeaderName, &str)],
) -> Option<(Flow, Bytes)> {
    let method = request.method()?;
    if method == Method::Ack || !crate::transaction::can_be_answered(request) {
        return None;
    }
    let back = crate::transaction::way_back(&request.top_via().ok()?, flow);
    let mut hash = DefaultHasher::new();
    for name in [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq] {
        request.header(name).hash(&mut hash);
    }
    let tag = format!("{:016x}", hash.finish());
    let noted = request.with_top_via_received(flow.remote);
    let mut response = MessageBuilder::response_to(&noted, status, Some(&tag));
    for (name, value) in headers {
        response = response.header(name.clone(), value);
    }
    let response = response.build().ok()?;
    Some((back, response.as_bytes().clone()))
}
