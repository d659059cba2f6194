//! One call: the stage it is in, and the parts that it is made of (its
//! forks, its audio, its record). It hands each input to the stage's room:
//! [`begin`], [`ringing`], [`mod@dial`], [`talk`]; all calls leave by `close`.

mod begin;
mod dial;
mod ringing;
mod talk;

use std::sync::Arc;

use crate::action::{CallerIdentity, LegCommand};
use crate::audio::Audio;
use crate::config::Extension;
use crate::desk::Desk;
use crate::fact::{Disposition, Fact, FailReason, HangupSide, Role};
use crate::fork::Fork;
use crate::ids::{CallId, LegId, Mono};
use crate::input::{Cause, LegInput, Timer};
use crate::leg::{Seat, Signalling};
use crate::outcome;
use crate::record::Record;

pub(crate) use begin::{Arrival, arrive};
pub(crate) use dial::dial;

/// Whether a call goes on after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flow {
    GoesOn,
    /// Its record is closed; it is to be forgotten.
    Over,
}

/// How far a call is.
#[derive(Debug)]
enum Stage {
    /// A dial command's call: the caller's own phones ring.
    Fetching { fork: Fork },
    /// The caller waits and the callee's phones ring.
    Calling {
        caller: LegId,
        fork: Fork,
        /// Whose early media the caller hears.
        early: Option<LegId>,
    },
    /// They talk.
    Talking { caller: LegId, callee: LegId },
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    id: CallId,
    caller: Arc<Extension>,
    callee: Arc<Extension>,
    record: Record,
    audio: Audio,
    /// When who rings now has rung long enough.
    deadline: Option<Mono>,
    stage: Stage,
}

/// How a call ends.
struct Closing {
    /// Set where it could not be set up.
    failed: Option<FailReason>,
    /// How it came out if it was not answered.
    unanswered: Disposition,
    hangup: HangupSide,
    /// What the caller's legs are ended with.
    to_caller: Cause,
    /// What the callee's legs are ended with.
    to_callee: Cause,
}

impl Closing {
    /// Somebody ended it who may.
    fn by(hangup: HangupSide) -> Self {
        Self {
            failed: None,
            unanswered: Disposition::NoAnswer,
            hangup,
            to_caller: Cause::Normal,
            to_callee: Cause::Normal,
        }
    }

    /// It could not be set up.
    fn failed(reason: FailReason, hangup: HangupSide) -> Self {
        Self {
            failed: Some(reason),
            unanswered: outcome::disposition(reason),
            hangup,
            to_caller: outcome::told_to_caller(reason),
            to_callee: Cause::Cancelled,
        }
    }
}

impl Call {
    /// Its id.
    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    /// Something happened on a leg that sits in this call.
    pub(crate) fn on_leg(&mut self, leg: LegId, input: LegInput, desk: &mut Desk<'_>) -> Flow {
        match input {
            LegInput::Ringing => self.rings(leg, desk),
            LegInput::Early(description) => self.early(leg, description, desk),
            LegInput::Answered(description) => {
                if desk.leg(leg).map(|leg| leg.signalling) != Some(Signalling::Invited) {
                    return Flow::GoesOn;
                }
                match self.stage {
                    Stage::Fetching { .. } => self.fetched(leg, description, desk),
                    Stage::Calling { .. } => self.answered(leg, description, desk),
                    Stage::Talking { .. } => Flow::GoesOn,
                }
            }
            LegInput::Offered(offer) => self.offered(leg, offer, desk),
            LegInput::Modified(description) => self.modified(leg, description, desk),
            LegInput::ModifyRefused => self.modify_refused(leg, desk),
            LegInput::ModifyWithdrawn => modify_withdrawn(leg, desk),
            LegInput::MediaLost => self.media_lost(leg, desk),
            // Nobody collects keys in a plain call; they pass as RTP events.
            LegInput::Digit(_) => Flow::GoesOn,
            LegInput::Ended(cause) => self.left(leg, cause, desk),
        }
    }

    /// Who rings has rung long enough, unless that was said of an earlier
    /// stage.
    pub(crate) fn on_timer(&mut self, desk: &mut Desk<'_>) -> Flow {
        let Some(deadline) = self.deadline else {
            return Flow::GoesOn;
        };
        if desk.now.mono < deadline {
            desk.set_timer(self.id, deadline);
            return Flow::GoesOn;
        }
        self.deadline = None;
        let closing = Closing::failed(FailReason::Leg(Cause::NoAnswer), HangupSide::Exchange);
        self.close(
            Closing {
                to_callee: Cause::NoAnswer,
                ..closing
            },
            desk,
        )
    }

    /// An application hangs up this leg. A phone that rings beside others of
    /// its side only leaves them; else the call ends as if that side hung up.
    pub(crate) fn hang_up(&mut self, leg: LegId, desk: &mut Desk<'_>) -> Flow {
        match &self.stage {
            Stage::Fetching { fork } | Stage::Calling { fork, .. }
                if fork.has(leg) && fork.open().len() > 1 =>
            {
                self.refused(leg, Cause::Cancelled, desk)
            }
            _ => {
                self.end(desk);
                Flow::Over
            }
        }
    }

