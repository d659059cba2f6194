//! One table of what a cause means: for the record, for the caller's phone,
//! and which of several weighs most. Knows no call.

use crate::fact::{Disposition, FailReason};
use crate::input::Cause;

/// How a call came out that failed for this reason.
pub(crate) fn disposition(reason: FailReason) -> Disposition {
    match reason {
        FailReason::DoNotDisturb => Disposition::Busy,
        FailReason::NotFound | FailReason::NotRegistered => Disposition::Failed,
        FailReason::Leg(cause) => match cause {
            Cause::Busy | Cause::Declined => Disposition::Busy,
            Cause::NoAnswer
            | Cause::Unavailable
            | Cause::Normal
            | Cause::Cancelled
            | Cause::AnsweredElsewhere => Disposition::NoAnswer,
            Cause::NotFound
            | Cause::Gone
            | Cause::AddressIncomplete
            | Cause::Forbidden
            | Cause::NotAcceptable
            | Cause::Congestion
            | Cause::Unreachable
            | Cause::MediaLost
            | Cause::Internal
            | Cause::Status(_) => Disposition::Failed,
        },
    }
}

/// What the caller's phone is told. A status that would make it do something
/// (log in, go elsewhere, take us for overloaded) was meant for us alone.
pub(crate) fn told_to_caller(reason: FailReason) -> Cause {
    match reason {
        FailReason::NotFound => Cause::NotFound,
        FailReason::NotRegistered | FailReason::DoNotDisturb => Cause::Unavailable,
        FailReason::Leg(cause) => match cause {
            Cause::Normal
            | Cause::Cancelled
            | Cause::AnsweredElsewhere
            | Cause::Unreachable
            | Cause::MediaLost
            | Cause::Status(0..=399 | 401 | 407 | 420 | 421 | 494) => Cause::Unavailable,
            other => other,
        },
    }
}

/// Which of several refusals tells most of why nobody came (RFC 3261 §16.7,
/// with what a person said before what a network did). Greater wins.
pub(crate) fn weight(cause: Cause) -> u8 {
    match cause {
        Cause::Busy => 12,
        Cause::Declined => 11,
        Cause::NotAcceptable => 10,
        Cause::Forbidden | Cause::Status(403) => 9,
        Cause::Unavailable => 8,
        Cause::NoAnswer => 7,
        Cause::AddressIncomplete | Cause::NotFound | Cause::Gone => 6,
        Cause::Status(_) => 5,
        Cause::Congestion => 4,
        Cause::Internal => 3,
        Cause::MediaLost => 2,
        Cause::Unreachable => 1,
        Cause::Normal | Cause::Cancelled | Cause::AnsweredElsewhere => 0,
    }
}
