//! Two phones, a real exchange: what each end hears and what an application is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use common::{Events, House, PATIENCE, TONES, hears, members, wait_for};
use exchange::{CallKind, DialRequest, ExchangeError, Selector};
use serde_json::{Value, json};
use softphone::{Answer, PhoneEvent};
use store::{CdrFilter, Page, Sort};
use tokio::time::timeout;

async fn pair(answer: Answer) -> (House, softphone::Softphone, softphone::Softphone) {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    let a = house
        .phone("1000", TONES[0], Answer::After(Duration::ZERO))
        .await;
    let b = house.phone("1001", TONES[1], answer).await;
    (house, a, b)
}

async fn only_record(house: &House) -> store::CdrRow {
    let (total, rows) = house
        .store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, 1, "{rows:?}");
    rows.into_iter().next().unwrap()
}

#[tokio::test]
async fn each_end_hears_the_other_and_the_application_sees_the_pair() {
    let (house, mut a, mut b) = pair(Answer::After(Duration::from_millis(50))).await;
    let mut events = Events::of(&house);
    a.dial("1001").await.unwrap();
    assert_eq!(
        members(&events.next_of(30011).await),
        ["1000:ALERT", "1001:RING"]
    );
    assert_eq!(
        members(&events.next_of(30011).await),
        ["1000:ANSWERED", "1001:ANSWER"]
    );
    wait_for(&mut a, PhoneEvent::Answered).await;
    hears(&a, TONES[1]).await;
    hears(&b, TONES[0]).await;
    let live = house
        .running
        .handle
        .calls(Selector::Kind(CallKind::Internal))
        .await
        .unwrap();
    assert_eq!(live.len(), 1);
    b.hangup().await.unwrap();
    assert_eq!(
        members(&events.next_of(30011).await),
        ["1000:BYE", "1001:BYE"]
    );
    let end = events.next_of(30012).await;
    assert_eq!(
        (&end["status"], &end["type"]),
        (&json!("ANSWERED"), &json!("Internal"))
    );
    wait_for(&mut a, PhoneEvent::Ended(None)).await;
    wait_for(&mut b, PhoneEvent::Ended(None)).await;
    let record = only_record(&house).await;
    assert_eq!(record.uid, end["uid"].as_str().unwrap());
    assert_eq!(
        (record.disposition.as_str(), record.reason.as_str()),
        ("ANSWERED", "dst hangup")
    );
    assert!(
        house
            .running
            .handle
            .calls(Selector::Kind(CallKind::Internal))
            .await
            .unwrap()
            .is_empty()
    );
}

/// Adds a company contact.
async fn contact(house: &House, name: &str, number: &str) {
    let contact = json!({
        "first_name": name,
        "number_list": [{"num_type": "business_number", "number": number}],
    });
    let settings = house.running.handle.settings();
    let Value::Object(contact) = contact else {
        unreachable!()
    };
    settings.create("company_contact", contact).await.unwrap();
}

#[tokio::test]
async fn who_has_no_name_calls_under_the_one_that_the_contacts_have_for_its_number() {
    let house = House::open().await;
    let nameless = json!({"first_name": "", "caller_id": "+66 2 123 4567"});
    house.extension("1000", nameless).await;
    house.extension("1001", json!({})).await;
    contact(&house, "Lobby gate", "02 123 4568").await;
    contact(&house, "Front gate", "6621234567").await;
    let mut a = house.phone("1000", TONES[0], Answer::Never).await;
    let mut b = house.phone("1001", TONES[1], Answer::Never).await;
    let incoming = |from: &str, name: &str| PhoneEvent::Incoming {
        from: from.into(),
        name: name.into(),
    };

    let mut events = Events::of(&house);
    a.dial("1001").await.unwrap();
    wait_for(&mut b, incoming("+66 2 123 4567", "Front gate")).await;
    a.hangup().await.unwrap();
    wait_for(&mut b, PhoneEvent::Ended(None)).await;
    wait_for(&mut a, PhoneEvent::Ended(None)).await;
    events.next_of(30012).await;
    let record = only_record(&house).await;
    assert_eq!(record.call_from_name, "Front gate");

    // Who has a name keeps it, whatever the contacts say of the number.
    contact(&house, "Somebody else", "1001").await;
    b.dial("1000").await.unwrap();
    wait_for(&mut a, incoming("1001", "Name1001")).await;
}

