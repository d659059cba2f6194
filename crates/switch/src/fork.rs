//! One invitation to several phones: who still rings and what the others
//! said. Knows neither who calls nor any audio.

use crate::ids::LegId;
use crate::input::Cause;
use crate::outcome;

/// What a refusal leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Others still ring.
    Others,
    /// That was the last; the cause that tells most of all.
    Nobody(Cause),
}

/// The phones that ring for one side of a call.
#[derive(Debug, Default)]
pub(crate) struct Fork {
    open: Vec<LegId>,
    refused: Option<Cause>,
}

impl Fork {
    /// One more phone is invited.
    pub(crate) fn add(&mut self, leg: LegId) {
        self.open.push(leg);
    }

    /// Who still rings, in the order of the invitations.
    pub(crate) fn open(&self) -> &[LegId] {
        &self.open
    }

    /// Whether the leg still rings.
    pub(crate) fn has(&self, leg: LegId) -> bool {
        self.open.contains(&leg)
    }

    /// A phone will not come, for that cause.
    pub(crate) fn refused(&mut self, leg: LegId, cause: Cause) -> Verdict {
        self.open.retain(|open| *open != leg);
        let best = match self.refused {
            Some(before) if outcome::weight(before) >= outcome::weight(cause) => before,
            _ => cause,
        };
        self.refused = Some(best);
        if self.open.is_empty() {
            Verdict::Nobody(best)
        } else {
            Verdict::Others
        }
    }

    /// One has answered: those who have not.
    pub(crate) fn won_by(self, winner: LegId) -> Vec<LegId> {
        self.open.into_iter().filter(|leg| *leg != winner).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_that_tells_most_goes_to_the_caller_whatever_came_last() {
        let causes = [Cause::Unreachable, Cause::Busy, Cause::Declined];
        let mut fork = Fork::default();
        (0..3).for_each(|leg| fork.add(LegId(leg)));
        let verdicts: Vec<_> = causes
            .iter()
            .enumerate()
            .map(|(leg, cause)| fork.refused(LegId(leg as u64), *cause))
            .collect();
        let expected = [
            Verdict::Others,
            Verdict::Others,
            Verdict::Nobody(Cause::Busy),
        ];
        assert_eq!(verdicts, expected);
    }
}
