//! A request that came in: what everything looks at, read once.

use std::net::SocketAddr;

use super::identity::{Fingerprint, Identities};
use super::{Flow, Transport, can_be_answered};
use crate::{HeaderName, Message, Method, Via};

/// Where SIP listens unless told otherwise.
const DEFAULT_PORT: u16 = 5060;

pub(crate) struct Request<'m> {
    pub(crate) message: &'m Message,
    pub(crate) method: Method,
    pub(crate) call_id: &'m str,
    pub(crate) from_tag: &'m str,
    pub(crate) to_tag: Option<&'m str>,
    pub(crate) cseq: u32,
    /// Whence it came.
    pub(crate) flow: Flow,
    /// Where its responses go.
    pub(crate) back: Flow,
    via: Via<'m>,
}

impl<'m> Request<'m> {
    /// Reads a request. `None`: a message without what the parser promises, or
    /// one that could not be answered whatever the answer.
    pub(crate) fn read(message: &'m Message, flow: Flow) -> Option<Self> {
        if !can_be_answered(message) {
            return None;
        }
        let via = message.top_via().ok()?;
        Some(Self {
            method: message.method()?,
            call_id: message.call_id()?,
            from_tag: message.from().ok()?.tag().unwrap_or_default(),
            to_tag: message.to().ok()?.tag(),
            cseq: message.cseq().ok()?.number,
            back: way_back(&via, flow),
            message,
            flow,
            via,
        })
    }

    /// By what it is matched to its server transaction (RFC 3261 17.2.3): its
    /// branch, sent-by and method, with that of the INVITE for its ACK and
    /// CANCEL. A branch without the magic cookie names nothing; then it is the
    /// message itself.
    pub(crate) fn fingerprint(&self, identities: &Identities) -> Fingerprint {
        let method = match self.method {
            Method::Ack | Method::Cancel => Method::Invite.as_str(),
            ref other => other.as_str(),
        };
        let port = self.via.port.unwrap_or(DEFAULT_PORT).to_be_bytes();
        let host = self.via.host.to_ascii_lowercase();
        match self.via.branch() {
            Some(branch) if has_magic_cookie(branch) => identities.fingerprint(&[
                branch.as_bytes(),
                host.as_bytes(),
                &port,
                method.as_bytes(),
            ]),
            branch => identities.fingerprint(&[
                branch.unwrap_or_default().as_bytes(),
                host.as_bytes(),
                &port,
                method.as_bytes(),
                self.call_id.as_bytes(),
                self.from_tag.as_bytes(),
                &self.cseq.to_be_bytes(),
            ]),
        }
    }

    /// What two copies of one request have in common that came by different
    /// ways (RFC 3261 8.2.2.2).
    pub(crate) fn merge_fingerprint(&self, identities: &Identities) -> Fingerprint {
        identities.fingerprint(&[
            self.call_id.as_bytes(),
            self.from_tag.as_bytes(),
            &self.cseq.to_be_bytes(),
            self.method.as_str().as_bytes(),
        ])
    }

    pub(crate) fn body(&self) -> Option<super::Body> {
        super::Body::of(self.message)
    }

    /// The URI of the first Contact.
    pub(crate) fn target(&self) -> Option<&'m str> {
        self.message.contacts().next()?.ok().map(|c| c.uri)
    }

    /// The option tags that we don't have; we have none.
    pub(crate) fn required(&self) -> Option<String> {
        let mut all = String::new();
        for tag in self.message.values(HeaderName::Require) {
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(tag);
        }
        (!all.is_empty()).then_some(all)
    }

    pub(crate) fn via(&self) -> &Via<'m> {
        &self.via
    }
}

/// Whether a branch names its transaction: the cookie and something behind it
/// (RFC 4475 3.2.1).
fn has_magic_cookie(branch: &str) -> bool {
    let parts = branch.as_bytes().split_at_checked(7);
    parts.is_some_and(|(start, rest)| start.eq_ignore_ascii_case(b"z9hG4bK") && !rest.is_empty())
}

/// Where responses go. Over UDP to the source where it asks for that (RFC
/// 3581) or where its Via names another host, as from behind a NAT, where a
/// port of that Via would reach nobody; else to the port of the Via (RFC 3261
/// 18.2.2).
pub(crate) fn way_back(via: &Via<'_>, flow: Flow) -> Flow {
    if flow.transport != Transport::Udp || !sent_by_is_source(via, flow.remote) {
        return flow;
    }
    if via.rport().is_some() {
        return flow;
    }
    let port = via.port.unwrap_or(DEFAULT_PORT);
    Flow {
        remote: SocketAddr::new(flow.remote.ip(), port),
        ..flow
    }
}

/// Whether the Via names the host that the request really came from.
pub(crate) fn sent_by_is_source(via: &Via<'_>, source: SocketAddr) -> bool {
    via.host_ip().map(|ip| ip.to_canonical()) == Some(source.ip().to_canonical())
}
