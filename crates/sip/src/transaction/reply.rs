//! Responses: what they copy from their request (RFC 3261 8.2.6.2), and how
//! they are written.

use bytes::Bytes;

use super::Body;
use super::base::{ALLOW, Base};
use super::identity::Tag;
use super::request::{Request, sent_by_is_source};
use super::write::{Writer, has};
use crate::endpoint::EndpointError;
use crate::{HeaderName, Message, Method, reason_phrase};

/// The longest that what a response copies of its request may be. A longer one
/// comes from nobody who calls: it is dropped before anything is kept of it, so
/// that every request that is taken on can be answered with any status.
pub(crate) const LONGEST_HEAD: usize = 16 * 1024;

/// What a response has around a copied value, at most: `Record-Route: ` and
/// the line's end.
const AROUND_VALUE: usize = 16;

/// A message of this length is within [`LONGEST_HEAD`] whatever it is made of:
/// a list of Vias of one byte each grows most, from two bytes to nine.
const SURELY_SHORT: usize = LONGEST_HEAD / 8;

/// Whether what a response copies of this request is within [`LONGEST_HEAD`].
pub(crate) fn can_be_answered(request: &Message) -> bool {
    if request.as_bytes().len() <= SURELY_SHORT {
        return true;
    }
    let lines = [
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
        HeaderName::CSeq,
        HeaderName::RecordRoute,
    ];
    let lines = lines.into_iter().flat_map(|name| request.headers(name));
    // Each Via of a list gets a line of its own.
    let copied = request.values(HeaderName::Via).chain(lines);
    copied
        .map(|value| value.len() + AROUND_VALUE)
        .sum::<usize>()
        <= LONGEST_HEAD
}

/// All that the responses to a request need of it: kept instead of the request.
pub(crate) struct ReplyHead {
    /// Via, From, To; Call-ID, CSeq; Record-Route.
    lines: Box<[u8]>,
    /// Where a tag goes into To, if it has none.
    tag_at: Option<u32>,
    record_route_at: u32,
    /// It is an OPTIONS, which asks for Allow.
    asks_allow: bool,
}

/// One response.
#[derive(Default)]
pub(crate) struct Reply<'a> {
    pub(crate) status: u16,
    /// The tag for a To without one.
    pub(crate) tag: Option<Tag>,
    /// Where to reach us in the dialog that this response makes or keeps:
    /// with it go Record-Route and Allow.
    pub(crate) contact: Option<&'a str>,
    pub(crate) headers: &'a [(HeaderName, String)],
    pub(crate) body: Option<&'a Body>,
}

impl Reply<'_> {
    /// A status with nothing to it.
    pub(crate) fn plain(status: u16, tag: Tag) -> Self {
        Self {
            status,
            tag: Some(tag),
            ..Self::default()
        }
    }
}

impl ReplyHead {
    pub(crate) fn of(request: &Request<'_>, base: &mut Base) -> Self {
        let mut w = base.writer();
        write_vias(&mut w, request);
        let message = request.message;
        w.line("From", message.header(HeaderName::From).unwrap_or_default());
        w.text("To: ")
            .text(message.header(HeaderName::To).unwrap_or_default());
        let tag_at = request.to_tag.is_none().then_some(w.position() as u32);
        w.end().line("Call-ID", request.call_id);
        w.line("CSeq", message.header(HeaderName::CSeq).unwrap_or_default());
        let record_route_at = w.position() as u32;
        for line in message.headers(HeaderName::RecordRoute) {
            w.line("Record-Route", line);
        }
        Self {
            lines: w.copy(),
            tag_at,
            record_route_at,
            asks_allow: request.method == Method::Options,
        }
    }

    pub(crate) fn write(&self, reply: &Reply<'_>, base: &mut Base) -> Result<Bytes, EndpointError> {
        let (mut w, agent) = base.writer_and_agent();
        w.text("SIP/2.0 ")
            .number(u64::from(reply.status))
            .text(" ")
            .text(reason_phrase(reply.status))
            .end();
        let head = self
            .lines
            .get(..self.record_route_at as usize)
            .unwrap_or_default();
        match (self.tag_at, reply.tag) {
            (Some(at), Some(tag)) => {
                let (before, after) = head.split_at_checked(at as usize).unwrap_or((head, &[]));
                w.raw(before).text(";tag=").shown(tag).raw(after);
            }
            _ => {
                w.raw(head);
            }
        }
        if let Some(contact) = reply.contact {
            w.raw(
                self.lines
                    .get(self.record_route_at as usize..)
                    .unwrap_or_default(),
            );
            w.line("Contact", contact);
        }
        let allow = match reply.status {
            405 | 501 => true,
            _ => reply.contact.is_some() || self.asks_allow,
        };
        if allow && !has(reply.headers, &HeaderName::Allow) {
            w.line("Allow", ALLOW);
        }
        if !agent.is_empty() && reply.status > 100 && !has(reply.headers, &HeaderName::Server) {
            w.line("Server", agent);
        }
        w.headers(reply.headers).body(reply.body).finish()
    }
}

/// The Vias, with where the request really came from in the first (RFC 3261
/// 18.2.1, RFC 3581 4).
fn write_vias(w: &mut Writer<'_>, request: &Request<'_>) {
    let mut values = request.message.values(HeaderName::Via);
    if let Some(value) = values.next() {
        let via = request.via();
        let source = request.flow.remote;
        let rport = via.rport().is_some();
        let differs = !sent_by_is_source(via, source);
        if rport || differs || via.received().is_some() {
            let sent_by = value.strip_suffix(via.params.as_str()).unwrap_or(value);
            w.text("Via: ").text(sent_by.trim_ascii_end());
            for param in via.params.iter() {
                let ours = param.name.eq_ignore_ascii_case("received")
                    || param.name.eq_ignore_ascii_case("rport");
                if !ours {
                    w.text(";").text(param.name);
                    if let Some(value) = param.value {
                        w.text("=").text(value);
                    }
                }
            }
            if rport || differs {
                w.text(";received=").shown(source.ip().to_canonical());
            }
            if rport {
                w.text(";rport=").number(u64::from(source.port()));
            }
            w.end();
        } else {
            w.line("Via", value);
        }
    }
    for value in values {
        w.line("Via", value);
    }
}
