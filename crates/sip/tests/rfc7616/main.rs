//! Digest authentication: RFC 7616, and RFC 8760 for SIP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod s3_3_challenge;
mod s3_4_credentials;
mod s3_4_server;
mod s3_9_examples;

use std::time::Duration;

use sip::digest::{Algorithm, Challenge, Client, Credentials, Request, Server};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256];
const LIFE: Duration = Duration::from_secs(300);
const START: Duration = Duration::from_secs(1_700_000_000);
const URI: &str = "sip:1001@pbx.example.com";
const PASSWORD: &str = "correct horse";

fn server() -> Server {
    Server::new("strowger", [42; 32], LIFE)
}

fn invite() -> Request<'static> {
    Request {
        method: "INVITE",
        uri: URI,
        body: b"",
    }
}

/// What a phone sends that knows the password, as the server reads it.
fn answer(challenge: &Challenge, nc: u32) -> Credentials {
    let client = Client {
        username: "1000",
        password: PASSWORD,
    };
    let sent = client
        .answer(challenge, invite(), "0a4f113b", nc)
        .to_string();
    Credentials::parse(&sent).expect("what the client writes")
}
