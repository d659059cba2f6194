//! What `sip` tells of sessions, as leg inputs. One `Ended` for each leg,
//! always; each offer of ours ends in one `Modified`, `ModifyRefused` or
//! `ModifyWithdrawn`.

use sip::{Body, EndCause, Event, HeaderName, SessionId};
use switch::{Cause, Input, LegId, LegInput, MediaDescription};

use crate::cause;
use crate::core::Core;
use crate::incoming::{SDP, is_sdp};
use crate::legs::{Offering, Phase};

/// 199: an early dialog has ended (RFC 6228). It says nothing of a phone.
const EARLY_DIALOG_TERMINATED: u16 = 199;

/// The far end's description can't be used.
#[derive(Debug)]
struct Unusable;

impl Core {
    /// What a session of ours tells.
    pub(crate) fn session_event(&mut self, event: Event) {
        match event {
            Event::Ringing {
                session,
                status,
                body,
            } => self.rings(session, status, body.as_ref()),
            Event::Answered { session, body, .. } => self.answered(session, body.as_ref()),
            Event::Offered { session, body } => self.offered(session, body.as_ref()),
            Event::ReinviteAnswered { session, body } => {
                self.offer_over(session, Offering::InReinvite, body.as_ref());
            }
            Event::ReinviteRefused { session, .. } => {
                self.offer_over(session, Offering::InReinvite, None);
            }
            Event::Acked { session, body } => {
                self.offer_over(session, Offering::InOk, body.as_ref());
            }
            Event::Ended { session, cause } => self.ended(session, &cause),
            _ => {}
        }
    }

    fn rings(&mut self, session: SessionId, status: u16, body: Option<&Body>) {
        let said = self.read(session, body);
        let Some((leg, entry)) = self.legs.session_mut(session) else {
            return;
        };
        let input = match said {
            Ok(Some(description)) => {
                entry.early = Some(description.clone());
                LegInput::Early(description)
            }
            _ if status == EARLY_DIALOG_TERMINATED => return,
            _ => LegInput::Ringing,
        };
        self.tell_switch(leg, input);
    }

    fn answered(&mut self, session: SessionId, body: Option<&Body>) {
        let said = self.read(session, body);
        let Some((leg, entry)) = self.legs.session_mut(session) else {
            return;
        };
        entry.phase = Phase::Up;
        let early = entry.early.take();
        // Some say in the 183 how they answer, and nothing more in the 200.
        match said.map(|said| said.or(early)) {
            Ok(Some(description)) => self.tell_switch(leg, LegInput::Answered(description)),
            Ok(None) | Err(Unusable) => self.hopeless(leg, session),
        }
    }

    fn offered(&mut self, session: SessionId, body: Option<&Body>) {
        if body.is_some_and(|body| !is_sdp(&body.content_type)) {
            let accept = [(HeaderName::Accept, SDP.to_owned())];
            return self.refuse_offer_of(session, 415, &accept);
        }
        let Ok(offer) = self.read(session, body) else {
            return self.refuse_offer_of(session, 488, &[]);
        };
        let now = self.sip_now();
        let Some((leg, entry)) = self.legs.session_mut(session) else {
            return;
        };
        entry.asked = offer.is_none();
        // Two that would offer at once were both refused, and it is the first to
        // try again: ours, which only waits, would be of yesterday.
        let waits = entry.offering == Some(Offering::InReinvite);
        if waits && self.sip.withdraw_offer(session, now) == Ok(true) {
            entry.offering = None;
            self.tell_switch(leg, LegInput::ModifyWithdrawn);
        }
        self.tell_switch(leg, LegInput::Offered(offer));
    }

    fn refuse_offer_of(
        &mut self,
        session: SessionId,
        status: u16,
        headers: &[(HeaderName, String)],
    ) {
        let now = self.sip_now();
        if let Err(error) = self.sip.refuse_reinvite(session, status, headers, now) {
            tracing::debug!(?error, "a re-INVITE was over before its refusal");
        }
    }

    /// An offer of ours has its answer, if the body is one. An ACK to a 200
    /// without an offer is no news.
    fn offer_over(&mut self, session: SessionId, carrier: Offering, body: Option<&Body>) {
        let Some((leg, entry)) = self.legs.session_mut(session) else {
            return;
        };
        if entry.offering != Some(carrier) {
            return;
        }
        entry.offering = None;
        let input = match self.read(session, body) {
            Ok(Some(description)) => LegInput::Modified(description),
            Ok(None) | Err(Unusable) => LegInput::ModifyRefused,
        };
        self.tell_switch(leg, input);
    }

    fn ended(&mut self, session: SessionId, cause: &EndCause) {
        if let Some(leg) = self.legs.by_session(session) {
            self.work.leg = Some(leg);
            self.leg_over(leg, cause::ended(cause));
        }
    }

    /// A dialog without usable audio: it is ended, the switch told why.
    fn hopeless(&mut self, leg: LegId, session: SessionId) {
        self.let_go(session);
        self.leg_over(leg, Cause::NotAcceptable);
    }

    fn tell_switch(&mut self, leg: LegId, input: LegInput) {
        self.feed(Input::Leg(leg, input));
    }

    /// Reads the far end's SDP for the leg of a session; `Ok(None)` where there
    /// is none.
    fn read(
        &mut self,
        session: SessionId,
        body: Option<&Body>,
    ) -> Result<Option<MediaDescription>, Unusable> {
        let Some((leg, entry)) = self.legs.session_mut(session) else {
            return Ok(None);
        };
        self.work.leg = Some(leg);
        let Some(body) = body.filter(|b| !b.bytes.is_empty() && is_sdp(&b.content_type)) else {
            return Ok(None);
        };
        entry.sdp.read(&body.bytes).map(Some).map_err(|error| {
            tracing::info!(?leg, %error, "a session description can't be used");
            Unusable
        })
    }
}
