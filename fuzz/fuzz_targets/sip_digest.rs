//! A challenge or credentials from anywhere. They read as they were written,
//! and nobody without the password gets in.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sip::digest::{Algorithm, Challenge, Client, Credentials, Request, Server, Verdict};

const NOW: Duration = Duration::from_secs(1_000);
const LIFE: Duration = Duration::from_secs(60);

fuzz_target!(|text: &str| {
    // No header field's value has a line end in it.
    if text.contains(['\r', '\n']) {
        return;
    }
    if let Ok(challenge) = Challenge::parse(text) {
        assert_eq!(
            Challenge::parse(&challenge.to_string()).as_ref(),
            Ok(&challenge)
        );
        answer(&challenge);
    }
    if let Ok(credentials) = Credentials::parse(text) {
        assert_eq!(
            Credentials::parse(&credentials.to_string()).as_ref(),
            Ok(&credentials)
        );
        guess(&credentials);
    }
});

/// What the client answers, a server can read.
fn answer(challenge: &Challenge) {
    let request = Request {
        method: "INVITE",
        uri: "sip:1001@pbx",
        body: b"v=0\r\n",
    };
    let client = Client {
        username: "1000",
        password: "secret",
    };
    let sent = client.answer(challenge, request, "cnonce", 1);
    assert_eq!(Credentials::parse(&sent.to_string()), Ok(sent));
}

/// Neither a guess nor a guess with a nonce of ours is let in.
fn guess(credentials: &Credentials) {
    let mut server = Server::new(credentials.realm.clone(), [9; 32], LIFE);
    let mut credentials = credentials.clone();
    let password = "not to be guessed";
    assert_eq!(
        server.verify(&credentials, "INVITE", None, password, NOW),
        Verdict::Wrong
    );
    credentials.nonce = server.challenge(NOW, Algorithm::Md5, false).nonce;
    assert_eq!(
        server.verify(&credentials, "INVITE", None, password, NOW),
        Verdict::Wrong
    );
}
