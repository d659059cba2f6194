//! One leg's media: whom it hears, what it sends, what it reports. Pure: no
//! socket and no clock; the worker carries packets in and out.
//!
//! A packet is heard by the slot of the leg that sent it (`hear`), and leaves
//! by the slot of the other leg (`forward`), which rewrites it in place.

mod digit;
mod learn;
mod play;
mod receive;
mod reports;
mod send;

use std::net::SocketAddr;
use std::time::Duration;

use crate::command::{Command, PayloadMap, Remote, SlotId, SlotStats};
use crate::rtp::{Header, Packet};

use digit::Digits;
use learn::{Learner, Source};
use play::Player;
use receive::{Heard, Reception};
use reports::Reports;
use send::{Feed, Sender};

pub(crate) use send::Origin;

/// RTP clock until signalling tells another.
const DEFAULT_CLOCK_RATE: u32 = 8000;

/// A packet that passes to another slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing {
    pub(crate) to: SlotId,
    /// With the payload type that it leaves with.
    header: Header,
    feed: Feed,
    payload_len: usize,
}

/// What came of a packet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// It goes on to another slot.
    pub(crate) passing: Option<Passing>,
    /// Keys whose end it showed.
    pub(crate) digits: [Option<char>; 2],
    /// Its source has just been locked.
    pub(crate) locked: bool,
    /// It was not taken.
    pub(crate) dropped: bool,
}

/// What a slot wants after some time passed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attention {
    /// Its far end gave no sign of life for as long as `Watch` set.
    pub(crate) media_lost: bool,
    /// An RTCP report is due.
    pub(crate) report_due: bool,
}

#[derive(Debug)]
pub(crate) struct Slot {
    id: SlotId,
    learner: Learner,
    clock_rate: u32,
    telephone_event: Option<u8>,
    reception: Reception,
    digits: Digits,
    stream: u32,
    link: Option<Link>,
    /// Counts connections, so that each joins the other side anew.
    connections: u32,
    sender: Sender,
    player: Option<Player>,
    playbacks: u32,
    watch: Watch,
    reports: Reports,
    stats: SlotStats,
}

#[derive(Debug)]
struct Link {
    peer: SlotId,
    map: PayloadMap,
}

/// Whether anybody waits for the far end to fall silent.
#[derive(Debug, Clone, Copy)]
enum Watch {
    Off,
    /// Since when, unless it speaks.
    On {
        timeout: Duration,
        since: Duration,
    },
    /// Told; on again when it speaks.
    Told {
        timeout: Duration,
    },
}

impl Slot {
    pub(crate) fn new(id: SlotId, origin: Origin, cname: Box<str>, now: Duration) -> Self {
        Self {
            id,
            learner: Learner::new(),
            clock_rate: DEFAULT_CLOCK_RATE,
            telephone_event: None,
            reception: Reception::default(),
            digits: Digits::default(),
            stream: 0,
            link: None,
            connections: 0,
            sender: Sender::new(origin),
            player: None,
            playbacks: 0,
            watch: Watch::Off,
            reports: Reports::new(cname, origin.timestamp, now),
            stats: SlotStats::default(),
        }
    }

    pub(crate) fn id(&self) -> SlotId {
        self.id
    }

    /// Every command but `Close`, which is the worker's.
    pub(crate) fn command(&mut self, command: Command, now: Duration) {
        match command {
            Command::Remote(remote) => self.remote(remote, now),
            Command::Connect { peer, map } => {
                self.connections = self.connections.wrapping_add(1);
                self.link = Some(Link { peer, map });
            }
            Command::Disconnect => self.link = None,
            Command::Play {
                playback,
                payload_type,
                repeat,
            } => {
                self.playbacks = self.playbacks.wrapping_add(1);
                self.player = Some(Player::new(playback, payload_type, repeat));
            }
            Command::Stop => self.player = None,
            Command::Watch { timeout } => {
                self.watch = match timeout {
                    Some(timeout) => Watch::On {
                        timeout,
                        since: now,
                    },
                    None => Watch::Off,
                };
            }
            Command::Close => {}
        }
    }

    /// An RTP datagram came to this slot.
    pub(crate) fn hear(&mut self, datagram: &[u8], source: SocketAddr, now: Duration) -> Outcome {
        let outcome = self.judge(datagram, source, now);
        self.stats.dropped += u64::from(outcome.dropped);
        outcome
    }

    fn judge(&mut self, datagram: &[u8], source: SocketAddr, now: Duration) -> Outcome {
        let mut outcome = Outcome {
            dropped: true,
            ..Outcome::default()
        };
        let Ok(packet) = Packet::parse(datagram) else {
            return outcome;
        };
        let header = packet.header();
        match self.learner.hear(source, header.ssrc, header.sequence, now) {
            Source::Stranger => return outcome,
            Source::NewlyLocked => outcome.locked = true,
            Source::Locked => {}
        }
        let Heard::Stream(stream) = self.reception.take(&header, self.clock_rate, now) else {
            return outcome;
        };
        self.stats.packets_in += 1;
        self.stats.bytes_in += packet.payload().len() as u64;
        self.is_alive(now);
        outcome.digits = self.listen_for_digits(stream, &header, packet.payload());
        let Some(link) = &self.link else {
            outcome.dropped = false; // taken, though nobody listens
            return outcome;
        };
        let Some(payload_type) = link.map.get(header.payload_type) else {
            return outcome;
        };
        outcome.dropped = false;
        outcome.passing = Some(Passing {
            to: link.peer,
            header: Header {
                payload_type,
                ..header
            },
            feed: Feed::Relay {
                slot: self.id,
                stream,
                connection: self.connections,
            },
            payload_len: packet.payload().len(),
        });
        outcome
    }

