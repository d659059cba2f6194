//! SIP's sockets: datagrams become messages in lanes, and messages datagrams.
//! Nothing here knows what a transaction, a dialog or a call is.

mod error;
mod lanes;
mod metric;
mod routes;
mod taken;
mod udp;

pub use error::NetError;
pub use lanes::{Lanes, Received};
pub use routes::Routes;
pub use udp::UdpTransport;
