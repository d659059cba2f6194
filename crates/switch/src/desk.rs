//! What a call works with while it handles one input: the table of legs, the
//! extensions' tallies, the time, fresh ids, and where actions and facts go.
//! It keeps legs, tallies and facts in step and decides nothing.

use crate::action::{Action, CallerIdentity, Invitation, LegCommand, MediaAction};
use crate::directory::Directory;
use crate::exchange::Output;
use crate::fact::{Fact, LegState};
use crate::ids::{CallId, ContactId, ExtensionNumber, Ids, LegId, Mono, Now};
use crate::input::{Cause, Timer};
use crate::leg::{Leg, Seat, Signalling};
use crate::media::MediaDescription;
use crate::negotiation::Negotiation;
use crate::presence::Presence;
use crate::table::Table;

/// See the module.
pub(crate) struct Desk<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) now: Now,
    legs: &'a mut Table<LegId, Leg>,
    presence: &'a mut Presence,
    ids: &'a mut Ids,
    out: &'a mut Output,
}

/// An invitation before it has a leg.
pub(crate) struct Invite<'a> {
    pub(crate) seat: Seat,
    /// How its leg is told at first.
    pub(crate) state: LegState,
    pub(crate) extension: &'a ExtensionNumber,
    pub(crate) contact: ContactId,
    pub(crate) caller: CallerIdentity,
    pub(crate) offer: MediaDescription,
    pub(crate) auto_answer: bool,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        directory: &'a Directory,
        now: Now,
        legs: &'a mut Table<LegId, Leg>,
        presence: &'a mut Presence,
        ids: &'a mut Ids,
        out: &'a mut Output,
    ) -> Self {
        Self {
            directory,
            now,
            legs,
            presence,
            ids,
            out,
        }
    }

    /// A call's id, taken.
    pub(crate) fn call_id(&mut self) -> CallId {
        self.ids.call(self.now)
    }

    pub(crate) fn leg(&self, leg: LegId) -> Option<&Leg> {
        self.legs.get(&leg)
    }

    pub(crate) fn leg_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(&leg)
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.out.actions.push(action);
    }

    pub(crate) fn actions(&mut self) -> &mut Vec<Action> {
        &mut self.out.actions
    }

    pub(crate) fn fact(&mut self, fact: Fact) {
        self.out.facts.push(fact);
    }

    pub(crate) fn command(&mut self, leg: LegId, command: LegCommand) {
        self.act(Action::Leg(leg, command));
    }

    /// Calls for [`Timer::Ring`] at that time.
    pub(crate) fn set_timer(&mut self, call: CallId, at: Mono) {
        self.act(Action::SetTimer(Timer::Ring(call), at));
    }

    /// Takes in a leg that comes with its first state, and tells it.
    pub(crate) fn admit(&mut self, leg: Leg) {
        let Some(seat) = leg.seat else { return };
        self.presence
            .moved(&leg.extension, seat.role, LegState::Ended, leg.state);
        self.fact(Fact::Leg {
            call: seat.call,
            leg: leg.snapshot(seat.role),
        });
        self.legs.insert(leg.id, leg);
    }

    /// Makes a leg to a contact and invites it.
    pub(crate) fn invite(&mut self, invite: Invite<'_>) -> LegId {
        let id = self.ids.leg();
        self.command(
            id,
            LegCommand::Invite(Box::new(Invitation {
                call: invite.seat.call,
                extension: invite.extension.clone(),
                contact: invite.contact,
                caller: invite.caller,
                offer: invite.offer.clone(),
                auto_answer: invite.auto_answer,
            })),
        );
        self.admit(Leg::new(
            id,
            invite.extension.clone(),
            invite.seat,
            invite.state,
            Signalling::Invited,
            Negotiation::Offering(invite.offer),
        ));
        id
    }

    /// Takes a leg out of the table that is over, and lets its extension go.
    pub(crate) fn forget(&mut self, leg: LegId) {
        if let Some(leg) = self.legs.remove(&leg)
            && let Some(seat) = leg.seat
        {
            self.presence
                .moved(&leg.extension, seat.role, leg.state, LegState::Ended);
        }
    }

    /// A leg's state is now this; told where it is new.
    pub(crate) fn tell(&mut self, leg: LegId, state: LegState) {
        let Some(leg) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(seat) = leg.seat else { return };
        if leg.state == state {
            return;
        }
        self.presence
            .moved(&leg.extension, seat.role, leg.state, state);
        leg.state = state;
        self.out.facts.push(Fact::Leg {
            call: seat.call,
            leg: leg.snapshot(seat.role),
        });
    }

    /// The leg leaves its call for good: ended for that cause, unless it has
    /// ended by itself.
    pub(crate) fn release(&mut self, leg: LegId, cause: Cause) {
        self.tell(leg, LegState::Ended);
        let Some(row) = self.legs.get_mut(&leg) else {
            return;
        };
        row.seat = None;
        match row.signalling {
            Signalling::Gone => {
                self.legs.remove(&leg);
            }
            Signalling::Ending => {}
            Signalling::Incoming(_) | Signalling::Invited | Signalling::Up => {
                row.signalling = Signalling::Ending;
                self.command(leg, LegCommand::End(cause));
            }
        }
    }

    /// Tells `media` what the leg's far end said, where it is new.
    pub(crate) fn tell_remote(&mut self, leg: LegId) {
        let Some(row) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(remote) = row.media.standing().and_then(|standing| standing.remote()) else {
            return;
        };
        if row.remote.as_ref() == Some(&remote) {
            return;
        }
        row.remote = Some(remote.clone());
        self.act(Action::Media(MediaAction::Remote {
            leg,
            description: remote,
        }));
    }
}
