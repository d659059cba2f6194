//! The event stream of a plain call: order, encoding, who stands first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use e2e::{Event, Events, Server, Sipp, User, register};
use serde_json::{Value, json};

const CALL_EVENTS: [i64; 5] = [30007, 30008, 30011, 30012, 30015];

#[tokio::test]
async fn answered_call_is_told_step_by_step_with_the_caller_first() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    api.monitor(&[&alice, &bob]).await;
    let mut events = Events::subscribe(&api, &CALL_EVENTS).await;
    let at = register(&[&bob], &server.sip).await;
    events
        .wait("30007", |seen| {
            seen.iter().any(|event| {
                event.id == 30007
                    && event.msg["extension"] == "1001"
                    && event.msg["status"] == "Registered"
                    && event.msg["kind"] == "Sip"
                    && event.msg["registered_ip"] == "127.0.0.1"
            })
        })
        .await;
    let phone = Sipp::scenario("answer.xml", &server.sip)
        .at(&at)
        .start()
        .await;
    Sipp::scenario("call.xml", &server.sip)
        .users([User::calls(&alice, "1001")])
        .hold(Duration::from_millis(1100))
        .succeeds()
        .await;
    phone.succeeds().await;
    let end = events.call_end("1000", "1001").await;
    events
        .wait("both idle", |seen| {
            ["1000", "1001"].iter().all(|number| {
                states(seen, number)
                    .last()
                    .is_some_and(|last| last == "Idle")
            })
        })
        .await;
    let seen = events.seen();

    for event in seen {
        assert!(event.was_string, "msg is JSON in a string: {event:?}");
        assert!(event.sn.is_some(), "the envelope has the serial: {event:?}");
    }
    let told = members(seen);
    for members in &told {
        assert_eq!(members[0].0, "1000", "the caller stands first: {told:?}");
    }
    let steps: Vec<Vec<&str>> = told
        .iter()
        .map(|members| members.iter().map(|(_, status)| *status).collect())
        .collect();
    let at = |wanted: &[&str]| steps.iter().position(|step| step == wanted);
    let (ring, talk, over) = (
        at(&["ALERT", "RING"]),
        at(&["ANSWERED", "ANSWER"]),
        at(&["BYE", "BYE"]),
    );
    assert!(ring.is_some() && ring < talk && talk < over, "{steps:?}");
    assert_eq!(states(seen, "1000"), ["Busy", "Idle"]);
    assert_eq!(states(seen, "1001"), ["Ringing", "Busy", "Idle"]);
    assert_eq!(failures(seen), 0);

    assert_eq!(end.msg["type"], "Internal");
    assert_eq!(end.msg["status"], "ANSWERED");
    assert!(end.msg["talk_duration"].as_i64().unwrap() >= 1);
    let record = e2e::one_record(&api, "1000", "1001").await;
    assert_eq!(record["uid"], end.msg["uid"]);
    assert_eq!(record["talk_duration"], end.msg["talk_duration"]);
    assert_eq!(record["call_from"], json!("User 1000<1000>"));
}

fn failures(events: &[Event]) -> usize {
    events.iter().filter(|event| event.id == 30015).count()
}

/// An extension's states by 30008.
fn states(events: &[Event], number: &str) -> Vec<String> {
    events
        .iter()
        .filter(|event| event.id == 30008 && event.msg["extension"] == number)
        .map(|event| event.msg["status"].as_str().unwrap().to_owned())
        .collect()
}

/// Number and status of each member, by 30011.
fn members(events: &[Event]) -> Vec<Vec<(&str, &str)>> {
    let text = |value: &'_ Value| -> &'static str {
        // Leaked: a test ends soon enough.
        String::leak(value.as_str().unwrap_or("").to_owned())
    };
    events
        .iter()
        .filter(|event| event.id == 30011)
        .map(|event| {
            let list = event.msg["members"].as_array().unwrap();
            list.iter()
                .map(|member| &member["extension"])
                .map(|leg| (text(&leg["number"]), text(&leg["member_status"])))
                .collect()
        })
        .collect()
}
