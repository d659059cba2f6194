//! 3.4 to 3.4.5, the server: who is let in, and how long a nonce lasts.

use std::time::Duration;

use sip::digest::{Algorithm, Client, Credentials, Qop, Request, Server, Verdict};

use crate::{ALGORITHMS, LIFE, PASSWORD, START, URI, answer, invite, server};

fn verify(server: &mut Server, credentials: &Credentials, now: Duration) -> Verdict {
    server.verify(credentials, "INVITE", Some(URI), PASSWORD, now)
}

#[test]
fn the_right_password_is_let_in_with_each_algorithm() {
    for algorithm in ALGORITHMS {
        let mut server = server();
        let challenge = server.challenge(START, algorithm, false);
        assert_eq!(
            verify(&mut server, &answer(&challenge, 1), START),
            Verdict::Ok
        );
    }
}

#[test]
fn one_nonce_serves_for_thousands_of_requests_and_each_count_once() {
    let mut server = server();
    let challenge = server.challenge(START, Algorithm::Md5, false);
    for nc in 1..=5_000 {
        let credentials = answer(&challenge, nc);
        assert_eq!(
            verify(&mut server, &credentials, START),
            Verdict::Ok,
            "{nc}"
        );
        assert_eq!(
            verify(&mut server, &credentials, START),
            Verdict::Replayed,
            "{nc}"
        );
    }
    assert_eq!(
        verify(&mut server, &answer(&challenge, 1), START),
        Verdict::Replayed
    );
}

#[test]
fn requests_that_overtake_each_other_are_all_let_in() {
    let mut server = server();
    let challenge = server.challenge(START, Algorithm::Md5, false);
    for nc in [2, 1, 10, 4, 3, 0x7FFF_FFFF] {
        assert_eq!(
            verify(&mut server, &answer(&challenge, nc), START),
            Verdict::Ok,
            "{nc}"
        );
    }
    assert_eq!(
        verify(&mut server, &answer(&challenge, 5), START),
        Verdict::Replayed
    );
}

#[test]
fn a_phone_that_writes_its_count_in_capitals_is_let_in() {
    let mut server = server();
    let challenge = server.challenge(START, Algorithm::Md5, false);
    let client = Client {
        username: "1000",
        password: PASSWORD,
    };
    let mut credentials = client.answer(&challenge, invite(), "c", 10);
    // Its hash is over the text that it sends.
    credentials.nc = Some("0000000A".to_owned());
    credentials.response = hash_of_capitals(&challenge.nonce);
    assert_eq!(verify(&mut server, &credentials, START), Verdict::Ok);
}

/// MD5 by hand, as such a phone does it.
fn hash_of_capitals(nonce: &str) -> String {
    use md5::{Digest, Md5};
    let hash = |text: String| -> String {
        Md5::digest(text)
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect::<String>()
            .to_lowercase()
    };
    let a1 = hash("1000:strowger:correct horse".to_owned());
    let a2 = hash(format!("INVITE:{URI}"));
    hash(format!("{a1}:{nonce}:0000000A:c:auth:{a2}")).to_uppercase()
}

#[test]
fn anything_else_than_what_was_proved_is_wrong() {
    let mut server = server();
    let challenge = server.challenge(START, Algorithm::Md5, false);
    let good = answer(&challenge, 1);
    let check = |server: &mut Server, c: &Credentials, method: &str, uri: &str, password: &str| {
        server.verify(c, method, Some(uri), password, START)
    };
    assert_eq!(
        check(&mut server, &good, "INVITE", URI, "guess"),
        Verdict::Wrong
    );
    assert_eq!(check(&mut server, &good, "INVITE", URI, ""), Verdict::Wrong);
    assert_eq!(
        check(&mut server, &good, "BYE", URI, PASSWORD),
        Verdict::Wrong
    );
    assert_eq!(
        check(
            &mut server,
            &good,
            "INVITE",
            "sip:1002@pbx.example.com",
            PASSWORD
        ),
        Verdict::Wrong
    );
    for spoil in [
        |c: &mut Credentials| c.username.push('1'),
        |c: &mut Credentials| c.realm.push('1'),
        |c: &mut Credentials| c.nonce.push('1'),
        |c: &mut Credentials| c.uri.push('1'),
        |c: &mut Credentials| c.response.clear(),
        |c: &mut Credentials| c.response.push('0'),
        |c: &mut Credentials| c.cnonce = None,
        |c: &mut Credentials| c.nc = None,
        |c: &mut Credentials| c.nc = Some("00000002".to_owned()),
        |c: &mut Credentials| c.qop = None,
        |c: &mut Credentials| c.qop = Some(Qop::AuthInt),
        |c: &mut Credentials| c.algorithm = Algorithm::Sha256,
    ] {
        let mut spoilt = good.clone();
        spoil(&mut spoilt);
        assert_eq!(
            check(&mut server, &spoilt, "INVITE", URI, PASSWORD),
            Verdict::Wrong,
            "{spoilt}"
        );
    }
    assert_eq!(
        check(&mut server, &good, "INVITE", URI, PASSWORD),
        Verdict::Ok,
        "none of it used the nonce up"
    );
}

