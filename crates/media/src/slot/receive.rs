//! What the far end sends: sequence, loss and jitter (RFC 3550 A.1, A.3, A.8),
//! and where one of its streams ends and the next begins. Pure.

use std::time::Duration;

use crate::rtp::Header;

/// A jump ahead up to this counts as loss, beyond as a restart.
const MAX_DROPOUT: u16 = 3000;
/// A packet so far behind counts as late, further as a restart.
const MAX_MISORDER: u16 = 100;

/// What came of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Part of the stream of this number; a new SSRC or a restart begins a new
    /// stream.
    Stream(u32),
    /// Too far off to be of the stream; the next one tells whether it restarted.
    Refused,
}

/// Reception of one far end, over all its streams.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    current: Option<Stream>,
    number: u32,
    /// Lost in streams before the current.
    lost_before: u64,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    max: u16,
    cycles: u32,
    base: u32,
    /// The sequence number that would prove a restart.
    suspect: Option<u16>,
    received: u64,
    reported_expected: u64,
    reported_received: u64,
    last_timestamp: u32,
    transit: Option<u32>,
    /// Sixteen times the jitter, in timestamp units.
    jitter16: u32,
}

/// What a report block says (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ssrc: u32,
    pub(crate) fraction_lost: u8,
    pub(crate) cumulative_lost: u32,
    pub(crate) highest_sequence: u32,
    pub(crate) jitter: u32,
}

impl Reception {
    pub(crate) fn take(&mut self, header: &Header, clock_rate: u32, now: Duration) -> Heard {
        let arrival = units(now, clock_rate);
        match &mut self.current {
            Some(stream) if stream.ssrc == header.ssrc => {
                let ahead = header.sequence.wrapping_sub(stream.max);
                let plausible = ahead < MAX_DROPOUT || ahead.wrapping_neg() <= MAX_MISORDER;
                if plausible {
                    stream.suspect = None;
                    stream.take(header, ahead < MAX_DROPOUT, arrival);
                    return Heard::Stream(self.number);
                }
                if stream.suspect != Some(header.sequence) {
                    stream.suspect = Some(header.sequence.wrapping_add(1));
                    return Heard::Refused;
                }
            }
            _ => {}
        }
        self.lost_before = self.lost();
        self.number = self.number.wrapping_add(1);
        self.current = Some(Stream::new(header, arrival));
        Heard::Stream(self.number)
    }

    /// Lost by sequence numbers, over all streams.
    pub(crate) fn lost(&self) -> u64 {
        self.lost_before + self.current.as_ref().map_or(0, Stream::lost)
    }

    /// Jitter of the current stream.
    pub(crate) fn jitter(&self, clock_rate: u32) -> Duration {
        let units = self.current.as_ref().map_or(0, |s| s.jitter16 >> 4);
        Duration::from_micros(u64::from(units) * 1_000_000 / u64::from(clock_rate.max(1)))
    }

    /// What to report about the current stream, since the last time asked.
    pub(crate) fn block(&mut self) -> Option<Block> {
        let stream = self.current.as_mut()?;
        let expected = stream.expected();
        let new_expected = expected - stream.reported_expected;
        let new_received = stream.received - stream.reported_received;
        stream.reported_expected = expected;
        stream.reported_received = stream.received;
        let new_lost = new_expected.saturating_sub(new_received);
        let fraction = (new_lost * 256).checked_div(new_expected).unwrap_or(0);
        Some(Block {
            ssrc: stream.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: u32::try_from(stream.lost()).map_or(0x7f_ffff, |l| l.min(0x7f_ffff)),
            highest_sequence: stream.cycles | u32::from(stream.max),
            jitter: stream.jitter16 >> 4,
        })
    }
}

