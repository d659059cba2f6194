//! `name-addr` and `addr-spec` with parameters: From, To, Contact, Route,
//! Record-Route, Refer-To and their like (RFC 3261 20.10).

use std::borrow::Cow;
use std::fmt;

use super::HeaderError;
use super::bytes::ByteSet;
use super::param::Params;
use super::text::{quoted_end, split_once, unescape};

/// An address: display name, URI and the header's parameters, as views into
/// the field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as it stands, without the quotes around it but with
    /// the escapes in it. See [`NameAddr::display_name`].
    pub display: Option<&'a str>,
    /// The URI as it stands, without angle brackets.
    pub uri: &'a str,
    /// The parameters of the header field, not those of the URI.
    pub params: Params<'a>,
    quoted: bool,
}

impl<'a> NameAddr<'a> {
    /// Parses one value of a Contact field, which may be `*`.
    pub fn parse_contact(value: &'a str) -> Result<Self, HeaderError> {
        if value.trim_ascii() != "*" {
            return Self::parse(value);
        }
        Ok(NameAddr {
            display: None,
            uri: "*",
            params: Params::default(),
            quoted: false,
        })
    }

    /// Parses one value; a list is split before.
    pub fn parse(value: &'a str) -> Result<Self, HeaderError> {
        let value = value.trim_ascii();
        if let Some(end) = quoted_end(value) {
            let (display, rest) = value.split_at_checked(end).ok_or(HeaderError::Syntax)?;
            let display = display.get(1..end - 1).ok_or(HeaderError::Syntax)?;
            return Self::bracketed(Some(display), true, rest);
        }
        match memchr::memchr(b'<', value.as_bytes()).and_then(|at| value.split_at_checked(at)) {
            Some((display, rest)) if DISPLAY.covers(display.as_bytes()) => {
                let display = display.trim_ascii_end();
                Self::bracketed((!display.is_empty()).then_some(display), false, rest)
            }
            _ => Self::bare(value),
        }
    }

    fn bracketed(
        display: Option<&'a str>,
        quoted: bool,
        rest: &'a str,
    ) -> Result<Self, HeaderError> {
        let rest = rest
            .trim_ascii_start()
            .strip_prefix('<')
            .ok_or(HeaderError::Syntax)?;
        let (uri, params) = split_once(rest, b'>').ok_or(HeaderError::Syntax)?;
        let params = Params::parse(params)?;
        if !is_uri(uri) {
            return Err(HeaderError::Syntax);
        }
        Ok(NameAddr {
            display,
            uri,
            params,
            quoted,
        })
    }

    /// Without brackets, what follows a semicolon belongs to the header field,
    /// and the URI may have neither headers nor a comma (RFC 3261 20.10).
    fn bare(value: &'a str) -> Result<Self, HeaderError> {
        let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
        let (uri, params) = value.split_at_checked(end).ok_or(HeaderError::Syntax)?;
        let uri = uri.trim_ascii_end();
        if !is_uri(uri) || memchr::memchr2(b'?', b',', uri.as_bytes()).is_some() {
            return Err(HeaderError::Syntax);
        }
        Ok(NameAddr {
            display: None,
            uri,
            params: Params::parse(params)?,
            quoted: false,
        })
    }

    /// The display name with its escapes resolved.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.display.map(|d| {
            if self.quoted {
                unescape(d)
            } else {
                Cow::Borrowed(d)
            }
        })
    }

    /// The `tag` parameter.
    pub fn tag(&self) -> Option<&'a str> {
        self.param("tag").filter(|t| !t.is_empty())
    }

    /// The value of a parameter of the header field as it stands: empty for one
    /// that is only a name.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.get(name)
    }

    /// The `expires` parameter of a Contact; None also where it is no number.
    /// A number too great to hold is the greatest.
    pub fn expires(&self) -> Option<u32> {
        self.param("expires").and_then(super::delta_seconds)
    }

    /// Whether this is the `*` of a Contact that removes all bindings.
    pub fn is_star(&self) -> bool {
        self.uri == "*"
    }
}

impl fmt::Display for NameAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_star() {
            return f.write_str("*");
        }
        match (self.display, self.quoted) {
            (Some(display), true) => write!(f, "\"{display}\" ")?,
            (Some(display), false) => write!(f, "{display} ")?,
            (None, _) => {}
        }
        write!(f, "<{}>{}", self.uri, self.params.as_str())
    }
}

/// What an unquoted display name may have: tokens and spaces by the grammar,
/// and what the field sends in spite of it (UTF-8, `(`, `@`), but nothing that
/// would make it ambiguous.
static DISPLAY: ByteSet = ByteSet::none()
    .with(b"\t")
    .with_range(b' ', 0xFF)
    .without(b"\",;<>\x7F");

/// What a URI may have at most.
static URI: ByteSet = ByteSet::none().with_range(b'!', 0xFF).without(b"\"<>\x7F");

static SCHEME: ByteSet = ByteSet::none().with_alphanumeric().with(b"+-.");

/// A URI has a scheme and neither blanks nor brackets; what more it is, the
/// one who uses it finds out.
pub(crate) fn is_uri(uri: &str) -> bool {
    let uri = uri.as_bytes();
    let scheme = SCHEME.span(uri);
    uri.first().is_some_and(u8::is_ascii_alphabetic)
        && uri.get(scheme) == Some(&b':')
        && uri
            .get(scheme + 1..)
            .is_some_and(|rest| !rest.is_empty() && URI.covers(rest))
}
