//! While two talk: hold and resume, changes of codec and address. Neither
//! leg is re-invited because the other holds.

use super::{Call, Closing, Flow, Stage, refuse_offer};
use crate::action::{LegCommand, Tone};
use crate::audio::{Audio, Bridge};
use crate::codecs;
use crate::desk::Desk;
use crate::fact::{FailReason, HangupSide, LegState};
use crate::ids::LegId;
use crate::input::Cause;
use crate::leg::Leg;
use crate::media::{Codec, Direction, MediaDescription};

impl Call {
    /// An answered leg offers anew, or asks us for an offer.
    pub(super) fn offered(
        &mut self,
        leg: LegId,
        offer: Option<MediaDescription>,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let peer = self.peer_codecs(leg, desk);
        let Some(row) = desk.leg_mut(leg).filter(|row| row.is_up()) else {
            return refuse_offer(leg, desk);
        };
        let Some(offer) = offer else {
            return offer_ours(leg, desk);
        };
        let same = row.media.standing().map(|standing| &standing.theirs) == Some(&offer);
        let available = if peer.is_empty() {
            row.media.lasting_codecs()
        } else {
            peer
        };
        let Some(answer) = row.media.answer_anew(offer, &available) else {
            let _ = refuse_offer(leg, desk);
            // One of ours that gave way to it may be due again.
            return self.let_them_talk(desk);
        };
        row.refused_change = false;
        desk.command(leg, LegCommand::AnswerOffer(answer));
        self.changed(leg, same, desk)
    }

    /// A leg has answered our offer within the call.
    pub(super) fn modified(
        &mut self,
        leg: LegId,
        description: MediaDescription,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let Some(row) = desk
            .leg_mut(leg)
            .filter(|row| row.is_up() && row.media.pending().is_some())
        else {
            return Flow::GoesOn;
        };
        // Its first description cannot be a hold: nothing was there to hold.
        let first = row.media.standing().is_none();
        match row.media.answered(description) {
            Ok(()) => self.changed(leg, first, desk),
            Err(_) => self.end_without_codec(desk),
        }
    }

    /// A leg has refused our offer within the call.
    pub(super) fn modify_refused(&mut self, leg: LegId, desk: &mut Desk<'_>) -> Flow {
        let Some(row) = desk
            .leg_mut(leg)
            .filter(|row| row.is_up() && row.media.pending().is_some())
        else {
            return Flow::GoesOn;
        };
        row.media.refused();
        row.refused_change = true;
        match row.media.standing() {
            Some(_) => self.settle(desk),
            None => self.end_without_codec(desk),
        }
    }

    /// RTP has stopped. A leg that holds, or said that it sends nothing, may
    /// be silent.
    pub(super) fn media_lost(&mut self, leg: LegId, desk: &mut Desk<'_>) -> Flow {
        let speaks = |row: &Leg| {
            row.is_up() && row.hears() && row.media.standing().is_some_and(|media| media.sends())
        };
        if !desk.leg(leg).is_some_and(speaks) {
            return Flow::GoesOn;
        }
        let closing = Closing::by(HangupSide::Exchange);
        let to_callee = match self.stage {
            Stage::Talking { .. } => Cause::Normal,
            _ => Cause::Cancelled,
        };
        self.close(
            Closing {
                to_callee,
                ..closing
            },
            desk,
        )
    }

    /// Brings two legs together that are both answered.
    pub(super) fn let_them_talk(&mut self, desk: &mut Desk<'_>) -> Flow {
        let Stage::Talking { caller, callee } = self.stage else {
            return Flow::GoesOn;
        };
        align(caller, callee, desk);
        align(callee, caller, desk);
        self.settle(desk)
    }

    /// What a leg's far end said is another now.
    fn changed(&mut self, leg: LegId, same_direction: bool, desk: &mut Desk<'_>) -> Flow {
        desk.tell_remote(leg);
        if !matches!(self.stage, Stage::Talking { .. }) {
            self.let_caller_hear(desk);
            return Flow::GoesOn;
        }
        if !same_direction {
            let hears = desk.leg(leg).is_some_and(Leg::hears);
            let state = if hears {
                LegState::Answered
            } else {
                LegState::Held
            };
            desk.tell(leg, state);
        }
        self.let_them_talk(desk)
    }

