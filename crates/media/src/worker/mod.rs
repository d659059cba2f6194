//! A worker: the slots of one thread and what is done with them. `run` is the
//! thread with its epoll loop; `Core` is all of it that needs no kernel, so that
//! tests drive it with sockets of their own in virtual time.

mod orders;
mod run;
mod seats;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::command::{Command, Report, SlotId};
use crate::ring::Ring;
use crate::rtcp::Ntp;
use crate::slot::{Outcome, Slot};
use crate::socket::Socket;

use seats::Seats;

pub(crate) use run::{Handle, spawn};

/// A playback's frames leave this far apart.
pub(crate) const TICK: Duration = Duration::from_millis(20);
/// A worker that is later than so many ticks leaves frames out.
const MAX_TICKS_LATE: u32 = 5;
/// A part of the slots is looked at this often.
const SWEEP: Duration = Duration::from_millis(50);
/// How many parts: every slot is looked at twice a second.
const SWEEP_PARTS: usize = 10;
/// Reports that wait for a callback that did not take them; more are dropped.
const MAX_WAITING_REPORTS: usize = 4096;
/// Room for one datagram; a longer one is no audio and is dropped.
pub(crate) const MAX_DATAGRAM: usize = 2048;

/// Takes reports; `false`: not now, offer it again.
pub(crate) type Listener = Arc<dyn Fn(Report) -> bool + Send + Sync>;

/// A slot with its sockets.
#[derive(Debug)]
pub(crate) struct Leg<S> {
    pub(crate) slot: Slot,
    pub(crate) rtp: S,
    pub(crate) rtcp: S,
    /// Whom `rtp` is connected to.
    pub(crate) connected: Option<std::net::SocketAddr>,
}

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Order<S> {
    /// A new slot, or one that moved here.
    Open(Box<Leg<S>>),
    /// A slot is on its way here; orders to it wait.
    Expect(SlotId),
    /// A command.
    Command(SlotId, Command),
    /// Hand a slot to another worker.
    Evict(SlotId, Arc<Ring<Order<S>>>),
    /// Close all slots and end.
    End,
}

/// Which of a slot's sockets is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Rtp,
    Rtcp,
}

/// Listens to sockets for a worker: epoll, or nothing in tests.
pub(crate) trait Ears<S> {
    fn open(&mut self, socket: &S, slot: SlotId, port: Port) -> std::io::Result<()>;
    fn close(&mut self, socket: &S);
}

/// Packets since they were last told to the metrics.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) relayed: u64,
    pub(crate) played: u64,
    pub(crate) dropped: u64,
    pub(crate) reports_dropped: u64,
}

pub(crate) struct Core<S, E> {
    ears: E,
    seats: Seats<S>,
    listener: Listener,
    waiting: VecDeque<Report>,
    counters: Counters,
    /// Wall clock at time zero, since 1970.
    wall: Duration,
    next_tick: Duration,
    next_sweep: Duration,
    ended: bool,
}

impl<S: Socket, E: Ears<S>> Core<S, E> {
    /// `slots`: most that there can be; `wall`: the wall clock at time zero.
    pub(crate) fn new(ears: E, slots: usize, wall: Duration, listener: Listener) -> Self {
        Self {
            ears,
            seats: Seats::new(slots),
            listener,
            waiting: VecDeque::with_capacity(MAX_WAITING_REPORTS),
            counters: Counters::default(),
            wall,
            next_tick: Duration::ZERO,
            next_sweep: Duration::ZERO,
            ended: false,
        }
    }

    /// A slot's RTP socket has something to read.
    pub(crate) fn rtp_ready(&mut self, id: SlotId, buffer: &mut [u8], now: Duration) {
        let Some(leg) = self.seats.get_mut(id) else {
            return;
        };
        let Ok((len, source)) = leg.rtp.receive(buffer) else {
            return; // nothing there, or an ICMP error of an earlier packet
        };
        let Some(datagram) = buffer.get_mut(..len).filter(|_| len < MAX_DATAGRAM) else {
            self.counters.dropped += 1;
            return;
        };
        let outcome = leg.slot.hear(datagram, source, now);
        if outcome.locked {
            leg.listen_as_settled(now);
        }
        self.tell_digits(id, &outcome);
        let Some(passing) = outcome.passing else {
            self.counters.dropped += u64::from(outcome.dropped);
            return;
        };
        let sent = self
            .seats
            .get_mut(passing.to)
            .is_some_and(|peer| peer.slot.forward(&passing, datagram, now) && peer.send(datagram));
        if sent {
            self.counters.relayed += 1;
        } else {
            self.counters.dropped += 1;
        }
    }

