//! The dial command: it has the call until the caller's phone has answered,
//! then the call is as any other.

use std::sync::Arc;

use super::begin::{fail_at_once, reachable};
use super::{Call, Flow, Stage, identity};
use crate::action::{Action, Reply};
use crate::audio::Audio;
use crate::codecs;
use crate::config::Extension;
use crate::desk::{Desk, Invite};
use crate::fact::{FailReason, LegState, Role};
use crate::fork::Fork;
use crate::ids::{LegId, RequestId};
use crate::input::Cause;
use crate::leg::Signalling;
use crate::media::MediaDescription;
use crate::record::Record;

/// Begins the call: rings the caller's phones, after a look whether the
/// callee can be reached at all.
pub(crate) fn dial(
    request: RequestId,
    caller: Arc<Extension>,
    callee: &str,
    auto_answer: bool,
    desk: &mut Desk<'_>,
) -> Option<Call> {
    let id = desk.call_id();
    desk.act(Action::Reply(request, Ok(Reply::Dialled { call: id })));
    let found = desk.directory.dialled(callee).cloned();
    let record = Record::open(
        id,
        (caller.number.as_str(), Some(&caller), None),
        (callee, found.as_deref()),
        desk.now,
    );
    desk.fact(record.started());
    let contacts = desk.directory.contacts(&caller.number);
    let callee = match reachable(&caller, found, desk) {
        Ok(_) if contacts.is_empty() => {
            fail_at_once(&record, FailReason::NotRegistered, desk);
            return None;
        }
        Err(reason) => {
            fail_at_once(&record, reason, desk);
            return None;
        }
        Ok(callee) => callee,
    };
    let mut call = Call {
        id,
        caller: caller.clone(),
        callee,
        record,
        audio: Audio::silence(),
        deadline: None,
        stage: Stage::Fetching {
            fork: Fork::default(),
        },
    };
    let mut fork = Fork::default();
    for contact in contacts {
        fork.add(desk.invite(Invite {
            seat: call.seat(Role::Caller),
            state: LegState::Ringing,
            extension: &caller.number,
            contact,
            caller: identity(&call.callee),
            offer: codecs::default_offer(),
            auto_answer,
        }));
    }
    call.stage = Stage::Fetching { fork };
    call.start_timer(&caller, desk);
    Some(call)
}

impl Call {
    /// A phone of the caller has answered: now the callee is called.
    pub(super) fn fetched(
        &mut self,
        leg: LegId,
        description: MediaDescription,
        desk: &mut Desk<'_>,
    ) -> Flow {
        let Stage::Fetching { fork } = &mut self.stage else {
            return Flow::GoesOn;
        };
        let Some(row) = desk.leg_mut(leg) else {
            return Flow::GoesOn;
        };
        row.signalling = Signalling::Up;
        if row.media.answered(description).is_err() {
            return self.refused(leg, Cause::NotAcceptable, desk);
        }
        let codecs = row.media.lasting_codecs();
        let fork = std::mem::take(fork);
        self.stage = Stage::Calling {
            caller: leg,
            fork: Fork::default(),
            early: None,
        };
        self.stop_timer(desk);
        desk.tell(leg, LegState::Calling);
        for loser in fork.won_by(leg) {
            desk.release(loser, Cause::AnsweredElsewhere);
        }
        desk.tell_remote(leg);
        let offer = codecs::ours(codecs, Default::default(), None);
        self.call_callee(leg, offer, desk)
    }
}
