//! A slot's RTCP: when its own report is due, what is in it, where it goes, and
//! what the far end reported. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use super::Slot;
use super::receive::Block;
use crate::command::SlotStats;
use crate::rtcp::{self, About, Ntp, Outgoing, Received, Sent};

/// Mean time between two reports (RFC 3550 §6.2).
const INTERVAL: Duration = Duration::from_secs(5);

/// Who has sent nothing for so long reports as a receiver (RFC 3550 §6.4).
const SENDER_FOR: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Reports {
    cname: Box<str>,
    next: Duration,
    /// State of the generator that spreads reports over time.
    spread: u32,
    /// `a=rtcp` of SDP.
    told: Option<SocketAddr>,
    /// Where the far end's RTCP comes from.
    heard_from: Option<SocketAddr>,
    /// When it last reported.
    heard: Option<Duration>,
    /// Middle NTP of the far end's last sender report, and when it came.
    far_report: Option<(u32, u32, Duration)>,
    about_us: Option<About>,
    round_trip: Option<Duration>,
    /// Packets sent up to the last report with new ones, and when that was.
    sent: (u64, Duration),
}

impl Reports {
    pub(crate) fn new(cname: Box<str>, seed: u32, now: Duration) -> Self {
        let mut reports = Self {
            cname,
            next: now,
            spread: seed | 1,
            told: None,
            heard_from: None,
            heard: None,
            far_report: None,
            about_us: None,
            round_trip: None,
            sent: (0, now),
        };
        // The first comes after half the time (RFC 3550 §6.2).
        reports.next = now + reports.interval() / 2;
        reports
    }

    pub(crate) fn remote(&mut self, told: Option<SocketAddr>, changed: bool) {
        self.told = told;
        if changed {
            self.heard_from = None;
        }
    }

    /// When the far end last reported.
    pub(crate) fn heard(&self) -> Option<Duration> {
        self.heard
    }

    pub(crate) fn is_due(&self, now: Duration) -> bool {
        now >= self.next
    }

    pub(crate) fn add_to(&self, stats: &mut SlotStats, clock_rate: u32) {
        if let Some(about) = self.about_us {
            stats.remote_lost = about.cumulative_lost;
            let micros = u64::from(about.jitter) * 1_000_000 / u64::from(clock_rate.max(1));
            stats.remote_jitter = Duration::from_micros(micros);
        }
        stats.round_trip = self.round_trip;
    }

    /// Between half and one and a half of the mean, so that many legs' reports
    /// don't fall together.
    fn interval(&mut self) -> Duration {
        self.spread ^= self.spread << 13;
        self.spread ^= self.spread >> 17;
        self.spread ^= self.spread << 5;
        let share = f64::from(self.spread) / f64::from(u32::MAX);
        INTERVAL.mul_f64(0.5 + share)
    }

    fn received(&self, block: Block, now: Duration) -> Received {
        let (last_report, delay) = match self.far_report {
            Some((ssrc, middle, at)) if ssrc == block.ssrc => {
                let delay = now.saturating_sub(at).as_micros() * 65_536 / 1_000_000;
                (middle, u32::try_from(delay).unwrap_or(u32::MAX))
            }
            _ => (0, 0),
        };
        Received {
            ssrc: block.ssrc,
            fraction_lost: block.fraction_lost,
            cumulative_lost: block.cumulative_lost,
            highest_sequence: block.highest_sequence,
            jitter: block.jitter,
            last_report,
            delay,
        }
    }
}

impl Slot {
    /// An RTCP datagram came to this slot.
    pub(crate) fn hear_report(
        &mut self,
        datagram: &[u8],
        source: SocketAddr,
        ntp: Ntp,
        now: Duration,
    ) {
        if !self.learner.knows(source.ip()) {
            self.stats.dropped += 1;
            return;
        }
        let Ok(incoming) = rtcp::parse(datagram, self.sender.ssrc()) else {
            self.stats.dropped += 1;
            return;
        };
        self.reports.heard_from = Some(source);
        if !incoming.bye {
            self.reports.heard = Some(now);
            self.is_alive(now);
        }
        if let Some((ssrc, middle)) = incoming.sender {
            self.reports.far_report = Some((ssrc, middle, now));
        }
        if let Some(about) = incoming.about_us {
            self.reports.round_trip = about.round_trip(ntp).or(self.reports.round_trip);
            self.reports.about_us = Some(about);
        }
    }

    /// Writes the report that is due, or the last one with BYE; its length and
    /// where it goes. `None` where there is nothing to tell or nobody to tell it.
    pub(crate) fn report(
        &mut self,
        into: &mut [u8],
        bye: bool,
        ntp: Ntp,
        now: Duration,
    ) -> Option<(usize, SocketAddr)> {
        self.reports.next = now + self.reports.interval();
        let to = self.report_destination()?;
        if self.stats.packets_out != self.reports.sent.0 {
            self.reports.sent = (self.stats.packets_out, now);
        }
        let sends =
            self.stats.packets_out > 0 && now.saturating_sub(self.reports.sent.1) < SENDER_FOR;
        let timestamp = self.sender.timestamp(self.clock_rate, now);
        let sent = timestamp.filter(|_| sends).map(|timestamp| Sent {
            ntp,
            timestamp,
            packets: self.stats.packets_out as u32,
            octets: self.stats.bytes_out as u32,
        });
        let block = self.reception.block();
        if sent.is_none() && block.is_none() {
            return None;
        }
        let outgoing = Outgoing {
            ssrc: self.sender.ssrc(),
            cname: &self.reports.cname,
            sent,
            received: block.map(|block| self.reports.received(block, now)),
            bye,
        };
        let len = rtcp::write(&outgoing, into).ok()?;
        Some((len, to))
    }

    /// Where RTCP goes: back to where it comes from; else where SDP says, while
    /// RTP comes from where SDP says too; else the port after RTP's.
    fn report_destination(&self) -> Option<SocketAddr> {
        let rtp = self.learner.destination()?;
        if let Some(heard) = self.reports.heard_from.filter(|h| h.ip() == rtp.ip()) {
            return Some(heard);
        }
        if let Some(told) = self.reports.told.filter(|t| t.ip() == rtp.ip()) {
            return Some(told);
        }
        Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?))
    }
}
