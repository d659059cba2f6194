//! Events over the WebSocket: one socket a stream, kept alive, opened anew
//! when it breaks. `socket` is one connection, this the life across them.

mod socket;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Client, Error};
use socket::{End, Socket};

/// Events that wait for a reader who is slow; then the PBX is read no further.
const EVENTS_QUEUED: usize = 1024;
/// The first wait before a new connection; each failure doubles it.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait before a new connection.
const BACKOFF_LAST: Duration = Duration::from_secs(30);

/// Something that happened on the PBX.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What kind: the `type` of the frame, such as 30011.
    pub id: u32,
    /// The PBX's serial number, where the kind carries one.
    pub sn: Option<String>,
    /// What happened, decoded, whichever of its two encodings the frame used.
    pub msg: Value,
}

/// Events in the order in which the PBX sent them. Dropping it closes the
/// socket.
///
/// Where the connection was lost and is there again, the stream gives
/// [`Error::Interrupted`] once and goes on. Any other error is its last item.
#[derive(Debug)]
pub struct EventStream {
    events: mpsc::Receiver<Result<Event, Error>>,
    task: JoinHandle<()>,
}

impl Client {
    /// Subscribes to these kinds of event. When this returns, the
    /// subscription is in force: what happens from now on is in the stream.
    pub async fn events(&self, ids: &[u32]) -> Result<EventStream, Error> {
        let ids = ids.to_vec();
        let mut closings = self.inner.closings.subscribe();
        let socket = Socket::open(self, &ids).await?;
        let (sender, events) = mpsc::channel(EVENTS_QUEUED);
        let followed = follow(self.clone(), ids, socket, sender);
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = closings.changed() => {}
                () = followed => {}
            }
        });
        Ok(EventStream { events, task })
    }
}

impl EventStream {
    /// The next event; `None` after the last error, or after [`Client::close`].
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        self.events.recv().await
    }
}

impl Stream for EventStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Sender = mpsc::Sender<Result<Event, Error>>;

async fn follow(client: Client, ids: Vec<u32>, mut socket: Socket, sender: Sender) {
    loop {
        match socket.pump(&client, &sender).await {
            End::NobodyListens => return,
            End::Lost => {}
        }
        // An error can only be that the stream was dropped.
        match reopened(&client, &ids).await {
            Ok(again) => {
                socket = again;
                if sender.send(Err(Error::Interrupted)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                let _ = sender.send(Err(error)).await;
                return;
            }
        }
    }
}

/// Tries until the PBX is there again, or has said for good that it will not.
async fn reopened(client: &Client, ids: &[u32]) -> Result<Socket, Error> {
    let mut wait = BACKOFF_FIRST;
    loop {
        match Socket::open(client, ids).await {
            Err(error) if error.is_temporary() => {}
            other => return other,
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(BACKOFF_LAST);
    }
}
