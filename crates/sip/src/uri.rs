//! SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966).
//!
//! A URI is kept as it stood, escapes and all, and printed so; parts are
//! decoded when they are asked for in that form.

mod compare;
mod escape;
mod split;

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;

pub use escape::escape_user;
use escape::{same, unescape};
pub(crate) use split::check_request_uri;
use split::{Parts, split};

/// What kind of URI it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
}

/// Why a text is no URI that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Another scheme, or none: what 416 is for.
    #[error("unsupported URI scheme")]
    Scheme,
    /// The user part or the password is empty or malformed.
    #[error("malformed user part")]
    User,
    /// The host is empty or malformed.
    #[error("malformed host")]
    Host,
    /// The port is no number below 65536.
    #[error("malformed port")]
    Port,
    /// A parameter is malformed or stands there twice, or there are too many.
    #[error("malformed URI parameter")]
    Param,
    /// A header in the URI is malformed, or there are too many.
    #[error("malformed URI header")]
    Header,
}

/// A SIP, SIPS or tel URI.
///
/// There is no `==`: by RFC 3261 19.1.4 two URIs may both be equivalent to a
/// third and not to each other. See [`Uri::equivalent`].
#[derive(Clone)]
pub struct Uri {
    text: Box<str>,
    parts: Parts,
}

impl Uri {
    /// Parses a URI, without angle brackets around it.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        Ok(Uri {
            parts: split(text)?,
            text: text.into(),
        })
    }

    /// A `sip:` URI of a user part, which is escaped where it must be, and a
    /// host; an IPv6 address stands in brackets.
    pub fn sip(user: Option<&str>, host: &str, port: Option<u16>) -> Result<Self, UriError> {
        let mut text = String::from("sip:");
        if let Some(user) = user {
            text.extend([&*escape_user(user), "@"]);
        }
        text.push_str(host);
        if let Some(port) = port {
            // Writing to a String cannot fail.
            let _ = write!(text, ":{port}");
        }
        let uri = Uri::parse(&text)?;
        // A host with more than a host in it.
        if uri.host() == host {
            Ok(uri)
        } else {
            Err(UriError::Host)
        }
    }

    /// The same URI with one more parameter, as it is to stand there.
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Result<Self, UriError> {
        let at = self.parts.params.end;
        let (before, after) = self.text.split_at_checked(at).ok_or(UriError::Param)?;
        let mut text = String::from(before);
        text.extend([";", name]);
        text.extend(value.into_iter().flat_map(|v| ["=", v]));
        text.push_str(after);
        let uri = Uri::parse(&text)?;
        let is_one = uri.params().count() == self.params().count() + 1
            && uri.parts.headers.len() == self.parts.headers.len();
        if is_one {
            Ok(uri)
        } else {
            Err(UriError::Param)
        }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The user part as it stands; for a tel URI the number.
    pub fn user(&self) -> Option<&str> {
        self.parts.user.clone().map(|r| self.part(r))
    }

    /// The user part with its escapes decoded, such as `*72#` for `*72%23`.
    /// Escapes that make no UTF-8 become replacement characters.
    pub fn user_unescaped(&self) -> Option<Cow<'_, str>> {
        self.user().map(unescape)
    }

    /// The password as it stands.
    pub fn password(&self) -> Option<&str> {
        self.parts.password.clone().map(|r| self.part(r))
    }

    /// The host as it stands, an IPv6 address with its brackets; empty for a
    /// tel URI.
    pub fn host(&self) -> &str {
        self.part(self.parts.host.clone())
    }

    /// The host where it is an address and no name.
    pub fn host_ip(&self) -> Option<IpAddr> {
        let host = self.host();
        match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(v6) => v6.parse().map(IpAddr::V6).ok(),
            None => host.parse().map(IpAddr::V4).ok(),
        }
    }

    /// The port, where one stands there.
    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// The parameters in their order, names and values as they stand.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        pairs(self.part(self.parts.params.clone()), ';')
    }

    /// The value of a parameter as it stands: empty for one that is only a
    /// name, None where there is no such parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params()
            .find(|(n, _)| same(n, name, true))
            .map(|(_, v)| v.unwrap_or_default())
    }

    /// Whether the URI asks for loose routing.
    pub fn is_lr(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The `transport` parameter.
    pub fn transport(&self) -> Option<&str> {
        self.param("transport")
    }

    /// The headers in their order, names and values as they stand.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.part(self.parts.headers.clone()), '&').map(|(n, v)| (n, v.unwrap_or_default()))
    }

    /// The URI as it stood.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn part(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }
}

/// `name=value` pairs behind a separator each; before the first it may be
/// another one (`?`).
fn pairs(text: &str, separator: char) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.get(1..)
        .into_iter()
        .flat_map(move |t| t.split(separator))
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        })
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Uri::parse(text)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({})", self.text)
    }
}
