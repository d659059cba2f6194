//! A panic in one input ends the call it was about, is counted and logged, and
//! nothing else. The call still gets its record, and its live row goes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sip::{ServerTxId, SessionId};
use switch::{CallId, Cause, Command, Fact, Input, LegCommand, LegId, RequestId, Timer};

use crate::core::Core;

/// How often what is left of an input is taken up again that panicked. Each
/// panic uses up at least one input, action or batch of facts.
const ATTEMPTS: usize = 64;

/// What the input at work is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Work {
    pub leg: Option<LegId>,
    /// A leg of the switch's that is being made on the wires.
    pub inviting: Option<LegId>,
    pub call: Option<CallId>,
    pub request: Option<RequestId>,
    /// An INVITE that has no leg yet.
    pub session: Option<SessionId>,
    /// A request that has no answer yet.
    pub transaction: Option<ServerTxId>,
}

impl Work {
    /// The switch is given this.
    pub fn note(&mut self, input: &Input) {
        match input {
            Input::Leg(leg, _) | Input::Incoming { leg, .. } => self.leg = Some(*leg),
            Input::Command { request, command } => {
                self.request = Some(*request);
                match command {
                    Command::Hangup { leg } => self.leg = Some(*leg),
                    Command::Close { call } => self.call = Some(*call),
                    Command::Dial { .. } => {}
                }
            }
            Input::Timer(Timer::Ring(call)) => self.call = Some(*call),
            Input::Configure(_)
            | Input::Extensions(_)
            | Input::Contacts { .. }
            | Input::GivenUp { .. } => {}
        }
    }
}

impl Core {
    /// Runs one input's work.
    pub(crate) fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        self.work = Work::default();
        if self.survives(work) {
            return;
        }
        let work = self.work;
        metrics::counter!("strowger_panics").increment(1);
        tracing::error!(
            ?work,
            "an input made the exchange panic; its call is given up"
        );
        if let Some(request) = work.request {
            // Who waits hears that there will be no answer.
            self.waiting.remove(&request);
        }
        if let Some(leg) = work.inviting.filter(|leg| self.legs.get(*leg).is_none()) {
            self.survives(|core| core.leg_over(leg, Cause::Internal));
        }
        // A call that it was just beginning: the switch may not have it.
        let begun = self.output.facts.iter().find_map(|fact| match fact {
            Fact::CallStarted { call, .. } => Some(*call),
            _ => None,
        });
        self.take_up_again();
        let call = work.call.or(begun).or_else(|| {
            let leg = work.leg?;
            let joined = self.legs.get(leg).and_then(|leg| leg.call);
            joined.or_else(|| self.calls.call_of(leg))
        });
        let mut legs = call.map(|call| self.legs.of_call(call)).unwrap_or_default();
        legs.extend(work.leg.filter(|leg| !legs.contains(leg)));
        for leg in &legs {
            if self.legs.get(*leg).is_none() {
                continue;
            }
            self.survives(|core| core.leg_command(*leg, LegCommand::End(Cause::Internal)));
            self.survives(|core| core.leg_over(*leg, Cause::Internal));
        }
        self.take_up_again();
        if let Some(session) = work.session {
            self.survives(|core| core.let_go(session));
        }
        if let Some(transaction) = work.transaction {
            self.survives(|core| core.respond(transaction, 500, &[]));
        }
        if let Some(call) = call {
            // Where the switch could not close it, it is closed without it.
            self.survives(|core| core.abandon(call));
        }
        if call.is_some() || !legs.is_empty() {
            // Nor may it keep anybody busy.
            self.survives(|core| core.feed(Input::GivenUp { call, legs }));
        }
        self.survives(Self::settle);
    }

    /// Goes on with what the panic left undone, so that no leg is made or ended
    /// in the switch alone.
    fn take_up_again(&mut self) {
        for _ in 0..ATTEMPTS {
            if self.survives(Self::drain) {
                return;
            }
        }
        self.pending.clear();
        self.actions.clear();
        self.output = switch::Output::default();
        self.draining = false;
    }

    fn survives(&mut self, work: impl FnOnce(&mut Self)) -> bool {
        let survived = catch_unwind(AssertUnwindSafe(|| work(self))).is_ok();
        if !survived {
            self.draining = false;
        }
        survived
    }

    fn abandon(&mut self, call: CallId) {
        let now = self.now().mono;
        let mut batch = store::Batch::default();
        self.calls.abandon(call, now, &self.identity, &mut batch);
        self.submit(batch);
    }
}
