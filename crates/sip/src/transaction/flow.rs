//! Where messages come from and go to.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams: we retransmit.
    Udp,
    /// A stream.
    Tcp,
    /// A stream with TLS.
    Tls,
    /// A WebSocket (RFC 7118).
    Ws,
    /// A WebSocket with TLS.
    Wss,
}

impl Transport {
    /// Whether it delivers by itself, so that nothing is sent twice.
    #[must_use]
    pub fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The name in a Via.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who talked to us through which socket of ours, or where to send through
/// which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The transport.
    pub transport: Transport,
    /// Our socket.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

/// Bytes to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Through which socket, and to whom.
    pub flow: Flow,
    /// One whole message.
    pub bytes: Bytes,
}

/// A message body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its Content-Type.
    pub content_type: Box<str>,
    /// The content.
    pub bytes: Bytes,
}

impl Body {
    /// A session description.
    #[must_use]
    pub fn sdp(bytes: impl Into<Bytes>) -> Self {
        Self {
            content_type: "application/sdp".into(),
            bytes: bytes.into(),
        }
    }
}

impl Body {
    /// The body of a message, where it has one. The bytes are its own copy, so
    /// that they don't hold the datagram.
    #[must_use]
    pub fn of(message: &crate::Message) -> Option<Self> {
        let bytes = message.body();
        (!bytes.is_empty()).then(|| Self {
            content_type: message.content_type().unwrap_or_default().into(),
            bytes: Bytes::copy_from_slice(bytes),
        })
    }
}
