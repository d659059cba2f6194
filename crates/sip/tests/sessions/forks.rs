//! One INVITE, several answers.

use sip::{EndCause, Event};

use crate::common::*;

#[test]
fn a_2xx_of_a_second_fork_is_acked_and_hung_up() {
    let mut lone = Lone::new();
    let (session, invite) = lone.invite();
    lone.hear(&response(&invite, 180, "one", ""));
    lone.hear(&response(&invite, 180, "two", ""));
    assert_eq!(lone.events().len(), 2);
    lone.hear(&response(&invite, 200, "two", ANSWER));
    let ack = lone.only();
    assert_eq!(ack.to_tag(), Some("two"));
    let second = ANSWER.replace("sip:bob@", "sip:other@");
    lone.hear(&response(&invite, 200, "one", &second));
    let sent = lone.sent();
    let labels: Vec<_> = sent.iter().map(label).collect();
    assert_eq!(labels, ["ACK", "BYE"]);
    for message in &sent {
        assert_eq!(message.to_tag(), Some("one"));
        assert_eq!(message.request_uri(), Some("sip:other@192.0.2.9:5060"));
    }
    assert!(matches!(
        lone.events()[..],
        [Event::Answered { session: answered, .. }] if answered == session
    ));
    // Each comes again, and each gets its own ACK again.
    lone.hear(&response(&invite, 200, "one", &second));
    assert_eq!(lone.only().to_tag(), Some("one"));
    lone.hear(&response(&invite, 200, "two", ANSWER));
    assert_eq!(lone.only().as_bytes(), ack.as_bytes());
    lone.hear(&response(&sent[1], 200, "", ""));
    lone.until(40_000);
    assert_eq!(lone.events().len(), 0);
    // The session is still there, and nothing else.
    let load = lone.endpoint.load();
    assert_eq!((load.sessions, load.transactions, load.timers), (1, 0, 1));
}

#[test]
fn a_fork_that_answers_after_the_call_is_over_is_hung_up() {
    let mut lone = Lone::new();
    let (session, invite) = lone.invite();
    lone.hear(&response(&invite, 200, "one", ANSWER));
    let now = lone.at();
    lone.endpoint.terminate(session, &[], now).unwrap();
    let bye = lone.sent().pop().unwrap();
    lone.hear(&response(&bye, 200, "", ""));
    lone.hear(&response(&invite, 200, "two", ANSWER));
    let sent = lone.sent();
    let labels: Vec<_> = sent.iter().map(label).collect();
    assert_eq!(labels, ["ACK", "BYE"]);
    assert_eq!(ends(&lone.events()), [EndCause::Local]);
    lone.hear(&response(&sent[1], 481, "", ""));
    lone.until(60_000);
    assert_eq!(lone.endpoint.load(), sip::Load::default());
}

#[test]
fn early_media_is_told_of_one_fork_only() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    lone.hear(&response(&invite, 183, "one", ANSWER));
    lone.hear(&response(&invite, 183, "two", ANSWER));
    lone.hear(&response(&invite, 183, "one", ANSWER));
    let told: Vec<_> = lone
        .events()
        .iter()
        .map(|event| match event {
            Event::Ringing { body, .. } => body.is_some(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [true, false, true]);
}

#[test]
fn more_forks_than_there_is_room_for_do_no_harm() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    for fork in 0..100 {
        lone.hear(&response(&invite, 180, &format!("f{fork}"), ""));
    }
    for fork in 0..100 {
        lone.hear(&response(&invite, 200, &format!("f{fork}"), ANSWER));
    }
    let answered = lone
        .events()
        .iter()
        .filter(|e| matches!(e, Event::Answered { .. }))
        .count();
    assert_eq!(answered, 1);
    lone.until(120_000);
    let load = lone.endpoint.load();
    assert_eq!((load.sessions, load.transactions, load.timers), (1, 0, 1));
}

#[test]
fn requests_go_by_the_route_set_and_to_the_refreshed_target() {
    let mut lone = Lone::new();
    let (session, invite) = lone.invite();
    let routed = format!(
        "Record-Route: <sip:near@192.0.2.70;lr>, <sip:mid@192.0.2.71;lr>\n\
         Record-Route: <sip:far@192.0.2.72;lr>\n{ANSWER}"
    );
    lone.hear(&response(&invite, 200, "b", &routed));
    let check = |message: &sip::Message, target: &str| {
        assert_eq!(message.request_uri(), Some(target));
        let routes: Vec<_> = message.values(sip::HeaderName::Route).collect();
        assert_eq!(
            routes,
            [
                "<sip:far@192.0.2.72;lr>",
                "<sip:mid@192.0.2.71;lr>",
                "<sip:near@192.0.2.70;lr>"
            ]
        );
    };
    check(&lone.only(), "sip:bob@192.0.2.9:5060");
    let now = lone.at();
    lone.endpoint
        .reinvite(session, Some(sdp("hold")), now)
        .unwrap();
    let reinvite = lone.only();
    check(&reinvite, "sip:bob@192.0.2.9:5060");
    let moved = ANSWER.replace("192.0.2.9:5060", "192.0.2.99:7000");
    lone.hear(&response(&reinvite, 200, "", &moved));
    check(&lone.only(), "sip:bob@192.0.2.99:7000");
    lone.endpoint.terminate(session, &[], now).unwrap();
    check(&lone.only(), "sip:bob@192.0.2.99:7000");
}

#[test]
fn a_strict_router_gets_its_own_uri_in_the_request_line() {
    let mut lone = Lone::new();
    let (session, invite) = lone.invite();
    let routed =
        format!("Record-Route: <sip:near@192.0.2.70;lr>, <sip:strict@192.0.2.71>\n{ANSWER}");
    lone.hear(&response(&invite, 200, "b", &routed));
    let ack = lone.only();
    assert_eq!(ack.request_uri(), Some("sip:strict@192.0.2.71"));
    let routes: Vec<_> = ack.values(sip::HeaderName::Route).collect();
    assert_eq!(
        routes,
        ["<sip:near@192.0.2.70;lr>", "<sip:bob@192.0.2.9:5060>"]
    );
    let now = lone.at();
    lone.endpoint.terminate(session, &[], now).unwrap();
}
