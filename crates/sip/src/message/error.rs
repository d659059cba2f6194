//! Why a datagram is no message, and whether its sender can be told.

use super::{Message, Method};
use crate::header::HeaderName;

/// What is wrong with a datagram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but line ends: a keep-alive of the transport (RFC 5626 3.5.1).
    #[error("nothing but line ends")]
    KeepAlive,
    /// Its first line is not one of SIP.
    #[error("not SIP")]
    NotSip,
    /// Longer than [`crate::MAX_MESSAGE`].
    #[error("the message is too large")]
    TooLarge,
    /// The request line or status line is malformed.
    #[error("malformed start line")]
    StartLine,
    /// Another version of SIP.
    #[error("unknown SIP version")]
    Version,
    /// A status code outside 100 to 699.
    #[error("status code out of range")]
    Status,
    /// No empty line ends the header fields.
    #[error("no empty line after the header fields")]
    NoEnd,
    /// More than [`crate::MAX_FIELDS`] header fields.
    #[error("too many header fields")]
    TooManyFields,
    /// A field that every message has is missing.
    #[error("no {0} header field")]
    Missing(HeaderName),
    /// A field that there can be only one of is there again.
    #[error("more than one {0} header field")]
    Repeated(HeaderName),
    /// A field without which the message cannot be handled is malformed.
    #[error("malformed {0} header field")]
    Malformed(HeaderName),
    /// The Request-URI is malformed.
    #[error("malformed Request-URI")]
    RequestUri,
    /// The method of the request line is not that of CSeq.
    #[error("CSeq has another method than the request line")]
    MethodMismatch,
    /// Content-Length promises more than there is.
    #[error("Content-Length is greater than the body")]
    Truncated,
}

/// A datagram that is no message.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    kind: ParseErrorKind,
    request: Option<Box<Message>>,
}

impl ParseError {
    /// An error nobody can be told of.
    pub(crate) fn silent(kind: ParseErrorKind) -> Self {
        ParseError {
            kind,
            request: None,
        }
    }

    /// An error in `message`, as far as that could be read.
    pub(crate) fn about(kind: ParseErrorKind, message: Message) -> Self {
        let answerable = message.is_request()
            && message.method() != Some(Method::Ack)
            && message.has_what_a_response_copies();
        ParseError {
            kind,
            request: answerable.then(|| Box::new(message)),
        }
    }

    /// What is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.kind
    }

    /// The request as far as it could be read, where it has all that a response
    /// copies: Via, From, To, Call-ID and CSeq, each once or more. It is good
    /// for [`crate::MessageBuilder::response_to`] and nothing else. None means
    /// silence: a response, an ACK, or too broken.
    pub fn answerable(&self) -> Option<&Message> {
        self.request.as_deref()
    }

    /// The status to answer with.
    pub fn status(&self) -> u16 {
        match self.kind {
            ParseErrorKind::Version => 505,
            ParseErrorKind::TooLarge | ParseErrorKind::TooManyFields => 513,
            _ => 400,
        }
    }
}
