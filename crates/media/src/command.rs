//! What the control side says to a slot, and what comes back. Values only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::playback::Playback;
use crate::rtp;

/// A slot, by index and generation: an id that outlived its slot is refused,
/// never taken for the slot's successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl std::fmt::Display for SlotId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// A new slot: its sockets are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The slot.
    pub slot: SlotId,
    /// Its RTP port, even; RTCP is the next.
    pub port: u16,
}

/// The far end of a slot as signalling tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// SDP's address. `None`, `0.0.0.0` or port 0 where there is none yet or the
    /// far end wants nothing: then nothing is sent until it speaks.
    pub rtp: Option<SocketAddr>,
    /// SDP's `a=rtcp`, where it has one; else the port after RTP's.
    pub rtcp: Option<SocketAddr>,
    /// Where the leg's signalling comes from: trusted like SDP's address,
    /// whatever the port.
    pub signalling: IpAddr,
    /// RTP clock of the first codec, Hz (8000 for G.711 and G.722, 48000 for Opus).
    pub clock_rate: u32,
    /// Payload type under which the far end sends telephone-event, if it does.
    pub telephone_event: Option<u8>,
}

/// Payload types of one leg in terms of another's. Starts with everything dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PayloadMap([u8; 128]);

impl PayloadMap {
    const DROP: u8 = 255;

    /// Nothing passes.
    pub fn empty() -> Self {
        Self([Self::DROP; 128])
    }
    /// Everything passes under its own number.
    pub fn identity() -> Self {
        (0..128).fold(Self::empty(), |map, pt| map.with(pt, pt))
    }
    /// Packets of payload type `from` leave as `to`. Numbers that are no payload
    /// type (over 127, or kept for RTCP) change nothing.
    pub fn set(&mut self, from: u8, to: u8) {
        if to < 128
            && !rtp::is_rtcp(to)
            && let Some(entry) = self.0.get_mut(usize::from(from))
        {
            *entry = to;
        }
    }
    /// As `set`, for building in one go.
    pub fn with(mut self, from: u8, to: u8) -> Self {
        self.set(from, to);
        self
    }
    /// What `from` leaves as, if it passes.
    pub fn get(&self, from: u8) -> Option<u8> {
        self.0
            .get(usize::from(from))
            .copied()
            .filter(|&to| to != Self::DROP)
    }
}

impl std::fmt::Debug for PayloadMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries((0u8..128).filter_map(|from| self.get(from).map(|to| (from, to))))
            .finish()
    }
}

/// One order to a slot.
#[derive(Debug, Clone)]
pub enum Command {
    /// The far end's addresses. The same addresses again change nothing; others
    /// end the lock on the source learned so far.
    Remote(Remote),
    /// Relay what this slot receives to `peer`, which is fed by one slot at a
    /// time: whoever fed it before is disconnected. One way; a call takes two.
    Connect {
        /// Where to.
        peer: SlotId,
        /// Which payload types pass, and as what.
        map: PayloadMap,
    },
    /// Relay nothing that this slot receives.
    Disconnect,
    /// Send these frames to this slot's far end, one every 20 ms. What is
    /// relayed to the slot waits (is dropped) while it plays.
    Play {
        /// The frames, encoded.
        playback: Arc<Playback>,
        /// Their payload type on this leg.
        payload_type: u8,
        /// Start over at the end, until `Stop`.
        repeat: bool,
    },
    /// End what `Play` began.
    Stop,
    /// Report [`Report::MediaLost`] once when the far end has sent neither RTP nor
    /// RTCP for so long; again only after it did. `None` (the start): don't.
    Watch {
        /// How long.
        timeout: Option<Duration>,
    },
    /// RTCP BYE, close both sockets, report [`Report::Closed`]. Never refused
    /// for want of room.
    Close,
}

/// What a slot tells. Handed to the callback given at the start, on a worker's
/// thread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Report {
    /// The far end fell silent for the time that `Watch` set.
    MediaLost {
        /// Whose.
        slot: SlotId,
    },
    /// A telephone-event ended: one of `0`–`9`, `*`, `#`, `A`–`D`.
    Digit {
        /// Who pressed it.
        slot: SlotId,
        /// The key.
        digit: char,
    },
    /// The slot is closed; its last report.
    Closed {
        /// Which.
        slot: SlotId,
        /// What went through it.
        stats: SlotStats,
    },
}

/// What went through a slot in its life.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SlotStats {
    /// RTP packets taken from the far end.
    pub packets_in: u64,
    /// RTP packets sent to the far end.
    pub packets_out: u64,
    /// Payload bytes taken.
    pub bytes_in: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Packets of the far end that its sequence numbers show as lost.
    pub lost: u64,
    /// Packets dropped here: of another source, broken, too late, or of a
    /// payload type that does not pass.
    pub dropped: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1) at the end.
    pub jitter: Duration,
    /// Of what we sent: lost, by the far end's last receiver report.
    pub remote_lost: u32,
    /// Jitter by the far end's last receiver report.
    pub remote_jitter: Duration,
    /// Round trip by the far end's last receiver report.
    pub round_trip: Option<Duration>,
}
