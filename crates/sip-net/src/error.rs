//! What can go wrong with a socket.

use std::io;
use std::net::SocketAddr;

/// A socket's error.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A datagram could not be sent; over UDP it counts as lost.
    #[error("can't send to {remote}: {source}")]
    Send {
        /// To whom.
        remote: SocketAddr,
        /// Why.
        source: io::Error,
    },
}
