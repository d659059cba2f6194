//! The media description that offer and answer are negotiated on (RFC 3264).
//! `exchange` makes it from SDP and SDP from it.

use std::net::SocketAddr;

/// How a codec encodes, by its name in the RTP payload registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// G.711 µ-law, static payload type 0.
    Pcmu,
    /// G.711 A-law, static payload type 8.
    Pcma,
    /// G.722, static payload type 9; its RTP clock says 8000.
    G722,
    /// G.729, static payload type 18.
    G729,
    /// Opus, `opus/48000/2`.
    Opus,
    /// RFC 4733 telephone-event.
    TelephoneEvent,
    /// Any other, by name in lower case: passes through where both ends have it.
    Other(Box<str>),
}

/// One codec of a stream: an `rtpmap` with its `fmtp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// RTP payload type, 0–127.
    pub payload_type: u8,
    /// Which codec.
    pub encoding: Encoding,
    /// RTP clock rate, Hz.
    pub clock_rate: u32,
    /// Channels; 1 where the SDP names none.
    pub channels: u8,
    /// `fmtp` parameters as they stand, without the payload type.
    pub parameters: Option<Box<str>>,
}

impl Codec {
    /// Whether two entries name the same codec, whatever the payload type.
    pub fn same(&self, other: &Codec) -> bool {
        self.encoding == other.encoding
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
    }
}

/// Direction of a stream, from the side that the description describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// It sends only: it has put the other side on hold.
    SendOnly,
    /// It receives only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The same stream seen from the other side.
    pub fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            other => other,
        }
    }
    /// Whether the described side sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }
    /// Whether the described side receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// One audio stream as offered or answered. Further streams of an SDP are
/// refused with port 0 by `exchange`, which remembers their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// Where the far end wants RTP. `None` in descriptions of our own side:
    /// `exchange` writes the leg's own address and port into the SDP. An
    /// unspecified address (`0.0.0.0`) is the old way to hold (RFC 3264 §8.4).
    pub remote: Option<SocketAddr>,
    /// Codecs in order of preference, telephone-event among them.
    pub codecs: Vec<Codec>,
    /// From the describing side's view.
    pub direction: Direction,
    /// `ptime` in milliseconds, where told.
    pub ptime: Option<u16>,
}
