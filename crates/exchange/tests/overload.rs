//! A journal that takes no more: nothing new is begun, and what is under way
//! goes on and is kept in the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::House;
use common::wire::WirePhone;
use exchange::{DialRequest, ExchangeError};
use serde_json::json;
use sip::{HeaderName, Method};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use store::{Batch, CdrFilter, Page, Sort};

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
    let mut lock = SqliteConnectOptions::new()
        .filename(house.database())
        .connect()
        .await
        .unwrap();
    lock.execute("BEGIN IMMEDIATE").await.unwrap();
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

    a.within(Method::Invite, &mut call, Some(&offer)).await;
    let again = a.response(&call, 200..700).await;
    assert_eq!(again.status(), Some(200), "in the dialog all goes on");
    a.ack(&mut call, &again, None).await;
    a.within(Method::Bye, &mut call, None).await;
    assert_eq!(a.response(&call, 200..700).await.status(), Some(200));
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;

    lock.execute("ROLLBACK").await.unwrap();
    journal.flushed().await;
    let (total, _) = house
        .store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, 1);
    assert!(house.store.live_calls().await.unwrap().is_empty());
    let call = c.call("1001", Some(&offer)).await;
    b.request(Method::Invite).await;
    c.cancel(&call).await;
}
