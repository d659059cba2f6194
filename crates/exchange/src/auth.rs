//! Who sends a request: digest (RFC 8760) against the extensions' `reg_name`
//! and `reg_password`. The caller is who authenticated; what `From` says is
//! checked against it.

use std::sync::Arc;
use std::time::Duration;

use settings::{Extension, Snapshot};
use sip::digest::{Algorithm, Credentials, Server, Verdict};
use sip::{HeaderName, Message};

/// How long a nonce is good. Counts of all that were used in that time are kept,
/// so it also bounds memory: 200 calls/s come to 12,000 of them.
const NONCE_LIFE: Duration = Duration::from_secs(60);

/// What a request's credentials come to.
pub(crate) enum Checked {
    /// It is this extension.
    Extension(Arc<Extension>),
    /// It must prove it: 401 with these headers.
    Challenge(Vec<(HeaderName, String)>),
    /// It could not: 403.
    Wrong,
    /// It proved to be an extension other than the one it speaks for: 403.
    Forbidden,
}

/// The digest server and its realm.
pub(crate) struct Auth {
    server: Server,
    realm: &'static str,
    /// Asked for in this order, a header each; no other is taken.
    algorithms: Vec<Algorithm>,
    /// The password of names that are no extension's. Nobody can know it: a
    /// stranger who proved one would be let into the table of nonces in use.
    nobodys: String,
}

impl Auth {
    /// With a secret by which nonces are known for our own, and another that
    /// stands for the password of who is nobody: both new at each start.
    pub fn new(
        realm: &'static str,
        secret: [u8; 32],
        nobodys: [u8; 32],
        algorithms: Vec<Algorithm>,
    ) -> Self {
        Self {
            server: Server::new(realm, secret, NONCE_LIFE),
            realm,
            algorithms,
            nobodys: nobodys.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// Checks a request outside of a dialog.
    pub fn check(&mut self, request: &Message, snapshot: &Snapshot, now: Duration) -> Checked {
        let Some(credentials) = self
            .credentials(request)
            .filter(|credentials| self.algorithms.contains(&credentials.algorithm))
        else {
            return self.challenge(now, false);
        };
        let method = request.method();
        let method = method.as_ref().map_or("", |m| m.as_str());
        let extension = snapshot.extension_by_reg_name(&credentials.username);
        // Nobody's name takes as long as a wrong password: names are not told.
        let password = extension
            .as_ref()
            .map_or(self.nobodys.as_str(), |e| e.reg_password.expose());
        // The URI is not compared: phones write the registrar's name, its address
        // or the AOR there, and the nonce can't be used twice anyway.
        let verdict = self
            .server
            .verify(&credentials, method, None, password, now);
        let Some(extension) = extension else {
            return Checked::Wrong;
        };
        match verdict {
            Verdict::Ok => {}
            Verdict::Stale | Verdict::Replayed => return self.challenge(now, true),
            Verdict::Wrong => return Checked::Wrong,
        }
        if from_agrees(request, &extension) {
            Checked::Extension(extension)
        } else {
            Checked::Forbidden
        }
    }

    fn credentials(&self, request: &Message) -> Option<Credentials> {
        request
            .headers(HeaderName::Authorization)
            .chain(request.headers(HeaderName::ProxyAuthorization))
            .filter_map(|value| Credentials::parse(value).ok())
            .find(|credentials| credentials.realm == self.realm)
    }

    fn challenge(&mut self, now: Duration, stale: bool) -> Checked {
        let server = &mut self.server;
        let headers = self
            .algorithms
            .iter()
            .map(|algorithm| {
                let challenge = server.challenge(now, *algorithm, stale);
                (HeaderName::WwwAuthenticate, challenge.to_string())
            })
            .collect();
        Checked::Challenge(headers)
    }
}

/// `From` names the extension itself, by its number or its `reg_name`.
fn from_agrees(request: &Message, extension: &Extension) -> bool {
    let Ok(from) = request.from() else {
        return false;
    };
    let Ok(uri) = from.uri.parse::<sip::Uri>() else {
        return false;
    };
    uri.user_unescaped().is_some_and(|user| {
        user == extension.number.as_str() || user == extension.reg_name.as_str()
    })
}

#[cfg(test)]
mod tests {
    use sip::digest::{Client, Request};
    use sip::{MessageBuilder, Method};

    use super::*;

    #[test]
    fn stranger_finds_no_password_that_lets_it_into_the_table_of_nonces() {
        let now = Duration::from_secs(1);
        for guess in ["", "\u{1}", "password"] {
            let mut auth = Auth::new("pbx", [1; 32], [2; 32], vec![Algorithm::Md5]);
            let challenge = auth.server.challenge(now, Algorithm::Md5, false);
            let client = Client {
                username: "nobody",
                password: guess,
            };
            let asked = Request {
                method: "REGISTER",
                uri: "sip:pbx",
                body: &[],
            };
            let credentials = client.answer(&challenge, asked, "c0ffee", 1);
            let request = MessageBuilder::request(Method::Register, "sip:pbx")
                .header(HeaderName::Via, "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1")
                .header(HeaderName::From, "<sip:nobody@pbx>;tag=1")
                .header(HeaderName::To, "<sip:nobody@pbx>")
                .header(HeaderName::CallId, "one")
                .header(HeaderName::CSeq, "1 REGISTER")
                .header(HeaderName::Authorization, credentials.to_string())
                .build()
                .unwrap();
            let checked = auth.check(&request, &Snapshot::default(), now);
            assert!(matches!(checked, Checked::Wrong));
            // Had it been noted, this use would be a replay.
            let unused = auth
                .server
                .verify(&credentials, "REGISTER", None, guess, now);
            assert_eq!(unused, Verdict::Ok, "{guess:?}");
        }
    }
}
