//! What must hold after every step, whatever the phones do.

use std::collections::{BTreeMap, BTreeSet};

use switch::*;

#[derive(Default, Debug)]
struct WatchedLeg {
    incoming: bool,
    rang: bool,
    early: bool,
    answered: bool,
    end_commanded: bool,
    over: bool,
    /// Its new offer waits for our answer.
    offers: bool,
    /// Our offer within the call waits for its answer.
    offered: bool,
    fact: Option<LegSnapshot>,
}

#[derive(Default, Debug)]
struct WatchedCall {
    legs: BTreeSet<LegId>,
    started: Option<Utc>,
    answered: Option<Utc>,
    failed: bool,
    ended: bool,
}

#[derive(Default, Debug)]
pub struct Watch {
    legs: BTreeMap<LegId, WatchedLeg>,
    calls: BTreeMap<CallId, WatchedCall>,
    asked: BTreeSet<RequestId>,
    bridges: BTreeSet<(LegId, LegId)>,
    tones: BTreeMap<LegId, Tone>,
    extensions: BTreeMap<ExtensionNumber, ExtensionState>,
}

impl Watch {
    pub fn before(&mut self, input: &Input) {
        match input {
            Input::Incoming { leg, .. } => {
                self.legs.insert(
                    *leg,
                    WatchedLeg {
                        incoming: true,
                        ..WatchedLeg::default()
                    },
                );
            }
            Input::Leg(leg, input) => {
                if let Some(row) = self.legs.get_mut(leg) {
                    match input {
                        LegInput::Ended(_) => {
                            assert!(!row.over, "the test ends a leg twice");
                            row.over = true;
                            // Its audio is over with it.
                            self.tones.remove(leg);
                        }
                        LegInput::Answered(_) if !row.incoming => row.answered = true,
                        LegInput::Offered(_) => row.offers = !row.end_commanded,
                        LegInput::Modified(_)
                        | LegInput::ModifyRefused
                        | LegInput::ModifyWithdrawn => row.offered = false,
                        _ => {}
                    }
                }
            }
            Input::Command { request, .. } => {
                self.asked.insert(*request);
            }
            Input::GivenUp { call, legs } => {
                for leg in legs {
                    self.legs.remove(leg);
                    self.tones.remove(leg);
                    self.bridges.retain(|pair| !touches(pair, [leg, leg]));
                }
                if let Some(call) = call.and_then(|call| self.calls.get_mut(&call)) {
                    call.ended = true;
                }
            }
            _ => {}
        }
    }

    pub fn after(&mut self, out: &Output) {
        for action in &out.actions {
            match action {
                Action::Leg(leg, command) => self.commanded(*leg, command),
                Action::Media(action) => self.sounded(action),
                Action::Reply(request, _) => {
                    assert!(self.asked.remove(request), "a second reply");
                }
                Action::SetTimer(..) | Action::CancelTimer(_) => {}
            }
        }
        assert!(self.asked.is_empty(), "a command without a reply");
        for (id, leg) in &self.legs {
            assert!(
                !leg.offers || leg.end_commanded || leg.over,
                "{id:?} waits for an answer"
            );
        }
        let mut extensions_begun = false;
        for fact in &out.facts {
            let about_extension = matches!(fact, Fact::Extension { .. });
            assert!(
                about_extension || !extensions_begun,
                "extension facts come last"
            );
            extensions_begun |= about_extension;
            self.told(fact);
        }
        self.compare_extensions();
        for (a, b) in &self.bridges {
            for leg in [a, b] {
                let row = &self.legs[leg];
                assert!(!row.over && !row.end_commanded, "a bridge to a dead leg");
            }
        }
        for leg in self.tones.keys() {
            let row = &self.legs[leg];
            assert!(!row.over && !row.end_commanded, "a tone to a dead leg");
        }
    }

