//! What a phone is told before it is switched on.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use media::Codec;

/// What it does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Rings so long, then answers.
    After(Duration),
    /// 486.
    Busy,
    /// 603.
    Decline,
    /// Rings until the caller gives up.
    Never,
}

/// A phone's account and habits.
#[derive(Debug, Clone)]
pub struct SoftphoneConfig {
    /// The exchange's SIP address.
    pub registrar: SocketAddr,
    /// Its own address.
    pub listen: IpAddr,
    /// Extension number.
    pub number: String,
    /// Digest user.
    pub reg_name: String,
    /// Digest password.
    pub password: String,
    /// The tone it sends, Hz; silence where none.
    pub tone: Option<u32>,
    /// Codecs in its order of preference.
    pub codecs: Vec<Codec>,
    /// What it does when it is called.
    pub answer: Answer,
}
