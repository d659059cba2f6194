//! The outgoing stream of a slot: one SSRC for its life, whoever feeds it.
//!
//! Sequence and timestamp of what is fed are shifted by offsets that are fixed
//! when a feed joins, so loss and reordering on the way in stay visible, and a
//! join leaves no jump in sequence and a timestamp that went on with the clock.
//! Pure.

use std::time::Duration;

use super::receive::units;
use crate::command::SlotId;
use crate::rtp::Header;

/// How far behind the newest a packet may be, at most; wider than what
/// reception lets through.
const REORDER_WINDOW: u16 = 1000;

/// Who feeds the stream. A different one joins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feed {
    /// A stream that a slot receives, and which connection brought it here.
    Relay {
        slot: SlotId,
        stream: u32,
        connection: u32,
    },
    /// A playback.
    Playback(u32),
}

/// Random numbers that a stream begins with (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
}

#[derive(Debug)]
pub(crate) struct Sender {
    origin: Origin,
    newest: Option<Newest>,
    joined: Option<Joined>,
    /// Timestamp units from one packet to the next, as last seen.
    step: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    sequence: u16,
    timestamp: u32,
    at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Joined {
    feed: Feed,
    sequence_shift: u16,
    timestamp_shift: u32,
    /// Sequence numbers before this one were given out already.
    floor: u16,
}

impl Sender {
    pub(crate) fn new(origin: Origin) -> Self {
        Self {
            origin,
            newest: None,
            joined: None,
            step: None,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.origin.ssrc
    }

    /// The header that a packet of a feed leaves with (payload type as it is);
    /// `None` for one that is older than its feed's joining.
    pub(crate) fn place(
        &mut self,
        feed: Feed,
        mut header: Header,
        clock_rate: u32,
        now: Duration,
    ) -> Option<Header> {
        let joined = match self.joined {
            Some(joined) if joined.feed == feed => joined,
            _ => {
                header.marker = true;
                self.join(feed, &header, clock_rate, now)
            }
        };
        header.ssrc = self.origin.ssrc;
        header.sequence = header.sequence.wrapping_add(joined.sequence_shift);
        header.timestamp = header.timestamp.wrapping_add(joined.timestamp_shift);
        if is_before(header.sequence, joined.floor) {
            return None;
        }
        match self.newest {
            Some(newest) if !is_before(newest.sequence, header.sequence) => {}
            newest => self.advance(newest, &header, clock_rate, now),
        }
        Some(header)
    }

    /// The next packet joins anew, whoever feeds it.
    pub(crate) fn part(&mut self) {
        self.joined = None;
    }

    /// What the stream's timestamp is now, if it has begun.
    pub(crate) fn timestamp(&self, clock_rate: u32, now: Duration) -> Option<u32> {
        self.newest.map(|newest| {
            let elapsed = units(now.saturating_sub(newest.at), clock_rate);
            newest.timestamp.wrapping_add(elapsed)
        })
    }

    fn join(&mut self, feed: Feed, header: &Header, clock_rate: u32, now: Duration) -> Joined {
        let (sequence, timestamp) = match self.newest {
            None => (self.origin.sequence, self.origin.timestamp),
            Some(newest) => {
                let elapsed = units(now.saturating_sub(newest.at), clock_rate);
                let step = self.step.unwrap_or(clock_rate / 50);
                (
                    newest.sequence.wrapping_add(1),
                    newest.timestamp.wrapping_add(elapsed.max(step)),
                )
            }
        };
        let joined = Joined {
            feed,
            sequence_shift: sequence.wrapping_sub(header.sequence),
            timestamp_shift: timestamp.wrapping_sub(header.timestamp),
            floor: sequence,
        };
        self.joined = Some(joined);
        joined
    }

    fn advance(&mut self, last: Option<Newest>, header: &Header, clock_rate: u32, now: Duration) {
        if let Some(last) = last
            && last.sequence.wrapping_add(1) == header.sequence
        {
            let step = header.timestamp.wrapping_sub(last.timestamp);
            if (1..=clock_rate / 5).contains(&step) {
                self.step = Some(step);
            }
        }
        self.newest = Some(Newest {
            sequence: header.sequence,
            timestamp: header.timestamp,
            at: now,
        });
        if let Some(joined) = &mut self.joined
            && header.sequence.wrapping_sub(joined.floor) > REORDER_WINDOW
        {
            joined.floor = header.sequence.wrapping_sub(REORDER_WINDOW);
        }
    }
}

/// Serial number order, modulo 2^16.
fn is_before(a: u16, b: u16) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Feed = Feed::Playback(1);
    const TWO: Feed = Feed::Playback(2);

