//! The event socket, and the client that holds it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use client::Update;
use common::{PATIENCE, Pbx, extension};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use store::{Batch, NewEvent};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(pbx: &Pbx, token: &str) -> Self {
        let url = pbx
            .path(&format!("subscribe?access_token={token}"))
            .replace("http:", "ws:");
        // No User-Agent, as most libraries leave it.
        let request = url.into_client_request().unwrap();
        Self(tokio_tungstenite::connect_async(request).await.unwrap().0)
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next text frame; `None` where the socket is closed.
    async fn hear(&mut self) -> Option<String> {
        loop {
            match timeout(PATIENCE, self.0.next())
                .await
                .expect("a frame in time")
            {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(other)) => panic!("{other:?}"),
            }
        }
    }

    async fn ask(&mut self, text: &str) -> Value {
        self.say(text).await;
        serde_json::from_str(&self.hear().await.unwrap()).unwrap()
    }

    async fn subscribe(&mut self, topics: &[u32]) {
        let answer = self.ask(&json!({"topic_list": topics}).to_string()).await;
        assert_eq!(answer, json!({"errcode": 0, "errmsg": "SUCCESS"}));
    }
}

async fn tell(pbx: &Pbx, id: u32, mark: usize) {
    let frame = frame(id, mark);
    let batch = Batch {
        events: vec![NewEvent { id, frame }],
        ..Batch::default()
    };
    pbx.store.journal().submit(batch).unwrap().await.unwrap();
}