    /// The call is ended by command, whoever rings or talks in it.
    pub(crate) fn end(&mut self, desk: &mut Desk<'_>) {
        let (to_caller, to_callee) = match &self.stage {
            Stage::Talking { .. } => (Cause::Normal, Cause::Normal),
            Stage::Fetching { .. } => (Cause::Cancelled, Cause::Normal),
            Stage::Calling { caller, .. } => {
                let up = desk.leg(*caller).is_some_and(|leg| leg.is_up());
                let to_caller = if up { Cause::Normal } else { Cause::Declined };
                (to_caller, Cause::Cancelled)
            }
        };
        let closing = Closing {
            to_caller,
            to_callee,
            ..Closing::by(HangupSide::Exchange)
        };
        // There is no other way on from here.
        let _ = self.close(closing, desk);
    }

    /// The leg's `Ended` has come.
    fn left(&mut self, leg: LegId, cause: Cause, desk: &mut Desk<'_>) -> Flow {
        self.audio.forget(leg, desk.actions());
        match self.stage {
            Stage::Fetching { .. } => self.refused(leg, cause, desk),
            Stage::Calling { caller, .. } if caller == leg => {
                let closing = Closing {
                    to_callee: Cause::Cancelled,
                    ..Closing::by(HangupSide::Caller)
                };
                self.close(closing, desk)
            }
            Stage::Calling { .. } => self.refused(leg, cause, desk),
            Stage::Talking { caller, .. } => {
                let side = match caller == leg {
                    true => HangupSide::Caller,
                    false => HangupSide::Callee,
                };
                self.close(Closing::by(side), desk)
            }
        }
    }

    /// The one way out: silence, every leg ended, the record closed.
    fn close(&mut self, closing: Closing, desk: &mut Desk<'_>) -> Flow {
        self.stop_timer(desk);
        self.audio.turn_to(Audio::silence(), desk.actions());
        let (callers, callees) = match &self.stage {
            Stage::Fetching { fork } => (fork.open().to_vec(), Vec::new()),
            Stage::Calling { caller, fork, .. } => (vec![*caller], fork.open().to_vec()),
            Stage::Talking { caller, callee } => (vec![*caller], vec![*callee]),
        };
        for leg in callers {
            desk.release(leg, closing.to_caller);
        }
        for leg in callees {
            desk.release(leg, closing.to_callee);
        }
        if let Some(reason) = closing.failed {
            desk.fact(Fact::CallFailed {
                call: self.id,
                reason,
            });
        }
        let ended = self
            .record
            .close(desk.now, closing.unanswered, closing.hangup);
        desk.fact(ended);
        Flow::Over
    }

    fn start_timer(&mut self, ringing: &Extension, desk: &mut Desk<'_>) {
        let deadline = Mono(desk.now.mono.0.saturating_add(ringing.ring_timeout));
        self.deadline = Some(deadline);
        desk.set_timer(self.id, deadline);
    }

    /// Whoever rings is no longer waited for.
    pub(crate) fn stop_timer(&mut self, desk: &mut Desk<'_>) {
        if self.deadline.take().is_some() {
            desk.act(crate::action::Action::CancelTimer(Timer::Ring(self.id)));
        }
    }

    fn seat(&self, role: Role) -> Seat {
        Seat {
            call: self.id,
            role,
        }
    }
}

/// An extension under the name that it has in one call, where that is another.
pub(crate) fn named(extension: Arc<Extension>, name: Option<Box<str>>) -> Arc<Extension> {
    match name {
        None => extension,
        Some(name) => Arc::new(Extension {
            name,
            ..(*extension).clone()
        }),
    }
}

/// How an extension shows itself to whom it calls.
fn identity(extension: &Extension) -> CallerIdentity {
    let number = match extension.caller_id.is_empty() {
        true => extension.number.as_str().into(),
        false => extension.caller_id.clone(),
    };
    CallerIdentity {
        name: extension.name.clone(),
        number,
    }
}

/// Whose doing a refusal was: a person's at that side, or nobody's.
fn refuser(cause: Cause, side: HangupSide) -> HangupSide {
    match cause {
        Cause::Busy | Cause::Declined => side,
        _ => HangupSide::Exchange,
    }
}

/// Our offer was never sent; the leg's own follows, and settles what is heard.
fn modify_withdrawn(leg: LegId, desk: &mut Desk<'_>) -> Flow {
    if let Some(row) = desk.leg_mut(leg) {
        row.media.refused();
    }
    Flow::GoesOn
}

/// A new offer that cannot be taken; what stands goes on.
fn refuse_offer(leg: LegId, desk: &mut Desk<'_>) -> Flow {
    desk.command(leg, LegCommand::RefuseOffer);
    Flow::GoesOn
}
