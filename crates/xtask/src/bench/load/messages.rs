//! What the phones do when a message comes in: the callee's INVITE, requests
//! within a call, and the answers to the caller's.

use std::collections::VecDeque;
use std::time::Instant;

use super::super::legs::{Leg, State, sdp};
use super::super::outcome::Failure;
use super::super::text::Incoming;
use super::super::timers::{Side, Timer};
use super::Load;

impl Load<'_> {
    pub(super) fn received(&mut self, phone: usize, message: &Incoming<'_>, now: Instant) {
        let known = self.legs.get(message.call_id()).copied();
        match (message.method(), known) {
            (None, Some((call, side))) => self.response(call, side, message, now),
            (Some("INVITE"), None) => self.called(phone, message),
            (Some(method), Some((call, side))) => self.request(call, side, method, message),
            (Some("ACK"), None) => {}
            (Some(_), None) => {
                self.outcome.stray += 1;
                if let Some(phone) = self.phones.get(phone) {
                    phone.send(&message.respond("200 OK", "stray", "", ""));
                }
            }
            (None, None) => self.outcome.stray += 1,
        }
    }

    /// A callee's phone is called.
    fn called(&mut self, phone: usize, invite: &Incoming<'_>) {
        let pair = phone.wrapping_sub(self.expected.len());
        let next = self.expected.get_mut(pair).and_then(VecDeque::pop_front);
        let (Some(number), Some(phone)) = (next, self.phones.get(phone)) else {
            self.outcome.stray += 1;
            if let Some(phone) = self.phones.get(phone) {
                phone.send(&invite.respond("486 Busy Here", "stray", "", ""));
            }
            return;
        };
        let tag = format!("b{number}");
        let mut leg = Leg::called(invite, &tag);
        let contact = format!("Contact: <{}>\r\n", phone.uri());
        let ringing = invite.respond("180 Ringing", &tag, &contact, "");
        leg.rang = Some(Instant::now());
        phone.send(&ringing);
        leg.last = ringing;
        self.legs
            .insert(invite.call_id().to_owned(), (number, Side::Callee));
        if let Some(call) = self.calls.get_mut(number) {
            call.callee = Some(leg);
        }
        if self.plan.ring.is_zero() {
            self.answer(number);
        } else {
            self.timers
                .set(Instant::now() + self.plan.ring, Timer::Answer(number));
        }
    }

    /// A request within a dialog.
    fn request(&mut self, number: usize, side: Side, method: &str, message: &Incoming<'_>) {
        let hold = self.plan.hold;
        let body = sdp(self.port(number, side));
        let Some((phone, leg)) = self.parts(number, side) else {
            return;
        };
        match method {
            "ACK" => {
                let first = side == Side::Callee && !leg.acknowledged;
                leg.waiting = leg.waiting.take().filter(|_| leg.state != State::Talking);
                leg.acknowledged = true;
                if first
                    && !number.is_multiple_of(2)
                    && let Some(hold) = hold
                {
                    self.timers
                        .set(Instant::now() + hold, Timer::HangUp(number));
                }
            }
            "BYE" => {
                phone.send(&message.respond("200 OK", "", "", ""));
                let cut_off = matches!(leg.state, State::Talking) && !self.is_hanging_up(number);
                self.leg_over(number, side);
                if cut_off {
                    self.fail(number, Failure::CutOff);
                }
            }
            "CANCEL" => {
                phone.send(&message.respond("200 OK", "", "", ""));
                self.fail(number, Failure::Cancelled);
            }
            // The INVITE once more: the answer had not arrived.
            "INVITE" if side == Side::Callee && !leg.acknowledged => {
                let last = leg.last.clone();
                phone.send(&last);
                self.outcome.repeated += 1;
            }
            "INVITE" => {
                let contact = format!("Contact: <{}>\r\n", phone.uri());
                phone.send(&message.respond("200 OK", "", &contact, &body));
                self.outcome.stray += 1;
            }
            _ => {
                phone.send(&message.respond("200 OK", "", "", ""));
                self.outcome.stray += 1;
            }
        }
    }

    /// Whether the other end has sent its BYE: only then may this one get one.
    fn is_hanging_up(&self, number: usize) -> bool {
        let ending = |state| matches!(state, State::HangingUp | State::Over);
        self.calls.get(number).is_some_and(|call| {
            ending(call.caller.state) || call.callee.as_ref().is_some_and(|leg| ending(leg.state))
        })
    }

    fn response(&mut self, number: usize, side: Side, message: &Incoming<'_>, now: Instant) {
        let Some(status) = message.status() else {
            return;
        };
        let (cseq, method) = message.cseq();
        match (method, status) {
            ("BYE", 100..200) => {}
            ("BYE", 200) => self.leg_over(number, side),
            ("BYE", _) => {
                self.leg_over(number, side);
                self.fail(number, Failure::ByeRefused(status));
            }
            ("INVITE", _) if side == Side::Caller => {
                self.invite_answered(number, status, cseq, message, now);
            }
            _ => self.outcome.stray += 1,
        }
    }

    fn invite_answered(
        &mut self,
        number: usize,
        status: u16,
        cseq: u32,
        message: &Incoming<'_>,
        now: Instant,
    ) {
        let port = self.port(number, Side::Caller);
        let hold = self.plan.hold;
        let Some((phone, leg)) = self.parts(number, Side::Caller) else {
            return;
        };
        let current = cseq == leg.cseq() && matches!(leg.state, State::Calling | State::Ringing);
        match status {
            100..180 if current => leg.waiting = None,
            180..200 if current => {
                leg.waiting = None;
                if leg.rang.replace(now).is_none() {
                    self.rang(number, now);
                }
            }
            200..300 => {
                let ack = leg.ack(phone, message);
                phone.send(&ack);
                if current {
                    leg.waiting = None;
                    leg.state = State::Talking;
                    leg.answered = Some(now);
                    self.answered(number, now);
                    if number.is_multiple_of(2)
                        && let Some(hold) = hold
                    {
                        self.timers.set(now + hold, Timer::HangUp(number));
                    }
                }
            }
            401 | 407 if current && leg.state == State::Calling => {
                phone.send(&leg.ack(phone, message));
                let uri = leg.dialled().to_owned();
                let Some(credentials) = phone.credentials(message, "INVITE", &uri) else {
                    self.fail(number, Failure::Challenge);
                    return;
                };
                leg.state = State::Ringing;
                let invite = leg.invite(phone, &credentials, &sdp(port));
                leg.proved = Some(Instant::now());
                let pair = number % self.expected.len().max(1);
                if let Some(expected) = self.expected.get_mut(pair) {
                    expected.push_back(number);
                }
                self.send_and_wait(number, Side::Caller, invite);
            }
            300.. => {
                phone.send(&leg.ack(phone, message));
                if current {
                    self.fail(number, Failure::Refused(status));
                }
            }
            _ => {}
        }
    }

    fn rang(&mut self, number: usize, now: Instant) {
        let Some(call) = self.calls.get(number) else {
            return;
        };
        if let Some(proved) = call.caller.proved {
            self.outcome.ring_delay.add(now - proved);
        }
        if let Some(rang) = call.callee.as_ref().and_then(|leg| leg.rang) {
            self.outcome.ring_relay.add(now - rang);
        }
    }

    fn answered(&mut self, number: usize, now: Instant) {
        let callee = self.calls.get(number).and_then(|call| call.callee.as_ref());
        if let Some(answered) = callee.and_then(|leg| leg.answered) {
            self.outcome.answer_relay.add(now - answered);
        }
    }
}
