//! A journal that takes no more: nothing new is begun, and what is under way
//! goes on and is kept in the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use common::wire::WirePhone;
use common::{Events, House, PATIENCE};
use exchange::{DialRequest, ExchangeError};
use serde_json::json;
use sip::{HeaderName, Method};
use store::{Batch, CdrFilter, Page, Sort};
use tokio::time::timeout;

async fn records(house: &House) -> u64 {
    let all = (CdrFilter::default(), Page::default(), Sort::default());
    house.store.cdr_page(&all.0, all.1, all.2).await.unwrap().0
}

#[tokio::test]
async fn without_headroom_new_calls_get_503_and_calls_under_way_end_in_order() {
    let house = House::open().await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;

    let journal = house.store.journal();
    journal.flushed().await;
    let lock = house.lock().await;
    let fill = || {
        let batch = Batch {
            counters: vec![("test".into(), 1)],
            ..Batch::default()
        };
        drop(journal.submit(batch).unwrap());
    };
    while journal.headroom() {
        fill();
    }
    // The writer may take a group in hand before it meets the lock.
    (0..1_100).for_each(|_| fill());

    // Refused before its credentials are asked for: that is the cheapest.
    let mut c = WirePhone::new(&house, "1000").await;
    let mut second = c.uninvited("1001");
    let headers = [(HeaderName::Contact, c.contact())];
    c.send(Method::Invite, &mut second, &headers, None).await;
    let refused = c.response(&second, 200..700).await;
    assert_eq!(refused.status(), Some(503));
    assert_eq!(refused.header(HeaderName::RetryAfter), Some("5"));
    c.ack(&mut second, &refused, None).await;
    let mut third = c.uninvited("1000");
    c.send(Method::Register, &mut third, &headers, None).await;
    assert_eq!(c.response(&third, 200..700).await.status(), Some(503));
    let dial = DialRequest {
        caller: "1000".into(),
        callee: "1001".into(),
        dial_permission: None,
        auto_answer: false,
    };
    assert_eq!(
        house.running.handle.dial(dial).await,
        Err(ExchangeError::Congestion)
    );

    // To the last place; the writer sits at the lock.
    let full = Batch {
        counters: vec![("test".into(), 1)],
        ..Batch::default()
    };
    while journal.submit(full.clone()).is_ok() {}

    a.within(Method::Invite, &mut call, Some(&offer)).await;
    let again = a.response(&call, 200..700).await;
    assert_eq!(again.status(), Some(200), "in the dialog all goes on");
    a.ack(&mut call, &again, None).await;
    a.within(Method::Bye, &mut call, None).await;
    assert_eq!(a.response(&call, 200..700).await.status(), Some(200));
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;

    drop(lock);
    let kept = async {
        while !house.store.live_calls().await.unwrap().is_empty() || records(&house).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(3 * PATIENCE, kept).await.unwrap();
    assert_eq!(records(&house).await, 1);
    let call = c.call("1001", Some(&offer)).await;
    b.request(Method::Invite).await;
    c.cancel(&call).await;
}

#[tokio::test]
async fn registration_that_could_not_be_kept_is_told_once_it_is() {
    let house = House::open_impatient().await;
    house.extension("1000", json!({})).await;
    house.monitor_all().await;
    let mut events = Events::of(&house);
    let mut phone = WirePhone::new(&house, "1000").await;
    let lock = house.lock().await;
    let refused = phone.register(&phone.contact(), &[]).await;
    assert_eq!(refused.status(), Some(500), "{refused}");
    drop(lock);
    let told = events.next_of(30007).await;
    assert_eq!(told["status"], "Registered");
    let again = async {
        // Until the database is known to take writes again.
        while phone.register(&phone.contact(), &[]).await.status() != Some(200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
    assert_eq!(house.store.registrations().await.unwrap().len(), 1);
    let events = house.store.events_after(None, 100).await.unwrap();
    assert_eq!(events.iter().filter(|e| e.id == 30007).count(), 1);
}

#[tokio::test]
async fn phones_are_let_in_again_when_the_database_takes_writes_again() {
    let house = House::open_impatient().await;
    house.extension("1000", json!({})).await;
    let mut phone = WirePhone::registered(&house, "1000").await;
    let lock = house.lock().await;
    // Only what is waited for fails, and then nothing is there to be written.
    assert!(house.store.set_meta("any", "value").await.is_err());
    let offer = phone.sdp();
    let mut call = phone.uninvited("1000");
    let headers = [(HeaderName::Contact, phone.contact())];
    phone.send(Method::Invite, &mut call, &headers, None).await;
    assert_eq!(phone.response(&call, 200..700).await.status(), Some(503));
    drop(lock);
    let recovered = async {
        while !house.store.journal().headroom() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, recovered).await.unwrap();
    let call = phone.call("4711", Some(&offer)).await;
    assert_eq!(phone.response(&call, 200..700).await.status(), Some(404));
}

#[tokio::test]
async fn shutdown_ends_though_the_database_takes_no_writes() {
    let house = House::open_impatient().await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let offer = a.sdp();
    let call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 180, None).await;
    a.response(&call, 180..181).await;
    let lock = house.lock().await;
    let House { running, store, .. } = house;
    timeout(PATIENCE, running.stop()).await.unwrap();
    timeout(PATIENCE, store.close()).await.unwrap();
    drop(lock);
}
