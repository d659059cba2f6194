//! How a call from a phone begins, and how one ends that cannot begin: told
//! as started, failed and ended at once, with no leg but the phone's.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Call, Flow, Stage, named};
use crate::audio::Audio;
use crate::codecs;
use crate::config::Extension;
use crate::desk::Desk;
use crate::fact::{Fact, FailReason, HangupSide, LegState, Role};
use crate::fork::Fork;
use crate::ids::{ExtensionNumber, LegId};
use crate::input::Cause;
use crate::leg::{Leg, Progress, Seat, Signalling};
use crate::media::MediaDescription;
use crate::negotiation::Negotiation;
use crate::outcome;
use crate::record::Record;

/// A call that comes in from a phone.
pub(crate) struct Arrival {
    pub(crate) leg: LegId,
    pub(crate) caller: ExtensionNumber,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) dialled: Box<str>,
    pub(crate) offer: Option<MediaDescription>,
    /// There is no room for another call.
    pub(crate) full: bool,
}

/// Begins the call, or refuses it.
pub(crate) fn arrive(mut arrival: Arrival, desk: &mut Desk<'_>) -> Option<Call> {
    let id = desk.call_id();
    let name = arrival.name.take();
    let caller = desk.directory.extension(&arrival.caller).cloned();
    let caller = caller.map(|caller| named(caller, name));
    let callee = desk.directory.dialled(&arrival.dialled).cloned();
    let record = Record::open(
        id,
        (arrival.caller.as_str(), caller.as_deref(), arrival.address),
        (&arrival.dialled, callee.as_deref()),
        desk.now,
    );
    desk.fact(record.started());
    let admissible = admissible(&arrival, caller, callee, desk);
    let offer = match &arrival.offer {
        Some(offer) => codecs::ours(offer.codecs.clone(), offer.direction, offer.ptime),
        None => codecs::default_offer(),
    };
    desk.admit(Leg::new(
        arrival.leg,
        arrival.caller,
        Seat {
            call: id,
            role: Role::Caller,
        },
        LegState::Calling,
        Signalling::Incoming(Progress::Silent),
        Negotiation::incoming(arrival.offer),
    ));
    let (caller, callee) = match admissible {
        Ok(parties) => parties,
        Err(reason) => {
            desk.release(arrival.leg, outcome::told_to_caller(reason));
            fail_at_once(&record, reason, desk);
            return None;
        }
    };
    let mut call = Call {
        id,
        caller,
        callee,
        record,
        audio: Audio::silence(),
        deadline: None,
        stage: Stage::Calling {
            caller: arrival.leg,
            fork: Fork::default(),
            early: None,
        },
    };
    match call.call_callee(arrival.leg, offer, desk) {
        Flow::GoesOn => Some(call),
        Flow::Over => None,
    }
}

fn admissible(
    arrival: &Arrival,
    caller: Option<Arc<Extension>>,
    callee: Option<Arc<Extension>>,
    desk: &Desk<'_>,
) -> Result<(Arc<Extension>, Arc<Extension>), FailReason> {
    if arrival.full {
        return Err(FailReason::Leg(Cause::Congestion));
    }
    // Deleted between its INVITE's check and now.
    let caller = caller.ok_or(FailReason::Leg(Cause::Forbidden))?;
    let callee = reachable(&caller, callee, desk)?;
    match &arrival.offer {
        Some(offer) if !codecs::usable(offer) => Err(FailReason::Leg(Cause::NotAcceptable)),
        _ => Ok((caller, callee)),
    }
}

/// Whether the one can call the other now.
pub(super) fn reachable(
    caller: &Extension,
    callee: Option<Arc<Extension>>,
    desk: &Desk<'_>,
) -> Result<Arc<Extension>, FailReason> {
    let callee = callee.ok_or(FailReason::NotFound)?;
    if callee.number == caller.number {
        return Err(FailReason::Leg(Cause::Busy));
    }
    desk.directory.takes_calls(&callee)?;
    Ok(callee)
}

/// Tells that a call which was just told as started came to nothing.
pub(super) fn fail_at_once(record: &Record, reason: FailReason, desk: &mut Desk<'_>) {
    desk.fact(Fact::CallFailed {
        call: record.call(),
        reason,
    });
    let ended = record.close(desk.now, outcome::disposition(reason), HangupSide::Exchange);
    desk.fact(ended);
}
