//! The audio of one call: which two legs are bridged and who hears a tone.
//! It is told what shall be and says what to change; it decides nothing and
//! does not know why.

use crate::action::{Action, MediaAction, Tone};
use crate::ids::LegId;

/// Two legs that hear each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bridge {
    pub(crate) a: LegId,
    pub(crate) b: LegId,
    /// Payload types (received, sent).
    pub(crate) a_to_b: Vec<(u8, u8)>,
    pub(crate) b_to_a: Vec<(u8, u8)>,
}

/// What is heard in a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audio {
    bridge: Option<Bridge>,
    tones: Vec<(LegId, Tone)>,
}

impl Audio {
    /// Nothing yet.
    pub(crate) fn silence() -> Self {
        Self::default()
    }

    /// Two legs bridged, unless nothing flows either way.
    pub(crate) fn bridged(bridge: Bridge) -> Self {
        let flows = !bridge.a_to_b.is_empty() || !bridge.b_to_a.is_empty();
        Self {
            bridge: flows.then_some(bridge),
            tones: Vec::new(),
        }
    }

    /// And a tone to this leg.
    pub(crate) fn with_tone(mut self, leg: LegId, tone: Tone) -> Self {
        self.tones.push((leg, tone));
        self
    }

    /// Makes it so: appends the difference from what is.
    pub(crate) fn turn_to(&mut self, wanted: Audio, actions: &mut Vec<Action>) {
        for (leg, tone) in &self.tones {
            if !wanted.tones.contains(&(*leg, *tone)) {
                actions.push(Action::Media(MediaAction::Silence { leg: *leg }));
            }
        }
        if let Some(old) = &self.bridge {
            let stays = wanted
                .bridge
                .as_ref()
                .is_some_and(|new| (new.a, new.b) == (old.a, old.b));
            if !stays {
                actions.push(Action::Media(MediaAction::Unbridge { leg: old.a }));
            }
        }
        if let Some(new) = &wanted.bridge
            && self.bridge.as_ref() != Some(new)
        {
            actions.push(Action::Media(MediaAction::Bridge {
                a: new.a,
                b: new.b,
                a_to_b: new.a_to_b.clone(),
                b_to_a: new.b_to_a.clone(),
            }));
        }
        for (leg, tone) in &wanted.tones {
            if !self.tones.contains(&(*leg, *tone)) {
                actions.push(Action::Media(MediaAction::Play {
                    leg: *leg,
                    tone: *tone,
                }));
            }
        }
        *self = wanted;
    }

    /// The leg is no more: nothing is said to it, and its other hears it no
    /// more.
    pub(crate) fn forget(&mut self, leg: LegId, actions: &mut Vec<Action>) {
        self.tones.retain(|(hears, _)| *hears != leg);
        let other = match &self.bridge {
            Some(bridge) if bridge.a == leg => bridge.b,
            Some(bridge) if bridge.b == leg => bridge.a,
            _ => return,
        };
        self.bridge = None;
        actions.push(Action::Media(MediaAction::Unbridge { leg: other }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(a: u64, b: u64) -> Audio {
        Audio::bridged(Bridge {
            a: LegId(a),
            b: LegId(b),
            a_to_b: vec![(0, 0)],
            b_to_a: vec![(0, 0)],
        })
    }

    #[test]
    fn what_is_already_so_is_not_said_again() {
        let mut audio = Audio::silence();
        let mut actions = Vec::new();
        audio.turn_to(bridge(1, 2), &mut actions);
        assert_eq!(actions.len(), 1);
        audio.turn_to(bridge(1, 2), &mut actions);
        assert_eq!(actions.len(), 1);
    }

    #[test]
    fn a_leg_that_is_gone_is_not_spoken_to() {
        let mut audio = Audio::silence();
        let mut actions = Vec::new();
        audio.turn_to(bridge(1, 2).with_tone(LegId(2), Tone::Hold), &mut actions);
        actions.clear();
        audio.forget(LegId(2), &mut actions);
        audio.turn_to(Audio::silence(), &mut actions);
        assert_eq!(
            actions,
            vec![Action::Media(MediaAction::Unbridge { leg: LegId(1) })]
        );
    }
}
