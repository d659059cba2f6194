//! The one task that owns the switch: inputs in, actions and facts out.
//!
//! Here the parts meet: `sip` events become leg inputs, the switch's actions go
//! to `sip`, `media` and the timers, its facts to the journal. It must never
//! wait: what takes time (a commit, a bind) is waited for by others, who come
//! back with an input.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use media::Media;
use settings::{Changes, Sealer, Snapshot};
use sip::{Endpoint, Event, Flow};
use sip_net::{NetError, Received, UdpTransport};
use store::Batch;
use switch::{Action, Input, LegInput, Mono, Now, Output, Reply, RequestId, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::address::Addresses;
use crate::auth::Auth;
use crate::calls::{LiveCalls, Moment, Scene};
use crate::change::Dismissed;
use crate::guard::Work;
use crate::handle::{ExchangeError, Load, Online, Request};
use crate::identity::Identity;
use crate::legs::Legs;
use crate::numbering::Numbering;
use crate::outbox::Outbox;
use crate::registrar::{Registrar, until};
use crate::timers::{Alarm, Timers};

/// What comes back to the loop from work done elsewhere. These are never shed.
#[derive(Debug)]
pub(crate) enum Returned {
    /// A REGISTER's bindings are kept, or could not be: answer it.
    Registered(sip::ServerTxId, Result<Vec<String>, store::StoreError>),
    /// Audio has something to tell.
    Media(media::Report),
}

/// What waits for the switch's reply.
pub(crate) type Waiting = oneshot::Sender<Result<switch::CallId, ExchangeError>>;

/// All that the loop owns.
pub(crate) struct Core {
    pub switch: switch::Exchange,
    pub sip: Endpoint,
    pub transport: Arc<UdpTransport>,
    pub local: SocketAddr,
    pub media: Media,
    pub rtp_listen: IpAddr,
    pub journal: Outbox,
    pub snapshot: Arc<Snapshot>,
    /// What of the settings is newer than `snapshot`.
    pub changes: Changes,
    /// Knows credentials again.
    pub sealer: Sealer,
    pub identity: Arc<Identity>,
    pub addresses: Addresses,
    pub auth: Auth,
    pub registrar: Registrar,
    pub online: Arc<Online>,
    pub legs: Legs,
    pub calls: LiveCalls,
    pub timers: Timers,
    pub numbering: Numbering,
    pub returned: mpsc::Sender<Returned>,
    pub waiting: HashMap<RequestId, Waiting>,
    pub next_request: u64,
    /// Inputs that executing an action gave rise to, in order.
    pub pending: VecDeque<Input>,
    /// Actions that are still to be done, in order.
    pub actions: VecDeque<Action>,
    /// What the switch said last.
    pub output: Output,
    /// The inputs in `pending` are being worked off further up the stack.
    pub draining: bool,
    /// What is being worked on, should it go wrong.
    pub work: Work,
    pub started: Instant,
    /// This run of the exchange, among all: its clock is no other's.
    pub run: u64,
    /// A shutdown is under way: nothing new is taken.
    pub stopping: bool,
    #[cfg(test)]
    pub trip: crate::trip::Trip,
}

impl Core {
    /// The time, read once per input.
    pub fn now(&self) -> Now {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
        Now {
            mono: Mono(self.started.elapsed()),
            utc: Utc(since_epoch),
        }
    }

    /// Now, for who reads it after a crash.
    fn moment(&self) -> Moment {
        Moment::of(self.run, Mono(self.started.elapsed()))
    }

    /// The same instant as `sip` counts it.
    pub fn sip_now(&self) -> sip::Instant {
        sip::Instant(self.started.elapsed())
    }

    /// A message from the network.
    pub fn receive(&mut self, received: Received) {
        self.catch_up();
        let now = self.sip_now();
        self.guarded(|core| {
            core.sip.receive(received.message, received.flow, now);
            core.settle();
        });
    }

    /// Something came back from elsewhere.
    pub fn back(&mut self, returned: Returned) {
        self.guarded(|core| {
            match returned {
                Returned::Registered(tx, result) => core.answer_register(tx, result),
                Returned::Media(report) => core.media_report(report),
            }
            core.settle();
        });
    }

    /// A timer of the wheel.
    pub fn alarm(&mut self, alarm: Alarm) {
        self.guarded(|core| {
            match alarm {
                Alarm::Switch(timer) => core.feed(Input::Timer(timer)),
                Alarm::Registration(contact) => core.registration_over(contact),
                Alarm::Housekeeping => core.housekeeping(),
            }
            core.settle();
        });
    }

    /// A timer of `sip`'s.
    pub fn sip_timeout(&mut self) {
        let now = self.sip_now();
        self.guarded(|core| {
            core.sip.handle_timeout(now);
            core.settle();
        });
    }

    /// Takes up what was kept: before the first message is heard.
    pub fn begin(&mut self, configuration: Arc<switch::Configuration>) {
        self.guarded(|core| {
            core.feed(Input::Configure(configuration));
            for extension in core.registrar.extensions() {
                match core.snapshot.extension_by_number(extension.as_str()) {
                    Some(extension) => core.take_up(&extension),
                    None => core.dismiss(&Dismissed {
                        extension,
                        watched: false,
                    }),
                }
            }
            let now = core.now().utc.seconds();
            for contact in core.registrar.overdue(now) {
                core.registration_over(contact);
            }
            for (contact, expires_at) in core.registrar.expiries() {
                core.timers
                    .set(Alarm::Registration(contact), until(expires_at, now));
            }
        });
        self.timers
            .set(Alarm::Housekeeping, crate::recovery::HEARTBEAT);
        self.changes.taken(self.snapshot.revision());
    }

    /// A request of an application.
    pub fn request(&mut self, request: Request) {
        self.catch_up();
        self.guarded(|core| {
            match request {
                Request::Dial(dial, answer) => core.dial(dial, answer),
                Request::Hangup(channel, answer) => core.hangup(&channel, answer),
                // Who asked may have gone; then nobody wants the answer.
                Request::Calls(selector, answer) => {
                    let _ = answer.send(core.calls.query(&selector));
                }
                Request::Load(answer) => {
                    let _ = answer.send(core.load());
                }
                Request::Stop(_) => {}
            }
            core.settle();
        });
    }

    /// Gives the switch an input and does what it says.
    pub fn feed(&mut self, input: Input) {
        self.pending.push_back(input);
        if !self.draining {
            self.drain();
        }
    }

    /// Works off all that is pending: facts, actions, inputs, in this order.
    pub fn drain(&mut self) {
        self.draining = true;
        loop {
            self.tell();
            self.actions.extend(self.output.actions.drain(..));
            while let Some(action) = self.actions.pop_front() {
                self.execute(action);
            }
            let Some(input) = self.pending.pop_front() else {
                break;
            };
            self.work.note(&input);
            let now = self.now();
            #[cfg(test)]
            {
                self.trip.at(crate::trip::Point::Input(&input));
                self.trip
                    .at(crate::trip::Point::Ids(&mut self.numbering.ids));
            }
            self.switch
                .handle(input, now, &mut self.numbering.ids, &mut self.output);
        }
        self.draining = false;
    }

    /// Tells the facts of one input: one batch, never split.
    fn tell(&mut self) {
        if self.output.facts.is_empty() {
            return;
        }
        let mut facts = std::mem::take(&mut self.output.facts);
        // First what a fault in the rest must not lose.
        for fact in &facts {
            match fact {
                switch::Fact::CallStarted { call, .. } => {
                    self.work.call = Some(*call);
                    self.calls.begin(*call, fact, self.run);
                }
                switch::Fact::Leg { call, leg } => self.legs.join(leg.leg, *call),
                _ => {}
            }
        }
        #[cfg(test)]
        self.trip.at(crate::trip::Point::Facts(&facts));
        let mut batch = Batch::default();
        let scene = Scene {
            identity: &self.identity,
            snapshot: &self.snapshot,
            legs: &self.legs,
        };
        self.calls.tell(&facts, &scene, &mut batch);
        self.numbering.reserve(&mut batch);
        self.submit(batch);
        facts.clear();
        self.output.facts = facts;
    }

    /// Hands a batch to the journal. A full journal sheds nothing here: new
    /// calls were already refused by its headroom.
    pub fn submit(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.journal.submit(batch);
        }
    }

    /// Drains what `sip` has to say and to send, until nothing is left.
    pub fn settle(&mut self) {
        loop {
            self.transmit();
            let Some(event) = self.sip.poll_event() else {
                break;
            };
            self.sip_event(event);
        }
        self.transmit();
    }

    fn transmit(&mut self) {
        while let Some(transmit) = self.sip.poll_transmit() {
            let Err(error) = self.transport.send(&transmit.bytes, transmit.flow.remote) else {
                continue;
            };
            tracing::debug!(%error, remote = %transmit.flow.remote, "a datagram was not sent");
            if leads_nowhere(&error) {
                // Nobody waits half a minute for an answer that can't come.
                let now = self.sip_now();
                self.sip.transport_failed(&transmit.flow, now);
            }
        }
    }

    fn sip_event(&mut self, event: Event) {
        match event {
            Event::Arrived(arrival) => self.arrived(&arrival),
            // The exchange sends no requests outside of calls yet.
            Event::Response { .. } | Event::RequestTimeout { .. } => {}
            event => self.session_event(event),
        }
    }

    fn execute(&mut self, action: Action) {
        match action {
            Action::Leg(leg, command) => self.leg_command(leg, command),
            Action::Media(action) => self.media_action(action),
            Action::SetTimer(timer, at) => {
                let after = at.0.saturating_sub(self.started.elapsed());
                self.timers.set(Alarm::Switch(timer), after);
            }
            Action::CancelTimer(timer) => self.timers.cancel(Alarm::Switch(timer)),
            Action::Reply(request, result) => self.reply(request, result),
        }
    }

    fn reply(&mut self, request: RequestId, result: Result<Reply, switch::CommandError>) {
        let Some(waiting) = self.waiting.remove(&request) else {
            return;
        };
        let result = match result {
            Ok(Reply::Dialled { call } | Reply::HungUp { call }) => Ok(call),
            Err(switch::CommandError::NoSuchLeg | switch::CommandError::NoSuchCall) => {
                Err(ExchangeError::NoSuchChannel)
            }
            Err(switch::CommandError::NoSuchExtension) => Err(ExchangeError::NoSuchCaller),
            Err(switch::CommandError::Congestion) => Err(ExchangeError::Congestion),
        };
        // Who asked may have gone.
        let _ = waiting.send(result);
    }

    fn media_report(&mut self, report: media::Report) {
        match report {
            media::Report::MediaLost { slot } => {
                if let Some(leg) = self.legs.by_slot(slot) {
                    self.feed(Input::Leg(leg, LegInput::MediaLost));
                }
            }
            media::Report::Digit { slot, digit } => {
                if let Some(leg) = self.legs.by_slot(slot) {
                    self.feed(Input::Leg(leg, LegInput::Digit(digit)));
                }
            }
            media::Report::Closed { slot, stats } => {
                tracing::debug!(?slot, ?stats, "audio closed");
            }
        }
    }

    /// The heartbeat by which recovery knows until when calls were alive, and
    /// the gauges.
    fn housekeeping(&mut self) {
        if self.calls.len() > 0 {
            self.submit(crate::recovery::heartbeat(self.moment()));
        }
        let load = self.load();
        let gauges = [
            ("strowger_calls", load.calls),
            ("strowger_legs", load.legs),
            ("strowger_registrations", load.registrations),
            ("strowger_timers", load.timers),
            ("strowger_sip_sessions", load.sip_sessions),
            ("strowger_sip_transactions", load.sip_transactions),
        ];
        for (name, value) in gauges {
            metrics::gauge!(name).set(value as f64);
        }
        self.timers
            .set(Alarm::Housekeeping, crate::recovery::HEARTBEAT);
    }

    fn load(&self) -> Load {
        let sip = self.sip.load();
        Load {
            calls: self.calls.len(),
            legs: self.legs.len(),
            switching: !self.switch.is_idle(),
            sip_sessions: sip.sessions,
            sip_transactions: sip.transactions,
            media_ports: self.media.ports_in_use(),
            registrations: self.registrar.len(),
            timers: self.timers.len(),
            waiting: self.waiting.len(),
        }
    }

    /// The address a peer is told for SIP.
    pub fn sip_address(&self, flow: &Flow) -> SocketAddr {
        self.addresses.told_socket(self.local, flow.remote.ip())
    }
}

/// Whether the system says that there is no way to that address, so that
/// sending again is of no use (RFC 3261 §8.1.3.1).
fn leads_nowhere(error: &NetError) -> bool {
    let NetError::Send { source, .. } = error else {
        return false;
    };
    matches!(
        source.kind(),
        ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::InvalidInput
    )
}
