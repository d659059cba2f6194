//! The control side: ports, ids, and which worker has which slot. Called from
//! the exchange's loop; never on a packet's way.

mod places;

#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::command::{Command, Opened, Report, SlotId};
use crate::error::MediaError;
use crate::ports::Ports;
use crate::slot::{Origin, Slot};
use crate::socket::Udp;
use crate::worker::{self, Handle, Leg, Order};

use places::Places;

/// Ports that one `open` tries before it gives up, where other programs hold
/// ports of the range.
const OPEN_ATTEMPTS: usize = 256;

/// Slots that a worker gets before the next one gets any: a fifth of a core's
/// time. Spread thinner, a worker wakes for each packet, which costs more than
/// the packet.
const WORKER_FILL: usize = 1000;

/// How to start.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Address that RTP sockets are bound to.
    pub listen: IpAddr,
    /// Ports that may be used.
    pub ports: RangeInclusive<u16>,
    /// Worker threads; 0 is one a core.
    pub workers: usize,
}

/// The media workers, and the way to speak to them. Dropping it says BYE on all
/// slots and ends the workers.
#[derive(Debug)]
pub struct Media {
    listen: IpAddr,
    epoch: Instant,
    workers: Vec<Handle>,
    control: Mutex<Control>,
}

#[derive(Debug)]
struct Control {
    ports: Ports,
    places: Places,
}

impl Media {
    /// Starts the workers. `report` is called on a worker's thread, must not
    /// block, and says whether it took the report: one that it did not take is
    /// offered again.
    pub fn start(
        config: MediaConfig,
        report: impl Fn(Report) -> bool + Send + Sync + 'static,
    ) -> Result<Self, MediaError> {
        Self::start_filling(config, WORKER_FILL, Arc::new(report))
    }

