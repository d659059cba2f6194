//! Messages: parsed ones with typed access, and the builder of new ones.
//!
//! A parsed message is its datagram and a table of where things stand in it;
//! values become types when they are asked for. The syntax that every element
//! depends on is checked once, by [`Message::parse`]. What a message means for
//! a transaction or a dialog is never decided here.

mod build;
mod check;
mod error;
mod method;
mod received;
mod scan;
mod status;
mod tidy;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::header::{
    self, CSeq, HeaderError, HeaderName, ListValues, NameAddr, NameId, Shape, Via,
};
pub use build::{BuildError, MessageBuilder};
use check::{REQUIRED, View};
pub use error::{ParseError, ParseErrorKind};
pub use method::Method;
use scan::{Field, Layout, Scanned, Span, StartLine};
pub use scan::{MAX_FIELDS, MAX_MESSAGE};
pub use status::reason_phrase;

/// A request or a response. Cloning is cheap: two reference counts.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    layout: Arc<Layout>,
}

impl Message {
    /// Parses a datagram that holds one message.
    ///
    /// What follows the length that Content-Length tells is cut off; without
    /// Content-Length the body goes to the end of the datagram (RFC 3261 18.3).
    /// After success, [`Message::cseq`], [`Message::from`], [`Message::to`],
    /// [`Message::top_via`] and [`Message::call_id`] succeed too.
    pub fn parse(datagram: Bytes) -> Result<Message, ParseError> {
        let Scanned {
            bytes,
            layout,
            fault,
        } = scan::scan(datagram).map_err(ParseError::silent)?;
        let head = bytes.get(..layout.body.into()).unwrap_or_default();
        let view = View {
            head: std::str::from_utf8(head).unwrap_or_default(),
            layout: &layout,
        };
        let checked = match fault {
            Some(fault) => Err(fault),
            None => view.check().and_then(|()| view.length(bytes.len())),
        };
        let mut message = Message {
            bytes,
            layout: Arc::new(layout),
        };
        match checked {
            Ok(length) => {
                message.bytes.truncate(length);
                Ok(message)
            }
            Err(kind) => Err(ParseError::about(kind, message)),
        }
    }

    /// Takes what the builder has written. It holds no more than it was told.
    pub(crate) fn from_written(bytes: Bytes) -> Result<Message, ParseErrorKind> {
        let Scanned {
            bytes,
            layout,
            fault,
        } = scan::scan(bytes)?;
        match fault {
            Some(fault) => Err(fault),
            None => Ok(Message {
                bytes,
                layout: Arc::new(layout),
            }),
        }
    }

    pub(crate) fn has_what_a_response_copies(&self) -> bool {
        REQUIRED
            .iter()
            .all(|name| self.layout.first(name.id()).is_some())
    }

    fn text(&self, span: Span) -> &str {
        // The head is UTF-8 from the scan on.
        let bytes = self.bytes.get(span.range()).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Whether this is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.layout.start, StartLine::Request { .. })
    }

    /// The method of a request; for that of a response see [`Message::cseq`].
    pub fn method(&self) -> Option<Method> {
        match self.layout.start {
            StartLine::Request { method, .. } => Some(Method::parse(self.text(method))),
            StartLine::Response { .. } => None,
        }
    }

    /// The Request-URI as it stands.
    pub fn request_uri(&self) -> Option<&str> {
        match self.layout.start {
            StartLine::Request { uri, .. } => Some(self.text(uri)),
            StartLine::Response { .. } => None,
        }
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        match self.layout.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase of a response; empty for a request.
    pub fn reason(&self) -> &str {
        match self.layout.start {
            StartLine::Request { .. } => "",
            StartLine::Response { reason, .. } => self.text(reason),
        }
    }

    /// The fields of that name.
    fn found(&self, name: HeaderName) -> impl Iterator<Item = &Field> {
        let id = name.id();
        self.layout.fields.iter().filter(move |f| {
            f.id == id
                && (id != NameId::OTHER || self.text(f.name()).eq_ignore_ascii_case(name.as_str()))
        })
    }

    /// The value of the first field of that name: trimmed, unfolded, and
    /// otherwise as it stands. For a list this is the first line of it.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        let field = match name.id() {
            NameId::OTHER => self.found(name).next(),
            id => self.layout.first(id),
        };
        field.map(|f| self.text(f.value))
    }

    /// The value of each field of that name, line for line.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.found(name).map(|f| self.text(f.value))
    }

    /// The values of a header that is a list, over all its lines: split at the
    /// commas that are not inside quotes or angle brackets. Headers that are no
    /// lists (RFC 3261 7.3.1) give one value a line.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        let list = name.shape() == Shape::List;
        self.found(name).flat_map(move |f| {
            let text = self.text(f.value);
            let (members, whole) = if list {
                (Some(ListValues::new(text)), None)
            } else {
                (None, Some(text))
            };
            members.into_iter().flatten().chain(whole)
        })
    }

    /// Every field in its order: its name and its value.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, &str)> {
        self.layout.fields.iter().map(|f| {
            let name = f.id.name();
            let name =
                name.unwrap_or_else(|| HeaderName::Other(self.text(f.name()).to_owned().into()));
            (name, self.text(f.value))
        })
    }

    /// Call-ID.
    pub fn call_id(&self) -> Option<&str> {
        self.header(HeaderName::CallId)
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        CSeq::parse(self.header(HeaderName::CSeq).ok_or(HeaderError::Missing)?)
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.header(HeaderName::From).ok_or(HeaderError::Missing)?)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.header(HeaderName::To).ok_or(HeaderError::Missing)?)
    }

    /// The tag of From.
    pub fn from_tag(&self) -> Option<&str> {
        self.from().ok()?.tag()
    }

    /// The tag of To.
    pub fn to_tag(&self) -> Option<&str> {
        self.to().ok()?.tag()
    }

    /// The first Via: for a response the one we put there, for a request that
    /// of the hop it came from.
    pub fn top_via(&self) -> Result<Via<'_>, HeaderError> {
        let first = self.header(HeaderName::Via).ok_or(HeaderError::Missing)?;
        Via::parse(ListValues::new(first).next().ok_or(HeaderError::Syntax)?)
    }

    /// The contacts. One that stands for all is [`NameAddr::is_star`].
    pub fn contacts(&self) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.values(HeaderName::Contact)
            .map(NameAddr::parse_contact)
    }

    /// Expires in seconds. None also where it is no number; one too great to
    /// hold is the greatest.
    pub fn expires(&self) -> Option<u32> {
        self.header(HeaderName::Expires)
            .and_then(header::delta_seconds)
    }

    /// Max-Forwards.
    pub fn max_forwards(&self) -> Option<u8> {
        header::number(self.header(HeaderName::MaxForwards)?)
    }

    /// Content-Type as it stands.
    pub fn content_type(&self) -> Option<&str> {
        self.header(HeaderName::ContentType)
    }

    /// The body; empty where there is none.
    pub fn body(&self) -> &[u8] {
        self.bytes
            .get(self.layout.body.into()..)
            .unwrap_or_default()
    }

    /// The body as a part of the message's own buffer.
    pub fn body_bytes(&self) -> Bytes {
        self.bytes
            .slice(usize::from(self.layout.body).min(self.bytes.len())..)
    }

    /// The whole message as it is sent. For a received one these are the bytes
    /// received, except that leading line ends and what trails the body are cut
    /// off, and folded lines are unfolded.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl fmt::Display for Message {
    /// The message as text; a body that is not UTF-8 shows replacement signs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({:?})", String::from_utf8_lossy(&self.bytes))
    }
}
