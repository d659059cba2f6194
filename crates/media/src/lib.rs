//! RTP and audio: relay, play, record, mix; own threads.
//!
//! [`Media`] is the control side: it reserves ports, opens slots and hands
//! [`Command`]s to worker threads, one a core, each an epoll loop. A slot is
//! one leg's pair of ports. What happens to a packet is decided in `slot`, which
//! does no I/O and asks no clock; `worker` moves packets between sockets and
//! slots; `sys` alone speaks to the kernel by unsafe calls.
//!
//! No packet ever goes through the switch, and none may take a lock, allocate
//! memory or wake another thread.

mod command;
mod control;
mod error;
mod ports;
mod ring;
mod slot;
mod socket;
mod sys;
mod worker;

pub mod codec;
pub mod goertzel;
pub mod playback;
pub mod rtcp;
pub mod rtp;
pub mod tone;

pub use codec::Codec;
pub use command::{Command, Opened, PayloadMap, Remote, Report, SlotId, SlotStats};
pub use control::{Media, MediaConfig};
pub use error::MediaError;
pub use playback::Playback;
pub use ports::PORT_REST;
