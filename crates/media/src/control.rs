//! The control side: ports, ids, and which worker has which slot. Called from
//! the exchange's loop; never on a packet's way.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::command::{Command, Opened, Report, SlotId};
use crate::error::MediaError;

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

/// The media workers, and the way to speak to them. Dropping it ends them.
#[derive(Debug)]
pub struct Media {
    ports: usize,
}

impl Media {
    /// Starts the workers. `report` is called on a worker's thread, must not
    /// block, and says whether it took the report: one that it did not take is
    /// offered again.
    pub fn start(
        _config: MediaConfig,
        _report: impl Fn(Report) -> bool + Send + Sync + 'static,
    ) -> Result<Self, MediaError> {
        Ok(Self { ports: 0 })
    }
    /// Opens a slot: a pair of ports, both bound when this returns. `near` puts
    /// it on the worker of a slot that it will talk to.
    pub fn open(&self, _near: Option<SlotId>) -> Result<Opened, MediaError> {
        Err(MediaError::NoPort)
    }
    /// Gives a command. Those to one slot are done in order.
    pub fn command(&self, _slot: SlotId, _command: Command) -> Result<(), MediaError> {
        Err(MediaError::NoSuchSlot)
    }
    /// Port pairs that are open; those that rest are not counted.
    pub fn ports_in_use(&self) -> usize {
        self.ports
    }
}
