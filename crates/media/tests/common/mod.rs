//! Media with real sockets, far ends on addresses of 127/8, waits with
//! deadlines.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use media::rtp::{Header, Packet};
use media::{Command, Media, MediaConfig, Remote, Report, SlotId};

/// Longest wait for anything.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Where media listens.
pub const LISTEN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 50));

/// A range of so many pairs whose ports are free now, below those that the
/// system gives out, and of no other test of this process.
pub fn free_range(pairs: u16) -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 12_000 + (std::process::id() % 30) as u16 * 200;
    for _ in 0..100 {
        let start = base + NEXT.fetch_add(pairs * 2, Ordering::Relaxed);
        let range = start..=start + pairs * 2 - 1;
        if range
            .clone()
            .all(|port| UdpSocket::bind((LISTEN, port)).is_ok())
        {
            return range;
        }
    }
    panic!("no free range of ports");
}

pub fn start(ports: std::ops::RangeInclusive<u16>, workers: usize) -> (Media, Receiver<Report>) {
    let (sink, reports) = channel();
    let config = MediaConfig {
        listen: LISTEN,
        ports,
        workers,
    };
    let media = Media::start(config, move |report| sink.send(report).is_ok()).unwrap();
    (media, reports)
}

/// A phone's audio socket, and the slot that serves it.
pub struct Phone {
    pub rtp: UdpSocket,
    pub slot: SlotId,
    pub port: u16,
}

impl Phone {
    /// A slot, and a phone on 127.0.0.`host` that the slot knows of.
    pub fn new(media: &Media, host: u8, near: Option<SlotId>) -> Self {
        let ip = Ipv4Addr::new(127, 0, 0, host);
        let rtp = UdpSocket::bind((ip, 0)).unwrap();
        rtp.set_read_timeout(Some(DEADLINE)).unwrap();
        let opened = media.open(near).unwrap();
        let remote = Remote {
            rtp: Some(rtp.local_addr().unwrap()),
            rtcp: None,
            signalling: ip.into(),
            clock_rate: 8000,
            telephone_event: Some(101),
        };
        media.command(opened.slot, Command::Remote(remote)).unwrap();
        Self {
            rtp,
            slot: opened.slot,
            port: opened.port,
        }
    }

    pub fn send(&self, header: Header, payload: &[u8]) {
        let to = SocketAddr::new(LISTEN, self.port);
        self.rtp.send_to(&header.packet(payload), to).unwrap();
    }

    /// The next packet, before the deadline.
    pub fn hear(&self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2048];
        let (len, source) = self.rtp.recv_from(&mut buffer).unwrap();
        assert_eq!(source, SocketAddr::new(LISTEN, self.port));
        let packet = Packet::parse(&buffer[..len]).unwrap();
        (packet.header(), packet.payload().to_vec())
    }

    /// The `n`th packet of a 20 ms G.711 stream.
    pub fn say(&self, ssrc: u32, n: u16) {
        let header = Header {
            marker: n == 0,
            payload_type: 0,
            sequence: n,
            timestamp: u32::from(n) * 160,
            ssrc,
        };
        self.send(header, &[n as u8; 160]);
    }
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come true");
        std::thread::yield_now();
    }
}
