//! Causes on the wire: which status tells a caller why, and what a session's
//! end means in the switch's words. The only place where the two meet.

use sip::EndCause;
use switch::Cause;

/// The status that tells a caller why.
pub(crate) fn status(cause: Cause) -> u16 {
    match cause {
        Cause::Busy => 486,
        Cause::Declined => 603,
        Cause::NotFound => 404,
        Cause::Gone => 410,
        Cause::AddressIncomplete => 484,
        Cause::Forbidden => 403,
        Cause::NotAcceptable => 488,
        Cause::Congestion => 503,
        Cause::Internal => 500,
        Cause::Cancelled => 487,
        Cause::Unavailable
        | Cause::Unreachable
        | Cause::NoAnswer
        | Cause::Normal
        | Cause::AnsweredElsewhere
        | Cause::MediaLost => 480,
        // A 503 is for who asks for it, and would have the caller take us for
        // overloaded (RFC 3261 §16.7).
        Cause::Status(status)
            if (400..700).contains(&status) && !matches!(status, 401 | 407 | 408 | 503) =>
        {
            status
        }
        Cause::Status(_) => 480,
    }
}

/// Why a session ended, in the switch's words.
pub(crate) fn ended(cause: &EndCause) -> Cause {
    match cause {
        EndCause::Bye | EndCause::Local => Cause::Normal,
        EndCause::Cancelled => Cause::Cancelled,
        EndCause::Timeout | EndCause::TransportError => Cause::Unreachable,
        EndCause::Rejected { status, .. } => match status {
            486 | 600 => Cause::Busy,
            603 => Cause::Declined,
            480 => Cause::Unavailable,
            404 | 604 => Cause::NotFound,
            410 => Cause::Gone,
            484 => Cause::AddressIncomplete,
            408 => Cause::NoAnswer,
            488 | 606 | 415 => Cause::NotAcceptable,
            487 => Cause::Cancelled,
            other => Cause::Status(*other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_reaches_the_caller_with_the_status_it_came_with() {
        for refusal in [403, 404, 410, 480, 484, 486, 488, 500, 603] {
            let cause = EndCause::Rejected {
                status: refusal,
                reason: None,
            };
            assert_eq!(status(ended(&cause)), refusal);
        }
    }

    #[test]
    fn what_was_meant_for_us_alone_is_not_passed_on() {
        for meant_for_us in [200, 302, 401, 407, 503] {
            let cause = EndCause::Rejected {
                status: meant_for_us,
                reason: None,
            };
            assert_eq!(status(ended(&cause)), 480);
        }
        assert_eq!(status(Cause::Congestion), 503, "our own is said");
    }
}
