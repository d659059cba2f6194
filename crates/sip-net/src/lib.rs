//! SIP's sockets: UDP so far.
//!
//! Datagrams are read and parsed here, on a task of their own, and put into two
//! bounded [`Lanes`]: what is under way, and what is new. It must never decide
//! about a call; what it answers by itself is only that a message is broken or
//! that there is no room for a new one.

mod error;
mod lanes;
mod routes;
mod udp;

pub use error::NetError;
pub use lanes::{Lanes, Received};
pub use routes::Routes;
pub use udp::UdpTransport;
