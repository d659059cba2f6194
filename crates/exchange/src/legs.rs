//! The table that ties a switch leg to its SIP session, its media slot and its
//! SDP. Each is found by the other; a leg is in it from its first INVITE until
//! its one `Ended`.

use std::collections::HashMap;
use std::net::IpAddr;

use media::SlotId;
use sip::{Body, Flow, SessionId};
use switch::{CallId, Codec, Encoding, LegId, MediaDescription, Tone};

use crate::sdp::SdpState;

/// How many hops a call of our own may make (RFC 3261 §8.1.1.6).
const MAX_HOPS: u8 = 70;

/// How many hops more a request's call may make: one fewer than it may itself.
pub(crate) fn hops_left(max_forwards: Option<u8>) -> u8 {
    max_forwards.map_or(MAX_HOPS, |n| n.saturating_sub(1).min(MAX_HOPS))
}

/// How far the leg's first INVITE is, as far as the wires must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// We were called and have not answered.
    Incoming,
    /// We were called without an offer; our 200 will carry one.
    IncomingOfferless,
    /// We called and have no answer.
    Outgoing,
    /// There was a 200.
    Up,
}

/// What carried an offer of ours that waits for its answer. Each ends in one
/// `Modified`, `ModifyRefused` or `ModifyWithdrawn` to the switch, or with its
/// leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offering {
    /// A 200: the ACK brings the answer.
    InOk,
    /// A re-INVITE.
    InReinvite,
}

/// One leg on the wires.
#[derive(Debug)]
pub(crate) struct Leg {
    pub session: SessionId,
    pub call: Option<CallId>,
    pub phase: Phase,
    pub flow: Flow,
    /// How many hops more a call may make that is passed on for it (RFC 3261
    /// §16.6); what called each other in a circle ends by it.
    pub hops: u8,
    pub slot: SlotId,
    /// Where our RTP is, as the peer is told.
    pub address: IpAddr,
    pub port: u16,
    /// Our Contact towards it.
    pub contact: String,
    pub sdp: SdpState,
    /// What it said it sends and hears before it answered.
    pub early: Option<MediaDescription>,
    /// The codec that tones are played in.
    pub speaks: Option<Codec>,
    /// The tone it hears.
    pub playing: Option<Tone>,
    /// The leg its audio goes to and comes from.
    pub bridged: Option<LegId>,
    /// An offer of ours waits.
    pub offering: Option<Offering>,
    /// Its re-INVITE without an offer waits for ours.
    pub asked: bool,
}

impl Leg {
    /// Takes the codecs agreed with it; true where tones are to be played in
    /// another one than before.
    pub fn agree(&mut self, codecs: &[Codec]) -> bool {
        let first = codecs
            .iter()
            .find(|c| c.encoding != Encoding::TelephoneEvent);
        match first {
            Some(codec) if self.speaks.as_ref() != Some(codec) => {
                self.speaks = Some(codec.clone());
                true
            }
            _ => false,
        }
    }

    /// Our side's description as a body.
    pub fn describe(&mut self, description: &MediaDescription) -> Body {
        Body::sdp(self.sdp.write(description, self.address, self.port))
    }
}

/// All legs.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    legs: HashMap<LegId, Leg>,
    sessions: HashMap<SessionId, LegId>,
    slots: HashMap<SlotId, LegId>,
    calls: HashMap<CallId, Vec<LegId>>,
}

impl Legs {
    pub fn insert(&mut self, id: LegId, leg: Leg) {
        self.sessions.insert(leg.session, id);
        self.slots.insert(leg.slot, id);
        if let Some(call) = leg.call {
            self.calls.entry(call).or_default().push(id);
        }
        self.legs.insert(id, leg);
    }

    /// The switch put the leg into a call.
    pub fn join(&mut self, id: LegId, call: CallId) {
        let Some(leg) = self.legs.get_mut(&id) else {
            return;
        };
        if leg.call == Some(call) {
            return;
        }
        let old = leg.call.replace(call);
        self.calls.entry(call).or_default().push(id);
        if let Some(old) = old {
            self.leave(id, old);
        }
    }

    fn leave(&mut self, id: LegId, call: CallId) {
        if let Some(legs) = self.calls.get_mut(&call) {
            legs.retain(|other| *other != id);
            if legs.is_empty() {
                self.calls.remove(&call);
            }
        }
    }

    /// The legs of a call that are still on the wires.
    pub fn of_call(&self, call: CallId) -> Vec<LegId> {
        self.calls.get(&call).cloned().unwrap_or_default()
    }

    pub fn get(&self, id: LegId) -> Option<&Leg> {
        self.legs.get(&id)
    }

    pub fn get_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(&id)
    }

    pub fn by_session(&self, session: SessionId) -> Option<LegId> {
        self.sessions.get(&session).copied()
    }

    /// The leg of a session, to be changed.
    pub fn session_mut(&mut self, session: SessionId) -> Option<(LegId, &mut Leg)> {
        let id = *self.sessions.get(&session)?;
        Some((id, self.legs.get_mut(&id)?))
    }

    pub fn by_slot(&self, slot: SlotId) -> Option<LegId> {
        self.slots.get(&slot).copied()
    }

    /// Any slot of a call: a new leg's slot is opened near it.
    pub fn slot_of(&self, call: CallId) -> Option<SlotId> {
        let id = self.calls.get(&call)?.first()?;
        self.legs.get(id).map(|leg| leg.slot)
    }

    /// How many hops a new leg of a call may make.
    pub fn hops_of(&self, call: CallId) -> u8 {
        let legs = self.calls.get(&call).into_iter().flatten();
        let hops = legs
            .filter_map(|leg| self.legs.get(leg))
            .map(|leg| leg.hops);
        hops.min().unwrap_or(MAX_HOPS)
    }

    pub fn remove(&mut self, id: LegId) -> Option<Leg> {
        let leg = self.legs.remove(&id)?;
        self.sessions.remove(&leg.session);
        self.slots.remove(&leg.slot);
        if let Some(call) = leg.call {
            self.leave(id, call);
        }
        if let Some(other) = leg.bridged
            && let Some(other) = self.legs.get_mut(&other)
            && other.bridged == Some(id)
        {
            other.bridged = None;
        }
        Some(leg)
    }

    pub fn len(&self) -> usize {
        self.legs.len()
    }
}
