//! A world of phones around the machine, in virtual time. Every step is
//! watched: what must hold always is checked in each test.

#![allow(dead_code)]

pub mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use switch::*;
use watch::Watch;

pub const RING: Duration = Duration::from_secs(30);

pub struct World {
    pub exchange: Exchange,
    pub ids: Ids,
    pub now: Now,
    pub watch: Watch,
    pub timers: BTreeMap<Timer, Mono>,
    pub configuration: Configuration,
    requests: u64,
}

/// What one step led to, in short words.
pub struct Step {
    pub out: Output,
}

impl World {
    /// Extensions and how many phones each has registered.
    pub fn new(extensions: &[(&str, u64)]) -> Self {
        let mut world = World {
            exchange: Exchange::new(),
            ids: Ids {
                next_call: 1,
                call_stride: 1,
                next_leg: 1,
            },
            now: Now {
                mono: Mono(Duration::from_secs(1)),
                utc: Utc(1_700_000_000_000_000),
            },
            watch: Watch::default(),
            timers: BTreeMap::new(),
            configuration: Configuration::default(),
            requests: 0,
        };
        for (number, _) in extensions {
            let extension = Extension {
                number: ext(number),
                name: format!("User {number}").into(),
                caller_id: "".into(),
                ring_timeout: RING,
                do_not_disturb: false,
            };
            world
                .configuration
                .extensions
                .insert(ext(number), Arc::new(extension));
        }
        world.configure();
        for (number, phones) in extensions {
            world.register(number, *phones);
        }
        world
    }

    pub fn configure(&mut self) {
        let configuration = Arc::new(self.configuration.clone());
        self.input(Input::Configure(configuration));
    }

    pub fn change(&mut self, number: &str, change: impl FnOnce(&mut Extension)) {
        let entry = self
            .configuration
            .extensions
            .get_mut(&ext(number))
            .expect("an extension of this world");
        change(Arc::make_mut(entry));
        let changes = vec![(ext(number), Some(entry.clone()))];
        self.input(Input::Extensions(changes));
    }

    /// Registers that many phones; their ids are the number's followed by
    /// 0, 1, …
    pub fn register(&mut self, number: &str, phones: u64) {
        let base: u64 = number.parse().expect("digits");
        let contacts = (0..phones).map(|n| ContactId(base * 10 + n)).collect();
        self.input(Input::Contacts {
            extension: ext(number),
            contacts,
        });
    }

    pub fn input(&mut self, input: Input) -> Step {
        let mut out = Output::default();
        self.watch.before(&input);
        self.exchange
            .handle(input, self.now, &mut self.ids, &mut out);
        for action in &out.actions {
            match action {
                Action::SetTimer(timer, at) => {
                    self.timers.insert(*timer, *at);
                }
                Action::CancelTimer(timer) => {
                    assert!(
                        self.timers.remove(timer).is_some(),
                        "cancelled a timer that does not run"
                    );
                }
                _ => {}
            }
        }
        self.watch.after(&out);
        Step { out }
    }

    pub fn leg(&mut self, leg: LegId, input: LegInput) -> Step {
        self.input(Input::Leg(leg, input))
    }

    /// A phone calls.
    pub fn call(
        &mut self,
        from: &str,
        dialled: &str,
        offer: Option<MediaDescription>,
    ) -> (LegId, Step) {
        let leg = self.ids.leg();
        let step = self.input(Input::Incoming {
            leg,
            caller: Caller::Extension {
                number: ext(from),
                address: Some(([192, 0, 2, 7], 5060).into()),
                name: None,
            },
            dialled: dialled.into(),
            offer,
        });
        (leg, step)
    }

    pub fn dial(&mut self, caller: &str, callee: &str) -> Step {
        self.requests += 1;
        self.input(Input::Command {
            request: RequestId(self.requests),
            command: Command::Dial {
                caller: ext(caller),
                callee: callee.into(),
                auto_answer: false,
                name: None,
            },
        })
    }

    pub fn hang_up(&mut self, leg: LegId) -> Step {
        self.requests += 1;
        self.input(Input::Command {
            request: RequestId(self.requests),
            command: Command::Hangup { leg },
        })
    }

    pub fn close(&mut self, call: CallId) -> Step {
        self.requests += 1;
        self.input(Input::Command {
            request: RequestId(self.requests),
            command: Command::Close { call },
        })
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.mono.0 += time;
        self.now.utc.0 += time.as_micros() as i64;
    }

    /// Goes to the next timer and fires it.
    pub fn next_timer(&mut self) -> Step {
        let (timer, at) = self
            .timers
            .iter()
            .map(|(timer, at)| (*timer, *at))
            .min_by_key(|(_, at)| *at)
            .expect("a timer runs");
        let wait = at.0.saturating_sub(self.now.mono.0);
        self.pass(wait);
        self.timers.remove(&timer);
        self.input(Input::Timer(timer))
    }

