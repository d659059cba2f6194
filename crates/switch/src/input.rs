//! What the machine is told.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{Configuration, Extension};
use crate::ids::{CallId, ContactId, ExtensionNumber, LegId, RequestId};
use crate::media::MediaDescription;

/// Who placed an incoming call: what was authenticated, never what `From` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A phone that proved to be this extension, and where it sent from.
    Extension {
        /// Which extension.
        number: ExtensionNumber,
        /// Source of its INVITE.
        address: Option<SocketAddr>,
        /// Its name in this call, where it has none of its own and the contacts
        /// know its number.
        name: Option<Box<str>>,
    },
}

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The settings, all of them.
    Configure(Arc<Configuration>),
    /// These extensions are others than before; `None`: there is none any more.
    /// What is the same is not said, for it may be ten thousand.
    Extensions(Vec<(ExtensionNumber, Option<Arc<Extension>>)>),
    /// The contacts under which an extension is registered now (all of them).
    Contacts {
        /// Whose.
        extension: ExtensionNumber,
        /// In the order of preference.
        contacts: Vec<ContactId>,
    },
    /// A new call comes in on a new leg, already authenticated.
    Incoming {
        /// Its leg, an id taken by `exchange`.
        leg: LegId,
        /// Who calls.
        caller: Caller,
        /// The number dialled (the Request-URI's user part, unescaped).
        dialled: Box<str>,
        /// The offer; `None` where the INVITE had none (the answer to ours
        /// then comes as [`LegInput::Modified`] with the ACK).
        offer: Option<MediaDescription>,
    },
    /// Something happened on a leg.
    Leg(LegId, LegInput),
    /// An application asks for something.
    Command {
        /// Comes back with the reply.
        request: RequestId,
        /// What.
        command: Command,
    },
    /// A timer that an action set has run out.
    Timer(Timer),
    /// After a fault `exchange` has given up a call: its legs are over and it is
    /// told as ended. What is left of both here goes, without another word.
    GivenUp {
        /// Which; it may never have come into the table.
        call: Option<CallId>,
        /// All of its legs.
        legs: Vec<LegId>,
    },
}

/// What a leg tells.
#[derive(Debug, Clone, PartialEq)]
pub enum LegInput {
    /// It rings (180).
    Ringing,
    /// It sends audio before it answers (183 with an answer).
    Early(MediaDescription),
    /// It answered our invitation.
    Answered(MediaDescription),
    /// It offers anew within the call (re-INVITE, UPDATE); `None` where the
    /// request had no offer and we are to make one.
    Offered(Option<MediaDescription>),
    /// It answered an offer of ours ([`crate::LegCommand::Modify`], or the
    /// offer in our 200 to an INVITE without one).
    Modified(MediaDescription),
    /// It refused [`crate::LegCommand::Modify`], or left an offer of ours
    /// without an answer (an ACK with no body); the session stands as before.
    ModifyRefused,
    /// [`crate::LegCommand::Modify`] was never sent, for the leg's own offer came
    /// first: that follows, and nothing more is heard of ours.
    ModifyWithdrawn,
    /// A key was pressed: `0-9*#A-D`.
    Digit(char),
    /// No RTP came for the time that `media` allows.
    MediaLost,
    /// The leg is over. Comes exactly once for each leg, whatever crossed.
    Ended(Cause),
}

/// Why a leg ended, or shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The usual end of a call (BYE).
    Normal,
    /// The caller gave up before the answer (CANCEL).
    Cancelled,
    /// Another contact answered: CANCEL with `Reason: SIP;cause=200`.
    AnsweredElsewhere,
    /// 486 or 600.
    Busy,
    /// 603: the user refused.
    Declined,
    /// 480: reachable no more, or not registered.
    Unavailable,
    /// 404.
    NotFound,
    /// 410.
    Gone,
    /// 484.
    AddressIncomplete,
    /// 408 or our own ring time-out.
    NoAnswer,
    /// 403: the caller may not, by a rule of ours. Where a far end says it of
    /// itself, it is [`Cause::Status`].
    Forbidden,
    /// 488: no common codec.
    NotAcceptable,
    /// 503: overload or no free port.
    Congestion,
    /// The far end does not answer at all (Timer B or F, transport error).
    Unreachable,
    /// RTP stopped coming.
    MediaLost,
    /// Our own fault; 500.
    Internal,
    /// Another final status of the far end.
    Status(u16),
}

/// What an application asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Ring the caller's phone, then call the callee from it.
    Dial {
        /// Whose phone rings first.
        caller: ExtensionNumber,
        /// Who is called then.
        callee: Box<str>,
        /// Ask the caller's phone to answer by itself.
        auto_answer: bool,
        /// The caller's name in this call, as in [`Caller::Extension`].
        name: Option<Box<str>>,
    },
    /// Hang up one leg.
    Hangup {
        /// Which.
        leg: LegId,
    },
    /// End a call, whoever rings or talks in it.
    Close {
        /// Which.
        call: CallId,
    },
}

/// Why a command was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such leg, or it has ended.
    #[error("no such channel")]
    NoSuchLeg,
    /// No such call, or it has ended.
    #[error("no such call")]
    NoSuchCall,
    /// The caller is no extension of ours.
    #[error("no such extension")]
    NoSuchExtension,
    /// The exchange is full.
    #[error("too many calls")]
    Congestion,
}

/// A timer's name. Setting one that runs replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Who rings in this call has rung long enough: the callee, or before it
    /// the caller of a dial command.
    Ring(CallId),
}