    fn commanded(&mut self, leg: LegId, command: &LegCommand) {
        if let LegCommand::Invite(invitation) = command {
            assert!(!invitation.offer.codecs.is_empty());
            let before = self.legs.insert(leg, WatchedLeg::default());
            assert!(before.is_none(), "an id used twice");
            return;
        }
        let row = self.legs.get_mut(&leg).expect("a leg that exists");
        assert!(!row.over, "{leg:?} is over and gets {command:?}");
        assert!(!row.end_commanded, "{leg:?} ends and gets {command:?}");
        match command {
            LegCommand::Invite(_) => {}
            LegCommand::Ring => {
                assert!(row.incoming && !row.answered && !row.rang && !row.early);
                row.rang = true;
            }
            LegCommand::EarlyMedia(_) => {
                assert!(row.incoming && !row.answered && !row.early);
                row.early = true;
            }
            LegCommand::Answer(_) => {
                assert!(row.incoming && !row.answered);
                row.answered = true;
            }
            LegCommand::Modify(_) => {
                assert!(row.answered && !row.offered, "one offer at a time");
                row.offered = true;
            }
            LegCommand::AnswerOffer(_) | LegCommand::RefuseOffer => {
                assert!(row.offers, "answers an offer that was not made");
                row.offers = false;
            }
            LegCommand::End(_) => row.end_commanded = true,
        }
    }

    fn sounded(&mut self, action: &MediaAction) {
        let alive = |leg: &LegId| {
            let row = self.legs.get(leg).expect("a leg that exists");
            assert!(!row.over && !row.end_commanded, "audio to a dead leg");
        };
        match action {
            MediaAction::Remote { leg, description } => {
                alive(leg);
                let address = description.remote.expect("an address to send to");
                assert!(!address.ip().is_unspecified());
            }
            MediaAction::Bridge {
                a,
                b,
                a_to_b,
                b_to_a,
            } => {
                alive(a);
                alive(b);
                assert!(!a_to_b.is_empty() || !b_to_a.is_empty());
                for map in [a_to_b, b_to_a] {
                    let received: BTreeSet<_> = map.iter().map(|(from, _)| from).collect();
                    assert_eq!(received.len(), map.len(), "one meaning a payload type");
                }
                self.bridges
                    .retain(|pair| pair == &(*a, *b) || !touches(pair, [a, b]));
                self.bridges.insert((*a, *b));
            }
            MediaAction::Unbridge { leg } => {
                alive(leg);
                let before = self.bridges.len();
                self.bridges.retain(|pair| !touches(pair, [leg, leg]));
                assert_eq!(self.bridges.len() + 1, before, "a bridge was there");
            }
            MediaAction::Play { leg, tone } => {
                alive(leg);
                assert_eq!(self.tones.insert(*leg, *tone), None);
            }
            MediaAction::Silence { leg } => {
                alive(leg);
                assert!(self.tones.remove(leg).is_some());
            }
        }
    }

    fn told(&mut self, fact: &Fact) {
        match fact {
            Fact::CallStarted { call, started, .. } => {
                let row = WatchedCall {
                    started: Some(started.utc),
                    ..WatchedCall::default()
                };
                assert!(self.calls.insert(*call, row).is_none(), "started twice");
            }
            Fact::Leg { call, leg } => {
                let row = self.calls.get_mut(call).expect("a call that started");
                assert!(!row.ended, "a leg told after its call's end");
                row.legs.insert(leg.leg);
                let watched = self.legs.get_mut(&leg.leg).expect("a leg that exists");
                let before = watched.fact.replace(leg.clone());
                let from = before.as_ref().map(|before| before.state);
                assert!(
                    allowed(leg.role, from, leg.state),
                    "{:?} from {from:?} to {:?}",
                    leg.role,
                    leg.state
                );
                if let Some(before) = before {
                    assert_eq!((before.party, before.role), (leg.party.clone(), leg.role));
                }
            }
            Fact::CallAnswered { call, at } => {
                let row = self.calls.get_mut(call).expect("a call that started");
                assert!(!row.ended && row.answered.is_none() && !row.failed);
                row.answered = Some(*at);
            }
            Fact::CallFailed { call, .. } => {
                let row = self.calls.get_mut(call).expect("a call that started");
                assert!(!row.ended && row.answered.is_none() && !row.failed);
                row.failed = true;
            }
            Fact::CallEnded(record) => {
                let row = self.calls.get_mut(&record.call).expect("a started call");
                assert!(!row.ended, "ended twice");
                row.ended = true;
                assert_eq!(record.answered, row.answered);
                assert_eq!(Some(record.started), row.started);
                assert!(record.started <= record.ended);
                assert_eq!(
                    record.disposition == Disposition::Answered,
                    row.answered.is_some()
                );
                for leg in &row.legs {
                    let told = self.legs.get(leg).and_then(|leg| leg.fact.as_ref());
                    let over = told.is_none_or(|fact| fact.state == LegState::Ended);
                    assert!(over, "its legs end before");
                }
            }
            Fact::Extension { extension, state } => {
                let before = match state {
                    ExtensionState::Idle => self.extensions.remove(extension),
                    state => self.extensions.insert(extension.clone(), *state),
                };
                assert_ne!(before.unwrap_or(ExtensionState::Idle), *state, "no change");
            }
        }
    }

