//! A leg as the machine holds it: one dialog with one phone. It knows in
//! which call it sits, never who else sits there, so that it can move.

use crate::fact::{LegSnapshot, LegState, Party, Role};
use crate::ids::{CallId, ExtensionNumber, LegId};
use crate::media::MediaDescription;
use crate::negotiation::Negotiation;

/// How far a leg's signalling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signalling {
    /// It invited us; we have not answered.
    Incoming(Progress),
    /// We invited it; it has not answered.
    Invited,
    /// It is answered.
    Up,
    /// We have ended it and wait for its `Ended`.
    Ending,
    /// Its `Ended` has come.
    Gone,
}

/// What a caller has been told before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing yet.
    Silent,
    /// 180.
    Rings,
    /// 183 with audio.
    Early,
}

/// Where a leg sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// In which call.
    pub(crate) call: CallId,
    /// On which side.
    pub(crate) role: Role,
}

/// One leg.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) extension: ExtensionNumber,
    /// `None` once it has left its call.
    pub(crate) seat: Option<Seat>,
    pub(crate) state: LegState,
    pub(crate) signalling: Signalling,
    pub(crate) media: Negotiation,
    /// What `media` was told of its far end last.
    pub(crate) remote: Option<MediaDescription>,
    /// It refused a change of codecs; asked again only after an offer of its
    /// own.
    pub(crate) refused_change: bool,
}

impl Leg {
    /// A leg that comes into a call.
    pub(crate) fn new(
        id: LegId,
        extension: ExtensionNumber,
        seat: Seat,
        state: LegState,
        signalling: Signalling,
        media: Negotiation,
    ) -> Self {
        Self {
            id,
            extension,
            seat: Some(seat),
            state,
            signalling,
            media,
            remote: None,
            refused_change: false,
        }
    }

    /// How it is told.
    pub(crate) fn snapshot(&self, role: Role) -> LegSnapshot {
        LegSnapshot {
            leg: self.id,
            party: Party::Extension(self.extension.clone()),
            role,
            state: self.state,
        }
    }

    /// Whether it is answered and alive.
    pub(crate) fn is_up(&self) -> bool {
        self.signalling == Signalling::Up
    }

    /// Whether it wants to hear: its audio is agreed and it is not on hold.
    pub(crate) fn hears(&self) -> bool {
        self.media.standing().is_some_and(|media| media.receives())
    }
}
