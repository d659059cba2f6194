//! While phones ring: the callee's for a caller who waits, or the caller's
//! own for a dial command.

use super::{Call, Closing, Flow, Stage, identity, refuser};
use crate::action::{LegCommand, Tone};
use crate::audio::{Audio, Bridge};
use crate::codecs;
use crate::desk::{Desk, Invite};
use crate::fact::{FailReason, HangupSide, LegState, Role};
use crate::fork::{Fork, Verdict};
use crate::ids::LegId;
use crate::input::Cause;
use crate::leg::{Progress, Signalling};
use crate::media::{Direction, MediaDescription};
use crate::negotiation::Negotiation;

impl Call {
    /// Invites all contacts of the callee at once with that offer.
    pub(super) fn call_callee(
        &mut self,
        caller: LegId,
        offer: MediaDescription,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let contacts = desk.directory.contacts(&self.callee.number);
        if contacts.is_empty() {
            let closing = Closing::failed(FailReason::NotRegistered, HangupSide::Exchange);
            return self.close(closing, desk);
        }
        let callee = self.callee.clone();
        let mut fork = Fork::default();
        for contact in contacts {
            fork.add(desk.invite(Invite {
                seat: self.seat(Role::Callee),
                state: LegState::Trying,
                extension: &callee.number,
                contact,
                caller: identity(&self.caller),
                offer: offer.clone(),
                auto_answer: false,
            }));
        }
        self.stage = Stage::Calling {
            caller,
            fork,
            early: None,
        };
        self.start_timer(&callee, desk);
        self.let_caller_hear(desk);
        Flow::GoesOn
    }

    /// A phone rings.
    pub(super) fn rings(&mut self, leg: LegId, desk: &mut Desk<'_>) -> Flow {
        if let Stage::Calling { caller, fork, .. } = &self.stage
            && fork.has(leg)
        {
            if desk.leg(leg).map(|leg| leg.state) == Some(LegState::Trying) {
                desk.tell(leg, LegState::Ringing);
            }
            ring_caller(*caller, desk);
        }
        Flow::GoesOn
    }

    /// A phone sends audio before it answers. The first to do so is heard.
    pub(super) fn early(
        &mut self,
        leg: LegId,
        description: MediaDescription,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let Stage::Calling {
            caller,
            fork,
            early,
        } = &mut self.stage
        else {
            return Flow::GoesOn;
        };
        if !fork.has(leg) {
            return Flow::GoesOn;
        }
        let ptime = description.ptime;
        let Some(row) = desk
            .leg_mut(leg)
            .filter(|row| row.signalling == Signalling::Invited)
        else {
            return Flow::GoesOn;
        };
        if row.media.answered(description).is_err() {
            // Nothing that could be heard: it rings, that is all.
            return self.rings(leg, desk);
        }
        let codecs = row.media.lasting_codecs();
        if early.is_none() && !open_early(*caller, &codecs, ptime, desk) {
            return self.rings(leg, desk);
        }
        early.get_or_insert(leg);
        desk.tell(leg, LegState::Early);
        desk.tell_remote(leg);
        self.let_caller_hear(desk);
        Flow::GoesOn
    }

    /// A phone of the callee has answered.
    pub(super) fn answered(
        &mut self,
        leg: LegId,
        description: MediaDescription,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let Stage::Calling { caller, fork, .. } = &mut self.stage else {
            return Flow::GoesOn;
        };
        let caller = *caller;
        let ptime = description.ptime;
        let Some(row) = desk.leg_mut(leg) else {
            return Flow::GoesOn;
        };
        row.signalling = Signalling::Up;
        if row.media.answered(description).is_err() {
            return self.refused(leg, Cause::NotAcceptable, desk);
        }
        let codecs = row.media.lasting_codecs();
        let on_hold = desk.leg(caller).is_some_and(|c| c.is_up() && !c.hears());
        if !answer_caller(caller, &codecs, ptime, desk) {
            return self.refused(leg, Cause::NotAcceptable, desk);
        }
        let fork = std::mem::take(fork);
        self.stage = Stage::Talking {
            caller,
            callee: leg,
        };
        self.stop_timer(desk);
        desk.tell(caller, LegState::Answered);
        desk.tell(leg, LegState::Answered);
        let answered = self.record.answer(desk.now);
        desk.fact(answered);
        if on_hold {
            desk.tell(caller, LegState::Held);
        }
        for loser in fork.won_by(leg) {
            desk.release(loser, Cause::AnsweredElsewhere);
        }
        desk.tell_remote(caller);
        desk.tell_remote(leg);
        self.let_them_talk(desk)
    }

