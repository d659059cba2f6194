//! Being asked who we are.

use sip::digest::{Credentials, Server, Verdict};
use sip::{ClientAuth, EndCause, Event, HeaderName, Method, OutOfDialog};

use crate::common::*;

fn auth() -> ClientAuth {
    ClientAuth {
        username: "alice".into(),
        password: "secret".into(),
    }
}

fn server() -> Server {
    Server::new("pbx", [3; 32], ms(60_000))
}

fn challenge(server: &mut Server, stale: bool) -> String {
    let lines: String = server
        .challenges(ms(0), stale)
        .iter()
        .map(|challenge| format!("WWW-Authenticate: {challenge}\n"))
        .collect();
    lines + "\n"
}

fn credentials(message: &sip::Message) -> Credentials {
    Credentials::parse(message.header(HeaderName::Authorization).unwrap()).unwrap()
}

#[test]
fn a_challenged_invite_is_sent_again_with_credentials_and_the_next_cseq() {
    let mut server = server();
    let mut lone = Lone::new();
    let (session, first) = lone.invite_with(Some(sdp("offer")), Some(auth()));
    lone.hear(&response(&first, 401, "x", &challenge(&mut server, false)));
    let sent = lone.sent();
    let labels: Vec<_> = sent.iter().map(label).collect();
    assert_eq!(labels, ["ACK", "INVITE"]);
    let second = &sent[1];
    assert_eq!(second.cseq().unwrap().number, 2);
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.from_tag(), first.from_tag());
    assert_eq!(second.to_tag(), None);
    assert_eq!(second.body(), b"offer");
    assert_ne!(
        second.top_via().unwrap().branch(),
        first.top_via().unwrap().branch()
    );
    let uri = second.request_uri().unwrap();
    let verdict = server.verify(&credentials(second), "INVITE", Some(uri), "secret", ms(0));
    assert_eq!(verdict, Verdict::Ok);
    lone.hear(&response(second, 200, "b", ANSWER));
    assert_eq!(lone.only().cseq().unwrap().number, 2);
    assert!(matches!(
        lone.events()[..],
        [Event::Answered { session: answered, .. }] if answered == session
    ));
}

#[test]
fn a_wrong_password_is_tried_once_and_a_stale_nonce_twice() {
    for (stale, tries) in [(false, 1), (true, 2)] {
        let mut server = server();
        let mut lone = Lone::new();
        let (_, mut invite) = lone.invite_with(None, Some(auth()));
        let mut sent = 0;
        for round in 0..5 {
            let challenge = challenge(&mut server, stale && round > 0);
            lone.hear(&response(&invite, 401, "x", &challenge));
            match lone.sent().pop() {
                Some(again) if is(&again, "INVITE") => {
                    invite = again;
                    sent += 1;
                }
                _ => break,
            }
        }
        assert_eq!(sent, tries);
        assert!(matches!(
            ends(&lone.events())[..],
            [EndCause::Rejected { status: 401, .. }]
        ));
    }
}

#[test]
fn without_credentials_a_challenge_is_a_rejection() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    lone.hear(&response(
        &invite,
        401,
        "x",
        &challenge(&mut server(), false),
    ));
    assert!(matches!(
        ends(&lone.events())[..],
        [EndCause::Rejected { status: 401, .. }]
    ));
}

#[test]
fn a_challenged_bye_and_reinvite_are_sent_again() {
    let mut lone = Lone::new();
    let (session, invite) = lone.invite_with(Some(sdp("offer")), Some(auth()));
    lone.hear(&response(&invite, 200, "b", ANSWER));
    lone.sent();
    lone.events();
    let now = lone.at();
    lone.endpoint
        .reinvite(session, Some(sdp("hold")), now)
        .unwrap();
    let reinvite = lone.only();
    lone.hear(&response(
        &reinvite,
        401,
        "",
        &challenge(&mut server(), false),
    ));
    let again = lone.sent().pop().unwrap();
    assert_eq!(credentials(&again).uri, "sip:bob@192.0.2.9:5060");
    assert_eq!(again.body(), b"hold");
    lone.hear(&response(&again, 200, "", ANSWER));
    assert!(matches!(
        lone.events()[..],
        [Event::ReinviteAnswered { .. }]
    ));
    lone.sent();
    lone.endpoint.terminate(session, &[], now).unwrap();
    let bye = lone.only();
    lone.hear(&response(&bye, 401, "", &challenge(&mut server(), false)));
    let again = lone.only();
    assert!(again.cseq().unwrap().number > bye.cseq().unwrap().number);
    assert_eq!(credentials(&again).username, "alice");
    lone.hear(&response(&again, 401, "", &challenge(&mut server(), false)));
    assert_eq!(lone.sent().len(), 0);
    lone.until(60_000);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}

#[test]
fn a_challenged_register_is_sent_again_and_only_its_end_is_told() {
    let mut server = server();
    let mut lone = Lone::new();
    let request = OutOfDialog {
        method: Method::Register,
        uri: "sip:192.0.2.9".into(),
        flow: lone.flow,
        from: "<sip:alice@192.0.2.9>".into(),
        to: "<sip:alice@192.0.2.9>".into(),
        call_id: Some("reg-1".into()),
        cseq: Some(41),
        headers: vec![(HeaderName::Contact, "<sip:alice@192.0.2.1>".into())],
        body: None,
        auth: Some(auth()),
        via_host: lone.flow.local,
    };
    let now = lone.at();
    let tx = lone.endpoint.request(request, now).unwrap();
    let first = lone.only();
    assert_eq!(first.call_id(), Some("reg-1"));
    lone.hear(&response(&first, 401, "x", &challenge(&mut server, false)));
    let second = lone.only();
    assert_eq!(second.cseq().unwrap().number, 42);
    let verdict = server.verify(
        &credentials(&second),
        "REGISTER",
        Some("sip:192.0.2.9"),
        "secret",
        ms(0),
    );
    assert_eq!(verdict, Verdict::Ok);
    assert_eq!(lone.events().len(), 0);
    lone.hear(&response(&second, 200, "y", ""));
    assert!(matches!(
        &lone.events()[..],
        [Event::Response { tx: answered, response }]
            if *answered == tx && response.status() == Some(200)
    ));
    lone.until(60_000);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}