#[tokio::test]
async fn dialled_caller_rings_first_then_waits_with_ringback_then_talks() {
    let (house, a, mut b) = pair(Answer::After(Duration::from_millis(1500))).await;
    let mut events = Events::of(&house);
    let dial = DialRequest {
        caller: "1000".into(),
        callee: "1001".into(),
        dial_permission: None,
        auto_answer: false,
    };
    let call = house.running.handle.dial(dial).await.unwrap().to_string();
    let found = house
        .running
        .handle
        .calls(Selector::Call(call.clone()))
        .await
        .unwrap();
    assert_eq!(found.len(), 1, "the call is there before the answer leaves");
    let first = events.next_of(30011).await;
    assert_eq!(
        (members(&first), first["call_id"].as_str().unwrap()),
        (vec!["1000:RING".into()], call.as_str())
    );
    assert_eq!(members(&events.next_of(30011).await), ["1000:ALERT"]);
    assert_eq!(
        members(&events.next_of(30011).await),
        ["1000:ALERT", "1001:RING"]
    );
    hears(&a, 425).await;
    let talk = events.next_of(30011).await;
    assert_eq!(members(&talk), ["1000:ANSWERED", "1001:ANSWER"]);
    wait_for(&mut b, PhoneEvent::Answered).await;
    hears(&a, TONES[1]).await;
    hears(&b, TONES[0]).await;
    let channel = talk["members"][1]["extension"]["channel_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        house
            .running
            .handle
            .hangup(&channel)
            .await
            .unwrap()
            .to_string(),
        call
    );
    assert_eq!(events.next_of(30012).await["call_id"], call.as_str());
    wait_for(&mut b, PhoneEvent::Ended(None)).await;
    assert_eq!(
        house.running.handle.hangup(&channel).await,
        Err(ExchangeError::NoSuchChannel)
    );
}

#[tokio::test]
async fn held_party_hears_the_hold_tone_and_the_holder_is_told_as_holding() {
    let (house, mut a, b) = pair(Answer::After(Duration::ZERO)).await;
    let mut events = Events::of(&house);
    a.dial("1001").await.unwrap();
    wait_for(&mut a, PhoneEvent::Answered).await;
    hears(&b, TONES[0]).await;
    a.hold(true).await.unwrap();
    loop {
        if members(&events.next_of(30011).await) == ["1000:HOLD", "1001:ANSWER"] {
            break;
        }
    }
    hears(&b, 425).await;
    a.hold(false).await.unwrap();
    assert_eq!(
        members(&events.next_of(30011).await),
        ["1000:ANSWERED", "1001:ANSWER"]
    );
    hears(&b, TONES[0]).await;
    hears(&a, TONES[1]).await;
}

async fn refused(answer: Answer, status: u16, reason: &str, disposition: &str, told: &str) {
    let (house, mut a, _b) = pair(answer).await;
    let mut events = Events::of(&house);
    a.dial("1001").await.unwrap();
    wait_for(&mut a, PhoneEvent::Ended(Some(status))).await;
    assert_eq!(events.next_of(30015).await["reason"], reason);
    assert_eq!(events.next_of(30012).await["status"], told);
    assert_eq!(only_record(&house).await.disposition, disposition);
}

#[tokio::test]
async fn busy_callee_is_told_as_busy() {
    refused(Answer::Busy, 486, "486 Busy here", "BUSY", "BUSY").await;
}

#[tokio::test]
async fn declining_callee_is_told_as_user_busy() {
    refused(Answer::Decline, 603, "User Busy", "BUSY", "BUSY").await;
}

#[tokio::test]
async fn number_that_is_nobodys_and_phone_that_is_off_fail_with_their_reasons() {
    let (house, mut a, b) = pair(Answer::Never).await;
    let mut events = Events::of(&house);
    a.dial("4711").await.unwrap();
    wait_for(&mut a, PhoneEvent::Ended(Some(404))).await;
    assert_eq!(members(&events.next_of(30011).await), ["1000:BYE"]);
    let failed = events.next_of(30015).await;
    assert_eq!(failed["reason"], "404 NOT found");
    assert_eq!(members(&failed), ["1000:BYE"], "its leg did exist");
    timeout(PATIENCE, b.unregister()).await.unwrap().unwrap();
    a.dial("1001").await.unwrap();
    wait_for(&mut a, PhoneEvent::Ended(Some(480))).await;
    assert_eq!(events.next_of(30015).await["reason"], "Line Unreachable");
    let dial = |caller: &str| DialRequest {
        caller: caller.into(),
        callee: "1000".into(),
        dial_permission: None,
        auto_answer: false,
    };
    assert_eq!(
        house.running.handle.dial(dial("4711")).await,
        Err(ExchangeError::NoSuchCaller)
    );
    house.running.handle.dial(dial("1001")).await.unwrap();
    assert_eq!(
        events.next_of(30015).await["members"],
        Value::Null,
        "no leg ever existed"
    );
}

