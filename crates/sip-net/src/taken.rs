//! Which requests were let in lately. A client sends its request again and
//! again until it hears something; a copy that comes while the fresh lane is
//! full must not be refused for want of room where the first one waits its turn
//! or rings already: its caller would give up, and the callee pick up nobody.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use sip::{HeaderName, Message};

/// So long a client sends its request again: 64 × T1.
const REPEATED_FOR: Duration = Duration::from_secs(32);

/// Most requests of one generation; of two are they known at most. So many are
/// let in within [`REPEATED_FOR`] at 8,000 a second.
const GENERATION: usize = 262_144;

/// A request as it is known again. Its hash is keyed anew in each process, so
/// that nobody can make two that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Print(u64);

/// The requests that were let in, in two generations: each is known for
/// [`REPEATED_FOR`] at least, unless more come than are kept.
#[derive(Debug)]
pub(crate) struct Taken {
    keys: RandomState,
    young: HashSet<Print>,
    old: HashSet<Print>,
    since: Instant,
}

impl Taken {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            keys: RandomState::new(),
            young: HashSet::new(),
            old: HashSet::new(),
            since: now,
        }
    }

    /// A copy has the same Via, From, Call-ID and CSeq, text for text.
    pub(crate) fn print(&self, request: &Message) -> Print {
        let mut hash = self.keys.build_hasher();
        for name in [
            HeaderName::Via,
            HeaderName::From,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            request.header(name).hash(&mut hash);
        }
        Print(hash.finish())
    }

    /// It is let in.
    pub(crate) fn note(&mut self, print: Print, now: Instant) {
        let aged = now.saturating_duration_since(self.since) >= REPEATED_FOR;
        if aged || self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        self.young.insert(print);
    }

    /// Whether it was let in.
    pub(crate) fn knows(&self, print: Print) -> bool {
        self.young.contains(&print) || self.old.contains(&print)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_known_while_it_may_be_repeated_and_no_more_are_kept_than_bounded() {
        let start = Instant::now();
        let mut taken = Taken::new(start);
        taken.note(Print(1), start + REPEATED_FOR / 2);
        taken.note(Print(2), start + REPEATED_FOR);
        assert!(taken.knows(Print(1)) && taken.knows(Print(2)));
        taken.note(Print(3), start + REPEATED_FOR * 2);
        assert!(!taken.knows(Print(1)) && taken.knows(Print(2)));
        for print in 0..3 * GENERATION as u64 {
            taken.note(Print(print), start);
        }
        assert!(taken.young.len() + taken.old.len() <= 2 * GENERATION);
        assert!(taken.knows(Print(3 * GENERATION as u64 - 1)));
    }
}