    fn start_filling(
        config: MediaConfig,
        fill: usize,
        listener: worker::Listener,
    ) -> Result<Self, MediaError> {
        let ports = Ports::new(&config.ports);
        if ports.pairs() == 0 {
            return Err(MediaError::EmptyRange);
        }
        let count = match config.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let epoch = Instant::now();
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let slots = ports.pairs();
        let workers = (0..count)
            .map(|number| worker::spawn(number, slots, epoch, wall, Arc::clone(&listener)))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| MediaError::Start(error.kind()))?;
        Ok(Self {
            listen: config.listen,
            epoch,
            workers,
            control: Mutex::new(Control {
                places: Places::new(slots, count, fill),
                ports,
            }),
        })
    }

    /// Opens a slot: a pair of ports, both bound when this returns. `near` puts
    /// it on the worker of a slot that it will talk to.
    pub fn open(&self, near: Option<SlotId>) -> Result<Opened, MediaError> {
        let random = Random::draw()?;
        let mut control = self.lock();
        let (port, rtp, rtcp) = self.bind(&mut control.ports, random.port)?;
        let Some((id, worker)) = control.places.open(port, near) else {
            control.ports.rest(port, self.epoch.elapsed());
            return Err(MediaError::NoPort);
        };
        let now = self.epoch.elapsed();
        let leg = Leg {
            slot: Slot::new(id, random.origin, random.cname, now),
            rtp,
            rtcp,
            connected: None,
        };
        if let Some(handle) = self.workers.get(worker) {
            handle.ring.push_always(Order::Open(Box::new(leg)));
        }
        tell_ports(&control.ports);
        Ok(Opened { slot: id, port })
    }

    /// Gives a command. Those to one slot are done in order.
    pub fn command(&self, slot: SlotId, command: Command) -> Result<(), MediaError> {
        let mut control = self.lock();
        let worker = control.places.worker(slot).ok_or(MediaError::NoSuchSlot)?;
        let handle = self.workers.get(worker).ok_or(MediaError::NoSuchSlot)?;
        match command {
            Command::Close => {
                if let Some(port) = control.places.close(slot) {
                    control.ports.rest(port, self.epoch.elapsed());
                    tell_ports(&control.ports);
                }
                handle.ring.push_always(Order::Command(slot, command));
                return Ok(());
            }
            Command::Connect { peer, .. } => {
                control.places.worker(peer).ok_or(MediaError::NoSuchSlot)?;
                self.gather(&mut control.places, slot, peer);
            }
            _ => {}
        }
        let linked = match &command {
            Command::Connect { peer, .. } => Some(Some(*peer)),
            Command::Disconnect => Some(None),
            _ => None,
        };
        handle
            .ring
            .push(Order::Command(slot, command))
            .map_err(|_| MediaError::Busy)?;
        if let Some(peer) = linked
            && let Some(displaced) = control.places.link(slot, peer)
        {
            // On the same worker, for it was linked to the same peer.
            let order = Order::Command(displaced, Command::Disconnect);
            handle.ring.push_always(order);
        }
        Ok(())
    }

    /// Collects what follows: the workers are woken once, by [`Media::uncork`],
    /// not for each command. For who gives several in one go.
    pub fn cork(&self) {
        for worker in &self.workers {
            worker.ring.cork();
        }
    }
    /// Wakes the workers for what was collected since [`Media::cork`].
    pub fn uncork(&self) {
        for worker in &self.workers {
            worker.ring.uncork();
        }
    }
    /// Port pairs that there are: as many legs can have audio at once.
    pub fn ports(&self) -> usize {
        self.lock().ports.pairs()
    }
    /// Port pairs that are open; those that rest are not counted.
    pub fn ports_in_use(&self) -> usize {
        self.lock().ports.in_use()
    }

    /// Brings `peer`, and all that is linked with it, to the worker of `slot`:
    /// a packet never changes threads.
    fn gather(&self, places: &mut Places, slot: SlotId, peer: SlotId) {
        for moved in places.gather(slot, peer) {
            if let (Some(from), Some(to)) =
                (self.workers.get(moved.from), self.workers.get(moved.to))
            {
                to.ring.push_always(Order::Expect(moved.slot));
                let order = Order::Evict(moved.slot, Arc::clone(&to.ring));
                from.ring.push_always(order);
            }
        }
    }

    /// Binds a free pair; one that the system refuses rests, and another is tried.
    fn bind(&self, ports: &mut Ports, random: u64) -> Result<(u16, Udp, Udp), MediaError> {
        for attempt in 0..OPEN_ATTEMPTS as u64 {
            let now = self.epoch.elapsed();
            let choice = random.rotate_left((attempt % 64) as u32) ^ attempt;
            let port = ports.take(choice, now).ok_or(MediaError::NoPort)?;
            let pair = Udp::bind(self.listen, port)
                .and_then(|rtp| Ok((rtp, Udp::bind(self.listen, port + 1)?)));
            match pair {
                Ok((rtp, rtcp)) => return Ok((port, rtp, rtcp)),
                Err(error) => {
                    ports.rest(port, now);
                    if !is_about_port(error.kind()) {
                        return Err(MediaError::Socket(error.kind()));
                    }
                }
            }
        }
        Err(MediaError::NoPort)
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        // Nothing in here panics between two changes that belong together.
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.ring.push_always(Order::End);
        }
        for thread in self.workers.iter_mut().filter_map(|w| w.thread.take()) {
            // A worker that panicked has said so in the log.
            let _ = thread.join();
        }
    }
}

fn tell_ports(ports: &Ports) {
    metrics::gauge!("strowger_media_ports_in_use").set(ports.in_use() as f64);
}

/// Whether another port may do where this one did not.
fn is_about_port(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

/// What of a new slot must not be guessed.
struct Random {
    port: u64,
    origin: Origin,
    cname: Box<str>,
}

impl Random {
    fn draw() -> Result<Self, MediaError> {
        let draw = || getrandom::u64().map_err(|_| MediaError::Random);
        let (stream, clock) = (draw()?, draw()?);
        Ok(Self {
            port: draw()?,
            origin: Origin {
                ssrc: stream as u32,
                sequence: (stream >> 32) as u16,
                timestamp: clock as u32,
            },
            // A name that ties this leg to no other (RFC 7022 §4.2).
            cname: format!("{:016x}", draw()?).into(),
        })
    }
}