fn frame(id: u32, mark: usize) -> String {
    format!(r#"{{"type":{id},"sn":"363A12345678","msg":"{{\"call_id\":\"{mark}\"}}"}}"#)
}

#[tokio::test]
async fn nothing_is_told_before_a_subscription_and_a_later_one_replaces_it() {
    let pbx = Pbx::start().await;
    let mut socket = Socket::open(&pbx, &pbx.token().await).await;
    tell(&pbx, 30011, 1).await;
    assert_eq!(socket.ask("nonsense").await["errcode"], 40001);
    assert_eq!(socket.ask(r#"{"topic_list":"x"}"#).await["errcode"], 40002);
    socket.say("heartbeat").await;
    assert_eq!(socket.hear().await.unwrap(), "heartbeat response");
    socket.say("\"heartbeat\"").await;
    assert_eq!(socket.hear().await.unwrap(), "heartbeat response");

    socket.subscribe(&[30011]).await;
    tell(&pbx, 30012, 2).await;
    tell(&pbx, 30011, 3).await;
    assert_eq!(socket.hear().await.unwrap(), frame(30011, 3));
    socket.subscribe(&[30012]).await;
    tell(&pbx, 30011, 4).await;
    tell(&pbx, 30012, 5).await;
    assert_eq!(socket.hear().await.unwrap(), frame(30012, 5));
    socket.subscribe(&[]).await;
    tell(&pbx, 30012, 6).await;
    socket.subscribe(&[30012]).await;
    tell(&pbx, 30012, 7).await;
    assert_eq!(socket.hear().await.unwrap(), frame(30012, 7));
    pbx.stop().await;
}

#[tokio::test]
async fn a_settings_change_is_told_as_the_contract_writes_it() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let mut socket = Socket::open(&pbx, token).await;
    socket.subscribe(&[30022]).await;
    pbx.post("extension/create", token, extension("1000")).await;
    let told = r#"{"type":30022,"msg":"{\"ext_number\":\"1000\",\"option\":\"CREATE\"}"}"#;
    assert_eq!(socket.hear().await.unwrap(), told);
    pbx.stop().await;
}

#[tokio::test]
async fn a_reader_who_falls_behind_misses_nothing_and_hears_nothing_twice() {
    // Far more than the broadcast and the sockets' buffers hold.
    const EVENTS: usize = 30_000;
    const BATCH: usize = 500;
    let long = |mark| frame(30011, mark).replace("\"sn\":\"", &format!("\"sn\":\"{:1000}", ""));
    let pbx = Pbx::start().await;
    let mut socket = Socket::open(&pbx, &pbx.token().await).await;
    socket.subscribe(&[30011]).await;
    for first in (0..EVENTS).step_by(BATCH) {
        let event = |mark| NewEvent {
            id: 30011,
            frame: long(mark),
        };
        let batch = Batch {
            events: (first..first + BATCH).map(event).collect(),
            ..Batch::default()
        };
        pbx.store.journal().submit(batch).unwrap().await.unwrap();
    }
    for mark in 0..EVENTS {
        assert_eq!(socket.hear().await.unwrap(), long(mark));
    }
    pbx.stop().await;
}

#[tokio::test]
async fn a_revoked_token_closes_its_sockets_and_a_refreshed_one_does_not() {
    let pbx = Pbx::start().await;
    let pair = pbx.log_in().await;
    let other = pbx.token().await;
    let mut socket = Socket::open(&pbx, pair["access_token"].as_str().unwrap()).await;
    let mut others = Socket::open(&pbx, &other).await;
    let body = json!({"refresh_token": pair["refresh_token"]});
    let fresh = Pbx::answer(pbx.http.post(pbx.path("refresh_token")).json(&body)).await;
    socket.say("heartbeat").await;
    assert_eq!(socket.hear().await.unwrap(), "heartbeat response");
    pbx.get("del_token", fresh["access_token"].as_str().unwrap(), &[])
        .await;
    let last: Value = serde_json::from_str(&socket.hear().await.unwrap()).unwrap();
    assert_eq!(last, json!({"errcode": 10004, "errmsg": "TOKEN EXPIRED"}));
    assert_eq!(socket.hear().await, None);
    others.say("heartbeat").await;
    assert_eq!(others.hear().await.unwrap(), "heartbeat response");
    pbx.stop().await;
}

#[tokio::test]
async fn a_token_that_runs_out_closes_its_sockets_and_says_so() {
    let pbx = Pbx::start().await;
    let pair = pbx.log_in().await;
    pbx.age(&pair["access_token"], 3, 100).await;
    let pbx = pbx.restart().await;
    let mut socket = Socket::open(&pbx, pair["access_token"].as_str().unwrap()).await;
    socket.subscribe(&[30011]).await;
    let last: Value = serde_json::from_str(&socket.hear().await.unwrap()).unwrap();
    assert_eq!(last, json!({"errcode": 10004, "errmsg": "TOKEN EXPIRED"}));
    assert_eq!(socket.hear().await, None);
    pbx.stop().await;
}

#[tokio::test]
async fn the_client_logs_in_anew_and_says_that_it_was_interrupted() {
    let mut pbx = Pbx::start().await;
    let client = pbx.client();
    let mut events = client.events(&[30011]).await.unwrap();
    tell(&pbx, 30011, 1).await;
    let event = timeout(PATIENCE, events.next_event()).await;
    let event = event.unwrap().unwrap().unwrap();
    assert_eq!((event.id, &event.msg), (30011, &json!({"call_id": "1"})));
    assert_eq!(event.sn.as_deref(), Some("363A12345678"));

    // The token is revoked under it: a request and the socket get another.
    pbx.get("del_token", &client.token().await.unwrap(), &[])
        .await;
    let information = client.system().information().await.unwrap();
    assert_eq!(information.data.unwrap().device_name.unwrap(), "Test PBX");
    is_interrupted(&mut events).await;
    tell(&pbx, 30011, 2).await;
    let event = timeout(PATIENCE, events.next_event()).await;
    assert_eq!(
        event.unwrap().unwrap().unwrap().msg,
        json!({"call_id": "2"})
    );

    // The door closes and opens.
    pbx.reopen().await;
    is_interrupted(&mut events).await;
    tell(&pbx, 30011, 3).await;
    let event = timeout(PATIENCE, events.next_event()).await;
    assert_eq!(
        event.unwrap().unwrap().unwrap().msg,
        json!({"call_id": "3"})
    );

    // It held one place all the time, and gives it back.
    client.close().await.unwrap();
    for _ in 0..8 {
        assert_eq!(pbx.log_in().await["errcode"], 0);
    }
    pbx.stop().await;
}

/// The stream says that it lost the connection and that it has it again.
async fn is_interrupted(events: &mut client::EventStream) {
    let update = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
    assert!(matches!(update, Ok(Update::Lost(_))), "{update:?}");
    let update = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
    assert!(matches!(update, Ok(Update::Resumed { .. })), "{update:?}");
}

#[tokio::test]
async fn a_silent_socket_is_closed_after_a_minute_and_a_heartbeat_keeps_it() {
    let pbx = Pbx::start().await;
    let mut socket = Socket::open(&pbx, &pbx.token().await).await;
    socket.subscribe(&[30011]).await;
    for _ in 0..3 {
        pass(Duration::from_secs(50)).await;
        socket.say("heartbeat").await;
        assert_eq!(socket.hear().await.unwrap(), "heartbeat response");
    }
    pass(api::limits::SOCKET_IDLE + Duration::from_secs(1)).await;
    assert_eq!(socket.hear().await, None);
    pbx.stop().await;
}

/// Lets time pass at once.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