#[test]
fn the_uri_may_be_written_otherwise_and_is_not_compared_where_proxies_change_it() {
    let mut server = server();
    let challenge = server.challenge(START, Algorithm::Md5, false);
    let same = Some("sip:100%31@PBX.example.com");
    assert_eq!(
        server.verify(&answer(&challenge, 1), "INVITE", same, PASSWORD, START),
        Verdict::Ok
    );
    assert_eq!(
        server.verify(&answer(&challenge, 2), "INVITE", None, PASSWORD, START),
        Verdict::Ok
    );
}

#[test]
fn a_nonce_is_stale_after_its_life_and_the_next_one_is_not() {
    let mut server = server();
    let challenge = server.challenge(START, Algorithm::Md5, false);
    assert_eq!(
        verify(&mut server, &answer(&challenge, 1), START + LIFE),
        Verdict::Ok
    );
    let later = START + LIFE + Duration::from_micros(1);
    assert_eq!(
        verify(&mut server, &answer(&challenge, 2), later),
        Verdict::Stale
    );
    let next = server.challenge(later, Algorithm::Md5, true);
    assert!(next.stale);
    assert_eq!(verify(&mut server, &answer(&next, 1), later), Verdict::Ok);
}

#[test]
fn a_nonce_that_is_not_ours_is_stale_for_who_knows_the_password_and_wrong_for_others() {
    let mut server = server();
    let mut challenge = server.challenge(START, Algorithm::Md5, false);
    for nonce in [
        "",
        "0",
        "f2/wE4q74E6zIJEtWaHKaf5wv",
        "\u{e9}".repeat(40).as_str(),
    ] {
        challenge.nonce = nonce.to_owned();
        assert_eq!(
            verify(&mut server, &answer(&challenge, 1), START),
            Verdict::Stale
        );
        let wrong = server.verify(&answer(&challenge, 1), "INVITE", None, "guess", START);
        assert_eq!(wrong, Verdict::Wrong);
    }
    let after_restart = &mut Server::new("strowger", [43; 32], LIFE);
    let challenge = server.challenge(START, Algorithm::Md5, false);
    assert_eq!(
        verify(after_restart, &answer(&challenge, 1), START),
        Verdict::Stale
    );
    let from_the_future = server.challenge(START + LIFE, Algorithm::Md5, false);
    assert_eq!(
        verify(&mut server, &answer(&from_the_future, 1), START),
        Verdict::Stale
    );
}

#[test]
fn a_client_without_quality_of_protection_gets_one_request_for_a_nonce() {
    let mut server = server();
    let mut challenge = server.challenge(START, Algorithm::Md5, false);
    challenge.qop_auth = false;
    let credentials = answer(&challenge, 1);
    assert_eq!(credentials.qop, None);
    assert_eq!(verify(&mut server, &credentials, START), Verdict::Ok);
    assert_eq!(verify(&mut server, &credentials, START), Verdict::Stale);
    challenge.qop_auth = true;
    assert_eq!(
        verify(&mut server, &answer(&challenge, 1), START),
        Verdict::Replayed
    );
}

#[test]
fn two_phones_with_challenges_of_one_moment_do_not_disturb_each_other() {
    let mut server = server();
    let first = server.challenge(START, Algorithm::Md5, false);
    let second = server.challenge(START, Algorithm::Md5, false);
    assert_ne!(first.nonce, second.nonce);
    assert_eq!(verify(&mut server, &answer(&second, 1), START), Verdict::Ok);
    assert_eq!(verify(&mut server, &answer(&first, 1), START), Verdict::Ok);
}

#[test]
fn names_passwords_and_realms_may_be_of_any_characters() {
    let (username, password) = ("M\u{fc}ller \"x\\y\"", "p:\"\\ \u{20ac}");
    let mut server = Server::new("r \"q\\\"", [1; 32], LIFE);
    let challenge = server
        .challenge(START, Algorithm::Sha256, false)
        .to_string();
    let challenge = sip::digest::Challenge::parse(&challenge).unwrap();
    let request = Request {
        method: "REGISTER",
        uri: "sip:pbx",
        body: b"",
    };
    let sent = Client { username, password }
        .answer(&challenge, request, "c\"n", 1)
        .to_string();
    let credentials = Credentials::parse(&sent).unwrap();
    assert_eq!(credentials.username, username);
    assert_eq!(
        server.verify(&credentials, "REGISTER", None, password, START),
        Verdict::Ok
    );
}
