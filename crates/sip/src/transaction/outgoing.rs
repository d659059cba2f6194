//! Requests that we send: how they are written, and what is kept of an INVITE
//! for its ACK and CANCEL, which go hop by hop with the INVITE's branch.

use bytes::Bytes;

use super::base::{ALLOW, Base};
use super::identity::{Branch, Tag};
use super::write::{Writer, has};
use super::{Body, Transport};
use crate::endpoint::EndpointError;
use crate::{HeaderName, Method};

/// How many hops a request of our own may make (RFC 3261 8.1.1.6).
pub(crate) const MAX_FORWARDS: u8 = 70;

/// One request. Values have been checked.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a str,
    pub(crate) transport: Transport,
    /// Host and port of the Via.
    pub(crate) sent_by: &'a str,
    pub(crate) routes: &'a [Box<str>],
    /// From without our tag.
    pub(crate) from: &'a str,
    pub(crate) tag: Tag,
    /// To, with the far end's tag where there is one.
    pub(crate) to: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) cseq: u32,
    pub(crate) max_forwards: u8,
    /// With it goes Allow.
    pub(crate) contact: Option<&'a str>,
    pub(crate) headers: &'a [(HeaderName, String)],
    /// Authorization or Proxy-Authorization.
    pub(crate) credentials: Option<(&'a str, &'a str)>,
    pub(crate) body: Option<&'a Body>,
}

/// Where the parts are that ACK and CANCEL copy.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// The Request-URI begins after the method, …
    uri_at: u32,
    uri_end: u32,
    /// Via, Route, Max-Forwards, From, Call-ID up to the To field.
    hop_at: u32,
    to_at: u32,
    to_end: u32,
}

impl Outgoing<'_> {
    pub(crate) fn write(
        &self,
        branch: Branch,
        base: &mut Base,
    ) -> Result<(Bytes, Layout), EndpointError> {
        let (mut w, agent) = base.writer_and_agent();
        w.text(self.method.as_str()).text(" ");
        let uri_at = w.position() as u32;
        w.text(self.uri);
        let uri_end = w.position() as u32;
        w.text(" SIP/2.0\r\n");
        let hop_at = w.position() as u32;
        w.text("Via: SIP/2.0/").text(self.transport.as_str());
        w.text(" ")
            .text(self.sent_by)
            .text(";branch=")
            .shown(branch);
        w.text(";rport\r\n");
        for route in self.routes {
            w.line("Route", route);
        }
        w.text("Max-Forwards: ")
            .number(u64::from(self.max_forwards));
        w.end();
        w.text("From: ")
            .text(self.from)
            .text(";tag=")
            .shown(self.tag)
            .end();
        w.line("Call-ID", self.call_id);
        let to_at = w.position() as u32;
        w.line("To", self.to);
        let to_end = w.position() as u32;
        w.text("CSeq: ").number(u64::from(self.cseq)).text(" ");
        w.text(self.method.as_str()).end();
        if let Some(contact) = self.contact {
            w.line("Contact", contact);
            if !has(self.headers, &HeaderName::Allow) {
                w.line("Allow", ALLOW);
            }
        }
        if let Some((name, value)) = self.credentials {
            w.line(name, value);
        }
        if !agent.is_empty() && !has(self.headers, &HeaderName::UserAgent) {
            w.line("User-Agent", agent);
        }
        let bytes = w.headers(self.headers).body(self.body).finish()?;
        let layout = Layout {
            uri_at,
            uri_end,
            hop_at,
            to_at,
            to_end,
        };
        Ok((bytes, layout))
    }
}

impl Layout {
    /// Only what ACK and CANCEL copy of the INVITE, without its body.
    pub(crate) fn shrink(&self, invite: &Bytes) -> Bytes {
        Bytes::copy_from_slice(part(invite, 0, self.to_end))
    }

    /// The ACK to a final status of 300 or more (RFC 3261 17.1.1.3).
    pub(crate) fn ack(&self, invite: &Bytes, to: &str, cseq: u32, base: &mut Base) -> Bytes {
        let mut w = base.writer();
        self.start(&mut w, Method::Ack, invite);
        w.line("To", to);
        finish(&mut w, Method::Ack, cseq, &[])
    }

    /// The CANCEL (RFC 3261 9.1).
    pub(crate) fn cancel(
        &self,
        invite: &Bytes,
        cseq: u32,
        headers: &[(HeaderName, String)],
        base: &mut Base,
    ) -> Bytes {
        let mut w = base.writer();
        self.start(&mut w, Method::Cancel, invite);
        w.raw(part(invite, self.to_at, self.to_end));
        finish(&mut w, Method::Cancel, cseq, headers)
    }

    fn start(&self, w: &mut Writer<'_>, method: Method, invite: &Bytes) {
        w.text(method.as_str()).text(" ");
        w.raw(part(invite, self.uri_at, self.uri_end));
        w.text(" SIP/2.0\r\n");
        w.raw(part(invite, self.hop_at, self.to_at));
    }
}

fn finish(
    w: &mut Writer<'_>,
    method: Method,
    cseq: u32,
    headers: &[(HeaderName, String)],
) -> Bytes {
    w.text("CSeq: ").number(u64::from(cseq)).text(" ");
    w.text(method.as_str()).end();
    // Both are shorter than the INVITE they follow, Reason headers aside.
    w.headers(headers).body(None).finish().unwrap_or_default()
}

fn part(bytes: &Bytes, from: u32, to: u32) -> &[u8] {
    bytes.get(from as usize..to as usize).unwrap_or_default()
}
