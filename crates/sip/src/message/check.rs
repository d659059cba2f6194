//! What is checked of every message before anybody sees it: the fields without
//! which it cannot be handled or answered.

use super::error::ParseErrorKind;
use super::scan::{Layout, Span, StartLine};
use crate::header::{HeaderName, ListValues, NameAddr, NameId, Via, number, split_cseq};
use crate::uri::check_request_uri;

/// The fields that every message has (RFC 3261 8.1.1, 8.2.6); without them
/// nobody can be answered.
pub(super) const REQUIRED: [HeaderName; 5] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
];

/// From or To: an address whose tag, if there is one, is one. Two, or an empty
/// one, would be different dialogs to different readers.
fn is_dialog_end(value: &str) -> bool {
    let Ok(address) = NameAddr::parse(value) else {
        return false;
    };
    let mut tags = address
        .params
        .iter()
        .filter(|p| p.name.eq_ignore_ascii_case("tag"));
    match tags.next() {
        Some(tag) => tag.value.is_some_and(|t| !t.is_empty()) && tags.next().is_none(),
        None => true,
    }
}

/// A message's head on its way to become one.
pub(super) struct View<'a> {
    pub(super) head: &'a str,
    pub(super) layout: &'a Layout,
}

impl<'a> View<'a> {
    /// The syntax that handling any message depends on.
    pub(super) fn check(&self) -> Result<(), ParseErrorKind> {
        let [via, from, to, call_id, cseq] = REQUIRED.map(|name| self.required(name));
        let (via, from, to, call_id, cseq) = (via?, from?, to?, call_id?, cseq?);
        if let Some(name) = self.layout.repeated.and_then(NameId::name) {
            return Err(ParseErrorKind::Repeated(name));
        }
        let top_via = ListValues::new(via).next();
        if top_via.is_none_or(|v| Via::parse(v).is_err()) {
            return Err(ParseErrorKind::Malformed(HeaderName::Via));
        }
        if !is_dialog_end(from) {
            return Err(ParseErrorKind::Malformed(HeaderName::From));
        }
        if !is_dialog_end(to) {
            return Err(ParseErrorKind::Malformed(HeaderName::To));
        }
        if call_id.is_empty() || memchr::memchr2(b' ', b'\t', call_id.as_bytes()).is_some() {
            return Err(ParseErrorKind::Malformed(HeaderName::CallId));
        }
        let Ok((_, method)) = split_cseq(cseq) else {
            return Err(ParseErrorKind::Malformed(HeaderName::CSeq));
        };
        match self.layout.start {
            StartLine::Request {
                method: of_line,
                uri,
            } => self.check_request(method, of_line, uri),
            StartLine::Response { .. } => Ok(()),
        }
    }

    fn check_request(&self, method: &str, of_line: Span, uri: Span) -> Result<(), ParseErrorKind> {
        if method != self.text(of_line) {
            return Err(ParseErrorKind::MethodMismatch);
        }
        if self
            .header(HeaderName::MaxForwards)
            .is_some_and(|v| number::<u8>(v).is_none())
        {
            return Err(ParseErrorKind::Malformed(HeaderName::MaxForwards));
        }
        check_request_uri(self.text(uri)).map_err(|_| ParseErrorKind::RequestUri)
    }

    /// How long the message is: to the end of what Content-Length promises, or
    /// to the end of the datagram where there is none (RFC 3261 18.3).
    pub(super) fn length(&self, datagram: usize) -> Result<usize, ParseErrorKind> {
        let Some(value) = self.header(HeaderName::ContentLength) else {
            return Ok(datagram);
        };
        if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseErrorKind::Malformed(HeaderName::ContentLength));
        }
        let body = usize::from(self.layout.body);
        match value.parse::<usize>() {
            Ok(length) if length <= datagram - body => Ok(body + length),
            _ => Err(ParseErrorKind::Truncated),
        }
    }

    fn required(&self, name: HeaderName) -> Result<&'a str, ParseErrorKind> {
        match self.layout.first(name.id()) {
            Some(field) => Ok(self.text(field.value)),
            None => Err(ParseErrorKind::Missing(name)),
        }
    }

    fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.layout.first(name.id()).map(|f| self.text(f.value))
    }

    fn text(&self, span: Span) -> &'a str {
        self.head.get(span.range()).unwrap_or_default()
    }
}
