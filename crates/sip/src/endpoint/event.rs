//! What an endpoint tells.

use crate::Message;
use crate::session::SessionId;
use crate::transaction::{Body, RequestTxId};

use super::Arrival;

/// One event. They come in the order in which things happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// An INVITE, REGISTER or OPTIONS outside of dialogs. Nothing is kept of it:
    /// it wants [`crate::Endpoint::take_invite`], `take_request` or
    /// `answer_once`, before anything else is received.
    Arrived(Arrival),
    /// An answer to [`crate::Endpoint::request`]; a final one is the last.
    Response {
        /// What was asked.
        tx: RequestTxId,
        /// The answer.
        response: Message,
    },
    /// No final answer to [`crate::Endpoint::request`] came in 64 × T1, or the
    /// transport failed. The last of that request.
    RequestTimeout {
        /// What was asked.
        tx: RequestTxId,
    },
    /// 101–199 to our INVITE. Of several forks the body of only one is told.
    Ringing {
        /// The session.
        session: SessionId,
        /// 180, 183 …
        status: u16,
        /// Early media.
        body: Option<Body>,
    },
    /// The first 2xx to our INVITE. It has been ACKed, except where our INVITE
    /// had no body and this has one: then [`crate::Endpoint::answer_in_ack`]
    /// is due.
    Answered {
        /// The session.
        session: SessionId,
        /// The answer, or the offer where our INVITE had none.
        body: Option<Body>,
        /// The whole 2xx.
        response: Message,
    },
    /// A re-INVITE or UPDATE with an offer, or a re-INVITE without (then the
    /// far end wants our offer). It wants `answer_reinvite` or
    /// `refuse_reinvite`.
    Offered {
        /// The session.
        session: SessionId,
        /// The offer.
        body: Option<Body>,
    },
    /// Our re-INVITE or UPDATE was accepted. Where it had no body, this is the
    /// far end's offer and `answer_in_ack` is due.
    ReinviteAnswered {
        /// The session.
        session: SessionId,
        /// The answer.
        body: Option<Body>,
    },
    /// Our re-INVITE or UPDATE was refused; the session stands as before.
    ReinviteRefused {
        /// The session.
        session: SessionId,
        /// The final status.
        status: u16,
    },
    /// The ACK to our 2xx, of the INVITE or a re-INVITE.
    Acked {
        /// The session.
        session: SessionId,
        /// The answer, where our 2xx carried the offer.
        body: Option<Body>,
    },
    /// The session is over: exactly once for each. Its id is dead; what still
    /// comes is handled inside.
    Ended {
        /// Which.
        session: SessionId,
        /// Why.
        cause: EndCause,
    },
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndCause {
    /// The far end hung up.
    Bye,
    /// The far end gave up before our 2xx.
    Cancelled,
    /// Our own terminate or reject.
    Local,
    /// A final status of 300 or more to our INVITE, or 481 within the dialog.
    Rejected {
        /// The status.
        status: u16,
        /// The value of a Reason header (RFC 3326), else the reason phrase.
        reason: Option<Box<str>>,
    },
    /// No answer at all, no ACK to our 2xx, or 408.
    Timeout,
    /// The transport failed.
    TransportError,
}
