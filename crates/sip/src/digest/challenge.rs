//! WWW-Authenticate and Proxy-Authenticate.

use std::fmt;

use super::{Algorithm, params};
use crate::header::{HeaderError, quote};

/// What a server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whose passwords count.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// The hash function; MD5 where none is told.
    pub algorithm: Algorithm,
    /// The password was right, only the nonce is too old.
    pub stale: bool,
    /// To be handed back as it is.
    pub opaque: Option<String>,
    /// Whether the quality of protection `auth` is offered.
    pub qop_auth: bool,
    /// Whether `auth-int` is offered. With neither the form of RFC 2069 is
    /// asked for.
    pub qop_auth_int: bool,
}

impl Challenge {
    /// Parses the value of one header field. [`HeaderError::Unsupported`] is a
    /// challenge that is well-formed, but not for us.
    pub fn parse(value: &str) -> Result<Self, HeaderError> {
        let mut params = params::parse(value)?;
        let mut take = |name| params::take(&mut params, name);
        let algorithm = match take("algorithm") {
            Some(name) => Algorithm::parse(&name)?,
            None => Algorithm::Md5,
        };
        let qop = take("qop");
        let offers = |wanted: &str| {
            let offered = qop.as_deref().unwrap_or_default();
            offered
                .split(',')
                .any(|q| q.trim_ascii().eq_ignore_ascii_case(wanted))
        };
        let (qop_auth, qop_auth_int) = (offers("auth"), offers("auth-int"));
        if qop.is_some() && !qop_auth && !qop_auth_int {
            return Err(HeaderError::Unsupported);
        }
        Ok(Challenge {
            realm: take("realm").ok_or(HeaderError::Syntax)?,
            nonce: take("nonce").ok_or(HeaderError::Syntax)?,
            algorithm,
            stale: take("stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
            opaque: take("opaque"),
            qop_auth,
            qop_auth_int,
        })
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest realm={}, nonce={}",
            quote(&self.realm),
            quote(&self.nonce)
        )?;
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", quote(opaque))?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        write!(f, ", algorithm={}", self.algorithm)?;
        match (self.qop_auth, self.qop_auth_int) {
            (true, true) => f.write_str(", qop=\"auth,auth-int\""),
            (true, false) => f.write_str(", qop=\"auth\""),
            (false, true) => f.write_str(", qop=\"auth-int\""),
            (false, false) => Ok(()),
        }
    }
}
