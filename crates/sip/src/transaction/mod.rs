//! The four transaction machines of RFC 3261 section 17 with the Accepted
//! states of RFC 6026, their tables and their timers. Nothing here knows what
//! a dialog is.

mod base;
mod client;
mod clients;
mod flow;
mod identity;
mod invite_client;
mod invite_server;
mod outgoing;
mod reply;
mod request;
mod server;
mod servers;
mod time;
mod timers;
mod write;

pub use flow::{Body, Flow, Transmit, Transport};
pub use time::{Instant, Timers};

pub(crate) use base::Base;
pub(crate) use clients::{Clients, Owner, Report};
pub(crate) use identity::{Fingerprint, Tag};
pub(crate) use outgoing::{MAX_FORWARDS, Outgoing};
pub(crate) use reply::{Reply, ReplyHead, can_be_answered};
pub(crate) use request::{Request, way_back};
pub(crate) use servers::{Cancelled, Servers};
pub(crate) use timers::Alarm;
pub(crate) use write::{check_body, check_headers, check_uri, check_value};

slotmap::new_key_type! {
    /// A request of the far end, outside of dialogs, that waits for our answer.
    pub struct ServerTxId;
    /// A request of ours outside of dialogs.
    pub struct RequestTxId;
    /// A client transaction; a request that is challenged has two.
    pub(crate) struct ClientKey;
}

/// The transaction layer as a whole.
pub(crate) struct Layer {
    pub(crate) base: Base,
    pub(crate) clients: Clients,
    pub(crate) servers: Servers,
}

impl Layer {
    pub(crate) fn new(base: Base) -> Self {
        Self {
            base,
            clients: Clients::default(),
            servers: Servers::default(),
        }
    }

    /// How many transactions are alive.
    pub(crate) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Answers a request without keeping anything: it gets the same answer
    /// each time it comes (RFC 3261 8.2.7).
    pub(crate) fn reply_stateless(&mut self, request: &Request<'_>, reply: &Reply<'_>) {
        let head = ReplyHead::of(request, &mut self.base);
        if let Ok(bytes) = head.write(reply, &mut self.base) {
            self.base.send(request.back, bytes);
        }
    }
}
