//! The event stream of `subscribe`, read as a client reads it: `msg` is JSON in
//! a string where the contract says so.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::api::Api;
use crate::wait::{SOON, within};

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// 30011 and so on.
    pub id: i64,
    /// The PBX's serial number, where the envelope has it.
    pub sn: Option<String>,
    /// The payload, parsed out of its string.
    pub msg: Value,
    /// Whether `msg` was a string that held JSON.
    pub was_string: bool,
}

impl Event {
    /// The call it tells of.
    pub fn call_id(&self) -> &str {
        self.msg["call_id"].as_str().unwrap_or("")
    }
}

/// A subscribed WebSocket and what it has told so far.
pub struct Events {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seen: Vec<Event>,
}

impl Events {
    /// Opens the socket and subscribes.
    pub async fn subscribe(api: &Api, topics: &[i64]) -> Self {
        let url = format!(
            "ws://{}/openapi/v1.0/subscribe?access_token={}",
            api.address, api.token
        );
        let mut request = url.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("User-Agent", "OpenAPI".parse().unwrap());
        let connecting = tokio_tungstenite::connect_async(request);
        let (mut socket, _) = within(SOON, "WebSocket", connecting).await.unwrap();
        let topics = json!({ "topic_list": topics }).to_string();
        socket.send(Message::text(topics)).await.unwrap();
        let answer = within(SOON, "answer to subscribe", socket.next()).await;
        let answer: Value =
            serde_json::from_str(answer.unwrap().unwrap().to_text().unwrap()).unwrap();
        assert_eq!(answer["errcode"], 0, "subscribe: {answer}");
        Self {
            socket,
            seen: Vec::new(),
        }
    }

    /// All that came so far.
    pub fn seen(&self) -> &[Event] {
        &self.seen
    }

    /// Waits until what came so far satisfies `enough`.
    pub async fn wait(&mut self, what: &str, enough: impl Fn(&[Event]) -> bool) {
        self.wait_for(SOON, what, enough).await;
    }

    /// The same with a time of one's own.
    pub async fn wait_for(
        &mut self,
        time: Duration,
        what: &str,
        enough: impl Fn(&[Event]) -> bool,
    ) {
        let deadline = Instant::now() + time;
        while !enough(&self.seen) {
            match tokio::time::timeout_at(deadline, self.socket.next()).await {
                Ok(Some(Ok(message))) => self.take(&message),
                Ok(other) => panic!("no {what}: the socket ended ({other:?}); {:#?}", self.seen),
                Err(_) => panic!("no {what} after {time:?}; came so far: {:#?}", self.seen),
            }
        }
    }

    /// Waits for the record (30012) of the call with these two numbers.
    pub async fn call_end(&mut self, from: &str, to: &str) -> Event {
        let of = |event: &Event| {
            event.id == 30012 && event.msg["call_from"] == from && event.msg["call_to"] == to
        };
        self.wait_for(crate::wait::LONG, "30012", |seen| seen.iter().any(of))
            .await;
        self.seen.iter().find(|event| of(event)).cloned().unwrap()
    }

    /// Reads on until the socket ends, as it does when the server is killed.
    pub async fn drain(&mut self) {
        while let Some(Ok(message)) = within(SOON, "end of the socket", self.socket.next()).await {
            self.take(&message);
        }
    }

    fn take(&mut self, message: &Message) {
        let Message::Text(text) = message else {
            return;
        };
        let frame: Value = serde_json::from_str(text).expect("a JSON frame");
        let Some(id) = frame["type"].as_i64() else {
            return;
        };
        let was_string = frame["msg"].is_string();
        let msg = match &frame["msg"] {
            Value::String(inner) => serde_json::from_str(inner).expect("JSON within msg"),
            other => other.clone(),
        };
        self.seen.push(Event {
            id,
            sn: frame["sn"].as_str().map(ToOwned::to_owned),
            msg,
            was_string,
        });
    }
}
