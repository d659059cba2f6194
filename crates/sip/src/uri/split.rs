//! The grammar of URIs: where the parts stand, and whether each may stand there.

use std::ops::Range;

use super::{Scheme, UriError};

/// Where the parts of a URI stand in its text.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) scheme: Scheme,
    pub(super) user: Option<Range<usize>>,
    pub(super) password: Option<Range<usize>>,
    pub(super) host: Range<usize>,
    pub(super) port: Option<u16>,
    /// Empty, or begins with a semicolon.
    pub(super) params: Range<usize>,
    /// Empty, or begins with a question mark.
    pub(super) headers: Range<usize>,
}

/// A Request-URI may be of any scheme, but a SIP one must be right and have no
/// headers (RFC 3261 19.1.1).
pub(crate) fn check_request_uri(text: &str) -> Result<(), UriError> {
    match split(text) {
        Ok(parts) if !parts.headers.is_empty() => Err(UriError::Header),
        Ok(_) => Ok(()),
        Err(UriError::Scheme) => {
            let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
            let well_formed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
                && !rest.is_empty()
                && rest.bytes().all(|b| b > b' ' && !b"<>\"\x7F".contains(&b));
            if well_formed { Ok(()) } else { Err(UriError::Scheme) }
        }
        Err(error) => Err(error),
    }
}

pub(super) fn split(text: &str) -> Result<Parts, UriError> {
    let colon = memchr::memchr(b':', text.as_bytes()).ok_or(UriError::Scheme)?;
    let scheme = text.get(..colon).unwrap_or_default();
    let at = colon + 1;
    if scheme.eq_ignore_ascii_case("sip") {
        sip(text, at, Scheme::Sip)
    } else if scheme.eq_ignore_ascii_case("sips") {
        sip(text, at, Scheme::Sips)
    } else if scheme.eq_ignore_ascii_case("tel") {
        tel(text, at)
    } else {
        Err(UriError::Scheme)
    }
}

fn sip(text: &str, at: usize, scheme: Scheme) -> Result<Parts, UriError> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..).unwrap_or_default();
    // Nothing behind the user part may have an unescaped @.
    let (user, password, host_at) = match memchr::memchr(b'@', rest) {
        Some(len) => {
            let (user, password) = user_info(bytes, at, at + len)?;
            (Some(user), password, at + len + 1)
        }
        None => (None, None, at),
    };
    let behind = bytes.get(host_at..).unwrap_or_default();
    let headers_at =
        memchr::memchr(b'?', behind).map_or(bytes.len(), |len| host_at + len);
    let address = bytes.get(host_at..headers_at).unwrap_or_default();
    let params_at =
        memchr::memchr(b';', address).map_or(headers_at, |len| host_at + len);
    let (host, port) = host_port(text, host_at, params_at)?;
    check_params(bytes.get(params_at..headers_at).unwrap_or_default())?;
    check_headers(bytes.get(headers_at..).unwrap_or_default())?;
    Ok(Parts {
        scheme,
        user,
        password,
        host,
        port,
        params: params_at..headers_at,
        headers: headers_at..bytes.len(),
    })
}

type UserInfo = (Range<usize>, Option<Range<usize>>);

fn user_info(bytes: &[u8], from: usize, to: usize) -> Result<UserInfo, UriError> {
    let info = bytes.get(from..to).unwrap_or_default();
    let end = memchr::memchr(b':', info).unwrap_or(info.len());
    let (user, password) = info.split_at_checked(end).ok_or(UriError::User)?;
    let password = password.strip_prefix(b":");
    if user.is_empty()
        || !all(user, is_user_byte)
        || !password.is_none_or(|p| all(p, is_password_byte))
    {
        return Err(UriError::User);
    }
    Ok((from..from + end, password.map(|_| from + end + 1..to)))
}

fn host_port(text: &str, from: usize, to: usize) -> Result<(Range<usize>, Option<u16>), UriError> {
    let address = text.get(from..to).ok_or(UriError::Host)?;
    let end = match address.strip_prefix('[') {
        Some(v6) => v6.find(']').ok_or(UriError::Host)? + 2,
        None => memchr::memchr(b':', address.as_bytes()).unwrap_or(address.len()),
    };
    let (host, port) = address.split_at_checked(end).ok_or(UriError::Host)?;
    if !is_host(host) {
        return Err(UriError::Host);
    }
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| UriError::Port)?)
        }
        None if port.is_empty() => None,
        _ => return Err(UriError::Port),
    };
    Ok((from..from + end, port))
}

/// A name, an IPv4 address, or an IPv6 address in brackets. Underscores are
/// against the grammar, but containers have them in their names.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
    }
}

fn tel(text: &str, at: usize) -> Result<Parts, UriError> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..).unwrap_or_default();
    let len = memchr::memchr(b';', rest).unwrap_or(rest.len());
    let (number, params) = rest.split_at_checked(len).ok_or(UriError::User)?;
    let digits = number.strip_prefix(b"+").unwrap_or(number);
    if !digits.iter().any(|b| is_phone_digit(*b)) || !all(digits, is_phone_byte) {
        return Err(UriError::User);
    }
    check_params(params)?;
    let end = bytes.len();
    Ok(Parts {
        scheme: Scheme::Tel,
        user: Some(at..at + len),
        password: None,
        host: end..end,
        port: None,
        params: at + len..end,
        headers: end..end,
    })
}

fn check_params(params: &[u8]) -> Result<(), UriError> {
    check_pairs(params, b';', is_param_byte, false).ok_or(UriError::Param)
}

fn check_headers(headers: &[u8]) -> Result<(), UriError> {
    check_pairs(headers, b'&', is_header_byte, true).ok_or(UriError::Header)
}

/// Separated `name=value` pairs after one leading byte; `=` in a value is
/// beyond the grammar but stands in tokens made of Base64.
fn check_pairs(text: &[u8], separator: u8, allowed: fn(u8) -> bool, needs_value: bool) -> Option<()> {
    let Some(pairs) = text.get(1..) else { return Some(()) };
    for pair in pairs.split(|b| *b == separator) {
        let end = memchr::memchr(b'=', pair);
        let (name, value) = pair.split_at_checked(end.unwrap_or(pair.len()))?;
        let value_ok = match value.get(1..) {
            Some(value) => {
                (needs_value || !value.is_empty()) && all(value, |b| b == b'=' || allowed(b))
            }
            None => !needs_value,
        };
        if name.is_empty() || !all(name, allowed) || !value_ok {
            return None;
        }
    }
    Some(())
}

/// Whether each byte is allowed, or one of an escape.
fn all(text: &[u8], allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                bytes.next().is_some_and(u8::is_ascii_hexdigit)
                    && bytes.next().is_some_and(u8::is_ascii_hexdigit)
            }
            byte => allowed(*byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `unreserved`
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

/// `unreserved` and `user-unreserved`
pub(super) fn is_plain_user_byte(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

/// What a user part may have, and the `#` that phones dial without escaping it.
fn is_user_byte(byte: u8) -> bool {
    is_plain_user_byte(byte) || byte == b'#'
}

fn is_password_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',')
}

/// `paramchar`
fn is_param_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$')
}

/// `hnv-unreserved` and `unreserved`
fn is_header_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$')
}

fn is_phone_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#')
}

/// A digit of a number, global or local, or a visual separator.
fn is_phone_byte(byte: u8) -> bool {
    is_phone_digit(byte) || is_visual_separator(byte)
}

/// What a telephone number may have for the eye only (RFC 3966 3).
pub(super) fn is_visual_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}
