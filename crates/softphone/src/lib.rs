//! A SIP phone without a person: for the demo, tests and the sandbox.
//!
//! It registers, calls, answers and hangs up over real SIP, sends a tone over
//! real RTP and knows by content which tone it hears. It is one task with a
//! handle; nothing of the exchange is in it, only `sip`, `sip-net` and `media`.

mod audio;
mod call;
mod config;
mod phone;
mod registration;
mod sdp;

pub use config::{Answer, SoftphoneConfig};
pub use phone::{PhoneError, PhoneEvent, Softphone};
