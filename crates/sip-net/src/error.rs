//! What a socket refuses.

use std::io;
use std::net::SocketAddr;

/// Why something could not be opened or sent.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// No socket on this address: it is taken, or none of ours.
    #[error("can't listen for SIP on {address}: {source}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The socket's buffer is full; the datagram was dropped.
    #[error("the socket's send buffer is full")]
    Full,
    /// The system refused the datagram.
    #[error("can't send to {to}: {source}")]
    Send {
        /// Whom it was for.
        to: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}
