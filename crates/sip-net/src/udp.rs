//! SIP over UDP: one socket, a task that reads it, parses and puts into lanes;
//! sending is a system call from whoever has something to send.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::{Flow, HeaderName, Message, Transport};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use crate::NetError;
use crate::lanes::{Lane, Lanes, Received};
use crate::metric::Counters;
use crate::taken::Taken;

/// What the socket may hold in each direction, as far as the system allows.
const SOCKET_BUFFER: usize = 4 << 20;

/// The longest datagram there is.
const LONGEST_DATAGRAM: usize = 65_535;

/// Datagrams read before others get their turn.
const BATCH: usize = 64;

/// Seconds for a 503's Retry-After.
const RETRY_AFTER: &str = "5";

/// After a fault of the socket, lest a lasting one keeps a core busy.
const PAUSE: Duration = Duration::from_millis(10);

/// A UDP socket that speaks SIP.
pub struct UdpTransport {
    socket: UdpSocket,
    local: SocketAddr,
    counters: Counters,
}

impl UdpTransport {
    /// Opens a socket; port 0 picks a free one.
    ///
    /// # Errors
    /// Where the address is taken or none of ours.
    pub async fn bind(address: SocketAddr) -> Result<Arc<Self>, NetError> {
        let failed = |source| NetError::Bind { address, source };
        let socket = open(address).map_err(failed)?;
        let options = SockRef::from(&socket);
        for result in [
            options.set_recv_buffer_size(SOCKET_BUFFER),
            options.set_send_buffer_size(SOCKET_BUFFER),
        ] {
            if let Err(error) = result {
                tracing::debug!(%error, "socket buffer left as it is");
            }
        }
        let local = socket.local_addr().map_err(failed)?;
        // `send` never waits: the reactor must have seen the socket before.
        socket.writable().await.map_err(failed)?;
        Ok(Arc::new(Self {
            socket,
            local,
            counters: Counters::new("udp"),
        }))
    }

    /// The address it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Sends one message, at once or not at all.
    ///
    /// # Errors
    /// Where the socket's buffer is full or the system refuses; counted, and
    /// nothing more to do: SIP over UDP sends again by itself.
    pub fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), NetError> {
        match self.socket.try_send_to(bytes, self.outward(to)) {
            Ok(_) => {
                self.counters.sent.increment(1);
                Ok(())
            }
            Err(source) => {
                self.counters.send_failed.increment(1);
                Err(match source.kind() {
                    ErrorKind::WouldBlock => NetError::Full,
                    _ => NetError::Send { to, source },
                })
            }
        }
    }

    /// An address as this socket's system calls know it: to one that takes both
    /// families an IPv4 peer is a mapped one.
    fn outward(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(v4) if self.local.is_ipv6() => {
                SocketAddr::new(v4.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }

    /// Reads for good, or until nobody takes from the lanes.
    pub async fn receive(self: Arc<Self>, lanes: Lanes) {
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        let mut taken = Taken::new(Instant::now());
        loop {
            if let Err(error) = self.socket.readable().await {
                self.failed(&error).await;
                continue;
            }
            for _ in 0..BATCH {
                match self.socket.try_recv_from(&mut buffer) {
                    Ok((length, source)) => {
                        let source = inward(source);
                        let datagram = buffer.get(..length).unwrap_or_default();
                        if !self.datagram(datagram, source, &lanes, &mut taken).await {
                            return;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => {
                        self.failed(&error).await;
                        break;
                    }
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// One datagram. False: nobody listens any more.
    async fn datagram(
        &self,
        datagram: &[u8],
        source: SocketAddr,
        lanes: &Lanes,
        taken: &mut Taken,
    ) -> bool {
        if is_keepalive(datagram) {
            self.counters.keepalives.increment(1);
            return true;
        }
        self.counters.received.increment(1);
        let flow = Flow {
            transport: Transport::Udp,
            local: self.local,
            remote: source,
        };
        let message = match Message::parse(Bytes::copy_from_slice(datagram)) {
            Ok(message) => message,
            Err(error) => {
                self.counters.malformed.increment(1);
                tracing::debug!(%source, %error, "malformed message");
                if let Some(request) = error.answerable() {
                    self.refuse(request, flow, error.status(), &[]);
                }
                return true;
            }
        };
        match lanes.put(Received { message, flow }, taken).await {
            Lane::Taken => true,
            Lane::Repeated => {
                self.counters.repeated.increment(1);
                true
            }
            Lane::Closed => false,
            Lane::Shed(received) => {
                self.counters.shed.increment(1);
                let headers = [(HeaderName::RetryAfter, RETRY_AFTER)];
                self.refuse(&received.message, flow, 503, &headers);
                true
            }
        }
    }

    fn refuse(&self, request: &Message, flow: Flow, status: u16, headers: &[(HeaderName, &str)]) {
        if let Some((back, bytes)) = sip::refuse(request, flow, status, headers)
            && let Err(error) = self.send(&bytes, back.remote)
        {
            tracing::debug!(%error, "refusal not sent");
        }
    }

    async fn failed(&self, error: &io::Error) {
        self.counters.receive_failed.increment(1);
        tracing::warn!(%error, "SIP socket");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A socket on that address; on the unspecified one of IPv6 it takes IPv4 too,
/// whatever the system's default.
fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// An address as the rest of the house knows it: a peer has one, whichever of
/// our sockets it came to.
fn inward(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Line ends or NULs that keep a NAT open (RFC 5626 3.5.1 and its like), and
/// STUN, which begins with two zero bits and no letter.
fn is_keepalive(datagram: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | 0);
    datagram.first().is_none_or(|first| *first < 2) || datagram.iter().all(blank)
}
