//! The client's end: answering a challenge.

use super::{Challenge, Credentials, Qop, response};

/// Who answers.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// The name at the server.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
}

/// What is protected.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a str,
    /// The body, which counts only where the server wants `auth-int`.
    pub body: &'a [u8],
}

impl Client<'_> {
    /// Answers a challenge. `cnonce` is to be unpredictable; `nc` counts the
    /// requests sent with this nonce, from 1.
    pub fn answer(
        &self,
        challenge: &Challenge,
        request: Request<'_>,
        cnonce: &str,
        nc: u32,
    ) -> Credentials {
        let qop = match challenge {
            Challenge { qop_auth: true, .. } => Some(Qop::Auth),
            Challenge {
                qop_auth_int: true, ..
            } => Some(Qop::AuthInt),
            _ => None,
        };
        let mut credentials = Credentials {
            username: self.username.to_owned(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: request.uri.to_owned(),
            response: String::new(),
            algorithm: challenge.algorithm,
            cnonce: qop.map(|_| cnonce.to_owned()),
            nc: qop.map(|_| format!("{nc:08x}")),
            qop,
            opaque: challenge.opaque.clone(),
        };
        // There is always one: where there is a quality, the rest is too.
        credentials.response =
            response::expected(&credentials, request.method, self.password, request.body)
                .unwrap_or_default();
        credentials
    }
}

impl std::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.username)
    }
}

/// The challenge to answer of several: the strongest algorithm, and of those
/// the first.
pub fn strongest<T>(
    challenges: impl IntoIterator<Item = (T, Challenge)>,
) -> Option<(T, Challenge)> {
    challenges.into_iter().reduce(|best, next| {
        if next.1.algorithm > best.1.algorithm {
            next
        } else {
            best
        }
    })
}
