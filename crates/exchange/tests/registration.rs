//! Registrations over their whole life: kept before they are answered, over a
//! restart, and gone with what they rested on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use common::wire::WirePhone;
use common::{Events, House};
use exchange::Handle;
use serde_json::json;
use sip::{HeaderName, Method};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use store::{Batch, RegistrationChange};
use switch::ExtensionNumber;
use tokio::time::timeout;

async fn watched() -> House {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    house.monitor_all().await;
    house
}

fn online(handle: &Handle, number: &str) -> usize {
    handle
        .registrations(&ExtensionNumber::new(number).unwrap())
        .len()
}

#[tokio::test]
async fn answer_waits_until_the_binding_is_kept() {
    let house = watched().await;
    let mut lock = SqliteConnectOptions::new()
        .filename(house.database())
        .connect()
        .await
        .unwrap();
    lock.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut phone = WirePhone::new(&house, "1000").await;
    let contact = phone.contact();
    let mut registering = Box::pin(phone.register(&contact, &[]));
    let early = timeout(Duration::from_millis(300), &mut registering).await;
    assert!(early.is_err(), "answered before it was kept");
    lock.execute("ROLLBACK").await.unwrap();
    assert_eq!(registering.await.status(), Some(200));
    assert_eq!(house.store.registrations().await.unwrap().len(), 1);
}

#[tokio::test]
async fn registered_phone_is_reached_after_a_restart_on_another_port() {
    let house = watched().await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let before = house.running.sip_udp;
    let house = house.restart().await;
    assert_ne!(house.running.sip_udp, before, "port 0 found another one");
    let mut a = WirePhone::new(&house, "1000").await;
    let offer = a.sdp();
    let _call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    let port = house.running.sip_udp.port().to_string();
    assert!(invite.header(HeaderName::Contact).unwrap().contains(&port));
}

#[tokio::test]
async fn binding_that_ran_out_while_the_exchange_was_down_is_told_and_removed() {
    let house = watched().await;
    let _phone = WirePhone::registered(&house, "1000").await;
    let mut row = house.store.registrations().await.unwrap().remove(0);
    row.expires_at = 1_000_000_000;
    let batch = Batch {
        registrations: vec![RegistrationChange::Put(row)],
        ..Batch::default()
    };
    house.store.write(batch).await.unwrap();
    let house = house.restart().await;
    assert_eq!(online(&house.running.handle, "1000"), 0);
    house.store.journal().flushed().await;
    assert!(house.store.registrations().await.unwrap().is_empty());
    let told = house.store.events_after(None, 1000).await.unwrap();
    let last = told.iter().rfind(|e| e.id == 30007).unwrap();
    assert!(last.frame.contains("Unregistered"), "{}", last.frame);
}

#[tokio::test]
async fn registration_goes_with_its_extension_and_with_its_password_but_not_with_its_name() {
    let house = watched().await;
    let _a = WirePhone::registered(&house, "1000").await;
    let _b = WirePhone::registered(&house, "1001").await;
    let handle = &house.running.handle;
    let settings = handle.settings();
    let snapshot = settings.snapshot();
    let id = |number: &str| snapshot.extension_by_number(number).unwrap().id;
    let mut events = Events::of(&house);
    let renamed = json!({"id": id("1000"), "first_name": "Other"});
    settings
        .update("extension", renamed.as_object().unwrap().clone())
        .await
        .unwrap();
    assert_eq!(online(handle, "1000"), 1);
    let relocked = json!({"id": id("1000"), "reg_password": "Another-secret-1000"});
    settings
        .update("extension", relocked.as_object().unwrap().clone())
        .await
        .unwrap();
    assert_eq!(online(handle, "1000"), 0, "before the answer leaves");
    assert_eq!(events.next_of(30007).await["status"], "Unregistered");
    let gone = json!({"id": id("1001")});
    settings
        .delete("extension", gone.as_object().unwrap().clone())
        .await
        .unwrap();
    assert_eq!(online(handle, "1001"), 0);
    // It was watched as long as it was there.
    let told = events.next_of(30007).await;
    assert_eq!(told["extension"], "1001");
    assert_eq!(told["status"], "Unregistered");
    house.store.journal().flushed().await;
    assert!(house.store.registrations().await.unwrap().is_empty());
    assert_eq!(handle.load().await.unwrap().timers, 1);
}