#[tokio::test]
async fn caller_who_gives_up_leaves_a_record_and_no_failure() {
    let (house, mut a, mut b) = pair(Answer::Never).await;
    let mut events = Events::of(&house);
    a.dial("1001").await.unwrap();
    wait_for(&mut a, PhoneEvent::Ringing).await;
    a.hangup().await.unwrap();
    let end = loop {
        match events.next().await {
            (30015, msg) => panic!("{msg}"),
            (30012, msg) => break msg,
            _ => {}
        }
    };
    assert_eq!(
        (&end["status"], &end["talk_duration"]),
        (&json!("NO ANSWER"), &json!(0))
    );
    wait_for(&mut b, PhoneEvent::Ended(None)).await;
}

#[tokio::test]
async fn ring_time_is_the_extensions_own() {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    house
        .extension(
            "1001",
            json!({"presence_list": [{"status": "available", "ring_timeout": 5}]}),
        )
        .await;
    let mut a = house.phone("1000", TONES[0], Answer::Never).await;
    let _b = house.phone("1001", TONES[1], Answer::Never).await;
    let mut events = Events::of(&house);
    a.dial("1001").await.unwrap();
    wait_for(&mut a, PhoneEvent::Ended(Some(480))).await;
    assert_eq!(events.next_of(30015).await["reason"], "408 Request Time");
}

#[tokio::test]
async fn monitored_extension_tells_its_registration_and_its_state() {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    house.monitor_all().await;
    let mut events = Events::of(&house);
    let a = house.phone("1000", TONES[0], Answer::Never).await;
    let registered = events.next_of(30007).await;
    assert_eq!(
        registered,
        json!({"extension": "1000", "kind": "Sip", "status": "Registered", "registered_ip": "127.0.0.1"})
    );
    let _b = house.phone("1001", TONES[1], Answer::Never).await;
    a.dial("1001").await.unwrap();
    let mut states = Vec::new();
    while states.len() < 2 {
        let msg = events.next_of(30008).await;
        states.push(format!(
            "{}:{}",
            msg["extension"].as_str().unwrap(),
            msg["status"].as_str().unwrap()
        ));
    }
    assert_eq!(states, ["1000:Busy", "1001:Ringing"]);
    a.hangup().await.unwrap();
    timeout(PATIENCE, a.unregister()).await.unwrap().unwrap();
    assert_eq!(events.next_of(30007).await["status"], "Unregistered");
}

#[tokio::test]
async fn registration_outlives_a_restart_and_numbers_are_never_used_again() {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    let _a = house.phone("1000", TONES[0], Answer::Never).await;
    let number = switch::ExtensionNumber::new("1000").unwrap();
    let before = house.running.handle.registrations(&number);
    assert_eq!(before.len(), 1);
    let house = house.restart().await;
    assert_eq!(house.running.handle.registrations(&number), before);
}

#[tokio::test]
async fn wrong_password_and_another_ones_number_are_refused() {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    for (number, reg_name, password) in [
        ("1000", "auth1000", "wrong-password"),
        ("1001", "auth1000", "secret-1000"),
        ("1000", "nobody", "secret-1000"),
    ] {
        let phone = softphone::Softphone::start(softphone::SoftphoneConfig {
            registrar: house.running.sip_udp,
            listen: "127.0.0.1".parse().unwrap(),
            number: number.into(),
            reg_name: reg_name.into(),
            password: password.into(),
            tone: None,
            codecs: vec![media::Codec::Pcmu],
            answer: Answer::Never,
        })
        .await
        .unwrap();
        let refused = timeout(PATIENCE, phone.register()).await.unwrap();
        assert!(
            matches!(refused, Err(softphone::PhoneError::Refused(403))),
            "{refused:?}"
        );
    }
}
