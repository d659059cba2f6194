//! The generator: one thread, one epoll set, all phones. Places calls at a
//! fixed rate (call `i` at start + i/rate, whatever became of those before),
//! plays both ends and takes the time of each message.
//!
//! Must never: wait for the server before it places the next call, or count a
//! call as good that has not been through every stage at both ends.

mod messages;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::error::BenchError;
use super::legs::{Leg, State, T1, T2, Waiting, sdp};
use super::outcome::{Failure, Outcome};
use super::phones::{DATAGRAM_MAX, Phone};
use super::poller::Poller;
use super::text::Incoming;
use super::timers::{Side, Timer, Timers};

/// A call that takes this much longer than its talk is stuck.
const CALL_GRACE: Duration = Duration::from_secs(8);
/// Wait at most this long for a socket when no timer runs.
const IDLE_WAIT: Duration = Duration::from_millis(100);

/// What to place.
#[derive(Debug, Clone)]
pub struct CallPlan {
    /// Calls in all.
    pub count: usize,
    /// Calls a second.
    pub rate: f64,
    /// Talk time; `None`: until [`Load::release`].
    pub hold: Option<Duration>,
    /// The callee's time from 180 to 200.
    pub ring: Duration,
    /// RTP ports of caller and callee; call `i` takes pair `i` modulo their number.
    pub ports: Vec<[u16; 2]>,
    /// Makes this load's Call-IDs differ from another's.
    pub label: String,
}

struct Call {
    pair: usize,
    caller: Leg,
    callee: Option<Leg>,
    over: bool,
}

/// A load under way.
pub struct Load<'p> {
    phones: &'p [Phone],
    server: SocketAddr,
    plan: CallPlan,
    poller: Poller,
    timers: Timers,
    calls: Vec<Call>,
    legs: HashMap<String, (usize, Side)>,
    /// By pair: calls whose INVITE the callee has yet to see, oldest first.
    expected: Vec<VecDeque<usize>>,
    live: usize,
    first: Instant,
    outcome: Outcome,
}

impl<'p> Load<'p> {
    /// `phones`: callers, then as many callees.
    pub fn new(
        phones: &'p [Phone],
        server: SocketAddr,
        plan: CallPlan,
    ) -> Result<Self, BenchError> {
        let poller = Poller::new()?;
        for (number, phone) in phones.iter().enumerate() {
            poller.add(&phone.socket, number)?;
        }
        let first = Instant::now();
        let mut timers = Timers::default();
        timers.set(first, Timer::Start(0));
        Ok(Self {
            expected: vec![VecDeque::new(); phones.len() / 2],
            phones,
            server,
            plan,
            poller,
            timers,
            calls: Vec::new(),
            legs: HashMap::new(),
            live: 0,
            first,
            outcome: Outcome::default(),
        })
    }

    /// Runs until every call is over.
    pub fn finish(mut self) -> Result<Outcome, BenchError> {
        self.drive(|load| load.all_placed() && load.live == 0)?;
        Ok(self.outcome)
    }

    /// Runs until every call talks, and tells where the server takes each
    /// call's RTP: from the caller, from the callee.
    pub fn establish(&mut self) -> Result<Vec<[Option<SocketAddr>; 2]>, BenchError> {
        self.drive(|load| {
            let talking = |call: &Call| {
                call.over
                    || call.caller.state == State::Talking
                        && call.callee.as_ref().is_some_and(|leg| leg.acknowledged)
            };
            load.all_placed() && load.calls.iter().all(talking)
        })?;
        let media = |call: &Call| {
            [
                call.caller.media,
                call.callee.as_ref().and_then(|leg| leg.media),
            ]
        };
        Ok(self.calls.iter().map(media).collect())
    }

    /// Hangs up what was established.
    pub fn release(&mut self) {
        let now = Instant::now();
        // Deadlines of the set-up ran out while nobody looked: a call that is
        // still held is none the worse for it.
        while let Some(timer) = self.timers.due(now) {
            self.fire(timer);
        }
        self.plan.hold = Some(Duration::ZERO);
        for call in 0..self.calls.len() {
            self.timers.set(now, Timer::HangUp(call));
            self.timers.set(now + CALL_GRACE, Timer::Deadline(call));
        }
    }

