//! Writing messages straight into bytes. What comes from outside is checked
//! for line breaks before it gets here ([`check_value`]).

use std::fmt;

use bytes::Bytes;

use super::Body;
use crate::HeaderName;
use crate::endpoint::EndpointError;
use crate::uri::check_request_uri;

/// The longest message we send: a UDP datagram's payload over IPv4.
pub(crate) const LONGEST_MESSAGE: usize = 65_507;

/// A message being written into a buffer that is used again and again.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.clear();
        Self { out }
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// Anything that has a text.
    pub(crate) fn shown(&mut self, value: impl fmt::Display) -> &mut Self {
        // Writing to a Vec can't fail.
        let _ = std::io::Write::write_fmt(self.out, format_args!("{value}"));
        self
    }

    pub(crate) fn number(&mut self, value: u64) -> &mut Self {
        let mut digits = [0_u8; 20];
        let mut rest = value;
        let mut length = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            length += 1;
            if rest == 0 {
                break;
            }
        }
        let start = digits.len() - length;
        self.raw(digits.get(start..).unwrap_or_default())
    }

    pub(crate) fn end(&mut self) -> &mut Self {
        self.text("\r\n")
    }

    pub(crate) fn line(&mut self, name: &str, value: &str) -> &mut Self {
        self.text(name).text(": ").text(value).end()
    }

    pub(crate) fn headers(&mut self, headers: &[(HeaderName, String)]) -> &mut Self {
        for (name, value) in headers {
            self.line(name.as_str(), value);
        }
        self
    }

    /// Content-Type, Content-Length, the empty line and the body.
    pub(crate) fn body(&mut self, body: Option<&Body>) -> &mut Self {
        if let Some(body) = body {
            self.line("Content-Type", &body.content_type);
            self.text("Content-Length: ")
                .number(body.bytes.len() as u64);
            self.text("\r\n\r\n").raw(&body.bytes)
        } else {
            self.text("Content-Length: 0\r\n\r\n")
        }
    }

    /// How much has been written.
    pub(crate) fn position(&self) -> usize {
        self.out.len()
    }

    /// What has been written, as a part of a message.
    pub(crate) fn copy(&self) -> Box<[u8]> {
        self.out.as_slice().into()
    }

    /// What has been written, in memory of just its size.
    pub(crate) fn finish(&self) -> Result<Bytes, EndpointError> {
        if self.out.len() > LONGEST_MESSAGE {
            return Err(EndpointError::TooLong);
        }
        Ok(Bytes::copy_from_slice(self.out))
    }
}

/// Whether a header value can be sent as it is.
pub(crate) fn check_value(value: &str) -> Result<(), EndpointError> {
    let breaks = |byte: u8| (byte < b' ' && byte != b'\t') || byte == 0x7F;
    if value.bytes().any(breaks) {
        return Err(EndpointError::BadValue);
    }
    Ok(())
}

/// Whether headers given by the user can be sent: none that this crate makes
/// itself, and nothing that would end a line.
pub(crate) fn check_headers(headers: &[(HeaderName, String)]) -> Result<(), EndpointError> {
    for (name, value) in headers {
        let ours = matches!(
            name,
            HeaderName::Via
                | HeaderName::From
                | HeaderName::To
                | HeaderName::CallId
                | HeaderName::CSeq
                | HeaderName::MaxForwards
                | HeaderName::ContentLength
                | HeaderName::ContentType
        );
        if ours || !is_name(name.as_str()) {
            return Err(EndpointError::BadValue);
        }
        check_value(value)?;
    }
    Ok(())
}

/// Whether a body can be sent.
pub(crate) fn check_body(body: Option<&Body>) -> Result<(), EndpointError> {
    body.map_or(Ok(()), |body| check_value(&body.content_type))
}

/// Whether this can stand in a request line.
pub(crate) fn check_uri(uri: &str) -> Result<(), EndpointError> {
    check_request_uri(uri).map_err(|_| EndpointError::BadValue)
}

fn is_name(name: &str) -> bool {
    crate::header::is_token(name)
}

/// Whether one of the headers has this name.
pub(crate) fn has(headers: &[(HeaderName, String)], wanted: &HeaderName) -> bool {
    headers.iter().any(|(name, _)| name == wanted)
}
