//! The two lanes into the exchange. Overload sheds only what starts something
//! new: never a response, ACK, BYE, CANCEL or anything within a dialog.

use sip::{Flow, Message, MessageBuilder, Method};
use tokio::sync::mpsc::{self, error::TrySendError};

/// After how many seconds a phone that was turned away may come again.
const RETRY_AFTER: &str = "5";

/// A parsed message and how it came.
#[derive(Debug)]
pub struct Received {
    /// The message, `received` and `rport` filled in.
    pub message: Message,
    /// Who sent it and through which socket.
    pub flow: Flow,
}

/// Where received messages go.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// What is under way. The socket waits for room here; the kernel's buffer is
    /// the only place where it can be lost.
    pub urgent: mpsc::Sender<Received>,
    /// What starts something new; when it is full, that is answered 503.
    pub fresh: mpsc::Sender<Received>,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Passed {
    /// It is in its lane.
    Taken,
    /// There is no room: this is to be sent back.
    Shed(Option<Message>),
    /// Nobody listens any more.
    Closed,
}

impl Lanes {
    /// Puts a message into its lane.
    pub(crate) async fn pass(&self, received: Received) -> Passed {
        if is_urgent(&received.message) {
            return match self.urgent.send(received).await {
                Ok(()) => Passed::Taken,
                Err(_) => Passed::Closed,
            };
        }
        match self.fresh.try_send(received) {
            Ok(()) => Passed::Taken,
            Err(TrySendError::Closed(_)) => Passed::Closed,
            Err(TrySendError::Full(received)) => Passed::Shed(turned_away(&received.message)),
        }
    }
}

fn is_urgent(message: &Message) -> bool {
    match message.method() {
        None | Some(Method::Ack | Method::Bye | Method::Cancel) => true,
        Some(_) => message.to_tag().is_some(),
    }
}

/// A stateless 503 (RFC 3261 §8.2.7). Its To tag need not last: nothing
/// remembers the request.
fn turned_away(request: &Message) -> Option<Message> {
    MessageBuilder::response_to(request, 503, Some("overload"))
        .header(sip::HeaderName::RetryAfter, RETRY_AFTER)
        .build()
        .ok()
}