    /// Makes another slot's packet one of this slot's stream, in place. `false`:
    /// it does not go out.
    pub(crate) fn forward(
        &mut self,
        passing: &Passing,
        datagram: &mut [u8],
        now: Duration,
    ) -> bool {
        let placed = if self.player.is_some() {
            None
        } else {
            self.sender
                .place(passing.feed, passing.header, self.clock_rate, now)
        };
        let Some(header) = placed else {
            self.stats.dropped += 1;
            return false;
        };
        header.overwrite(datagram) && {
            self.sent(passing.payload_len);
            true
        }
    }

    /// The next packet of what plays, written to `into`; its length.
    pub(crate) fn play(&mut self, into: &mut [u8], now: Duration) -> Option<usize> {
        self.learner.destination()?; // nobody to hear it: it waits
        let Some((header, payload)) = self.player.as_mut()?.next() else {
            self.player = None;
            return None;
        };
        let feed = Feed::Playback(self.playbacks);
        let header = self.sender.place(feed, header, self.clock_rate, now)?;
        let len = header.write(payload, into)?;
        let payload_len = payload.len();
        self.sent(payload_len);
        Some(len)
    }

    /// Whether something plays.
    pub(crate) fn is_playing(&self) -> bool {
        self.player.is_some()
    }

    /// The worker was late by several ticks: what plays joins anew.
    pub(crate) fn skip(&mut self) {
        self.sender.part();
    }

    /// What could not be sent after all.
    pub(crate) fn unsent(&mut self) {
        self.stats.dropped += 1;
    }

    /// Where this slot's stream goes.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        self.learner.destination()
    }

    /// The one source that matters now, where the socket may be connected to
    /// it. Connecting fixes our own address to that of the route to the source;
    /// the one told in SDP is that of the route to the signalling peer, so that
    /// media from elsewhere may come in by another of our addresses.
    pub(crate) fn only_source(&self, now: Duration) -> Option<SocketAddr> {
        self.learner
            .locked()
            .filter(|source| self.learner.is_settled(now) && self.learner.signals_from(source.ip()))
    }

    /// Looks at the clock, some times a second.
    pub(crate) fn attend(&mut self, now: Duration) -> Attention {
        let mut attention = Attention::default();
        if let Watch::On { timeout, since } = self.watch {
            // A muted phone may send RTCP alone.
            let signs = [self.learner.heard(), self.reports.heard()];
            let spoken = signs.into_iter().flatten().fold(since, Duration::max);
            if now.saturating_sub(spoken) >= timeout {
                self.watch = Watch::Told { timeout };
                attention.media_lost = true;
            }
        }
        attention.report_due = self.reports.is_due(now);
        attention
    }

    /// Numbers at the end.
    pub(crate) fn stats(&self) -> SlotStats {
        let mut stats = self.stats;
        stats.lost = self.reception.lost();
        stats.jitter = self.reception.jitter(self.clock_rate);
        self.reports.add_to(&mut stats, self.clock_rate);
        stats
    }

    fn remote(&mut self, remote: Remote, now: Duration) {
        self.clock_rate = remote.clock_rate.max(1);
        self.telephone_event = remote.telephone_event;
        let rtp = remote.rtp.and_then(usable);
        let signalling = remote.signalling.to_canonical();
        let changed = self.learner.remote(rtp, signalling, now);
        self.reports.remote(remote.rtcp.and_then(usable), changed);
        if changed && let Watch::On { timeout, .. } | Watch::Told { timeout } = self.watch {
            // Who moves has just spoken by signalling: its silence begins anew.
            self.watch = Watch::On {
                timeout,
                since: now,
            };
        }
    }

    /// The far end gave a sign of life: its next silence is news again.
    fn is_alive(&mut self, now: Duration) {
        if let Watch::Told { timeout } = self.watch {
            self.watch = Watch::On {
                timeout,
                since: now,
            };
        }
    }

    fn sent(&mut self, payload_len: usize) {
        self.stats.packets_out += 1;
        self.stats.bytes_out += payload_len as u64;
    }

    fn listen_for_digits(
        &mut self,
        stream: u32,
        header: &Header,
        payload: &[u8],
    ) -> [Option<char>; 2] {
        let unfinished = if stream == self.stream {
            None
        } else {
            self.stream = stream;
            self.digits.stream_changed()
        };
        if self.telephone_event == Some(header.payload_type) {
            let [before, digit] = self.digits.event(header, payload);
            [unfinished.or(before), digit]
        } else {
            [unfinished, self.digits.other(header, self.clock_rate)]
        }
    }
}

/// An address as packets show it; none where it is no place to send to.
fn usable(address: SocketAddr) -> Option<SocketAddr> {
    let ip = address.ip().to_canonical();
    let usable = !ip.is_unspecified() && address.port() != 0;
    usable.then_some(SocketAddr::new(ip, address.port()))
}
