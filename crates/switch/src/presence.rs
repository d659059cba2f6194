//! The extensions' live states, counted over all their legs. Knows no call.

use std::collections::{BTreeSet, HashMap};

use crate::fact::{ExtensionState, Fact, LegState, Role};
use crate::ids::ExtensionNumber;

/// What a leg in this state adds to its extension.
fn share(role: Role, state: LegState) -> Option<Share> {
    match (role, state) {
        (_, LegState::Trying | LegState::Ended) => None,
        (_, LegState::Ringing) | (Role::Callee, LegState::Early) => Some(Share::Rings),
        (_, LegState::Calling | LegState::Early | LegState::Answered | LegState::Held) => {
            Some(Share::Busy)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    Rings,
    Busy,
}

#[derive(Debug, Default)]
struct Tally {
    rings: usize,
    busy: usize,
    told: Option<ExtensionState>,
}

impl Tally {
    fn state(&self) -> ExtensionState {
        match (self.busy, self.rings) {
            (0, 0) => ExtensionState::Idle,
            (0, _) => ExtensionState::Ringing,
            _ => ExtensionState::Busy,
        }
    }

    fn count(&mut self, share: Share) -> &mut usize {
        match share {
            Share::Rings => &mut self.rings,
            Share::Busy => &mut self.busy,
        }
    }
}

/// The tallies of those extensions that have a leg.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    tallies: HashMap<ExtensionNumber, Tally>,
    /// Touched since the last [`Presence::settle`].
    touched: BTreeSet<ExtensionNumber>,
}

impl Presence {
    /// A leg of the extension went from one state to another.
    pub(crate) fn moved(
        &mut self,
        extension: &ExtensionNumber,
        role: Role,
        from: LegState,
        to: LegState,
    ) {
        let (from, to) = (share(role, from), share(role, to));
        if from == to {
            return;
        }
        let tally = self.tallies.entry(extension.clone()).or_default();
        if let Some(share) = from {
            let count = tally.count(share);
            *count = count.saturating_sub(1);
        }
        if let Some(share) = to {
            *tally.count(share) += 1;
        }
        self.touched.insert(extension.clone());
    }

    /// Tells what came of one input: each extension whose state is another
    /// than the one told last, in the order of their numbers.
    pub(crate) fn settle(&mut self, facts: &mut Vec<Fact>) {
        while let Some(extension) = self.touched.pop_first() {
            let Some(tally) = self.tallies.get_mut(&extension) else {
                continue;
            };
            let state = tally.state();
            let told = tally.told.replace(state).unwrap_or(ExtensionState::Idle);
            if state == ExtensionState::Idle {
                self.tallies.remove(&extension);
            }
            if state != told {
                facts.push(Fact::Extension { extension, state });
            }
        }
    }

    /// Whether every extension is idle.
    pub(crate) fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_told_on_change_only_and_busy_outweighs_ringing() {
        let number = ExtensionNumber::new("1000").unwrap();
        let mut presence = Presence::default();
        let mut step = |from, to| {
            presence.moved(&number, Role::Callee, from, to);
            let mut facts = Vec::new();
            presence.settle(&mut facts);
            facts
        };
        let told = |state| {
            vec![Fact::Extension {
                extension: ExtensionNumber::new("1000").unwrap(),
                state,
            }]
        };
        use LegState::{Answered, Early, Ended, Held, Ringing, Trying};
        assert_eq!(step(Ended, Trying), vec![]);
        assert_eq!(step(Trying, Ringing), told(ExtensionState::Ringing));
        assert_eq!(step(Ringing, Early), vec![]);
        assert_eq!(step(Ended, Ringing), vec![], "its second phone");
        assert_eq!(step(Early, Answered), told(ExtensionState::Busy));
        assert_eq!(step(Ringing, Ended), vec![]);
        assert_eq!(step(Answered, Held), vec![]);
        assert_eq!(step(Held, Ended), told(ExtensionState::Idle));
        assert!(presence.is_empty());
    }
}
