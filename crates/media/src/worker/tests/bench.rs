//! A worker without a kernel: what far ends send goes in, what they would hear
//! comes out, and time is what the test says.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::{Core, Ears, Leg, MAX_DATAGRAM, Order, Port};
use crate::command::{Command, PayloadMap, Remote, Report, SlotId};
use crate::rtp::{Header, Packet};
use crate::slot::{Origin, Slot};
use crate::socket::Socket;

/// A datagram, and where it is from or goes.
type Datagram = (Vec<u8>, SocketAddr);

/// Both sides of a socket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipe {
    inbox: Arc<Mutex<VecDeque<Datagram>>>,
    outbox: Arc<Mutex<Vec<Datagram>>>,
    peer: Arc<Mutex<Option<SocketAddr>>>,
}

impl Pipe {
    /// What was sent since the last time.
    pub(crate) fn sent(&self) -> Vec<Datagram> {
        std::mem::take(&mut *self.outbox.lock().unwrap())
    }
    /// Whom it is connected to.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        *self.peer.lock().unwrap()
    }
}

impl Socket for Pipe {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (datagram, source) = self
            .inbox
            .lock()
            .unwrap()
            .pop_front()
            .ok_or(io::ErrorKind::WouldBlock)?;
        let len = datagram.len().min(buffer.len());
        buffer[..len].copy_from_slice(&datagram[..len]);
        Ok((len, source))
    }
    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let peer = self.peer().ok_or(io::ErrorKind::NotConnected)?;
        self.send_to(datagram, peer)
    }
    fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        self.outbox.lock().unwrap().push((datagram.to_vec(), to));
        Ok(())
    }
    fn connect(&self, peer: Option<SocketAddr>) -> io::Result<()> {
        *self.peer.lock().unwrap() = peer;
        Ok(())
    }
}

pub(crate) struct Deaf;

impl Ears<Pipe> for Deaf {
    fn open(&mut self, _: &Pipe, _: SlotId, _: Port) -> io::Result<()> {
        Ok(())
    }
    fn close(&mut self, _: &Pipe) {}
}

pub(crate) struct Bench {
    pub(crate) core: Core<Pipe, Deaf>,
    pub(crate) now: Duration,
    pub(crate) rtp: HashMap<SlotId, Pipe>,
    pub(crate) rtcp: HashMap<SlotId, Pipe>,
    reports: Arc<Mutex<Vec<Report>>>,
    /// Whether reports are taken.
    pub(crate) open_ear: Arc<Mutex<bool>>,
    pub(crate) buffer: [u8; MAX_DATAGRAM],
    opened: u32,
}

/// Where SDP says that a slot's far end is.
pub(crate) fn home(slot: SlotId) -> SocketAddr {
    at(&format!("10.0.{}.1:4000", slot.index))
}

pub(crate) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// A 20 ms G.711 packet, the `n`th of its stream.
pub(crate) fn voice(ssrc: u32, n: u32) -> Vec<u8> {
    packet(ssrc, n as u16, n * 160, 0, &[0xd5; 160])
}

pub(crate) fn packet(ssrc: u32, sequence: u16, timestamp: u32, pt: u8, payload: &[u8]) -> Vec<u8> {
    Header {
        marker: false,
        payload_type: pt,
        sequence,
        timestamp,
        ssrc,
    }
    .packet(payload)
}

impl Bench {
    pub(crate) fn new() -> Self {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let open_ear = Arc::new(Mutex::new(true));
        let (sink, open) = (Arc::clone(&reports), Arc::clone(&open_ear));
        let listener = move |report| {
            let open = *open.lock().unwrap();
            if open {
                sink.lock().unwrap().push(report);
            }
            open
        };
        let wall = Duration::from_secs(1_800_000_000);
        Self {
            core: Core::new(Deaf, 64, wall, Arc::new(listener)),
            now: Duration::from_secs(100),
            rtp: HashMap::new(),
            rtcp: HashMap::new(),
            reports,
            open_ear,
            buffer: [0; MAX_DATAGRAM],
            opened: 0,
        }
    }

    /// A slot whose far end is at its `home`.
    pub(crate) fn leg(&mut self) -> SlotId {
        let id = self.unknown_leg();
        self.command(id, Command::Remote(self.remote(id)));
        id
    }

    pub(crate) fn remote(&self, id: SlotId) -> Remote {
        Remote {
            rtp: Some(home(id)),
            rtcp: None,
            signalling: home(id).ip(),
            clock_rate: 8000,
            telephone_event: Some(101),
        }
    }

    /// A slot of whose far end nothing is known.
    pub(crate) fn unknown_leg(&mut self) -> SlotId {
        let id = SlotId {
            index: self.opened,
            generation: 1,
        };
        self.opened += 1;
        let origin = Origin {
            ssrc: 0xaaaa_0000 + id.index,
            sequence: 65_500,
            timestamp: u32::MAX - 5000,
        };
        let (rtp, rtcp) = (Pipe::default(), Pipe::default());
        self.rtp.insert(id, rtp.clone());
        self.rtcp.insert(id, rtcp.clone());
        self.order(Order::Open(Box::new(Leg {
            slot: Slot::new(id, origin, "cname".into(), self.now),
            rtp,
            rtcp,
            connected: None,
        })));
        id
    }

    pub(crate) fn order(&mut self, order: Order<Pipe>) {
        let mut orders = VecDeque::from([order]);
        self.core.obey(&mut orders, &mut self.buffer, self.now);
    }

    pub(crate) fn command(&mut self, slot: SlotId, command: Command) {
        self.order(Order::Command(slot, command));
    }

    pub(crate) fn connect(&mut self, slot: SlotId, peer: SlotId) {
        let map = PayloadMap::identity();
        self.command(slot, Command::Connect { peer, map });
    }

    /// A far end sends, and the worker takes it.
    pub(crate) fn sends(&mut self, slot: SlotId, source: SocketAddr, datagram: &[u8]) {
        let inbox = &self.rtp[&slot].inbox;
        inbox.lock().unwrap().push_back((datagram.to_vec(), source));
        self.core.rtp_ready(slot, &mut self.buffer, self.now);
    }

    pub(crate) fn home_sends(&mut self, slot: SlotId, datagram: &[u8]) {
        self.sends(slot, home(slot), datagram);
    }

    pub(crate) fn sends_report(&mut self, slot: SlotId, source: SocketAddr, datagram: &[u8]) {
        let inbox = &self.rtcp[&slot].inbox;
        inbox.lock().unwrap().push_back((datagram.to_vec(), source));
        self.core.rtcp_ready(slot, &mut self.buffer, self.now);
    }

    /// Time goes on; the worker wakes when it wants to.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.core.deadline().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.core.handle_timeout(&mut self.buffer, self.now);
        }
        self.now = end;
    }

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    /// RTP that left a slot since the last time, and where to.
    pub(crate) fn heard(&mut self, slot: SlotId) -> Vec<(Header, SocketAddr)> {
        let sent = self.rtp[&slot].sent();
        sent.iter()
            .map(|(datagram, to)| (Packet::parse(datagram).unwrap().header(), *to))
            .collect()
    }

    pub(crate) fn reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut *self.reports.lock().unwrap())
    }
}
