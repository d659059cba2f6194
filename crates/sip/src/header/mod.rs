//! Header fields: their names, and the values that are more than text.
//!
//! Values are views into the text they were parsed from; nothing is copied
//! until somebody asks for the unescaped form. Nothing here knows what a value
//! means for a transaction or a call.

mod bytes;
mod cseq;
mod list;
mod name;
mod name_addr;
mod param;
mod text;
mod via;

pub use cseq::CSeq;
pub(crate) use cseq::split as split_cseq;
pub use name::HeaderName;
pub(crate) use name::{NameId, Shape};
pub use name_addr::NameAddr;
pub(crate) use name_addr::is_uri;
pub use param::{Param, Params};
pub use text::{quote, unquote};
pub use via::Via;

pub(crate) use bytes::ByteSet;
pub(crate) use list::ListValues;
pub(crate) use text::{TOKEN, is_token, quoted_end};

/// Why a header field's value cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The message has no such field.
    #[error("the header field is missing")]
    Missing,
    /// The value does not follow its grammar.
    #[error("the header field's value is malformed")]
    Syntax,
    /// A number is beyond what the RFC allows.
    #[error("a number in the header field is out of range")]
    Range,
    /// A scheme or an algorithm that we do not have.
    #[error("the header field asks for something that is not supported")]
    Unsupported,
}

/// A number that is nothing but digits. (`str::parse` takes a plus sign too.)
pub(crate) fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// A number of seconds. One too great to hold is the greatest (RFC 3261 asks
/// for no more than 2^32-1), anything but digits is none.
pub(crate) fn delta_seconds(text: &str) -> Option<u32> {
    // Expires may carry parameters or a comment in old messages.
    let end = text
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.is_empty() || !(rest.is_empty() || rest.starts_with([' ', '\t', ';', '('])) {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}