/// As a process leaves it that was killed between the change and its consequence.
#[tokio::test]
async fn device_that_a_new_password_shuts_out_is_not_let_in_by_a_crash() {
    let house = watched().await;
    let _a = WirePhone::registered(&house, "1000").await;
    let _b = WirePhone::registered(&house, "1001").await;
    let rows = house.store.registrations().await.unwrap();
    let settings = house.running.handle.settings();
    let id = settings.snapshot().extension_by_number("1000").unwrap().id;
    let relocked = json!({"id": id, "reg_password": "Another-secret-1000"});
    settings
        .update("extension", relocked.as_object().unwrap().clone())
        .await
        .unwrap();
    house.store.journal().flushed().await;
    let told = house.store.last_position().await.unwrap();
    let batch = Batch {
        registrations: rows.into_iter().map(RegistrationChange::Put).collect(),
        ..Batch::default()
    };
    house.store.write(batch).await.unwrap();
    let house = House::open_in(house.as_killed()).await;
    let handle = &house.running.handle;
    assert_eq!((online(handle, "1000"), online(handle, "1001")), (0, 1));
    house.store.journal().flushed().await;
    let kept = house.store.registrations().await.unwrap();
    assert_eq!(kept.len(), 1);
    let events = house.store.events_after(told, 10).await.unwrap();
    let frames: Vec<_> = events.iter().map(|e| (e.id, &*e.frame)).collect();
    let [(30007, frame)] = frames.as_slice() else {
        panic!("{frames:?}")
    };
    assert!(frame.contains("1000") && frame.contains("Unregistered"));
}

#[tokio::test]
async fn registration_that_an_older_version_kept_stays_until_its_password_changes() {
    let house = watched().await;
    let _phone = WirePhone::registered(&house, "1000").await;
    let mut row = house.store.registrations().await.unwrap().remove(0);
    assert!(row.credentials.is_some());
    row.credentials = None;
    let batch = Batch {
        registrations: vec![RegistrationChange::Put(row)],
        ..Batch::default()
    };
    house.store.write(batch).await.unwrap();
    let house = house.restart().await;
    let handle = &house.running.handle;
    assert_eq!(online(handle, "1000"), 1);
    let settings = handle.settings();
    let id = settings.snapshot().extension_by_number("1000").unwrap().id;
    let relocked = json!({"id": id, "reg_password": "Another-secret-1000"});
    settings
        .update("extension", relocked.as_object().unwrap().clone())
        .await
        .unwrap();
    assert_eq!(online(handle, "1000"), 0);
}

#[tokio::test]
async fn lowered_limit_takes_the_oldest_phone_off_at_once() {
    let house = watched().await;
    let _old = WirePhone::registered(&house, "1000").await;
    let young = WirePhone::registered(&house, "1000").await;
    let handle = &house.running.handle;
    assert_eq!(online(handle, "1000"), 2);
    let settings = handle.settings();
    let id = settings.snapshot().extension_by_number("1000").unwrap().id;
    let limited = json!({"id": id, "concurrent_registrations": 1});
    settings
        .update("extension", limited.as_object().unwrap().clone())
        .await
        .unwrap();
    let left = handle.registrations(&ExtensionNumber::new("1000").unwrap());
    let ports: Vec<_> = left.iter().map(|phone| phone.port).collect();
    assert_eq!(ports, [young.address().port()]);
    house.store.journal().flushed().await;
    assert_eq!(house.store.registrations().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_has_a_change_when_its_event_is_told() {
    let house = House::open().await;
    let mut events = Events::of(&house);
    let handle = house.running.handle.clone();
    let heard = tokio::spawn(async move {
        for n in 0..50 {
            let told = events.next_of(30022).await;
            assert_eq!(told["ext_number"], (2000 + n).to_string());
            let dial = exchange::DialRequest {
                caller: (2000 + n).to_string(),
                callee: "2000".into(),
                dial_permission: None,
                auto_answer: false,
            };
            handle.dial(dial).await.unwrap();
        }
    });
    for n in 0..50 {
        house.extension(&(2000 + n).to_string(), json!({})).await;
    }
    timeout(common::PATIENCE, heard).await.unwrap().unwrap();
}

#[tokio::test]
async fn phone_that_takes_its_binding_back_is_called_no_more_and_leaves_no_timer() {
    let house = watched().await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let contact = b.contact();
    let answer = b
        .register(&contact, &[(HeaderName::Expires, "0".into())])
        .await;
    assert_eq!(answer.status(), Some(200));
    assert_eq!(answer.header(HeaderName::Contact), None);
    assert!(answer.header(HeaderName::Date).unwrap().ends_with("GMT"));
    let mut a = WirePhone::new(&house, "1000").await;
    let offer = a.sdp();
    let call = a.call("1001", Some(&offer)).await;
    assert_eq!(a.response(&call, 200..700).await.status(), Some(480));
    let load = house.running.handle.load().await.unwrap();
    assert_eq!((load.registrations, load.timers), (0, 1));
}
