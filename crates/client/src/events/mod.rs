//! Events over the WebSocket: one socket a stream, kept alive, opened anew
//! when it breaks. `socket` is one connection, this the life across them.

mod socket;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::{Client, Error};
use socket::{End, Socket};

/// Events that wait for a reader who is slow; then the PBX is read no further.
const EVENTS_QUEUED: usize = 1024;
/// The first wait before a new connection; each failure doubles it.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait before a new connection.
const BACKOFF_LAST: Duration = Duration::from_secs(30);

/// Something that happened on the PBX: `id` is the kind, such as 30011, and
/// `msg` what happened, decoded, whichever of its two encodings the frame
/// used. [`read`](wire::event::Received::read) gives it as its type:
///
/// ```
/// use strowger_client::wire::event::{CallStateChanged, Received};
/// # fn example(event: &strowger_client::Event) -> Result<(), strowger_client::wire::event::FrameError> {
/// let change: CallStateChanged = event.read()?;
/// println!("{:?}", change.call_id);
/// # Ok(())
/// # }
/// ```
pub use wire::event::Received as Event;

/// What an event stream tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// Something happened on the PBX.
    Event(Event),
    /// The connection is lost; a new one is tried for until it is there.
    Lost(Error),
    /// The connection is there again and the subscription in force. What
    /// happened meanwhile was not told and never will be: an application
    /// rebuilds its picture, with `call/query` for instance.
    Resumed {
        /// How long the gap is.
        after: Duration,
    },
}

/// Events in the order in which the PBX sent them. Dropping it closes the
/// socket.
///
/// A connection that breaks is opened anew, with waits that grow from half a
/// second to half a minute, logged in again where the token is gone; the gap
/// is told by [`Update::Lost`] and [`Update::Resumed`]. An error is the last
/// item: the PBX has said that it will not have this application.
#[derive(Debug)]
pub struct EventStream {
    updates: mpsc::Receiver<Result<Update, Error>>,
    task: JoinHandle<()>,
}

impl Client {
    /// Subscribes to these kinds of event. When this returns, the
    /// subscription is in force: what happens from now on is in the stream.
    pub async fn events(&self, ids: &[u32]) -> Result<EventStream, Error> {
        let ids = ids.to_vec();
        let mut closings = self.inner.closings.subscribe();
        let socket = Socket::open(self, &ids).await?;
        let (sender, updates) = mpsc::channel(EVENTS_QUEUED);
        let followed = follow(self.clone(), ids, socket, sender);
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = closings.changed() => {}
                () = followed => {}
            }
        });
        Ok(EventStream { updates, task })
    }
}

impl EventStream {
    /// The next item; `None` after the last error, or after [`Client::close`].
    pub async fn next(&mut self) -> Option<Result<Update, Error>> {
        self.updates.recv().await
    }

    /// The next event, for who can do with gaps.
    pub async fn next_event(&mut self) -> Option<Result<Event, Error>> {
        loop {
            match self.next().await? {
                Ok(Update::Event(event)) => return Some(Ok(event)),
                Ok(Update::Lost(_) | Update::Resumed { .. }) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Stream for EventStream {
    type Item = Result<Update, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.updates.poll_recv(cx)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Sender = mpsc::Sender<Result<Update, Error>>;

async fn follow(client: Client, ids: Vec<u32>, mut socket: Socket, sender: Sender) {
    loop {
        let why = match socket.pump(&client, &sender).await {
            End::NobodyListens => return,
            End::Lost(why) => why,
        };
        let lost = Instant::now();
        // An error can only be that the stream was dropped.
        if sender.send(Ok(Update::Lost(why))).await.is_err() {
            return;
        }
        let again = tokio::select! {
            () = sender.closed() => return,
            again = reopened(&client, &ids) => again,
        };
        let told = match again {
            Ok(again) => {
                socket = again;
                let after = lost.elapsed();
                sender.send(Ok(Update::Resumed { after })).await
            }
            Err(error) => {
                let _ = sender.send(Err(error)).await;
                return;
            }
        };
        if told.is_err() {
            return;
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
        tokio::time::sleep(jittered(wait)).await;
        wait = (wait * 2).min(BACKOFF_LAST);
    }
}

/// Between half and all of it: after a PBX's restart its clients do not come
/// back in step.
fn jittered(wait: Duration) -> Duration {
    // Where there is no chance, the whole wait is as good.
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    wait.mul_f64(0.5 + 0.5 * f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_keeps_between_half_and_all_of_its_length() {
        for _ in 0..1000 {
            let wait = jittered(BACKOFF_LAST);
            assert!(wait >= BACKOFF_LAST / 2 && wait <= BACKOFF_LAST);
        }
    }
}
