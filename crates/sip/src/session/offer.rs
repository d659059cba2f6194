//! Offers within an established session: at most one is under way, ours or
//! theirs (RFC 3264 4, RFC 3261 14, RFC 3311 5).

use std::time::Duration;

use crate::HeaderName;
use crate::Message;
use crate::transaction::{Base, Body, ClientKey, Flow, Instant, ServerTxId};

/// So often an offer of ours is sent again after 491.
const MAX_GLARES: u8 = 8;

/// The longest Retry-After of a 500 that we sit out (RFC 3261 14.2 says 10).
const LONGEST_RETRY_AFTER: u64 = 10;

/// Which request carries an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Reinvite,
    Update,
}

/// What we want to offer.
pub(crate) struct Offer {
    pub(crate) carrier: Carrier,
    /// `None`: the far end shall offer.
    pub(crate) body: Option<Body>,
    glares: u8,
    pub(crate) challenges: u8,
}

impl Offer {
    pub(crate) fn new(carrier: Carrier, body: Option<Body>) -> Self {
        Self {
            carrier,
            body,
            glares: 0,
            challenges: 0,
        }
    }

    /// How long to wait before the next try, where the refusal asks for one.
    pub(crate) fn retry(
        &mut self,
        status: u16,
        response: &Message,
        role: Role,
        base: &mut Base,
    ) -> Option<Duration> {
        let delay = match status {
            491 => role.retry_delay(base),
            500 => {
                let value = response.header(HeaderName::RetryAfter)?;
                let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
                let seconds: u64 = digits.parse().ok()?;
                if seconds > LONGEST_RETRY_AFTER {
                    return None;
                }
                Duration::from_secs(seconds) + base.timers.t1
            }
            _ => return None,
        };
        self.glares += 1;
        (self.glares <= MAX_GLARES).then_some(delay)
    }
}

/// Who made the Call-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Caller,
    Callee,
}

impl Role {
    /// After 491, in steps of 10 ms: 2.1 to 4 s for who made the Call-ID, 0 to
    /// 2 s for the other (RFC 3261 14.1).
    fn retry_delay(self, base: &mut Base) -> Duration {
        let steps = match self {
            Self::Caller => 210 + base.identities.below(191),
            Self::Callee => base.identities.below(201),
        };
        Duration::from_millis(steps * 10)
    }
}

/// Our offer.
pub(crate) enum Ours {
    None,
    /// Waits for what is under way, or for the time after a glare.
    Queued {
        offer: Offer,
        at: Option<Instant>,
    },
    Sent {
        offer: Offer,
        tx: ClientKey,
    },
    /// The 2xx had the far end's offer; our ACK waits for the answer.
    AckDue {
        tx: ClientKey,
        cseq: u32,
    },
}

/// Their offer.
pub(crate) enum Theirs {
    None,
    Pending {
        carrier: Carrier,
        tx: ServerTxId,
        cseq: u32,
        /// The Contact it came with, in force once it is answered.
        target: Option<Box<str>>,
        back: Flow,
    },
}
