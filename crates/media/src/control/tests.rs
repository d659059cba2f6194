//! Slots on several workers, over real sockets.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::*;
use crate::command::{PayloadMap, Remote};
use crate::rtp::{Header, Packet};

const LISTEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 51);

struct Phone {
    socket: UdpSocket,
    opened: Opened,
    sent: std::cell::Cell<u16>,
}

impl Phone {
    fn new(media: &Media) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let wait = Duration::from_millis(50);
        socket.set_read_timeout(Some(wait)).unwrap();
        let opened = media.open(None).unwrap();
        let remote = Remote {
            rtp: Some(socket.local_addr().unwrap()),
            rtcp: None,
            signalling: Ipv4Addr::LOCALHOST.into(),
            clock_rate: 8000,
            telephone_event: None,
        };
        media.command(opened.slot, Command::Remote(remote)).unwrap();
        Self {
            socket,
            opened,
            sent: std::cell::Cell::new(0),
        }
    }

    /// Speaks until the other hears it: what it hears.
    fn reach(&self, other: &Self) -> Header {
        let to = SocketAddr::new(LISTEN.into(), self.opened.port);
        let mut buffer = [0; 100];
        for _ in 0..100 {
            let sequence = self.sent.get();
            self.sent.set(sequence + 1);
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence,
                timestamp: u32::from(sequence) * 160,
                ssrc: 1,
            };
            self.socket.send_to(&header.packet(&[1]), to).unwrap();
            if let Ok(len) = other.socket.recv(&mut buffer) {
                return Packet::parse(&buffer[..len]).unwrap().header();
            }
        }
        panic!("nothing gets through");
    }
}

#[test]
fn slots_opened_on_different_workers_come_together_when_connected() {
    let config = MediaConfig {
        listen: LISTEN.into(),
        ports: 40_000..=40_999,
        workers: 3,
    };
    let media = Media::start_filling(config, 0, Arc::new(|_| true)).unwrap();
    let phones = [(); 3].map(|()| Phone::new(&media));
    let [a, b, c] = &phones;
    let connect = |from: &Phone, to: &Phone| {
        let connect = Command::Connect {
            peer: to.opened.slot,
            map: PayloadMap::identity(),
        };
        media.command(from.opened.slot, connect).unwrap();
    };
    connect(a, b);
    connect(b, a);
    let first = a.reach(b);
    b.reach(a);
    // b and a move together to where c is.
    connect(c, b);
    connect(b, c);
    let next = c.reach(b);
    assert_eq!(next.ssrc, first.ssrc);
    b.reach(c);
    let workers = phones.each_ref().map(|phone| {
        let control = media.lock();
        control.places.worker(phone.opened.slot)
    });
    assert_eq!(workers, [workers[2]; 3]);
}
