//! After a kill: each call that was live has its record and its 30012, once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::collections::BTreeMap;

use common::House;
use common::wire::{Dialog, WirePhone};
use exchange::DialRequest;
use serde_json::{Value, json};
use sip::{Message, Method};
use store::{Batch, CdrFilter, CdrRow, LiveChange, Page, Sort, Store, StoreOptions};

/// What is written of each call: its row and its 30012s.
async fn told(house: &House) -> BTreeMap<String, (Vec<CdrRow>, usize)> {
    house.store.journal().flushed().await;
    let mut told: BTreeMap<String, (Vec<CdrRow>, usize)> = BTreeMap::new();
    let (_, rows) = house
        .store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    for row in rows {
        told.entry(row.call_id.clone()).or_default().0.push(row);
    }
    for event in house.store.events_after(None, 10_000).await.unwrap() {
        let frame: Value = serde_json::from_str(&event.frame).unwrap();
        if event.id == 30012 {
            let msg: Value = serde_json::from_str(frame["msg"].as_str().unwrap()).unwrap();
            let call = msg["call_id"].as_str().unwrap().to_owned();
            told.entry(call).or_default().1 += 1;
        }
    }
    told
}

async fn ring(a: &mut WirePhone, b: &mut WirePhone) -> (Dialog, Message) {
    let offer = a.sdp();
    let call = a.call(&b.number.clone(), Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 180, None).await;
    a.response(&call, 180..181).await;
    (call, invite)
}

async fn talk(a: &mut WirePhone, b: &mut WirePhone) -> Dialog {
    let (mut call, invite) = ring(a, b).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;
    call
}

/// As if the exchange had run for so many seconds after that call began.
async fn set_alive(house: &tempfile::TempDir, row: &str, seconds: u64) {
    let url = format!("sqlite:{}", house.path().join("test.db").display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let row: Value = serde_json::from_str(row).unwrap();
    let mut alive = row["began"].clone();
    alive["mono"] = (alive["mono"].as_u64().unwrap() + seconds * 1_000_000).into();
    store.set_meta("alive", &alive.to_string()).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn killed_exchange_gives_each_live_call_its_record_and_event_once() {
    let house = House::open().await;
    for number in ["1000", "1001", "1002"] {
        house.extension(number, json!({})).await;
    }
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let mut c = WirePhone::registered(&house, "1002").await;
    let mut over = talk(&mut a, &mut b).await;
    a.within(Method::Bye, &mut over, None).await;
    a.response(&over, 200..300).await;
    talk(&mut a, &mut b).await;
    ring(&mut a, &mut c).await;
    house.store.journal().flushed().await;
    let live = house.store.live_calls().await.unwrap();
    assert_eq!(live.len(), 2);
    let before = told(&house).await;
    assert_eq!(before.len(), 1);
    let killed = house.as_killed();
    set_alive(&killed, &live[0].1, 60).await;

    let mut house = House::open_in(killed).await;
    let recovered = told(&house).await;
    assert_eq!(recovered.len(), 3);
    for (call, (rows, events)) in &recovered {
        assert_eq!((rows.len(), *events), (1, 1), "{call}");
    }
    let of = |call: &str| &recovered[call].0[0];
    let by_callee = |number: &str| {
        live.iter()
            .map(|(call, _)| of(call))
            .find(|row| row.call_to_number == number)
            .unwrap()
    };
    let talked = by_callee("1001");
    assert_eq!(talked.disposition, "ANSWERED");
    assert!(
        (57..=60).contains(&talked.talk_duration),
        "it ends when the exchange was last known to run: {talked:?}"
    );
    assert_eq!(talked.src_addr, a.address().to_string());
    assert_eq!(by_callee("1002").disposition, "NO ANSWER");
    assert!(house.store.live_calls().await.unwrap().is_empty());

    house = house.restart().await;
    assert_eq!(told(&house).await, recovered, "a second start adds nothing");

    // The phones are still registered, and no number is used again.
    let mut a = WirePhone::new(&house, "1000").await;
    let offer = a.sdp();
    let call = a.call("1001", Some(&offer)).await;
    b.follow(&house);
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 486, None).await;
    assert_eq!(a.response(&call, 200..700).await.status(), Some(486));
    let after = told(&house).await;
    assert_eq!(after.len(), 4);
}

#[tokio::test]
async fn live_row_that_can_not_be_read_is_dropped_and_the_start_goes_on() {
    let house = House::open().await;
    let row = |call: &str, doc: &str| LiveChange {
        call_id: call.into(),
        doc: Some(doc.into()),
    };
    let batch = Batch {
        live: vec![row("1.1", "{}"), row("1.2", "not even JSON")],
        ..Batch::default()
    };
    house.store.write(batch).await.unwrap();
    let house = house.restart().await;
    assert!(told(&house).await.is_empty());
    assert!(house.store.live_calls().await.unwrap().is_empty());
}

#[tokio::test]
async fn shutdown_hangs_up_and_keeps_the_records() {
    let house = House::open().await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    talk(&mut a, &mut b).await;
    let goodbyes = async {
        for phone in [&mut a, &mut b] {
            let bye = phone.request(Method::Bye).await;
            phone.reply(&bye, 200, None).await;
        }
    };
    let (house, ()) = tokio::join!(house.restart(), goodbyes);
    let told = told(&house).await;
    assert_eq!(told.len(), 1);
    assert!(
        told.values()
            .all(|(rows, events)| rows.len() == 1 && *events == 1)
    );
}

#[tokio::test]
async fn shutdown_calls_off_every_phone_that_rings() {
    let house = House::open().await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    let mut first = WirePhone::registered(&house, "1000").await;
    let mut second = WirePhone::registered(&house, "1000").await;
    let _callee = WirePhone::registered(&house, "1001").await;
    let dial = DialRequest {
        caller: "1000".into(),
        callee: "1001".into(),
        dial_permission: None,
        auto_answer: false,
    };
    house.running.handle.dial(dial).await.unwrap();
    let called_off = async {
        for phone in [&mut first, &mut second] {
            let invite = phone.request(Method::Invite).await;
            phone.reply(&invite, 180, None).await;
        }
        for phone in [&mut first, &mut second] {
            let cancel = phone.request(Method::Cancel).await;
            phone.reply(&cancel, 200, None).await;
        }
    };
    let (house, ()) = tokio::join!(house.restart(), called_off);
    assert_eq!(told(&house).await.len(), 1);
}
