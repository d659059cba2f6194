//! Authorization and Proxy-Authorization.

use std::fmt;

use super::{Algorithm, params};
use crate::header::{HeaderError, quote};

/// The quality of protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qop {
    /// `auth`: method and URI are protected.
    Auth,
    /// `auth-int`: the body too.
    AuthInt,
}

impl Qop {
    /// The name as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }
}

/// What a client answers a challenge with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who it says it is.
    pub username: String,
    /// The realm of the challenge.
    pub realm: String,
    /// The nonce of the challenge.
    pub nonce: String,
    /// The Request-URI as the client has it.
    pub uri: String,
    /// The proof.
    pub response: String,
    /// The hash function; MD5 where none is told.
    pub algorithm: Algorithm,
    /// The client's nonce.
    pub cnonce: Option<String>,
    /// How often the nonce was used, as it stands: see
    /// [`Credentials::nonce_count`]. The hash is made over the text, in
    /// whatever case a client writes its hex.
    pub nc: Option<String>,
    /// The quality of protection; None is the form of RFC 2069.
    pub qop: Option<Qop>,
    /// The challenge's `opaque`.
    pub opaque: Option<String>,
}

impl Credentials {
    /// Parses the value of one header field.
    pub fn parse(value: &str) -> Result<Self, HeaderError> {
        let mut params = params::parse(value)?;
        let mut take = |name| params::take(&mut params, name);
        let algorithm = match take("algorithm") {
            Some(name) => Algorithm::parse(&name)?,
            None => Algorithm::Md5,
        };
        let qop = match take("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some(Qop::Auth),
            Some(qop) if qop.eq_ignore_ascii_case("auth-int") => Some(Qop::AuthInt),
            Some(_) => return Err(HeaderError::Unsupported),
        };
        let nc = take("nc");
        if nc.as_deref().is_some_and(|nc| nonce_count(nc).is_none()) {
            return Err(HeaderError::Syntax);
        }
        Ok(Credentials {
            username: take("username").ok_or(HeaderError::Syntax)?,
            realm: take("realm").ok_or(HeaderError::Syntax)?,
            nonce: take("nonce").ok_or(HeaderError::Syntax)?,
            uri: take("uri").ok_or(HeaderError::Syntax)?,
            response: take("response").ok_or(HeaderError::Syntax)?,
            algorithm,
            cnonce: take("cnonce"),
            nc,
            qop,
            opaque: take("opaque"),
        })
    }

    /// How often the nonce was used.
    pub fn nonce_count(&self) -> Option<u32> {
        self.nc.as_deref().and_then(nonce_count)
    }
}

fn nonce_count(text: &str) -> Option<u32> {
    let is_hex = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex {
        u32::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest username={}, realm={}, nonce={}, uri={}, response={}, algorithm={}",
            quote(&self.username),
            quote(&self.realm),
            quote(&self.nonce),
            quote(&self.uri),
            quote(&self.response),
            self.algorithm
        )?;
        if let Some(cnonce) = &self.cnonce {
            write!(f, ", cnonce={}", quote(cnonce))?;
        }
        if let Some(qop) = self.qop {
            write!(f, ", qop={}", qop.as_str())?;
        }
        if let Some(nc) = &self.nc {
            write!(f, ", nc={nc}")?;
        }
        match &self.opaque {
            Some(opaque) => write!(f, ", opaque={}", quote(opaque)),
            None => Ok(()),
        }
    }
}
