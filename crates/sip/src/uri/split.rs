//! The grammar of URIs: where the parts stand, and whether each may stand there.

use std::ops::Range;

use super::escape::same;
use super::{Scheme, UriError};
use crate::header::{ByteSet, is_uri, number};

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
        Err(UriError::Scheme) if is_uri(text) => Ok(()),
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
    // Nothing behind the user part may have an unescaped @.
    let rest = text.get(at..).unwrap_or_default();
    let (user, password, host_at) = match memchr::memchr(b'@', rest.as_bytes()) {
        Some(len) => {
            let (user, password) = user_info(text, at, at + len)?;
            (Some(user), password, at + len + 1)
        }
        None => (None, None, at),
    };
    let end = text.len();
    let behind = text.as_bytes().get(host_at..).unwrap_or_default();
    let headers_at = memchr::memchr(b'?', behind).map_or(end, |len| host_at + len);
    let address = behind.get(..headers_at - host_at).unwrap_or_default();
    let params_at = memchr::memchr(b';', address).map_or(headers_at, |len| host_at + len);
    let (host, port) = host_port(text, host_at, params_at)?;
    check_params(text.get(params_at..headers_at).unwrap_or_default())?;
    check_headers(text.get(headers_at..).unwrap_or_default())?;
    Ok(Parts {
        scheme,
        user,
        password,
        host,
        port,
        params: params_at..headers_at,
        headers: headers_at..end,
    })
}

type UserInfo = (Range<usize>, Option<Range<usize>>);

fn user_info(text: &str, from: usize, to: usize) -> Result<UserInfo, UriError> {
    let info = text.get(from..to).unwrap_or_default();
    let end = memchr::memchr(b':', info.as_bytes()).unwrap_or(info.len());
    let (user, password) = info.split_at_checked(end).ok_or(UriError::User)?;
    let password = password.strip_prefix(':');
    if user.is_empty() || !all(user, &USER) || !password.is_none_or(|p| all(p, &PASSWORD)) {
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
        Some(digits) => Some(number(digits).ok_or(UriError::Port)?),
        None if port.is_empty() => None,
        _ => return Err(UriError::Port),
    };
    Ok((from..from + end, port))
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && HOST.covers(host.as_bytes()),
    }
}

fn tel(text: &str, at: usize) -> Result<Parts, UriError> {
    let rest = text.get(at..).unwrap_or_default();
    let len = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
    let (number, params) = rest.split_at_checked(len).ok_or(UriError::User)?;
    let digits = number.strip_prefix('+').unwrap_or(number);
    if !digits.bytes().any(|b| DIAL.has(b)) || !PHONE.covers(digits.as_bytes()) {
        return Err(UriError::User);
    }
    check_params(params)?;
    let end = text.len();
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

/// The most parameters, and the most headers, that a URI may have.
const MAX_PAIRS: usize = 64;

/// Parameters, a semicolon before each. A name stands there only once
/// (RFC 3261 19.1.1).
fn check_params(params: &str) -> Result<(), UriError> {
    let Some(params) = params.get(1..) else {
        return Ok(());
    };
    for (count, param) in params.split(';').enumerate() {
        let (name, value) = name_and_value(param);
        let fits = !name.is_empty()
            && all(name, &PARAM_NAME)
            && value.is_none_or(|v| all(v, &PARAM_VALUE));
        let mut before = params.split(';').take(count);
        if !fits
            || count == MAX_PAIRS
            || before.any(|other| same(name_and_value(other).0, name, true))
        {
            return Err(UriError::Param);
        }
    }
    Ok(())
}

/// Headers, a question mark before the first and ampersands between them.
fn check_headers(headers: &str) -> Result<(), UriError> {
    let Some(headers) = headers.get(1..) else {
        return Ok(());
    };
    for (count, header) in headers.split('&').enumerate() {
        let (name, value) = name_and_value(header);
        let fits = !name.is_empty()
            && all(name, &HEADER_NAME)
            && value.is_some_and(|v| all(v, &HEADER_VALUE));
        if !fits || count == MAX_PAIRS {
            return Err(UriError::Header);
        }
    }
    Ok(())
}

fn name_and_value(pair: &str) -> (&str, Option<&str>) {
    match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    }
}

/// Whether each byte is allowed, or one of an escape.
fn all(text: &str, allowed: &ByteSet) -> bool {
    let mut text = text.as_bytes();
    loop {
        text = text.get(allowed.span(text)..).unwrap_or_default();
        match text {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                text = rest;
            }
            _ => return false,
        }
    }
}

/// `unreserved`
const UNRESERVED: ByteSet = ByteSet::none().with_alphanumeric().with(b"-_.!~*'()");

/// `unreserved` and `user-unreserved`
pub(super) static PLAIN_USER: ByteSet = UNRESERVED.with(b"&=+$,;?/");

/// What a user part may have, and the `#` that phones dial without escaping it.
static USER: ByteSet = UNRESERVED.with(b"&=+$,;?/#");

static PASSWORD: ByteSet = UNRESERVED.with(b"&=+$,");

/// A name or an IPv4 address. Underscores are against the grammar, but
/// containers have them in their names.
static HOST: ByteSet = ByteSet::none().with_alphanumeric().with(b"-._");

/// `paramchar`
static PARAM_NAME: ByteSet = UNRESERVED.with(b"[]/:&+$");

/// `paramchar`, and the `=` that is beyond the grammar but ends tokens made of
/// Base64.
static PARAM_VALUE: ByteSet = UNRESERVED.with(b"[]/:&+$=");

/// `hnv-unreserved` and `unreserved`
static HEADER_NAME: ByteSet = UNRESERVED.with(b"[]/?:+$");

static HEADER_VALUE: ByteSet = UNRESERVED.with(b"[]/?:+$=");

/// The digits of a telephone number, global or local (RFC 3966 3).
static DIAL: ByteSet = ByteSet::none()
    .with_range(b'0', b'9')
    .with(b"abcdefABCDEF*#");

/// What a telephone number may have for the eye only.
pub(super) static VISUAL_SEPARATOR: ByteSet = ByteSet::none().with(b"-.()");

static PHONE: ByteSet = ByteSet::none()
    .with_range(b'0', b'9')
    .with(b"abcdefABCDEF*#-.()");