    /// The extensions as told are as their legs as told.
    fn compare_extensions(&self) {
        let mut computed: BTreeMap<ExtensionNumber, ExtensionState> = BTreeMap::new();
        for fact in self.legs.values().filter_map(|leg| leg.fact.as_ref()) {
            let Party::Extension(number) = &fact.party;
            let state = match (fact.role, fact.state) {
                (_, LegState::Trying | LegState::Ended) => continue,
                (_, LegState::Ringing) | (Role::Callee, LegState::Early) => ExtensionState::Ringing,
                _ => ExtensionState::Busy,
            };
            let entry = computed.entry(number.clone()).or_insert(state);
            if state == ExtensionState::Busy {
                *entry = state;
            }
        }
        assert_eq!(self.extensions, computed);
    }

    /// Legs that were told to end and have not said that they did.
    pub fn ending(&self) -> Vec<LegId> {
        self.which(|leg| leg.end_commanded)
    }

    /// Legs of ours that may still answer.
    pub fn ringing(&self) -> Vec<LegId> {
        self.which(|leg| !leg.incoming && !leg.answered && !leg.end_commanded)
    }

    /// Legs that are answered and not told to end.
    pub fn answered(&self) -> Vec<LegId> {
        self.which(|leg| leg.answered && !leg.end_commanded)
    }

    /// Legs that wait to answer our offer within the call.
    pub fn offered(&self) -> Vec<LegId> {
        self.which(|leg| leg.offered && !leg.end_commanded)
    }

    /// Calls that have not ended, and the legs that ever were in each.
    pub fn calls(&self) -> Vec<(CallId, Vec<LegId>)> {
        let open = self.calls.iter().filter(|(_, call)| !call.ended);
        open.map(|(id, call)| (*id, call.legs.iter().copied().collect()))
            .collect()
    }

    /// Legs that have not ended.
    pub fn living(&self) -> Vec<LegId> {
        self.which(|_| true)
    }

    fn which(&self, wanted: impl Fn(&WatchedLeg) -> bool) -> Vec<LegId> {
        self.legs
            .iter()
            .filter(|(_, leg)| !leg.over && wanted(leg))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Forgets what is over, so that long runs stay quick.
    pub fn sweep(&mut self) {
        self.legs.retain(|_, leg| {
            let told_over = leg.fact.as_ref().is_none_or(|f| f.state == LegState::Ended);
            !(leg.over && told_over)
        });
    }

    pub fn at_rest(&self) {
        assert!(self.calls.values().all(|call| call.ended));
        assert!(self.legs.values().all(|leg| leg.over));
        assert!(self.bridges.is_empty(), "{:?}", self.bridges);
        assert!(self.tones.is_empty(), "{:?}", self.tones);
        assert!(self.extensions.is_empty(), "{:?}", self.extensions);
    }
}

fn touches(pair: &(LegId, LegId), legs: [&LegId; 2]) -> bool {
    legs.iter().any(|leg| **leg == pair.0 || **leg == pair.1)
}

fn allowed(role: Role, from: Option<LegState>, to: LegState) -> bool {
    use LegState::*;
    match (role, from, to) {
        (Role::Caller, None, Calling | Ringing) => true,
        (Role::Callee, None, Trying) => true,
        (Role::Caller, Some(Ringing), Calling) => true,
        (Role::Caller, Some(Calling), Answered) => true,
        (Role::Callee, Some(Trying), Ringing | Early | Answered) => true,
        (Role::Callee, Some(Ringing), Early | Answered) => true,
        (Role::Callee, Some(Early), Answered) => true,
        (_, Some(Answered), Held) | (_, Some(Held), Answered) => true,
        (_, Some(from), Ended) => from != Ended,
        _ => false,
    }
}
