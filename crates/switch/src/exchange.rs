//! The machine's outside: holds the tables and hands each input to the call
//! that it concerns. What a call does with it is not known here.

use crate::action::{Action, Reply};
use crate::call::{self, Arrival, Call, Flow};
use crate::desk::Desk;
use crate::directory::Directory;
use crate::fact::Fact;
use crate::ids::{CallId, Ids, LegId, Now, RequestId};
use crate::input::{Caller, Command, CommandError, Input, LegInput, Timer};
use crate::leg::{Leg, Signalling};
use crate::presence::Presence;
use crate::table::Table;

/// What one input, or several, produced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// To be executed in order.
    pub actions: Vec<Action>,
    /// To be told in order, one batch an input.
    pub facts: Vec<Fact>,
}

/// All calls and the extensions' live states.
///
/// Calls and legs are separate tables: a leg names the call in which it sits.
/// A leg that is ended stays in its table, without a call, until its `Ended`
/// comes; what comes from it before that is ignored.
#[derive(Debug, Default)]
pub struct Exchange {
    directory: Directory,
    calls: Table<CallId, Call>,
    legs: Table<LegId, Leg>,
    presence: Presence,
}

impl Exchange {
    /// An exchange without extensions and calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one input and appends what it leads to.
    ///
    /// Nothing is walked over but the legs of the one call concerned. The
    /// same inputs, times and ids give the same output.
    pub fn handle(&mut self, input: Input, now: Now, ids: &mut Ids, out: &mut Output) {
        match input {
            Input::Configure(configuration) => self.directory.configure(configuration),
            Input::Extensions(changes) => self.directory.change(changes),
            Input::Contacts {
                extension,
                contacts,
            } => self.directory.register(extension, contacts),
            Input::Incoming {
                leg,
                caller:
                    Caller::Extension {
                        number,
                        address,
                        name,
                    },
                dialled,
                offer,
            } => {
                if self.legs.contains(&leg) {
                    return;
                }
                let arrival = Arrival {
                    leg,
                    caller: number,
                    address,
                    name,
                    dialled,
                    offer,
                    full: self.is_full(),
                };
                let call = call::arrive(arrival, &mut self.parts(now, ids, out).1);
                self.keep(call);
            }
            Input::Leg(leg, input) => self.on_leg(leg, input, now, ids, out),
            Input::Command { request, command } => self.command(request, command, now, ids, out),
            Input::Timer(Timer::Ring(id)) => {
                let (calls, mut desk) = self.parts(now, ids, out);
                if let Some(call) = calls.get_mut(&id)
                    && call.on_timer(&mut desk) == Flow::Over
                {
                    calls.remove(&id);
                }
            }
            Input::GivenUp { call, legs } => self.given_up(call, legs, now, ids, out),
        }
        self.presence.settle(&mut out.facts);
    }

