//! One event socket, from its first frame to its end.
//!
//! Nothing comes before it has subscribed. Events come from the journal's
//! broadcast, whose length bounds what waits for this reader; who falls behind
//! it is caught up from the event log, so that no event is left out and none
//! told twice. The frames go out as they are kept.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use store::{CommittedEvent, Position};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until, timeout};
use wire::{Envelope, ErrCode};

use super::spoken::{HEARTBEAT_RESPONSE, Spoken};
use crate::door::App;
use crate::limits::{CATCH_UP_PAGE, MAX_CATCH_UP, SOCKET_IDLE, SOCKET_SEND_TIMEOUT};
use crate::token::GrantId;

/// Why a socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The application closed it, or is gone.
    FarEnd,
    /// Nothing was said either way for too long.
    Idle,
    /// The token ran out or was revoked.
    Token,
    /// The reader is too slow, or too far behind.
    Slow,
    /// The event log can't be read.
    Store,
    /// The exchange goes down.
    Stopping,
}

/// An application's events.
struct Subscription {
    topics: HashSet<u32>,
    events: broadcast::Receiver<Arc<CommittedEvent>>,
    /// The last event looked at.
    position: Option<Position>,
}

pub struct Socket<'a> {
    app: &'a App,
    grant: GrantId,
    stream: WebSocket,
    subscription: Option<Subscription>,
    last_spoken: Instant,
}

impl<'a> Socket<'a> {
    pub fn new(app: &'a App, grant: GrantId, stream: WebSocket) -> Self {
        Self {
            app,
            grant,
            stream,
            subscription: None,
            last_spoken: Instant::now(),
        }
    }

    /// Serves the socket until its end.
    pub async fn run(mut self) -> Reason {
        let reason = match self.serve().await {
            Ok(never) => match never {},
            Err(reason) => reason,
        };
        self.close(reason).await;
        reason
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Reason> {
        let mut tokens = self.app.tokens.changes();
        let mut stopping = self.app.stopping.clone();
        let mut token_ends = token_end(self.app, self.grant)?;
        loop {
            tokio::select! {
                () = gone(&mut stopping) => return Err(Reason::Stopping),
                _ = changed(&mut tokens) => token_ends = token_end(self.app, self.grant)?,
                () = sleep_until(token_ends) => token_ends = token_end(self.app, self.grant)?,
                () = sleep_until(self.last_spoken + SOCKET_IDLE) => return Err(Reason::Idle),
                message = self.stream.recv() => match message {
                    Some(Ok(message)) => self.heard(message).await?,
                    Some(Err(_)) | None => return Err(Reason::FarEnd),
                },
                event = next(&mut self.subscription) => match event {
                    Ok(event) => self.tell(&event).await?,
                    Err(RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(RecvError::Closed) => return Err(Reason::Stopping),
                },
            }
        }
    }

    async fn heard(&mut self, message: Message) -> Result<(), Reason> {
        self.last_spoken = Instant::now();
        let spoken = match &message {
            Message::Text(text) => Spoken::read(text.as_str()),
            Message::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Spoken::read(text),
                Err(_) => Spoken::unreadable("it is no text"),
            },
            // Pongs are sent by the socket itself.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Reason::FarEnd),
        };
        match spoken {
            Spoken::Heartbeat => self.send(HEARTBEAT_RESPONSE.into()).await,
            Spoken::Broken(envelope) => self.answer(&envelope).await,
            Spoken::Subscribe(topics) => {
                self.subscribe(topics).await?;
                self.answer(&Envelope::default()).await
            }
        }
    }

    async fn subscribe(&mut self, topics: HashSet<u32>) -> Result<(), Reason> {
        match &mut self.subscription {
            Some(subscription) => subscription.topics = topics,
            None => {
                // First the broadcast, then the place in the log: what is kept
                // between the two is before this subscription, and skipped.
                let events = self.app.handle.events();
                let position = self.app.handle.store().last_position().await;
                let position = position.map_err(|_| Reason::Store)?;
                self.subscription = Some(Subscription {
                    topics,
                    events,
                    position,
                });
            }
        }
        Ok(())
    }

    async fn tell(&mut self, event: &CommittedEvent) -> Result<(), Reason> {
        match &mut self.subscription {
            Some(subscription) if subscription.position < Some(event.position) => {
                subscription.position = Some(event.position);
                if !subscription.topics.contains(&event.id) {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
        self.send(Message::text(&*event.frame)).await
    }

    /// Tells from the log what the broadcast no longer has. What it then has
    /// again and was told already, `tell` knows by its position.
    async fn catch_up(&mut self) -> Result<(), Reason> {
        let mut read = 0;
        loop {
            let position = self.subscription.as_ref().and_then(|s| s.position);
            let page = self
                .app
                .handle
                .store()
                .events_after(position, CATCH_UP_PAGE)
                .await;
            let page = page.map_err(|_| Reason::Store)?;
            let last = page.len() < CATCH_UP_PAGE as usize;
            read += page.len();
            for event in &page {
                // A long way to catch up may outlive the token, or the door.
                if *self.app.stopping.borrow() {
                    return Err(Reason::Stopping);
                }
                token_end(self.app, self.grant)?;
                self.tell(event).await?;
            }
            if last {
                return Ok(());
            }
            if read > MAX_CATCH_UP {
                return Err(Reason::Slow);
            }
        }
    }

    async fn answer(&mut self, envelope: &Envelope) -> Result<(), Reason> {
        // An envelope is texts, numbers and JSON: writing it can't fail.
        self.send(Message::text(
            serde_json::to_string(envelope).unwrap_or_default(),
        ))
        .await
    }

    async fn send(&mut self, message: Message) -> Result<(), Reason> {
        match timeout(SOCKET_SEND_TIMEOUT, self.stream.send(message)).await {
            Ok(Ok(())) => {
                self.last_spoken = Instant::now();
                Ok(())
            }
            Ok(Err(_)) => Err(Reason::FarEnd),
            Err(_) => Err(Reason::Slow),
        }
    }

    async fn close(&mut self, reason: Reason) {
        let (code, words) = match reason {
            Reason::FarEnd => return,
            Reason::Idle => (close_code::NORMAL, "idle"),
            Reason::Token => {
                let _ = self.answer(&Envelope::error(ErrCode::TokenExpired)).await;
                (close_code::POLICY, "token expired")
            }
            Reason::Slow => (close_code::AGAIN, "too slow"),
            Reason::Store => (close_code::ERROR, "event log"),
            Reason::Stopping => (close_code::AWAY, "going down"),
        };
        metrics::counter!("strowger_event_sockets_closed_total", "reason" => words).increment(1);
        let frame = CloseFrame {
            code,
            reason: words.into(),
        };
        let _ = self.send(Message::Close(Some(frame))).await;
    }
}

/// The next event of a subscription; never, where there is none yet.
async fn next(subscription: &mut Option<Subscription>) -> Result<Arc<CommittedEvent>, RecvError> {
    match subscription {
        Some(subscription) => subscription.events.recv().await,
        None => std::future::pending().await,
    }
}

/// A change to the tokens; never, where there can be none any more.
async fn changed(tokens: &mut watch::Receiver<()>) {
    if tokens.changed().await.is_err() {
        std::future::pending().await
    }
}

/// The moment the exchange goes down.
async fn gone(stopping: &mut watch::Receiver<bool>) {
    // An error says that the door itself is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// When to ask again whether the token is valid.
fn token_end(app: &App, grant: GrantId) -> Result<Instant, Reason> {
    let left = app.tokens.left(grant).ok_or(Reason::Token)?;
    Ok(Instant::now() + Duration::from_secs(left))
}