    /// A phone will not come: it has ended, or is ended for that cause.
    pub(super) fn refused(&mut self, leg: LegId, cause: Cause, desk: &mut Desk<'_>) -> Flow {
        let (fork, side) = match &mut self.stage {
            Stage::Fetching { fork } => (fork, HangupSide::Caller),
            Stage::Calling { fork, early, .. } => {
                if *early == Some(leg) {
                    let speaks = |other: &LegId| {
                        *other != leg
                            && desk.leg(*other).map(|other| other.state) == Some(LegState::Early)
                    };
                    *early = fork.open().iter().copied().find(speaks);
                }
                (fork, HangupSide::Callee)
            }
            Stage::Talking { .. } => return Flow::GoesOn,
        };
        if !fork.has(leg) {
            return Flow::GoesOn;
        }
        match fork.refused(leg, cause) {
            Verdict::Others => {
                desk.release(leg, cause);
                self.let_caller_hear(desk);
                Flow::GoesOn
            }
            Verdict::Nobody(best) => {
                // Still told, and with the others that are told as ended.
                self.stage_last(leg);
                let closing = Closing::failed(FailReason::Leg(best), refuser(best, side));
                let closing = Closing {
                    to_caller: match side {
                        HangupSide::Caller => cause,
                        _ => closing.to_caller,
                    },
                    to_callee: cause,
                    ..closing
                };
                self.close(closing, desk)
            }
        }
    }

    /// Puts the last phone that refused back, so that it ends with the call.
    fn stage_last(&mut self, leg: LegId) {
        if let Stage::Fetching { fork } | Stage::Calling { fork, .. } = &mut self.stage {
            fork.add(leg);
        }
    }

    /// What a caller hears who waits: early media, or, where he can hear
    /// already, ringback.
    pub(super) fn let_caller_hear(&mut self, desk: &mut Desk<'_>) {
        let Stage::Calling { caller, early, .. } = &self.stage else {
            return;
        };
        let wanted = match (desk.leg(*caller), early.and_then(|leg| desk.leg(leg))) {
            (Some(a), Some(b)) => match (a.media.standing(), b.media.standing()) {
                (Some(heard), Some(said)) => Audio::bridged(Bridge {
                    a: a.id,
                    b: b.id,
                    a_to_b: heard.pairs_to(said),
                    b_to_a: said.pairs_to(heard),
                }),
                _ => Audio::silence(),
            },
            (Some(a), None) if a.hears() => Audio::silence().with_tone(a.id, Tone::Ringback),
            _ => Audio::silence(),
        };
        self.audio.turn_to(wanted, desk.actions());
    }
}

/// Tells a caller once that it rings; not after early media, which would
/// have its phone play a ringing tone over it.
fn ring_caller(caller: LegId, desk: &mut Desk<'_>) {
    if let Some(row) = desk.leg_mut(caller)
        && row.signalling == Signalling::Incoming(Progress::Silent)
    {
        row.signalling = Signalling::Incoming(Progress::Rings);
        desk.command(caller, LegCommand::Ring);
    }
}

/// Makes a caller hear before the answer. False: it cannot (it made no offer
/// that could be answered by now).
fn open_early(
    caller: LegId,
    codecs: &[crate::media::Codec],
    ptime: Option<u16>,
    desk: &mut Desk<'_>,
) -> bool {
    let Some(row) = desk.leg_mut(caller) else {
        return false;
    };
    if row.media.standing().is_some() {
        return true;
    }
    let Some(answer) = row.media.answer(codecs, ptime) else {
        return false;
    };
    row.signalling = Signalling::Incoming(Progress::Early);
    desk.command(caller, LegCommand::EarlyMedia(answer));
    desk.tell_remote(caller);
    true
}

/// Answers a caller who is not answered yet, with the callee's codecs. False:
/// they have nothing in common.
fn answer_caller(
    caller: LegId,
    codecs: &[crate::media::Codec],
    ptime: Option<u16>,
    desk: &mut Desk<'_>,
) -> bool {
    let Some(row) = desk.leg_mut(caller) else {
        return false;
    };
    if row.is_up() {
        return true;
    }
    let said = match &row.media {
        // What 183 said is the answer; another in the 200 would be ignored.
        Negotiation::Agreed(standing) => Some(standing.ours.clone()),
        Negotiation::Blank => {
            let offer = codecs::ours(codecs.to_vec(), Direction::SendRecv, ptime);
            row.media.offer(offer.clone()).then_some(offer)
        }
        _ => row.media.answer(codecs, ptime),
    };
    let Some(said) = said else {
        return false;
    };
    row.signalling = Signalling::Up;
    desk.command(caller, LegCommand::Answer(said));
    true
}