    /// How many calls there are.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether nothing is left of any call: no call, no leg that still ends.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.legs.is_empty() && self.presence.is_empty()
    }

    fn on_leg(&mut self, id: LegId, input: LegInput, now: Now, ids: &mut Ids, out: &mut Output) {
        let Some(leg) = self.legs.get_mut(&id) else {
            return;
        };
        let over = matches!(input, LegInput::Ended(_));
        if over {
            leg.signalling = Signalling::Gone;
        }
        match leg.seat {
            Some(seat) => {
                let (calls, mut desk) = self.parts(now, ids, out);
                if let Some(call) = calls.get_mut(&seat.call)
                    && call.on_leg(id, input, &mut desk) == Flow::Over
                {
                    calls.remove(&seat.call);
                }
            }
            None if over => {
                self.legs.remove(&id);
            }
            None => {}
        }
    }

    /// Nothing of what these have to say is asked for: it may be what failed.
    fn given_up(
        &mut self,
        call: Option<CallId>,
        legs: Vec<LegId>,
        now: Now,
        ids: &mut Ids,
        out: &mut Output,
    ) {
        let (calls, mut desk) = self.parts(now, ids, out);
        if let Some(mut call) = call.and_then(|call| calls.remove(&call)) {
            call.stop_timer(&mut desk);
        }
        for leg in legs {
            desk.forget(leg);
        }
    }

    fn command(
        &mut self,
        request: RequestId,
        command: Command,
        now: Now,
        ids: &mut Ids,
        out: &mut Output,
    ) {
        let refuse = |out: &mut Output, error| {
            out.actions.push(Action::Reply(request, Err(error)));
        };
        match command {
            Command::Dial {
                caller,
                callee,
                auto_answer,
                name,
            } => match self.directory.extension(&caller).cloned() {
                None => refuse(out, CommandError::NoSuchExtension),
                Some(_) if self.is_full() => refuse(out, CommandError::Congestion),
                Some(caller) => {
                    let caller = call::named(caller, name);
                    let desk = &mut self.parts(now, ids, out).1;
                    let call = call::dial(request, caller, &callee, auto_answer, desk);
                    self.keep(call);
                }
            },
            Command::Hangup { leg } => {
                let seat = self.legs.get(&leg).and_then(|leg| leg.seat);
                let (calls, mut desk) = self.parts(now, ids, out);
                match seat.and_then(|seat| calls.get_mut(&seat.call).zip(Some(seat.call))) {
                    None => refuse(out, CommandError::NoSuchLeg),
                    Some((call, id)) => {
                        desk.act(Action::Reply(request, Ok(Reply::HungUp { call: id })));
                        if call.hang_up(leg, &mut desk) == Flow::Over {
                            calls.remove(&id);
                        }
                    }
                }
            }
            Command::Close { call: id } => {
                let (calls, mut desk) = self.parts(now, ids, out);
                match calls.remove(&id) {
                    None => refuse(out, CommandError::NoSuchCall),
                    Some(mut call) => {
                        desk.act(Action::Reply(request, Ok(Reply::HungUp { call: id })));
                        call.end(&mut desk);
                    }
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.directory.is_full(self.calls.len())
    }

    fn keep(&mut self, call: Option<Call>) {
        if let Some(call) = call {
            self.calls.insert(call.id(), call);
        }
    }

    fn parts<'a>(
        &'a mut self,
        now: Now,
        ids: &'a mut Ids,
        out: &'a mut Output,
    ) -> (&'a mut Table<CallId, Call>, Desk<'a>) {
        let desk = Desk::new(
            &self.directory,
            now,
            &mut self.legs,
            &mut self.presence,
            ids,
            out,
        );
        (&mut self.calls, desk)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::codecs::default_offer;
    use crate::config::{Configuration, Extension};
    use crate::ids::{ContactId, ExtensionNumber, Utc};
    use crate::input::Cause;
    use crate::media::MediaDescription;
    use crate::{LegCommand, Mono};

    fn described() -> MediaDescription {
        MediaDescription {
            remote: Some(([192, 0, 2, 1], 4000).into()),
            ..default_offer()
        }
    }

    struct Load {
        exchange: Exchange,
        ids: Ids,
        now: Now,
    }

    impl Load {
        fn handle(&mut self, input: Input) -> Output {
            let mut out = Output::default();
            self.exchange
                .handle(input, self.now, &mut self.ids, &mut out);
            out
        }

        /// One call from invitation to talk; gives the caller's leg.
        fn talk(&mut self, caller: &ExtensionNumber) -> LegId {
            let leg = self.ids.leg();
            let out = self.handle(Input::Incoming {
                leg,
                caller: Caller::Extension {
                    number: caller.clone(),
                    address: None,
                    name: None,
                },
                dialled: "1001".into(),
                offer: Some(described()),
            });
            let callee = out
                .actions
                .iter()
                .find_map(|action| match action {
                    Action::Leg(leg, LegCommand::Invite(_)) => Some(*leg),
                    _ => None,
                })
                .unwrap();
            self.handle(Input::Leg(callee, LegInput::Ringing));
            self.handle(Input::Leg(callee, LegInput::Answered(described())));
            leg
        }

        fn work(&self) -> u64 {
            self.exchange.calls.asked.get() + self.exchange.legs.asked.get()
        }
    }

    /// Tables can only be asked by key, so what a call costs is how often they
    /// are asked; it must not depend on how many other calls there are.
    #[test]
    fn a_call_costs_the_same_look_ups_with_ten_thousand_others() {
        let number = |n: &str| ExtensionNumber::new(n).unwrap();
        let extension = |n: &str| {
            let extension = Extension {
                number: number(n),
                name: "".into(),
                caller_id: "".into(),
                ring_timeout: Duration::from_secs(30),
                do_not_disturb: false,
            };
            (number(n), Arc::new(extension))
        };
        let mut load = Load {
            exchange: Exchange::new(),
            ids: Ids {
                next_call: 1,
                call_stride: 1,
                next_leg: 1,
            },
            now: Now {
                mono: Mono::default(),
                utc: Utc(0),
            },
        };
        load.handle(Input::Configure(Arc::new(Configuration {
            extensions: [extension("1000"), extension("1001")].into(),
            max_calls: 0,
        })));
        load.handle(Input::Contacts {
            extension: number("1001"),
            contacts: vec![ContactId(1)],
        });
        let caller = number("1000");
        let mut costs = Vec::new();
        let mut callers = Vec::new();
        for _ in 0..10_000 {
            let before = load.work();
            callers.push(load.talk(&caller));
            costs.push(load.work() - before);
        }
        assert_eq!(load.exchange.calls(), 10_000);
        assert_eq!(costs.first(), costs.last());
        assert!(costs.iter().all(|cost| cost == &costs[0] && *cost < 100));
        for caller in callers {
            let out = load.handle(Input::Leg(caller, LegInput::Ended(Cause::Normal)));
            for action in out.actions {
                if let Action::Leg(leg, LegCommand::End(_)) = action {
                    load.handle(Input::Leg(leg, LegInput::Ended(Cause::Normal)));
                }
            }
        }
        assert!(load.exchange.is_idle());
    }
}
