//! What can go wrong on the control side, and whose fault it is.

use std::io::ErrorKind;

/// Why [`crate::Media`] refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The configured range holds no even port with its odd neighbour.
    #[error("the RTP port range holds no pair of an even and the next odd port")]
    EmptyRange,
    /// Every pair is in use, resting after use, or refused by the system.
    #[error("no RTP port pair is free")]
    NoPort,
    /// The system refused a socket for a reason that another port won't mend.
    #[error("cannot open an RTP socket: {0}")]
    Socket(ErrorKind),
    /// A worker thread or its epoll instance could not be made.
    #[error("cannot start a media worker: {0}")]
    Start(ErrorKind),
    /// No randomness could be had from the system.
    #[error("the system gave no random numbers")]
    Random,
    /// The worker's command ring is full; nothing was changed.
    #[error("the media worker is behind with its commands")]
    Busy,
    /// The slot was closed, or never was.
    #[error("no such media slot")]
    NoSuchSlot,
}
