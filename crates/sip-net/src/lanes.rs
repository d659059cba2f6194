//! Two bounded queues: what belongs to something under way is never shed for
//! what starts something new.

use std::time::Instant;

use sip::{Flow, Message, Method};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::taken::Taken;

/// A message, and whence it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// Our socket and who sent.
    pub flow: Flow,
}

/// Where a transport puts what it receives.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// Responses, ACK, BYE, CANCEL and all that has a To tag. When it is full
    /// the transport waits, and reads nothing more.
    pub urgent: mpsc::Sender<Received>,
    /// What starts something new. When it is full, 503 is the answer, except to
    /// a copy of what is in already.
    pub fresh: mpsc::Sender<Received>,
}

/// What became of a message.
pub(crate) enum Lane {
    /// It is in its lane.
    Taken,
    /// The fresh lane is full, but the same request is in already, and will
    /// have its answer.
    Repeated,
    /// The fresh lane is full.
    Shed(Received),
    /// Nobody takes messages any more.
    Closed,
}

impl Lanes {
    pub(crate) async fn put(&self, received: Received, taken: &mut Taken) -> Lane {
        if is_urgent(&received.message) {
            return match self.urgent.send(received).await {
                Ok(()) => Lane::Taken,
                Err(_) => Lane::Closed,
            };
        }
        let print = taken.print(&received.message);
        match self.fresh.try_send(received) {
            Ok(()) => {
                taken.note(print, Instant::now());
                Lane::Taken
            }
            Err(TrySendError::Full(_)) if taken.knows(print) => Lane::Repeated,
            Err(TrySendError::Full(received)) => Lane::Shed(received),
            Err(TrySendError::Closed(_)) => Lane::Closed,
        }
    }
}

fn is_urgent(message: &Message) -> bool {
    match message.method() {
        None | Some(Method::Ack | Method::Bye | Method::Cancel) => true,
        Some(Method::Register) => false,
        Some(_) => message.to_tag().is_some(),
    }
}
