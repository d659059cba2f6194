//! SIP over UDP: one socket, one reading task.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use sip::{Flow, Message, MessageBuilder, ParseErrorKind, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::error::NetError;
use crate::lanes::{Lanes, Passed, Received};

/// Largest datagram that UDP can carry.
const MAX_DATAGRAM: usize = 65_535;
/// What is asked of the kernel for each direction: a burst of some thousand
/// messages must not be lost before the task runs.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// How many datagrams are read before other tasks get their turn.
const BURST: usize = 64;

/// A bound UDP socket.
#[derive(Debug)]
pub struct UdpTransport {
    socket: UdpSocket,
    local: SocketAddr,
}

impl UdpTransport {
    /// Binds; port 0 picks a free one. Must be called within a tokio runtime.
    pub async fn bind(address: SocketAddr) -> Result<Arc<Self>, NetError> {
        let bound = || -> io::Result<Self> {
            let socket = Socket::new(
                Domain::for_address(address),
                Type::DGRAM,
                Some(Protocol::UDP),
            )?;
            // The kernel gives what it permits; less is no error.
            let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
            let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            let socket = UdpSocket::from_std(socket.into())?;
            let local = socket.local_addr()?;
            Ok(Self { socket, local })
        };
        bound()
            .map(Arc::new)
            .map_err(|source| NetError::Bind { address, source })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Sends at once or not at all: what finds no room in the kernel is lost, as
    /// on the wire, and its transaction sends it again.
    pub fn send(&self, bytes: &[u8], remote: SocketAddr) -> Result<(), NetError> {
        match self.socket.try_send_to(bytes, remote) {
            Ok(_) => Ok(()),
            Err(source) => {
                metrics::counter!("strowger_sip_send_failures").increment(1);
                Err(NetError::Send { remote, source })
            }
        }
    }

    /// Reads until nobody listens any more.
    pub async fn receive(self: Arc<Self>, lanes: Lanes) {
        let mut buffer = vec![0u8; MAX_DATAGRAM];
        let mut burst = 0;
        loop {
            let read = match self.socket.try_recv_from(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    burst = 0;
                    match self.socket.readable().await {
                        Ok(()) => continue,
                        Err(error) => Err(error),
                    }
                }
                read => read,
            };
            let (length, remote) = match read {
                Ok(read) => read,
                Err(error) => {
                    // An ICMP error of a datagram that we sent; the socket is well.
                    tracing::debug!(%error, "reading SIP over UDP");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            if let Some(datagram) = buffer.get(..length)
                && !self.datagram(datagram, remote, &lanes).await
            {
                return;
            }
            burst += 1;
            if burst >= BURST {
                burst = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes one datagram; false when nobody listens any more.
    async fn datagram(&self, datagram: &[u8], remote: SocketAddr, lanes: &Lanes) -> bool {
        let message = match Message::parse(Bytes::copy_from_slice(datagram)) {
            Ok(message) => message,
            Err(error) => {
                self.broken(&error, remote);
                return true;
            }
        };
        let message = if message.is_request() {
            message.with_top_via_received(remote)
        } else {
            message
        };
        let flow = Flow {
            transport: Transport::Udp,
            local: self.local,
            remote,
        };
        match lanes.pass(Received { message, flow }).await {
            Passed::Taken => true,
            Passed::Closed => false,
            Passed::Shed(answer) => {
                metrics::counter!("strowger_sip_shed").increment(1);
                if let Some(answer) = answer {
                    // Who does not get it comes again by itself.
                    let _ = self.send(answer.as_bytes(), remote);
                }
                true
            }
        }
    }

    /// A datagram that is no message: its sender is told where RFC 3261 says so.
    fn broken(&self, error: &sip::ParseError, remote: SocketAddr) {
        if *error.kind() == ParseErrorKind::KeepAlive {
            return;
        }
        metrics::counter!("strowger_sip_broken").increment(1);
        tracing::debug!(%error, %remote, "a datagram is no SIP message");
        let Some(request) = error.answerable() else {
            return;
        };
        let answer = MessageBuilder::response_to(request, error.status(), Some("broken")).build();
        if let Ok(answer) = answer {
            let _ = self.send(answer.as_bytes(), remote);
        }
    }
}
