//! What the machine wants done.

use crate::ids::{CallId, ContactId, ExtensionNumber, LegId, Mono, RequestId};
use crate::input::{Cause, CommandError, Timer};
use crate::media::MediaDescription;

/// One action, to be executed in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A command to a leg.
    Leg(LegId, LegCommand),
    /// A command about audio.
    Media(MediaAction),
    /// Come back with [`crate::Input::Timer`] at that time.
    SetTimer(Timer, Mono),
    /// Forget that timer.
    CancelTimer(Timer),
    /// The answer to a command; exactly one each.
    Reply(RequestId, Result<Reply, CommandError>),
}

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// A call was begun.
    Dialled {
        /// The new call.
        call: CallId,
    },
    /// A leg was hung up, or its call closed.
    HungUp {
        /// The call it was in.
        call: CallId,
    },
}

/// What the called phone is told of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Display name; may be empty.
    pub name: Box<str>,
    /// Number shown.
    pub number: Box<str>,
}

/// An invitation to a phone.
#[derive(Debug, Clone, PartialEq)]
pub struct Invitation {
    /// The call it is for.
    pub call: CallId,
    /// Whose contact it is.
    pub extension: ExtensionNumber,
    /// Where to send it.
    pub contact: ContactId,
    /// Who calls.
    pub caller: CallerIdentity,
    /// Our offer.
    pub offer: MediaDescription,
    /// Ask the phone to answer by itself (`Call-Info: ;answer-after=0`).
    pub auto_answer: bool,
}

/// A command to a leg.
#[derive(Debug, Clone, PartialEq)]
pub enum LegCommand {
    /// Make this new leg: call the contact.
    Invite(Box<Invitation>),
    /// Tell the caller that it rings (180).
    Ring,
    /// 183 with our answer: the caller shall hear.
    EarlyMedia(MediaDescription),
    /// 200 with our answer (or, where there was no offer, our offer).
    Answer(MediaDescription),
    /// Offer anew within the call.
    Modify(MediaDescription),
    /// Answer the leg's own new offer.
    AnswerOffer(MediaDescription),
    /// Refuse the leg's own new offer (488); it may come from a leg that is
    /// not answered yet (UPDATE).
    RefuseOffer,
    /// End it: a final status before the answer, CANCEL or BYE else.
    End(Cause),
}

/// A sound that the exchange makes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// What a caller hears while the other end rings.
    Ringback,
    /// What a held party hears.
    Hold,
}

/// A command about audio. Legs have their ports from the moment they exist;
/// these say what goes where.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaAction {
    /// What the far end of this leg said last: where it wants RTP, and the
    /// codecs agreed with it, in its order and with its payload types. Said
    /// before anything is to be sent there, and never with an unspecified
    /// address: a leg on hold by one keeps what it had.
    Remote {
        /// Which leg.
        leg: LegId,
        /// Its description.
        description: MediaDescription,
    },
    /// Relay between two legs; said again of the same two, it replaces the
    /// pairs. Payload types are mapped by pairs
    /// (received, sent); what is in no pair is dropped.
    Bridge {
        /// One leg.
        a: LegId,
        /// The other.
        b: LegId,
        /// From `a` to `b`; empty: nothing flows that way.
        a_to_b: Vec<(u8, u8)>,
        /// From `b` to `a`.
        b_to_a: Vec<(u8, u8)>,
    },
    /// Relay between the leg and any other no more.
    Unbridge {
        /// Which leg.
        leg: LegId,
    },
    /// Play a tone to the leg, in its first codec, until [`MediaAction::Silence`].
    Play {
        /// Who hears it.
        leg: LegId,
        /// What.
        tone: Tone,
    },
    /// Stop what is played.
    Silence {
        /// To whom.
        leg: LegId,
    },
}
