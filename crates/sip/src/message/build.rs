//! Writing messages.

use std::fmt::Write;

use bytes::Bytes;

use super::scan::MAX_MESSAGE;
use super::{Message, Method, reason_phrase};
use crate::header::{HeaderName, is_token};

/// Why a message could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The method is no token.
    #[error("the method is no token")]
    Method,
    /// The Request-URI is empty or has blanks, brackets or line ends.
    #[error("the Request-URI is malformed")]
    RequestUri,
    /// A status code outside 100 to 699.
    #[error("status code {0} is out of range")]
    Status(u16),
    /// A reason phrase with a line end.
    #[error("the reason phrase has a line end")]
    Reason,
    /// A header field's name is no token.
    #[error("{0:?} is no name of a header field")]
    Name(String),
    /// A header field's value with a line end: what it would smuggle in is
    /// refused.
    #[error("the value of {0} has a line end")]
    Value(HeaderName),
    /// Longer than [`crate::MAX_MESSAGE`], or with too many fields.
    #[error("the message is too large")]
    TooLarge,
}

/// Builds a message: start line, header fields in the order they are given,
/// body. Content-Length is always written and always right. A value that would
/// break the message is noted and refused by [`MessageBuilder::build`].
#[derive(Debug, Clone)]
pub struct MessageBuilder {
    head: String,
    body: Option<(String, Bytes)>,
    fault: Option<BuildError>,
}

/// What most heads need.
const HEAD_CAPACITY: usize = 768;

impl MessageBuilder {
    /// Begins a request.
    pub fn request(method: Method, uri: &str) -> Self {
        let mut builder = Self::empty();
        if !is_token(method.as_str()) {
            builder.note(BuildError::Method);
        }
        let bad = |b: u8| b <= b' ' || matches!(b, b'<' | b'>' | 0x7F);
        if uri.is_empty() || uri.bytes().any(bad) {
            builder.note(BuildError::RequestUri);
        }
        builder
            .head
            .extend([method.as_str(), " ", uri, " SIP/2.0\r\n"]);
        builder
    }

    /// Begins a response.
    pub fn response(status: u16, reason: &str) -> Self {
        let mut builder = Self::empty();
        if !(100..=699).contains(&status) {
            builder.note(BuildError::Status(status));
        }
        if has_line_end(reason) {
            builder.note(BuildError::Reason);
        }
        // Writing to a String cannot fail.
        let _ = write!(builder.head, "SIP/2.0 {status} {reason}\r\n");
        builder
    }

    /// Begins the response to a request (RFC 3261 8.2.6): Via, From, To,
    /// Call-ID and CSeq are the request's; To gets `to_tag` where it has no tag
    /// yet. Where the response can make a dialog, Record-Route is copied
    /// (12.1.1), and Timestamp where there is one (8.2.6.1).
    pub fn response_to(request: &Message, status: u16, to_tag: Option<&str>) -> Self {
        let mut builder =
            Self::response(status, reason_phrase(status)).copy(request, HeaderName::Via);
        builder = builder.copy(request, HeaderName::From);
        let to = request.header(HeaderName::To).unwrap_or_default();
        builder = match to_tag {
            Some(tag) if request.to_tag().is_none() => {
                builder.header(HeaderName::To, format!("{to};tag={tag}"))
            }
            _ => builder.header(HeaderName::To, to),
        };
        builder = builder
            .copy(request, HeaderName::CallId)
            .copy(request, HeaderName::CSeq);
        let makes_dialog = matches!(
            request.method(),
            Some(Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
        );
        if makes_dialog && (101..300).contains(&status) {
            builder = builder.copy(request, HeaderName::RecordRoute);
        }
        if status == 100 {
            builder = builder.copy(request, HeaderName::Timestamp);
        }
        builder
    }

    fn empty() -> Self {
        MessageBuilder {
            head: String::with_capacity(HEAD_CAPACITY),
            body: None,
            fault: None,
        }
    }

    /// Adds a header field. Content-Length is passed over: the builder writes
    /// it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        let value = value.as_ref().trim_ascii();
        if name.id() == HeaderName::ContentLength.id() {
            return self;
        }
        if !is_token(name.as_str()) {
            self.note(BuildError::Name(name.as_str().to_owned()));
        } else if has_line_end(value) {
            self.note(BuildError::Value(name));
        } else {
            self.head.extend([name.as_str(), ": ", value, "\r\n"]);
        }
        self
    }

    /// Adds all fields of that name of another message, line for line.
    #[must_use]
    pub fn copy(mut self, message: &Message, name: HeaderName) -> Self {
        for value in message.headers(name.clone()) {
            self = self.header(name.clone(), value);
        }
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        if has_line_end(content_type) {
            self.note(BuildError::Value(HeaderName::ContentType));
        }
        self.body = Some((content_type.trim_ascii().to_owned(), bytes.into()));
        self
    }

    /// The message.
    pub fn build(self) -> Result<Message, BuildError> {
        let MessageBuilder {
            mut head,
            body,
            fault,
        } = self;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let body = match body {
            Some((content_type, body)) => {
                head.extend(["Content-Type: ", &content_type, "\r\n"]);
                body
            }
            None => Bytes::new(),
        };
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        if head.len() + body.len() > MAX_MESSAGE {
            return Err(BuildError::TooLarge);
        }
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&body);
        // Every line was checked as it was written: what can be too much is
        // their number.
        Message::from_written(Bytes::from(bytes)).map_err(|_| BuildError::TooLarge)
    }

    fn note(&mut self, fault: BuildError) {
        self.fault.get_or_insert(fault);
    }
}

fn has_line_end(value: &str) -> bool {
    memchr::memchr2(b'\r', b'\n', value.as_bytes()).is_some()
}