    /// A slot's RTCP socket has something to read.
    pub(crate) fn rtcp_ready(&mut self, id: SlotId, buffer: &mut [u8], now: Duration) {
        let ntp = self.ntp(now);
        let Some(leg) = self.seats.get_mut(id) else {
            return;
        };
        if let Ok((len, source)) = leg.rtcp.receive(buffer)
            && let Some(datagram) = buffer.get(..len)
        {
            leg.slot.hear_report(datagram, source, ntp, now);
        }
    }

    /// Does what is due by the clock.
    pub(crate) fn handle_timeout(&mut self, buffer: &mut [u8], now: Duration) {
        if self.seats.plays() && self.next_tick <= now {
            self.tick(buffer, now);
        }
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP;
            self.sweep(buffer, now);
        }
        self.offer_reports();
    }

    /// When `handle_timeout` is due next, if ever.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        if self.seats.plays() {
            Some(self.next_tick.min(self.next_sweep))
        } else if self.seats.is_empty() && self.waiting.is_empty() {
            None
        } else {
            Some(self.next_sweep)
        }
    }

    /// Counters since the last time.
    pub(crate) fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Whether `Order::End` was done.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    fn tick(&mut self, buffer: &mut [u8], now: Duration) {
        if now.saturating_sub(self.next_tick) > TICK * MAX_TICKS_LATE {
            self.next_tick = now;
            self.seats.each_playing(|leg| leg.slot.skip());
        }
        while self.next_tick <= now {
            self.next_tick += TICK;
            let counters = &mut self.counters;
            self.seats.each_playing(|leg| {
                let frame = leg.slot.play(buffer, now);
                if let Some(packet) = frame.and_then(|len| buffer.get(..len))
                    && leg.send(packet)
                {
                    counters.played += 1;
                }
            });
            self.seats.forget_silent();
        }
    }

    fn sweep(&mut self, buffer: &mut [u8], now: Duration) {
        let ntp = self.ntp(now);
        let mut lost = Vec::new();
        self.seats.each_of_part(SWEEP_PARTS, |leg| {
            let attention = leg.slot.attend(now);
            if attention.media_lost {
                lost.push(leg.slot.id());
            }
            if attention.report_due {
                leg.send_report(buffer, false, ntp, now);
            }
            leg.listen_as_settled(now);
        });
        for slot in lost {
            self.report(Report::MediaLost { slot });
        }
    }

    fn tell_digits(&mut self, slot: SlotId, outcome: &Outcome) {
        for digit in outcome.digits.into_iter().flatten() {
            self.report(Report::Digit { slot, digit });
        }
    }

    fn report(&mut self, report: Report) {
        if self.waiting.is_empty() && (self.listener)(report) {
            return;
        }
        if self.waiting.len() < MAX_WAITING_REPORTS {
            self.waiting.push_back(report);
        } else {
            self.counters.reports_dropped += 1;
        }
    }

    fn offer_reports(&mut self) {
        while let Some(&report) = self.waiting.front()
            && (self.listener)(report)
        {
            self.waiting.pop_front();
        }
    }

    fn ntp(&self, now: Duration) -> Ntp {
        Ntp::from_unix(self.wall + now)
    }
}

impl<S: Socket> Leg<S> {
    /// Sends RTP to the far end, through the connected socket where it is.
    fn send(&mut self, datagram: &[u8]) -> bool {
        let Some(to) = self.slot.destination() else {
            self.slot.unsent();
            return false;
        };
        let connected = self.connected == Some(to);
        let send = || match connected {
            true => self.rtp.send(datagram),
            false => self.rtp.send_to(datagram, to),
        };
        // An ICMP error of an earlier packet is told in place of sending.
        let result = send().or_else(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => send(),
            _ => Err(error),
        });
        if result.is_err() {
            self.slot.unsent();
        }
        result.is_ok()
    }

    fn send_report(&mut self, buffer: &mut [u8], bye: bool, ntp: Ntp, now: Duration) {
        if let Some((len, to)) = self.slot.report(buffer, bye, ntp, now)
            && let Some(report) = buffer.get(..len)
        {
            // Lost like any other report where it can't be sent.
            let _ = self.rtcp.send_to(report, to);
        }
    }

    /// Connects the RTP socket, or opens it, as the slot's sources are now.
    fn listen_as_settled(&mut self, now: Duration) {
        let only = self.slot.only_source(now);
        if only != self.connected {
            self.listen_only_to(only);
        }
    }

    /// Connects the RTP socket to its only source, or opens it to all. Where
    /// the system refuses, it stays open: the slot judges sources by itself.
    fn listen_only_to(&mut self, source: Option<std::net::SocketAddr>) {
        self.connected = match self.rtp.connect(source) {
            Ok(()) => source,
            Err(_) => {
                let _ = self.rtp.connect(None);
                None
            }
        };
    }
}
