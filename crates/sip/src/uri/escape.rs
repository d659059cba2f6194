//! Percent escapes.

use std::borrow::Cow;
use std::fmt::Write;

use super::split::PLAIN_USER;

/// Escapes what may not stand in a user part as it is: `#`, blanks, `@`, `:`,
/// `%`, anything beyond ASCII.
pub fn escape_user(user: &str) -> Cow<'_, str> {
    if PLAIN_USER.covers(user.as_bytes()) {
        return Cow::Borrowed(user);
    }
    let mut out = String::with_capacity(user.len() + 8);
    for byte in user.bytes() {
        if PLAIN_USER.has(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// Decodes all escapes.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let bytes: Vec<u8> = Units::new(text).map(|unit| unit.byte).collect();
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Compares with escapes decoded. An escaped reserved character is another one
/// than the character itself (RFC 3261 19.1.4).
pub(super) fn same(a: &str, b: &str, ignore_case: bool) -> bool {
    if a == b {
        return true;
    }
    let units = |text| {
        Units::new(text).map(move |unit| {
            let byte = if ignore_case {
                unit.byte.to_ascii_lowercase()
            } else {
                unit.byte
            };
            (byte, unit.escaped && is_reserved(byte))
        })
    };
    // Not `Iterator::eq` on the text: an escape is three bytes for one.
    units(a).eq(units(b))
}

fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b','
    )
}

/// A byte of a URI's part, and whether it stood there as an escape.
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) escaped: bool,
}

/// The bytes of a part, escapes decoded.
pub(super) struct Units<'a> {
    rest: &'a [u8],
}

impl<'a> Units<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Units {
            rest: text.as_bytes(),
        }
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let digit = |b: &u8| char::from(*b).to_digit(16).map(|d| d as u8);
        if let [b'%', high, low, rest @ ..] = self.rest
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            self.rest = rest;
            return Some(Unit {
                byte: high * 16 + low,
                escaped: true,
            });
        }
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(Unit {
            byte: *byte,
            escaped: false,
        })
    }
}
