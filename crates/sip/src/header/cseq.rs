//! CSeq (RFC 3261 20.16).

use std::fmt;

use super::HeaderError;
use super::text::is_token;
use crate::message::Method;

/// A sequence number is less than 2^31 (RFC 3261 8.1.1.5).
const LIMIT: u32 = 1 << 31;

/// The place of a request in its dialog, and its method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The sequence number.
    pub number: u32,
    /// The method of the request, or of the one a response answers.
    pub method: Method,
}

impl CSeq {
    /// Parses the value of a CSeq field.
    pub fn parse(value: &str) -> Result<Self, HeaderError> {
        let (number, method) = split(value)?;
        Ok(CSeq {
            number,
            method: Method::parse(method),
        })
    }
}

/// The number and the method's text.
pub(crate) fn split(value: &str) -> Result<(u32, &str), HeaderError> {
    let value = value.trim_ascii();
    let end = value
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .ok_or(HeaderError::Syntax)?;
    let (digits, rest) = value.split_at_checked(end).ok_or(HeaderError::Syntax)?;
    let method = rest.trim_ascii_start();
    if digits.is_empty() || method.len() == rest.len() || !is_token(method) {
        return Err(HeaderError::Syntax);
    }
    let number: u32 = digits.parse().map_err(|_| HeaderError::Range)?;
    if number >= LIMIT {
        return Err(HeaderError::Range);
    }
    Ok((number, method))
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}
