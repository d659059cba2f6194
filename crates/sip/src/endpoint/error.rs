//! Why a command was not done.

use thiserror::Error;

/// A command that was given in a wrong state, to a dead id, with text that
/// can't be sent, or past a bound. Nothing has happened then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// No such session, or it has ended.
    #[error("no such session")]
    UnknownSession,
    /// No such server transaction, or it has been answered.
    #[error("no such transaction")]
    UnknownTransaction,
    /// A copy of this request was taken on.
    #[error("taken on already")]
    TakenAlready,
    /// The session is not in a state for this.
    #[error("not possible in the session's state")]
    WrongState,
    /// An offer of ours is on its way already.
    #[error("an offer is pending")]
    OfferPending,
    /// There is no offer of the far end to answer.
    #[error("no offer to answer")]
    NoOffer,
    /// The status does not fit the command.
    #[error("status {0} does not fit")]
    BadStatus(u16),
    /// A value holds CR, LF or NUL, or is no name-addr or URI.
    #[error("a header value can't be sent")]
    BadValue,
    /// The message would be longer than one datagram can carry.
    #[error("message too long")]
    TooLong,
    /// `max_transactions` are alive.
    #[error("too many transactions")]
    TooManyTransactions,
    /// `max_sessions` are alive.
    #[error("too many sessions")]
    TooManySessions,
}
