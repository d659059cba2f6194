//! Orders from the control side, done in the order in which they came.

use std::collections::VecDeque;
use std::time::Duration;

use crate::command::{Command, Report, SlotId};
use crate::socket::Socket;

use super::{Core, Ears, Leg, Order, Port};

impl<S: Socket, E: Ears<S>> Core<S, E> {
    /// Does all orders of a queue; leaves it empty.
    pub(crate) fn obey(
        &mut self,
        orders: &mut VecDeque<Order<S>>,
        buffer: &mut [u8],
        now: Duration,
    ) {
        while let Some(order) = orders.pop_front() {
            match order {
                Order::Open(leg) => {
                    // What waited for it comes before what comes after.
                    for waiting in self.seat(leg, buffer, now).into_iter().rev() {
                        orders.push_front(waiting);
                    }
                }
                Order::Expect(id) => self.seats.expect(id),
                Order::Command(id, command) => {
                    let order = Order::Command(id, command);
                    if let Some(Order::Command(id, command)) = self.seats.put_by(id, order) {
                        self.command(id, command, buffer, now);
                    }
                }
                Order::Evict(id, to) => {
                    let order = Order::Evict(id, to);
                    if let Some(Order::Evict(id, to)) = self.seats.put_by(id, order)
                        && let Some(leg) = self.remove(id)
                    {
                        to.push_always(Order::Open(leg));
                    }
                }
                Order::End => {
                    while let Some(id) = self.seats.any() {
                        self.close(id, buffer, now);
                    }
                    self.ended = true;
                }
            }
        }
    }

    fn command(&mut self, id: SlotId, command: Command, buffer: &mut [u8], now: Duration) {
        let Some(leg) = self.seats.get_mut(id) else {
            return; // closed in the meantime
        };
        match command {
            Command::Close => self.close(id, buffer, now),
            Command::Play { .. } => {
                leg.slot.command(command, now);
                if !self.seats.plays() {
                    self.next_tick = now;
                }
                self.seats.note_playing(id);
            }
            Command::Stop => {
                leg.slot.command(command, now);
                self.seats.forget_silent();
            }
            command => {
                leg.slot.command(command, now);
                leg.listen_as_settled(now);
            }
        }
    }

    fn seat(&mut self, leg: Box<Leg<S>>, buffer: &mut [u8], now: Duration) -> Vec<Order<S>> {
        let id = leg.slot.id();
        let heard = self
            .ears
            .open(&leg.rtp, id, Port::Rtp)
            .and_then(|()| self.ears.open(&leg.rtcp, id, Port::Rtcp));
        if self.seats.is_empty() {
            self.next_sweep = now;
        }
        if leg.slot.is_playing() && !self.seats.plays() {
            self.next_tick = now;
        }
        let waiting = self.seats.seat(leg);
        if let Err(error) = heard {
            tracing::error!(slot = %id, %error, "a media socket cannot be listened to; slot closed");
            self.close(id, buffer, now);
        }
        waiting
    }

    fn close(&mut self, id: SlotId, buffer: &mut [u8], now: Duration) {
        let ntp = self.ntp(now);
        if let Some(mut leg) = self.remove(id) {
            leg.send_report(buffer, true, ntp, now);
            let stats = leg.slot.stats();
            self.report(Report::Closed { slot: id, stats });
        }
    }

    fn remove(&mut self, id: SlotId) -> Option<Box<Leg<S>>> {
        let leg = self.seats.remove(id)?;
        self.ears.close(&leg.rtp);
        self.ears.close(&leg.rtcp);
        Some(leg)
    }
}