    /// Two who talk, PCMU and PCMA on both sides.
    pub fn talk(&mut self) -> (LegId, LegId) {
        let (a, step) = self.call("1000", "1001", Some(sdp(1, &[PCMU, PCMA, EVENT])));
        let b = step.invited()[0];
        self.leg(b, LegInput::Answered(sdp(2, &[PCMU, PCMA, EVENT])));
        (a, b)
    }

    /// Every leg that was told to end says that it has; then nothing may be
    /// left.
    pub fn settle(&mut self) {
        for leg in self.watch.ending() {
            let step = self.leg(leg, LegInput::Ended(Cause::Normal));
            assert_eq!(step.out, Output::default(), "an end that was asked for");
        }
        assert!(self.exchange.is_idle(), "{:?}", self.exchange);
        assert_eq!(self.exchange.calls(), 0);
        assert_eq!(self.timers, BTreeMap::new());
        self.watch.at_rest();
    }
}

impl Step {
    /// The legs it invited, in order.
    pub fn invited(&self) -> Vec<LegId> {
        self.invitations().into_iter().map(|(leg, _)| leg).collect()
    }

    pub fn invitations(&self) -> Vec<(LegId, Invitation)> {
        self.out
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Leg(leg, LegCommand::Invite(invitation)) => {
                    Some((*leg, (**invitation).clone()))
                }
                _ => None,
            })
            .collect()
    }

    /// The commands to one leg.
    pub fn to(&self, leg: LegId) -> Vec<LegCommand> {
        self.out
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Leg(to, command) if *to == leg => Some(command.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn media(&self) -> Vec<MediaAction> {
        self.out
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Media(media) => Some(media.clone()),
                _ => None,
            })
            .collect()
    }

    /// What is heard from now on, without the addresses.
    pub fn heard(&self) -> Vec<String> {
        self.media()
            .into_iter()
            .filter_map(|action| match action {
                MediaAction::Remote { .. } => None,
                MediaAction::Bridge {
                    a,
                    b,
                    a_to_b,
                    b_to_a,
                } => Some(format!("{}->{} {a_to_b:?}, back {b_to_a:?}", a.0, b.0)),
                MediaAction::Unbridge { leg } => Some(format!("unbridge {}", leg.0)),
                MediaAction::Play { leg, tone } => Some(format!("{tone:?} to {}", leg.0)),
                MediaAction::Silence { leg } => Some(format!("silence {}", leg.0)),
            })
            .collect()
    }

    /// The facts in short words.
    pub fn facts(&self) -> Vec<String> {
        self.out.facts.iter().map(short).collect()
    }
}

fn short(fact: &Fact) -> String {
    match fact {
        Fact::CallStarted {
            from_number,
            to_number,
            ..
        } => format!("started {from_number} {to_number}"),
        Fact::Leg { leg, .. } => {
            let Party::Extension(number) = &leg.party;
            format!("{number} {:?} {:?}", leg.role, leg.state)
        }
        Fact::CallAnswered { .. } => "answered".into(),
        Fact::CallFailed { reason, .. } => format!("failed {reason:?}"),
        Fact::CallEnded(record) => format!("ended {:?} by {:?}", record.disposition, record.hangup),
        Fact::Extension { extension, state } => format!("{extension} is {state:?}"),
    }
}

pub fn ext(number: &str) -> ExtensionNumber {
    ExtensionNumber::new(number).expect("digits")
}

/// A codec by name: payload type, encoding, clock rate.
pub type Entry = (u8, Encoding, u32);
pub const PCMU: Entry = (0, Encoding::Pcmu, 8000);
pub const PCMA: Entry = (8, Encoding::Pcma, 8000);
pub const G722: Entry = (9, Encoding::G722, 8000);
pub const G729: Entry = (18, Encoding::G729, 8000);
pub const OPUS: Entry = (107, Encoding::Opus, 48000);
pub const EVENT: Entry = (101, Encoding::TelephoneEvent, 8000);

pub fn codec(entry: &Entry) -> Codec {
    Codec {
        payload_type: entry.0,
        encoding: entry.1.clone(),
        clock_rate: entry.2,
        channels: if entry.1 == Encoding::Opus { 2 } else { 1 },
        parameters: None,
    }
}

/// What a phone says; the host part of its address tells phones apart.
pub fn sdp(host: u8, codecs: &[Entry]) -> MediaDescription {
    MediaDescription {
        remote: Some(([192, 0, 2, host], 4000).into()),
        codecs: codecs.iter().map(codec).collect(),
        direction: Direction::SendRecv,
        ptime: Some(20),
    }
}

pub fn directed(direction: Direction, description: MediaDescription) -> MediaDescription {
    MediaDescription {
        direction,
        ..description
    }
}

/// The payload types of what we said.
pub fn types(description: &MediaDescription) -> Vec<u8> {
    assert_eq!(description.remote, None, "our side has no address yet");
    description.codecs.iter().map(|c| c.payload_type).collect()
}