impl Stream {
    fn new(header: &Header, arrival: u32) -> Self {
        Self {
            ssrc: header.ssrc,
            max: header.sequence,
            cycles: 0,
            base: u32::from(header.sequence),
            suspect: None,
            received: 1,
            reported_expected: 0,
            reported_received: 0,
            last_timestamp: header.timestamp,
            transit: Some(arrival.wrapping_sub(header.timestamp)),
            jitter16: 0,
        }
    }

    fn take(&mut self, header: &Header, newest: bool, arrival: u32) {
        self.received += 1;
        if !newest {
            return;
        }
        if header.sequence < self.max {
            self.cycles = self.cycles.wrapping_add(1 << 16);
        }
        self.max = header.sequence;
        // Packets of one event share a timestamp and say nothing of jitter.
        if header.timestamp == self.last_timestamp {
            return;
        }
        self.last_timestamp = header.timestamp;
        let transit = arrival.wrapping_sub(header.timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let d = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            // A jump of the sender's clock is no jitter.
            if d < 1 << 20 {
                self.jitter16 = self.jitter16 + d - ((self.jitter16 + 8) >> 4);
            }
        }
    }

    fn expected(&self) -> u64 {
        u64::from((self.cycles | u32::from(self.max)).wrapping_sub(self.base)) + 1
    }

    fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }
}

/// A time in timestamp units, modulo 2^32.
pub(crate) fn units(time: Duration, clock_rate: u32) -> u32 {
    (time.as_micros() * u128::from(clock_rate) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: u32::from(sequence) * 160,
            ssrc,
        }
    }
    fn take(reception: &mut Reception, ssrc: u32, sequence: u16) -> Heard {
        let now = Duration::from_millis(u64::from(sequence) * 20);
        reception.take(&header(ssrc, sequence), 8000, now)
    }

    #[test]
    fn loss_is_counted_across_the_wrap_and_reported_as_a_fraction_since_last_time() {
        let mut reception = Reception::default();
        for sequence in 65_500..=65_535 {
            take(&mut reception, 1, sequence);
        }
        for sequence in (0..64).filter(|s| s % 4 != 0) {
            take(&mut reception, 1, sequence);
        }
        assert_eq!(reception.lost(), 16);
        let block = reception.block().unwrap();
        assert_eq!(block.cumulative_lost, 16);
        assert_eq!(block.highest_sequence, (1 << 16) | 63);
        assert_eq!(block.fraction_lost, (16 * 256 / 100) as u8);
        take(&mut reception, 1, 64);
        assert_eq!(reception.block().unwrap().fraction_lost, 0);
    }

    #[test]
    fn restart_is_believed_at_the_second_packet_and_late_ones_stay_in_the_stream() {
        let mut reception = Reception::default();
        assert_eq!(take(&mut reception, 1, 10_000), Heard::Stream(1));
        assert_eq!(take(&mut reception, 1, 9_950), Heard::Stream(1));
        assert_eq!(take(&mut reception, 1, 500), Heard::Refused);
        assert_eq!(take(&mut reception, 1, 10_001), Heard::Stream(1));
        assert_eq!(take(&mut reception, 1, 500), Heard::Refused);
        assert_eq!(take(&mut reception, 1, 501), Heard::Stream(2));
        assert_eq!(take(&mut reception, 2, 7), Heard::Stream(3));
    }

    #[test]
    fn even_arrivals_have_no_jitter_and_uneven_ones_have() {
        let mut even = Reception::default();
        let mut uneven = Reception::default();
        for sequence in 0..200u16 {
            let at = u64::from(sequence) * 20;
            let late = u64::from(sequence % 2) * 10;
            let header = header(1, sequence);
            even.take(&header, 8000, Duration::from_millis(at));
            uneven.take(&header, 8000, Duration::from_millis(at + late));
        }
        assert_eq!(even.jitter(8000), Duration::ZERO);
        let jitter = uneven.jitter(8000).as_micros();
        assert!((9_000..=10_500).contains(&jitter), "{jitter}");
    }
}