    fn sender() -> Sender {
        Sender::new(Origin {
            ssrc: 0xfeed,
            sequence: 65_530,
            timestamp: u32::MAX - 1000,
        })
    }
    fn put(sender: &mut Sender, feed: Feed, sequence: u16, timestamp: u32, ms: u64) -> Header {
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: 5,
        };
        let now = Duration::from_millis(ms);
        sender.place(feed, header, 8000, now).unwrap()
    }

    #[test]
    fn join_goes_on_in_sequence_with_elapsed_time_and_a_marker() {
        let mut sender = sender();
        let first = put(&mut sender, ONE, 0, 0, 0);
        assert!(first.marker);
        for n in 1..20u16 {
            let next = put(&mut sender, ONE, n, u32::from(n) * 160, u64::from(n) * 20);
            assert!(!next.marker);
        }
        let last = put(&mut sender, ONE, 20, 3200, 400);
        // A second of silence, then another source with numbers of its own.
        let joined = put(&mut sender, TWO, 40_000, 77, 1400);
        assert!(joined.marker);
        assert_eq!(joined.ssrc, 0xfeed);
        assert_eq!(joined.sequence, last.sequence.wrapping_add(1));
        assert_eq!(joined.timestamp, last.timestamp.wrapping_add(8000));
        let next = put(&mut sender, TWO, 40_001, 237, 1420);
        assert_eq!(next.timestamp, joined.timestamp.wrapping_add(160));
    }

    #[test]
    fn join_within_a_frame_still_advances_by_a_whole_frame() {
        let mut sender = sender();
        put(&mut sender, ONE, 0, 0, 0);
        let last = put(&mut sender, ONE, 1, 240, 30);
        let joined = put(&mut sender, TWO, 9, 9, 31);
        assert_eq!(joined.timestamp, last.timestamp.wrapping_add(240));
    }

    #[test]
    fn loss_and_reordering_keep_their_gaps() {
        let mut sender = sender();
        let first = put(&mut sender, ONE, 100, 0, 0);
        let fifth = put(&mut sender, ONE, 104, 640, 80);
        let third = put(&mut sender, ONE, 102, 320, 81);
        assert_eq!(fifth.sequence.wrapping_sub(first.sequence), 4);
        assert_eq!(third.sequence.wrapping_sub(first.sequence), 2);
        assert_eq!(third.timestamp.wrapping_sub(first.timestamp), 320);
        // The late one does not set back where the next joins.
        let joined = put(&mut sender, TWO, 0, 0, 100);
        assert_eq!(joined.sequence.wrapping_sub(first.sequence), 5);
    }

    #[test]
    fn packet_older_than_its_feeds_joining_is_refused_even_after_many_wraps() {
        let mut sender = sender();
        for n in 0..200_000u32 {
            put(&mut sender, ONE, n as u16, n * 160, u64::from(n) * 20);
        }
        put(&mut sender, TWO, 500, 0, 4_000_000);
        let late = Header {
            marker: false,
            payload_type: 0,
            sequence: 499,
            timestamp: 0,
            ssrc: 5,
        };
        assert_eq!(sender.place(TWO, late, 8000, Duration::ZERO), None);
    }
}