    /// Bridges what is agreed on both sides; whoever is held hears the hold
    /// tone and nothing of the holder. Ends a talk that can have no audio.
    fn settle(&mut self, desk: &mut Desk<'_>) -> Flow {
        let Stage::Talking { caller, callee } = self.stage else {
            self.let_caller_hear(desk);
            return Flow::GoesOn;
        };
        let (Some(a), Some(b)) = (desk.leg(caller), desk.leg(callee)) else {
            return Flow::GoesOn;
        };
        let (held_by_a, held_by_b) = (a.state == LegState::Held, b.state == LegState::Held);
        let mut wanted = Audio::silence();
        if let (Some(said_a), Some(said_b)) = (a.media.standing(), b.media.standing()) {
            let waits = a.media.pending().is_some() || b.media.pending().is_some();
            let shared = codecs::common(&said_a.codecs(), &said_b.codecs());
            if !waits && !codecs::has_speech(&shared) {
                return self.end_without_codec(desk);
            }
            if !held_by_a && !held_by_b {
                wanted = Audio::bridged(Bridge {
                    a: caller,
                    b: callee,
                    a_to_b: said_a.pairs_to(said_b),
                    b_to_a: said_b.pairs_to(said_a),
                });
            }
        }
        if held_by_a && b.hears() {
            wanted = wanted.with_tone(callee, Tone::Hold);
        }
        if held_by_b && a.hears() {
            wanted = wanted.with_tone(caller, Tone::Hold);
        }
        self.audio.turn_to(wanted, desk.actions());
        Flow::GoesOn
    }

    /// The legs share no codec, and none is under way: there is no talk.
    fn end_without_codec(&mut self, desk: &mut Desk<'_>) -> Flow {
        let closing = match self.stage {
            Stage::Talking { .. } => Closing {
                to_caller: Cause::NotAcceptable,
                to_callee: Cause::NotAcceptable,
                ..Closing::by(HangupSide::Exchange)
            },
            _ => Closing::failed(FailReason::Leg(Cause::NotAcceptable), HangupSide::Exchange),
        };
        self.close(closing, desk)
    }

    /// What the one at the other end speaks; empty where there is none yet.
    fn peer_codecs(&self, leg: LegId, desk: &Desk<'_>) -> Vec<Codec> {
        let peer = match self.stage {
            Stage::Talking { caller, callee } if caller == leg => callee,
            Stage::Talking { caller, .. } => caller,
            _ => return Vec::new(),
        };
        desk.leg(peer)
            .map(|peer| peer.media.lasting_codecs())
            .unwrap_or_default()
    }
}

/// Offers what stands to a leg that asked for an offer.
fn offer_ours(leg: LegId, desk: &mut Desk<'_>) -> Flow {
    let Some(row) = desk.leg_mut(leg) else {
        return Flow::GoesOn;
    };
    let offer = row.media.standing().map(|standing| {
        let codecs = standing.codecs_as_ours();
        codecs::ours(codecs, Direction::SendRecv, standing.ours.ptime)
    });
    match offer {
        Some(offer) if row.media.offer(offer.clone()) => {
            desk.command(leg, LegCommand::AnswerOffer(offer));
            Flow::GoesOn
        }
        _ => refuse_offer(leg, desk),
    }
}

/// Asks `leg` to speak only what `other` speaks, where it would else most
/// likely send what `other` does not.
fn align(leg: LegId, other: LegId, desk: &mut Desk<'_>) {
    let Some(other) = desk
        .leg(other)
        .filter(|other| other.state != LegState::Held)
        .map(|other| other.media.lasting_codecs())
    else {
        return;
    };
    let Some(row) = desk.leg_mut(leg) else { return };
    if other.is_empty() || row.state == LegState::Held || row.refused_change {
        return;
    }
    let Some(standing) = row.media.standing() else {
        return;
    };
    let spoken = standing.codecs();
    let first = codecs::first_speech(&spoken);
    if first.is_none_or(|first| codecs::find(&other, first).is_some()) {
        return;
    }
    let offer = standing.narrowed_to(&other);
    if codecs::has_speech(&offer.codecs) && row.media.offer(offer.clone()) {
        desk.command(leg, LegCommand::Modify(offer));
    }
}
