//! 3.3: challenges, as written and as read.

use sip::digest::{Algorithm, Challenge, challenges, strongest};
use sip::{HeaderError, HeaderName, MessageBuilder};

use crate::{START, server};

#[test]
fn a_challenge_reads_as_it_was_written() {
    let mut challenge = server().challenge(START, Algorithm::Sha256, true);
    challenge.realm = "a \"quoted\\\" realm".to_owned();
    challenge.opaque = Some(String::new());
    for (auth, auth_int) in [(true, false), (true, true), (false, true), (false, false)] {
        (challenge.qop_auth, challenge.qop_auth_int) = (auth, auth_int);
        assert_eq!(Challenge::parse(&challenge.to_string()).unwrap(), challenge);
    }
}

#[test]
fn blanks_case_order_and_unknown_parameters_do_not_matter() {
    let challenge = Challenge::parse(
        "dIgEsT  NONCE = \"a,\\\"b\" ,stale=TRUE,\t x-y=z , Qop=\"auth-int , AUTH\", algorithm=\"md5\",domain=\"sip:a sip:b\",realm=\"r\"",
    )
    .unwrap();
    assert_eq!(
        (challenge.realm.as_str(), challenge.nonce.as_str()),
        ("r", "a,\"b")
    );
    assert_eq!(challenge.algorithm, Algorithm::Md5);
    assert!(challenge.stale && challenge.qop_auth && challenge.qop_auth_int);
}

#[test]
fn what_is_not_for_us_is_told_from_what_is_broken() {
    for (text, error) in [
        ("Basic realm=\"x\"", HeaderError::Unsupported),
        (
            "Digest realm=\"x\", nonce=\"y\", algorithm=AKAv1-MD5",
            HeaderError::Unsupported,
        ),
        (
            "Digest realm=\"x\", nonce=\"y\", qop=\"token\"",
            HeaderError::Unsupported,
        ),
        ("Digest", HeaderError::Syntax),
        ("Digest ", HeaderError::Syntax),
        ("Digest realm=\"x\"", HeaderError::Syntax),
        ("Digest realm=\"x\" nonce=\"y\"", HeaderError::Syntax),
        ("Digest realm=\"x\", nonce=\"y", HeaderError::Syntax),
        ("Digest realm=\"x\", nonce=\"y\",", HeaderError::Syntax),
        (
            "Digest realm=\"x\", nonce=\"y\", nonce=\"z\"",
            HeaderError::Syntax,
        ),
        ("Digest realm=a b, nonce=\"y\"", HeaderError::Syntax),
    ] {
        assert_eq!(Challenge::parse(text), Err(error), "{text}");
    }
}

#[test]
fn more_parameters_than_anybody_sends_are_refused() {
    let with = |n: usize| {
        let more: String = (2..n).map(|n| format!(", p{n}=x")).collect();
        Challenge::parse(&format!("Digest realm=\"r\", nonce=\"n\"{more}"))
    };
    assert!(with(32).is_ok());
    assert_eq!(with(33), Err(HeaderError::Syntax));
}

#[test]
fn rfc8760_2_4_a_challenge_for_each_algorithm_strongest_first() {
    let offered = server().challenges(START, false);
    let order: Vec<_> = offered.iter().map(|c| c.algorithm).collect();
    assert_eq!(
        order,
        [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5]
    );
}

#[test]
fn the_client_answers_the_strongest_it_knows_with_the_field_that_belongs() {
    let response = MessageBuilder::response(401, "Unauthorized")
        .header(
            HeaderName::WwwAuthenticate,
            "Digest realm=\"r\", nonce=\"1\", algorithm=SHA-1024",
        )
        .header(
            HeaderName::WwwAuthenticate,
            "Digest realm=\"r\", nonce=\"2\", algorithm=MD5",
        )
        .header(
            HeaderName::WwwAuthenticate,
            "Digest realm=\"r\", nonce=\"3\", algorithm=SHA-256",
        )
        .header(
            HeaderName::ProxyAuthenticate,
            "Digest realm=\"p\", nonce=\"4\", algorithm=SHA-256",
        )
        .build()
        .unwrap();
    assert_eq!(challenges(&response).count(), 3);
    let (field, challenge) = strongest(challenges(&response)).unwrap();
    assert_eq!(
        (field, challenge.nonce.as_str()),
        (HeaderName::Authorization, "3")
    );
    let proxy = challenges(&response).last().unwrap();
    assert_eq!(
        (proxy.0, proxy.1.realm.as_str()),
        (HeaderName::ProxyAuthorization, "p")
    );
}
