//! What has happened: the source of events, live-call rows and records.

use std::net::SocketAddr;

use crate::ids::{CallId, ExtensionNumber, LegId, Now, Utc};
use crate::input::Cause;

/// Which side of the call a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It calls (or was rung first by a dial command).
    Caller,
    /// It is called.
    Callee,
}

/// How far a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegState {
    /// It is called but does not ring yet; not told to applications.
    Trying,
    /// Its phone rings: a callee, or the caller of a dial command.
    Ringing,
    /// A caller who waits for the other end.
    Calling,
    /// A callee who sends early media.
    Early,
    /// It talks.
    Answered,
    /// It talks and has put the other on hold.
    Held,
    /// It has left the call.
    Ended,
}

/// Who is at a leg's far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// An extension of ours.
    Extension(ExtensionNumber),
}

/// A leg as it stands in its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegSnapshot {
    /// Which.
    pub leg: LegId,
    /// Who.
    pub party: Party,
    /// Which side.
    pub role: Role,
    /// How far.
    pub state: LegState,
}

/// An extension over all its legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtensionState {
    /// No leg.
    Idle,
    /// It is called and rings, and is in no call.
    Ringing,
    /// It calls or talks.
    Busy,
}

/// How a call came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// They talked.
    Answered,
    /// Nobody answered, or the caller gave up.
    NoAnswer,
    /// Busy or declined.
    Busy,
    /// It could not be set up.
    Failed,
}

/// Why a call could not be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// The dialled number is nobody's.
    NotFound,
    /// The extension has no registered contact.
    NotRegistered,
    /// It takes no calls.
    DoNotDisturb,
    /// A leg said or suffered this.
    Leg(Cause),
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HangupSide {
    /// The caller.
    Caller,
    /// The callee.
    Callee,
    /// The exchange: time-out, command, failure.
    Exchange,
}

/// A call's record; exactly one for each call (each pair of legs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Which call.
    pub call: CallId,
    /// Caller: number.
    pub from_number: Box<str>,
    /// Caller: name, may be empty.
    pub from_name: Box<str>,
    /// Callee: number dialled or reached.
    pub to_number: Box<str>,
    /// Callee: name, may be empty.
    pub to_name: Box<str>,
    /// Where the caller's signalling came from.
    pub from_address: Option<SocketAddr>,
    /// When it began.
    pub started: Utc,
    /// When the callee answered.
    pub answered: Option<Utc>,
    /// When it ended.
    pub ended: Utc,
    /// How it came out.
    pub disposition: Disposition,
    /// Who ended it.
    pub hangup: HangupSide,
}

/// One fact. What one input produced is told together, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A call exists from now on.
    CallStarted {
        /// Which.
        call: CallId,
        /// Caller's number.
        from_number: Box<str>,
        /// Caller's name.
        from_name: Box<str>,
        /// Number dialled.
        to_number: Box<str>,
        /// Callee's name, where the number is an extension's.
        to_name: Box<str>,
        /// Where the caller's signalling came from.
        from_address: Option<SocketAddr>,
        /// When, by both clocks: all later moments of the call are told as this
        /// and the time that passed since.
        started: Now,
    },
    /// A leg came into a call or changed its state. A callee's `Trying` and
    /// the caller's first state come right after `CallStarted`.
    Leg {
        /// Its call.
        call: CallId,
        /// How it stands now.
        leg: LegSnapshot,
    },
    /// The callee answered: from here on the talk is counted.
    CallAnswered {
        /// Which.
        call: CallId,
        /// When.
        at: Utc,
    },
    /// The call could not be set up; comes before its `CallEnded`.
    CallFailed {
        /// Which.
        call: CallId,
        /// Why.
        reason: FailReason,
    },
    /// The call is over. Legs may still be saying goodbye on the wire.
    CallEnded(CallRecord),
    /// An extension's state changed.
    Extension {
        /// Whose.
        extension: ExtensionNumber,
        /// Its state now.
        state: ExtensionState,
    },
}
