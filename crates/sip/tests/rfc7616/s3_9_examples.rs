//! 3.9, the examples; that of 3.9.2 with its erratum 4897, and RFC 2617 3.5.

use sip::digest::{Algorithm, Challenge, Client, Request};

fn response(
    challenge: &str,
    (username, password): (&str, &str),
    (method, uri, body): (&str, &str, &[u8]),
    cnonce: &str,
) -> String {
    let challenge = Challenge::parse(challenge).unwrap();
    let request = Request { method, uri, body };
    Client { username, password }
        .answer(&challenge, request, cnonce, 1)
        .response
}

const MUFASA: (&str, &str) = ("Mufasa", "Circle of Life");
const CHALLENGE: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
    nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
    opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", algorithm=";
const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

#[test]
fn s3_9_1_md5_and_sha_256() {
    let get = ("GET", "/dir/index.html", &b""[..]);
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let challenge = format!("{CHALLENGE}{algorithm}");
        assert_eq!(response(&challenge, MUFASA, get, CNONCE), expected);
    }
}

#[test]
fn s3_9_2_sha_512_256_as_the_erratum_has_it() {
    let challenge = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
        nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
        opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=false";
    let user = ("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
    assert_eq!(
        response(
            challenge,
            user,
            ("GET", "/doe.json", b""),
            "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
        ),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
}

#[test]
fn rfc2617_3_5_md5() {
    let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let user = ("Mufasa", "Circle Of Life");
    assert_eq!(
        response(challenge, user, ("GET", "/dir/index.html", b""), "0a4f113b"),
        "6629fae49393a05397450978507c4ef1"
    );
}

#[test]
fn without_a_quality_the_hash_is_that_of_rfc_2069() {
    let challenge = "Digest realm=\"testrealm@host.com\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    assert_eq!(
        response(
            challenge,
            ("Mufasa", "CircleOfLife"),
            ("GET", "/dir/index.html", b""),
            "x"
        ),
        "1949323746fe6a43ef61f9606e7febea"
    );
}

#[test]
fn where_only_auth_int_is_offered_the_body_counts() {
    let challenge = CHALLENGE.replace("auth, auth-int", "auth-int") + "MD5";
    let with = |body: &[u8]| {
        response(
            &challenge,
            MUFASA,
            ("POST", "/dir/index.html", body),
            CNONCE,
        )
    };
    assert_ne!(with(b"one"), with(b"two"));
    assert_eq!(with(b"one"), with(b"one"));
}

#[test]
fn algorithms_are_known_by_name_and_ordered_by_strength() {
    assert!(Algorithm::Md5 < Algorithm::Sha256 && Algorithm::Sha256 < Algorithm::Sha512_256);
    assert_eq!(Algorithm::parse("sha-512-256"), Ok(Algorithm::Sha512_256));
    for unknown in ["MD5-sess", "SHA-256-sess", "", "AKAv1-MD5"] {
        assert!(Algorithm::parse(unknown).is_err());
    }
}
