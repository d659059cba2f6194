//! The phones' side of digest authentication (RFC 2617/7616, qop `auth`).
//! The bench's own, so that a fault of crate `sip` can't hide itself.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

/// A challenge's parameters, as they stand in `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    qop_auth: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

/// Who answers, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Digest user name.
    pub username: &'a str,
    /// Its password.
    pub password: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Its Request-URI.
    pub uri: &'a str,
    /// The client's nonce.
    pub cnonce: &'a str,
}

impl Challenge {
    /// Reads one header value; `None` where it isn't a digest this module can do.
    pub fn parse(value: &str) -> Option<Self> {
        let rest = value.trim_start();
        let scheme = rest.get(..6)?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut challenge = Self {
            realm: String::new(),
            nonce: String::new(),
            opaque: None,
            algorithm: Algorithm::Md5,
            qop_auth: false,
        };
        for (name, value) in parameters(rest.get(6..)?) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => challenge.realm = value,
                "nonce" => challenge.nonce = value,
                "opaque" => challenge.opaque = Some(value),
                "qop" => challenge.qop_auth = value.split(',').any(|q| q.trim() == "auth"),
                "algorithm" if value.eq_ignore_ascii_case("md5") => {}
                "algorithm" if value.eq_ignore_ascii_case("sha-256") => {
                    challenge.algorithm = Algorithm::Sha256;
                }
                "algorithm" => return None,
                _ => {}
            }
        }
        (!challenge.nonce.is_empty()).then_some(challenge)
    }

    /// The value of `Authorization`.
    pub fn answer(&self, asked: Asked<'_>) -> String {
        let Asked {
            username,
            password,
            method,
            uri,
            cnonce,
        } = asked;
        let ha1 = self.hash(&format!("{username}:{}:{password}", self.realm));
        let ha2 = self.hash(&format!("{method}:{uri}"));
        let nonce = &self.nonce;
        let response = if self.qop_auth {
            self.hash(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"))
        } else {
            self.hash(&format!("{ha1}:{nonce}:{ha2}"))
        };
        let algorithm = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        };
        let realm = &self.realm;
        let mut value = format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}"
        );
        if self.qop_auth {
            let _ = write!(value, ", qop=auth, nc=00000001, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque=\"{opaque}\"");
        }
        value
    }

    fn hash(&self, text: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

/// `name=value` and `name="value"`, separated by commas outside quotes.
pub fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim().trim_start_matches(',').trim();
        let (value, tail) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((name.to_owned(), value.trim().to_owned()));
        rest = tail.trim_start().trim_start_matches(',');
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617, 3.5.
    #[test]
    fn answers_the_example_of_rfc_2617() {
        let challenge = Challenge::parse(
            "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        )
        .unwrap();
        let value = challenge.answer(Asked {
            username: "Mufasa",
            password: "Circle Of Life",
            method: "GET",
            uri: "/dir/index.html",
            cnonce: "0a4f113b",
        });
        assert!(
            value.contains("response=\"6629fae49393a05397450978507c4ef1\""),
            "{value}"
        );
        assert!(value.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
    }

    /// RFC 7616, 3.9.1.
    #[test]
    fn answers_the_sha_256_example_of_rfc_7616() {
        let challenge = Challenge::parse(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"",
        )
        .unwrap();
        let value = challenge.answer(Asked {
            username: "Mufasa",
            password: "Circle of Life",
            method: "GET",
            uri: "/dir/index.html",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        });
        assert!(
            value.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            "{value}"
        );
    }

    #[test]
    fn a_challenge_that_it_cannot_do_is_left_to_the_next() {
        assert_eq!(
            Challenge::parse("Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256"),
            None
        );
        assert_eq!(Challenge::parse("Basic realm=\"x\""), None);
    }
}
