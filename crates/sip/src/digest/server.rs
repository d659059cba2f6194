//! The server's end: challenging, and checking what comes back.

use std::time::Duration;

use subtle::ConstantTimeEq;

use super::nonce::{Mint, Table, Use};
use super::{Algorithm, Challenge, Credentials, Qop, response};
use crate::uri::Uri;

/// What credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The password is right and the nonce may be used so.
    Ok,
    /// The password is right, but the nonce is too old, used up or not ours:
    /// challenge again with `stale`.
    Stale,
    /// The password is wrong, or the credentials are for something else.
    Wrong,
    /// The password is right, but this very use of the nonce was seen before.
    /// To be challenged again with `stale`: an attacker cannot answer, and a
    /// phone that forgot to count can.
    Replayed,
}

/// One realm. Its time is whatever the caller counts from.
pub struct Server {
    realm: String,
    mint: Mint,
    life: Duration,
    table: Table,
}

impl Server {
    /// `secret` has to be new each time the process starts, since the counts of
    /// the nonces in use do not outlive it. A nonce can be used for
    /// `nonce_life`, as often as one likes.
    pub fn new(realm: impl Into<String>, secret: [u8; 32], nonce_life: Duration) -> Self {
        Server {
            realm: realm.into(),
            mint: Mint::new(secret),
            life: nonce_life,
            table: Table::default(),
        }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// A challenge with a new nonce.
    pub fn challenge(&mut self, now: Duration, algorithm: Algorithm, stale: bool) -> Challenge {
        Challenge {
            realm: self.realm.clone(),
            nonce: self.mint.issue(now),
            algorithm,
            stale,
            opaque: None,
            qop_auth: true,
            qop_auth_int: false,
        }
    }

    /// A challenge for each algorithm, the strongest first as RFC 8760 2.4 has
    /// it: for a header field each. MD5 is among them, for most phones know
    /// nothing else.
    pub fn challenges(&mut self, now: Duration, stale: bool) -> [Challenge; 3] {
        let nonce = self.mint.issue(now);
        [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5].map(|algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            algorithm,
            stale,
            opaque: None,
            qop_auth: true,
            qop_auth_int: false,
        })
    }

    /// Checks credentials. For a user that does not exist, ask all the same,
    /// with any password nobody knows, so that the answer takes as long.
    ///
    /// `request_uri` is what the credentials' URI must be equivalent to; a
    /// server whose clients come through a proxy, which may change it, gives
    /// None.
    pub fn verify(
        &mut self,
        credentials: &Credentials,
        method: &str,
        request_uri: Option<&str>,
        password: &str,
        now: Duration,
    ) -> Verdict {
        let Some(expected) = response::expected(credentials, method, password, b"") else {
            return Verdict::Wrong;
        };
        let given = credentials.response.to_ascii_lowercase();
        let proved: bool = expected.as_bytes().ct_eq(given.as_bytes()).into();
        let meant = credentials.realm == self.realm
            && credentials.qop != Some(Qop::AuthInt)
            && request_uri.is_none_or(|uri| same_uri(uri, &credentials.uri));
        if !proved || !meant {
            return Verdict::Wrong;
        }
        let Some(nonce) = self.mint.recognise(&credentials.nonce) else {
            return Verdict::Stale;
        };
        let oldest = now.saturating_sub(self.life);
        self.table.forget_before(oldest);
        if nonce.issued < oldest || nonce.issued > now {
            return Verdict::Stale;
        }
        let count = credentials.qop.and_then(|_| credentials.nonce_count());
        match self.table.note(nonce, count) {
            Use::Fresh => Verdict::Ok,
            Use::Replayed => Verdict::Replayed,
            Use::Stale => Verdict::Stale,
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.realm)
    }
}

fn same_uri(a: &str, b: &str) -> bool {
    let equivalent = || Some(Uri::parse(a).ok()?.equivalent(&Uri::parse(b).ok()?));
    a == b || equivalent().unwrap_or(false)
}
