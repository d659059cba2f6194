//! One event socket: opened, subscribed, read until it breaks.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use super::{Event, Sender, Update};
use crate::http::{TOKEN_EXPIRED, opened};
use crate::{Client, Error};

/// Half of the 60 s after which the PBX closes a silent socket.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);
/// Two heartbeats without an answer and some: the far end is gone.
const SILENCE_ALLOWED: Duration = Duration::from_secs(75);
/// Time allowed for handshake and subscription.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest frame taken.
const MAX_FRAME_BYTES: usize = 4 << 20;
/// Events that come before the answer to the subscription; none should.
const MAX_EARLY: usize = 64;

/// The request that keeps a socket open.
const HEARTBEAT: &str = "heartbeat";
const SUBSCRIBE: &str = "subscribe";

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Events read and not yet handed on.
    early: VecDeque<Event>,
}

/// Why a socket is read no more.
pub(super) enum End {
    /// The stream was dropped.
    NobodyListens,
    /// The connection, or the token, is gone.
    Lost(Error),
}

/// What a text frame is.
enum Frame {
    Event(Event),
    Answer(Map<String, Value>),
    Other,
}

impl Socket {
    /// Connected and subscribed. A token that the PBX refuses is replaced once.
    pub async fn open(client: &Client, ids: &[u32]) -> Result<Self, Error> {
        let token = client.token().await?;
        match Self::open_with(client, &token, ids).await {
            Err(error) if error.errcode() == Some(TOKEN_EXPIRED) => {
                let token = client.token_instead_of(&token).await?;
                Self::open_with(client, &token, ids).await
            }
            other => other,
        }
    }

    async fn open_with(client: &Client, token: &str, ids: &[u32]) -> Result<Self, Error> {
        timeout(OPEN_TIMEOUT, async {
            let mut socket = Self::connect(client, token).await?;
            socket.subscribe(ids).await?;
            Ok(socket)
        })
        .await
        .map_err(|_| Error::Timeout)?
    }

    async fn connect(client: &Client, token: &str) -> Result<Self, Error> {
        let mut url = client.url("v1.0", SUBSCRIBE, Some(token));
        let secure = url.scheme() == "https";
        // Setting a scheme of the same kind on a URL with a host can't fail.
        let _ = url.set_scheme(if secure { "wss" } else { "ws" });
        let mut request = url.as_str().into_client_request()?;
        if let Ok(agent) = HeaderValue::from_str(&client.inner.user_agent) {
            request.headers_mut().insert("user-agent", agent);
        }
        let connector = match secure {
            true => Connector::Rustls(client.inner.tls.clone()),
            false => Connector::Plain,
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let connected = tokio_tungstenite::connect_async_tls_with_config(
            request,
            Some(config),
            true,
            Some(connector),
        )
        .await;
        match connected {
            Ok((stream, _)) => Ok(Self {
                stream,
                early: VecDeque::new(),
            }),
            // The PBX answers a handshake that it refuses as any request.
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(opened(SUBSCRIBE, body)
                    .err()
                    .filter(|error| error.errcode().is_some())
                    .unwrap_or(Error::Status(response.status().as_u16())))
            }
            Err(error) => Err(client.fault(error)),
        }
    }

    async fn subscribe(&mut self, ids: &[u32]) -> Result<(), Error> {
        self.stream
            .send(Message::text(json!({"topic_list": ids}).to_string()))
            .await?;
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => match read(&text) {
                    Frame::Answer(_) => return opened(SUBSCRIBE, text.as_bytes()).map(|_| ()),
                    Frame::Event(event) if self.early.len() < MAX_EARLY => {
                        self.early.push_back(event);
                    }
                    Frame::Event(_) | Frame::Other => {}
                },
                Some(Ok(Message::Close(_))) | None => {
                    return Err(tungstenite::Error::ConnectionClosed.into());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Hands events on until the socket breaks or nobody listens. A reader
    /// that is slow holds up reading, but not the heartbeat.
    pub async fn pump(&mut self, client: &Client, sender: &Sender) -> End {
        let mut heartbeat = interval(HEARTBEAT_EVERY);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let waiting = !self.early.is_empty();
            tokio::select! {
                () = sender.closed() => return End::NobodyListens,
                _ = heartbeat.tick() => {
                    if !waiting && heard.elapsed() > SILENCE_ALLOWED {
                        return End::Lost(Error::Timeout);
                    }
                    // Keeps the token, and with it the socket, valid. Where
                    // it can't, the PBX will say so on the socket.
                    let _ = client.token().await;
                    if let Err(error) = self.stream.send(Message::text(HEARTBEAT)).await {
                        return End::Lost(error.into());
                    }
                }
                permit = sender.reserve(), if waiting => match permit {
                    Ok(permit) => {
                        if let Some(event) = self.early.pop_front() {
                            permit.send(Ok(Update::Event(event)));
                        }
                        heard = Instant::now();
                    }
                    Err(_) => return End::NobodyListens,
                },
                message = self.stream.next(), if !waiting => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => match read(&text) {
                            Frame::Event(event) => self.early.push_back(event),
                            Frame::Answer(answer) if expired(&answer) => {
                                let said = opened(SUBSCRIBE, text.as_bytes()).err();
                                return End::Lost(said.unwrap_or(Error::Timeout));
                            }
                            Frame::Answer(_) | Frame::Other => {}
                        },
                        Some(Err(error)) => return End::Lost(error.into()),
                        Some(Ok(Message::Close(_))) | None => {
                            return End::Lost(tungstenite::Error::ConnectionClosed.into());
                        }
                        Some(Ok(_)) => {}
                    }
                }
            }
        }
    }
}

fn expired(answer: &Map<String, Value>) -> bool {
    answer.get("errcode").and_then(Value::as_i64) == Some(TOKEN_EXPIRED)
}

fn read(text: &str) -> Frame {
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else {
        return Frame::Other;
    };
    let id = frame
        .get("type")
        .and_then(Value::as_u64)
        .and_then(|id| u32::try_from(id).ok());
    let Some(id) = id else {
        return if frame.contains_key("errcode") {
            Frame::Answer(frame)
        } else {
            Frame::Other
        };
    };
    let sn = frame.get("sn").and_then(Value::as_str).map(str::to_owned);
    let msg = match frame.remove("msg").unwrap_or(Value::Null) {
        // Most kinds carry JSON inside a string, some an object; some PBXes
        // differ from their guide.
        Value::String(inner) => serde_json::from_str(&inner).unwrap_or(Value::String(inner)),
        other => other,
    };
    Frame::Event(Event { id, sn, msg })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        match read(text) {
            Frame::Event(event) => event,
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn a_msg_in_a_string_and_a_msg_as_object_read_the_same() {
        let inner = event(r#"{"type":30007,"sn":"1","msg":"{\"extension\":\"1000\"}"}"#);
        let plain = event(r#"{"type":30007,"sn":"1","msg":{"extension":"1000"}}"#);
        assert_eq!(inner, plain);
        assert_eq!(inner.sn.as_deref(), Some("1"));
        assert_eq!(event(r#"{"type":30025,"msg":{}}"#).sn, None);
    }

    #[test]
    fn what_is_no_event_is_no_event() {
        assert!(matches!(read("heartbeat response"), Frame::Other));
        assert!(matches!(
            read(r#"{"errcode":0,"errmsg":"SUCCESS"}"#),
            Frame::Answer(_)
        ));
        assert!(matches!(read(r#"{"type":"30011"}"#), Frame::Other));
    }
}
