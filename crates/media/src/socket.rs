//! A slot's sockets, behind a trait, so that the worker's logic runs without
//! them in tests.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, SockAddr, Socket as RawSocket, Type};

use crate::sys;

/// Receive buffer of a socket: over a second of G.711 packets with what the
/// kernel counts around each, and no more, for there are thousands of sockets.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// DSCP EF, what phones and switches expect of voice (RFC 4594 §4.1).
const TOS_EXPEDITED: u32 = 0xb8;

/// What the worker does with a socket. Never blocks.
pub(crate) trait Socket {
    /// A datagram and where it came from.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)>;
    /// To the connected peer.
    fn send(&self, datagram: &[u8]) -> io::Result<()>;
    /// To anybody.
    fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()>;
    /// Hears and sends to one peer only, or everybody again.
    fn connect(&self, peer: Option<SocketAddr>) -> io::Result<()>;
}

/// A UDP socket of the system.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    /// Bound to an IPv6 address: IPv4 peers look mapped to the kernel.
    v6: bool,
}

impl Udp {
    pub(crate) fn bind(ip: IpAddr, port: u16) -> io::Result<Self> {
        let address = SocketAddr::new(ip, port);
        let socket = RawSocket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        socket.set_nonblocking(true)?;
        // Both are wishes: a system that refuses them still carries audio.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let _ = if ip.is_ipv4() {
            socket.set_tos_v4(TOS_EXPEDITED)
        } else {
            socket.set_tclass_v6(TOS_EXPEDITED)
        };
        if ip.is_ipv6() {
            let _ = socket.set_only_v6(false);
        }
        socket.bind(&SockAddr::from(address))?;
        Ok(Self {
            socket: socket.into(),
            v6: ip.is_ipv6(),
        })
    }

    /// An address as this socket's kernel calls know it.
    fn outward(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(v4) if self.v6 => {
                SocketAddr::new(IpAddr::V6(v4.to_ipv6_mapped()), address.port())
            }
            _ => address,
        }
    }

    /// An address as the rest of the house knows it.
    fn inward(address: SocketAddr) -> SocketAddr {
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }
}

impl Socket for Udp {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, source) = self.socket.recv_from(buffer)?;
        Ok((len, Self::inward(source)))
    }
    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram).map(|_| ())
    }
    fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        self.socket.send_to(datagram, self.outward(to)).map(|_| ())
    }
    fn connect(&self, peer: Option<SocketAddr>) -> io::Result<()> {
        match peer {
            Some(peer) => self.socket.connect(self.outward(peer)),
            None => sys::disconnect(self.socket.as_fd()),
        }
    }
}

impl AsFd for Udp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
