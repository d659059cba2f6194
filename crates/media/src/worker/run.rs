//! A worker's thread: one epoll loop, one clock call a wake-up.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::command::SlotId;
use crate::ring::Ring;
use crate::socket::Udp;
use crate::sys::{Epoll, Ready};

use super::{Core, Ears, Listener, MAX_DATAGRAM, Order, Port};

/// The ring's bell, among the tokens; no slot's index is so high.
const BELL: u64 = u64::MAX;

/// How often counters go to the metrics.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// The control side's end of a worker.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) ring: Arc<Ring<Order<Udp>>>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

/// Starts a worker. `epoch` is time zero for all of them, `wall` the wall clock
/// at it.
pub(crate) fn spawn(
    number: usize,
    slots: usize,
    epoch: Instant,
    wall: Duration,
    listener: Listener,
) -> io::Result<Handle> {
    let epoll = Arc::new(Epoll::new()?);
    let ring = Arc::new(Ring::new()?);
    epoll.add(ring.bell().fd(), BELL)?;
    let core = Core::new(EpollEars(Arc::clone(&epoll)), slots, wall, listener);
    let worker = Worker {
        epoll,
        ring: Arc::clone(&ring),
        core,
        epoch,
        orders: VecDeque::with_capacity(crate::ring::RING_CAPACITY),
        now: epoch.elapsed(),
        next_metrics: Duration::ZERO,
    };
    let thread = std::thread::Builder::new()
        .name(format!("media-{number}"))
        .spawn(move || worker.run())?;
    Ok(Handle {
        ring,
        thread: Some(thread),
    })
}

struct Worker {
    epoll: Arc<Epoll>,
    ring: Arc<Ring<Order<Udp>>>,
    core: Core<Udp, EpollEars>,
    epoch: Instant,
    orders: VecDeque<Order<Udp>>,
    /// When the last wait ended: the only clock call of a wake-up.
    now: Duration,
    next_metrics: Duration,
}

impl Worker {
    fn run(mut self) {
        let mut ready = Ready::new();
        let mut buffer = [0; MAX_DATAGRAM];
        while !self.core.has_ended() {
            // A fault in one packet's handling must not take the other calls'
            // audio with it.
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(&mut ready, &mut buffer)));
            match turn {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "media worker cannot wait for packets; it ends");
                    return;
                }
                Err(_) => {
                    metrics::counter!("strowger_media_panics_total").increment(1);
                    tracing::error!("a media worker's turn panicked; it goes on");
                }
            }
        }
        self.tell_metrics();
    }

    /// Waits, then does what the wait brought.
    fn turn(&mut self, ready: &mut Ready, buffer: &mut [u8]) -> io::Result<()> {
        if !self.orders.is_empty() {
            // What a panic left undone. Taken for an emptied queue it would go
            // back into the ring, whose bell only rings for the first order.
            self.core.obey(&mut self.orders, buffer, self.now);
        }
        let timeout = self.core.deadline().map(|at| at.saturating_sub(self.now));
        self.epoll.wait(ready, timeout)?;
        self.now = self.epoch.elapsed();
        let now = self.now;
        for token in ready.tokens() {
            if token == BELL {
                self.ring.take(&mut self.orders);
                self.core.obey(&mut self.orders, buffer, now);
                continue;
            }
            match slot_of(token) {
                (id, Port::Rtp) => self.core.rtp_ready(id, buffer, now),
                (id, Port::Rtcp) => self.core.rtcp_ready(id, buffer, now),
            }
        }
        self.core.handle_timeout(buffer, now);
        if self.next_metrics <= now {
            self.next_metrics = now + METRICS_INTERVAL;
            self.tell_metrics();
        }
        Ok(())
    }

    fn tell_metrics(&mut self) {
        let counters = self.core.take_counters();
        metrics::counter!("strowger_media_packets_relayed_total").increment(counters.relayed);
        metrics::counter!("strowger_media_packets_played_total").increment(counters.played);
        metrics::counter!("strowger_media_packets_dropped_total").increment(counters.dropped);
        metrics::counter!("strowger_media_reports_dropped_total")
            .increment(counters.reports_dropped);
    }
}

/// Listens by epoll.
struct EpollEars(Arc<Epoll>);

impl Ears<Udp> for EpollEars {
    fn open(&mut self, socket: &Udp, slot: SlotId, port: Port) -> io::Result<()> {
        self.0.add(socket.as_fd(), token_of(slot, port))
    }
    fn close(&mut self, socket: &Udp) {
        // Fails only for a socket that was not listened to.
        let _ = self.0.remove(socket.as_fd());
    }
}

fn token_of(slot: SlotId, port: Port) -> u64 {
    let odd = u64::from(port == Port::Rtcp);
    u64::from(slot.generation) << 32 | u64::from(slot.index) << 1 | odd
}

fn slot_of(token: u64) -> (SlotId, Port) {
    let id = SlotId {
        index: (token as u32) >> 1,
        generation: (token >> 32) as u32,
    };
    let port = if token & 1 == 0 {
        Port::Rtp
    } else {
        Port::Rtcp
    };
    (id, port)
}