    fn all_placed(&self) -> bool {
        self.calls.len() >= self.plan.count
    }

    fn drive(&mut self, done: impl Fn(&Self) -> bool) -> Result<(), BenchError> {
        let mut ready = Vec::new();
        let mut buffer = [0; DATAGRAM_MAX];
        while !done(self) {
            while let Some(timer) = self.timers.due(Instant::now()) {
                self.fire(timer);
            }
            let until = self
                .timers
                .next()
                .unwrap_or_else(|| Instant::now() + IDLE_WAIT);
            self.poller.wait(until, &mut ready)?;
            for &number in &ready {
                let Some(phone) = self.phones.get(number) else {
                    continue;
                };
                while let Some(datagram) = phone.receive(&mut buffer) {
                    let now = Instant::now();
                    if let Some(message) = Incoming::parse(datagram) {
                        self.received(number, &message, now);
                    }
                }
            }
        }
        Ok(())
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Start(call) => self.start(call),
            Timer::Answer(call) => self.answer(call),
            Timer::HangUp(call) => self.hang_up(call),
            Timer::Again {
                call,
                side,
                message,
            } => self.again(call, side, message),
            Timer::Deadline(call) => self.deadline(call),
        }
    }

    fn start(&mut self, number: usize) {
        let pairs = self.expected.len().max(1);
        if number >= self.plan.count {
            return;
        }
        if number == 0 {
            self.first = Instant::now();
        }
        let due = self.first + Duration::from_secs_f64(number as f64 / self.plan.rate);
        self.outcome
            .late
            .add(Instant::now().saturating_duration_since(due));
        let pair = number % pairs;
        let (Some(caller), Some(callee)) = (self.phones.get(pair), self.phones.get(pairs + pair))
        else {
            return;
        };
        let call_id = format!("{}-{number}@bench", self.plan.label);
        let port = self.port(number, Side::Caller);
        let (leg, invite) = Leg::calling(
            caller,
            &callee.account.number,
            self.server,
            call_id.clone(),
            &sdp(port),
        );
        self.calls.push(Call {
            pair,
            caller: leg,
            callee: None,
            over: false,
        });
        self.live += 1;
        self.outcome.live_max = self.outcome.live_max.max(self.live);
        self.outcome.placed += 1;
        self.outcome.placing = self.first.elapsed();
        self.legs.insert(call_id, (number, Side::Caller));
        self.send_and_wait(number, Side::Caller, invite);
        let life = self.plan.ring + self.plan.hold.unwrap_or_default() + CALL_GRACE;
        if self.plan.hold.is_some() {
            self.timers
                .set(Instant::now() + life, Timer::Deadline(number));
        } else {
            self.timers
                .set(Instant::now() + CALL_GRACE, Timer::Deadline(number));
        }
        let next = number + 1;
        let offset = Duration::from_secs_f64(next as f64 / self.plan.rate);
        self.timers.set(self.first + offset, Timer::Start(next));
    }

    fn port(&self, call: usize, side: Side) -> u16 {
        let pairs = self.plan.ports.len().max(1);
        let [caller, callee] = self.plan.ports.get(call % pairs).copied().unwrap_or([9, 9]);
        match side {
            Side::Caller => caller,
            Side::Callee => callee,
        }
    }

    fn parts(&mut self, number: usize, side: Side) -> Option<(&'p Phone, &mut Leg)> {
        let callees = self.expected.len();
        let call = self.calls.get_mut(number)?;
        match side {
            Side::Caller => Some((self.phones.get(call.pair)?, &mut call.caller)),
            Side::Callee => Some((self.phones.get(callees + call.pair)?, call.callee.as_mut()?)),
        }
    }

    /// Sends a message and keeps a copy until something answers it.
    fn send_and_wait(&mut self, number: usize, side: Side, bytes: Vec<u8>) {
        let Some((phone, leg)) = self.parts(number, side) else {
            return;
        };
        phone.send(&bytes);
        leg.messages += 1;
        let message = leg.messages;
        leg.waiting = Some(Waiting {
            message,
            bytes,
            interval: T1,
        });
        let timer = Timer::Again {
            call: number,
            side,
            message,
        };
        self.timers.set(Instant::now() + T1, timer);
    }

    fn again(&mut self, number: usize, side: Side, message: u32) {
        let Some((phone, leg)) = self.parts(number, side) else {
            return;
        };
        let Some(waiting) = leg.waiting.as_mut().filter(|w| w.message == message) else {
            return;
        };
        phone.send(&waiting.bytes);
        waiting.interval = (waiting.interval * 2).min(T2);
        let at = Instant::now() + waiting.interval;
        let timer = Timer::Again {
            call: number,
            side,
            message,
        };
        self.timers.set(at, timer);
        self.outcome.repeated += 1;
    }

    fn answer(&mut self, number: usize) {
        let body = sdp(self.port(number, Side::Callee));
        let Some((phone, leg)) = self.parts(number, Side::Callee) else {
            return;
        };
        // The 180 that was sent holds every header that the 200 needs.
        let Some(ringing) = Incoming::parse(&leg.last) else {
            return;
        };
        if leg.state != State::Ringing {
            return;
        }
        let contact = format!("Contact: <{}>\r\n", phone.uri());
        let ok = ringing.respond("200 OK", "", &contact, &body);
        leg.state = State::Talking;
        leg.answered = Some(Instant::now());
        leg.last.clone_from(&ok);
        self.send_and_wait(number, Side::Callee, ok);
    }

    /// Every other call is hung up by its callee.
    fn hang_up(&mut self, number: usize) {
        let side = if number.is_multiple_of(2) {
            Side::Caller
        } else {
            Side::Callee
        };
        let Some((phone, leg)) = self.parts(number, side) else {
            return;
        };
        if leg.state == State::Talking {
            leg.state = State::HangingUp;
            let bye = leg.bye(phone);
            self.send_and_wait(number, side, bye);
        }
    }

    fn deadline(&mut self, number: usize) {
        let Some(call) = self.calls.get(number).filter(|call| !call.over) else {
            return;
        };
        let place = match (call.caller.state, call.callee.as_ref()) {
            (State::Calling, _) => "no answer to the INVITE",
            (_, None) => "the callee was never called",
            (State::Ringing, Some(leg)) if leg.state == State::Ringing => "ringing",
            (State::Ringing, Some(_)) => "the answer did not come through",
            (State::Talking, Some(leg)) if !leg.acknowledged => "the callee's 200 had no ACK",
            (State::Talking, _) if self.plan.hold.is_none() => return,
            (State::Talking, _) => "the caller was not told of the end",
            (State::HangingUp, _) => "the caller's BYE had no answer",
            (State::Over, Some(leg)) if leg.state == State::HangingUp => {
                "the callee's BYE had no answer"
            }
            (State::Over, _) => "the callee was not told of the end",
        };
        self.fail(number, Failure::Stuck(place));
    }

    fn fail(&mut self, number: usize, failure: Failure) {
        let Some(call) = self.calls.get_mut(number).filter(|call| !call.over) else {
            return;
        };
        call.over = true;
        call.caller.waiting = None;
        if let Some(leg) = call.callee.as_mut() {
            leg.waiting = None;
        }
        let pair = call.pair;
        self.live -= 1;
        *self.outcome.failures.entry(failure).or_default() += 1;
        if let Some(expected) = self.expected.get_mut(pair) {
            expected.retain(|&waiting| waiting != number);
        }
    }

    fn leg_over(&mut self, number: usize, side: Side) {
        let Some((_, leg)) = self.parts(number, side) else {
            return;
        };
        leg.state = State::Over;
        leg.waiting = None;
        let Some(call) = self.calls.get_mut(number).filter(|call| !call.over) else {
            return;
        };
        let both = call.caller.state == State::Over
            && call
                .callee
                .as_ref()
                .is_some_and(|leg| leg.state == State::Over && leg.acknowledged);
        if both {
            call.over = true;
            self.live -= 1;
            self.outcome.completed += 1;
        }
    }
}
