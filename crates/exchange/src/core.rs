//! The one task that owns the switch: inputs in, actions and facts out.
//!
//! Here the parts meet: `sip` events become leg inputs, the switch's actions go
//! to `sip`, `media` and the timers, its facts to the journal. It must never
//! wait: what takes time (a commit, a bind) is waited for by others, who come
//! back with an input.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use media::Media;
use settings::Snapshot;
use sip::{Endpoint, Event, Flow};
use sip_net::{Received, UdpTransport};
use store::{Batch, Journal};
use switch::{
    Action, Cause, ExtensionNumber, Input, LegCommand, LegId, LegInput, Mono, Now, Output, Reply,
    RequestId, Utc,
};
use tokio::sync::{mpsc, oneshot};

use crate::address::Addresses;
use crate::auth::Auth;
use crate::calls::{LiveCalls, Monitored};
use crate::handle::{ExchangeError, Online, Request};
use crate::identity::Identity;
use crate::legs::Legs;
use crate::numbering::Numbering;
use crate::registrar::Registrar;
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
    pub journal: Journal,
    pub snapshot: Arc<Snapshot>,
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
    /// The inputs in `pending` are being worked off further up the stack.
    pub draining: bool,
    /// The leg that the input at work is about, should it go wrong.
    pub current: Option<LegId>,
    pub output: Output,
    pub started: Instant,
    /// A shutdown is under way: nothing new is taken.
    pub stopping: bool,
}

impl Monitored for Snapshot {
    fn call_state(&self, extension: &ExtensionNumber) -> bool {
        self.extension_by_number(extension.as_str())
            .is_some_and(|e| e.monitor.call_status)
    }
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

    /// The same instant as `sip` counts it.
    pub fn sip_now(&self) -> sip::Instant {
        sip::Instant(self.started.elapsed())
    }

    /// A message from the network.
    pub fn receive(&mut self, received: Received) {
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

    /// The settings changed: the switch knows before the answer leaves.
    pub fn configure(&mut self, snapshot: Arc<Snapshot>) {
        self.guarded(|core| {
            let configuration = Arc::new(snapshot.switch_configuration());
            core.snapshot = snapshot;
            core.feed(Input::Configure(configuration));
            core.drop_orphans();
            core.settle();
        });
    }

    /// A request of an application.
    pub fn request(&mut self, request: Request) {
        self.guarded(|core| {
            match request {
                Request::Dial(dial, answer) => core.dial(dial, answer),
                Request::Hangup(channel, answer) => core.hangup(&channel, answer),
                Request::Calls(selector, answer) => {
                    // Who asked may have gone; then nobody wants the answer.
                    let _ = answer.send(core.calls.query(&selector));
                }
                Request::Stop(_) => {}
            }
            core.settle();
        });
    }

    /// Gives the switch an input and does what it says.
    pub fn feed(&mut self, input: Input) {
        self.pending.push_back(input);
        if self.draining {
            return;
        }
        self.draining = true;
        while let Some(input) = self.pending.pop_front() {
            self.current = match &input {
                Input::Leg(leg, _) | Input::Incoming { leg, .. } => Some(*leg),
                _ => None,
            };
            let now = self.now();
            let mut output = std::mem::take(&mut self.output);
            output.actions.clear();
            output.facts.clear();
            self.switch
                .handle(input, now, &mut self.numbering.ids, &mut output);
            for fact in &output.facts {
                if let switch::Fact::Leg { call, leg } = fact {
                    self.legs.join(leg.leg, *call);
                }
            }
            if !output.facts.is_empty() {
                let mut batch = Batch::default();
                self.calls
                    .tell(&output.facts, &self.identity, &*self.snapshot, &mut batch);
                self.numbering.reserve(&mut batch);
                self.submit(batch);
            }
            for action in output.actions.drain(..) {
                self.execute(action);
            }
            self.output = output;
        }
        self.draining = false;
        self.current = None;
    }

    /// Hands a batch to the journal. A full journal sheds nothing here: new
    /// calls were already refused by its headroom, and the reserve above it is
    /// for what is under way.
    pub fn submit(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        if let Err(error) = self.journal.submit(batch) {
            metrics::counter!("strowger_journal_lost_batches").increment(1);
            tracing::error!(%error, "a batch found no place in the journal");
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
            if let Err(error) = self.transport.send(&transmit.bytes, transmit.flow.remote) {
                tracing::debug!(%error, remote = %transmit.flow.remote, "a datagram was not sent");
            }
        }
    }

    fn sip_event(&mut self, event: Event) {
        match event {
            Event::Invite {
                session,
                request,
                flow,
            } => self.invited(session, &request, &flow),
            Event::Request { tx, request, flow } => self.requested(tx, &request, &flow),
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
            Err(switch::CommandError::NoSuchLeg) => Err(ExchangeError::NoSuchChannel),
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
            let seconds = u64::try_from(self.now().utc.seconds()).unwrap_or(0);
            let mut batch = Batch::default();
            batch
                .counters
                .push((crate::recovery::ALIVE.into(), seconds));
            self.submit(batch);
        }
        #[allow(clippy::cast_precision_loss)]
        {
            metrics::gauge!("strowger_calls").set(self.calls.len() as f64);
            metrics::gauge!("strowger_legs").set(self.legs.len() as f64);
            metrics::gauge!("strowger_timers").set(self.timers.len() as f64);
            metrics::gauge!("strowger_media_ports").set(self.media.ports_in_use() as f64);
        }
        self.timers
            .set(Alarm::Housekeeping, crate::recovery::HEARTBEAT);
    }

    /// Runs one input's work. A panic in it ends the call it was about, is
    /// counted and logged, and nothing else.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_ok() {
            return;
        }
        metrics::counter!("strowger_panics").increment(1);
        let leg = self.current.take();
        tracing::error!(
            ?leg,
            "an input made the exchange panic; its call is given up"
        );
        self.pending.clear();
        self.draining = false;
        if let Some(leg) = leg {
            let again = catch_unwind(AssertUnwindSafe(|| {
                self.give_up(leg);
                self.settle();
            }));
            if again.is_err() {
                self.pending.clear();
                self.draining = false;
            }
        }
    }

    /// Ends all legs of the call that a leg is in, whatever the switch thinks of it.
    fn give_up(&mut self, leg: LegId) {
        let legs = match self.legs.get(leg).and_then(|l| l.call) {
            Some(call) => self.legs.of_call(call),
            None => vec![leg],
        };
        for leg in legs {
            self.leg_command(leg, LegCommand::End(Cause::Internal));
            self.leg_over(leg, Cause::Internal);
        }
    }

    /// The address a peer is told for SIP.
    pub fn sip_address(&self, flow: &Flow) -> SocketAddr {
        self.addresses.told_socket(self.local, flow.remote.ip())
    }
}
