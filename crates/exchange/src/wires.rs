//! Legs on the wires: the switch's leg commands to `sip`. Whatever fails here,
//! the switch hears one `Ended` of the leg, and its session and slot go.

use sip::{Body, EndpointError, HeaderName, SessionId};
use switch::{Cause, Input, Invitation, LegCommand, LegId, LegInput, MediaDescription};

use crate::cause::status;
use crate::core::Core;
use crate::legs::{Leg, Offering, Phase};
use crate::sdp::SdpState;

/// Seconds after which a caller may try again who met a full exchange.
pub(crate) const RETRY_AFTER: &str = "5";
/// Why a phone is called off that another one was quicker than (RFC 3326).
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

impl Core {
    /// Does what the switch commands a leg.
    pub(crate) fn leg_command(&mut self, leg: LegId, command: LegCommand) {
        if let LegCommand::Invite(_) = command {
            self.work.inviting = Some(leg);
        }
        #[cfg(test)]
        self.trip.at(crate::trip::Point::Command(&command));
        let done = match command {
            LegCommand::Invite(invitation) => self.invite(leg, &invitation),
            LegCommand::Ring => self.ring(leg, 180, None),
            LegCommand::EarlyMedia(description) => self.ring(leg, 183, Some(&description)),
            LegCommand::Answer(description) => self.answer(leg, &description),
            LegCommand::Modify(description) => self.modify(leg, &description),
            LegCommand::AnswerOffer(description) => self.answer_offer(leg, &description),
            LegCommand::RefuseOffer => self.refuse_offer(leg),
            LegCommand::End(cause) => self.end(leg, cause),
        };
        if let Err(cause) = done {
            self.leg_over(leg, cause);
        }
    }

    /// The leg's one end: everything it held is given back, then the switch is told.
    pub(crate) fn leg_over(&mut self, leg: LegId, cause: Cause) {
        self.unbridge(leg, None);
        if let Some(entry) = self.legs.remove(leg) {
            self.to_media(entry.slot, media::Command::Close);
        }
        self.feed(Input::Leg(leg, LegInput::Ended(cause)));
    }

    /// Ends a session whose leg is over or was never one.
    pub(crate) fn let_go(&mut self, session: SessionId) {
        let now = self.sip_now();
        if let Err(error) = self.sip.terminate(session, &[], now) {
            tracing::debug!(?error, "a session had ended by itself");
        }
    }

    fn invite(&mut self, leg: LegId, invitation: &Invitation) -> Result<(), Cause> {
        let binding = self
            .registrar
            .binding(invitation.contact)
            .ok_or(Cause::Unavailable)?;
        let (uri, flow) = (binding.uri.clone(), binding.flow);
        let near = self.legs.slot_of(invitation.call);
        let hops = self.legs.hops_of(invitation.call);
        let opened = self.media.open(near).map_err(|error| {
            tracing::warn!(%error, "no port for an invitation");
            Cause::Congestion
        })?;
        let told = self.sip_address(&flow);
        let address = self.addresses.told(self.rtp_listen, flow.remote.ip());
        let mut sdp = SdpState::new(leg.0);
        let body = Body::sdp(sdp.write(&invitation.offer, address, opened.port));
        let contact = format!(
            "<sip:{}@{told}>",
            sip::escape_user(&invitation.caller.number)
        );
        let from = if invitation.caller.name.is_empty() {
            contact.clone()
        } else {
            format!("{} {contact}", sip::quote(&invitation.caller.name))
        };
        let mut headers = Vec::new();
        if invitation.auto_answer {
            // What Yealink, Fanvil, Grandstream and Snom phones look for.
            headers.push((HeaderName::CallInfo, format!("<sip:{told}>;answer-after=0")));
            headers.push((HeaderName::AlertInfo, "info=alert-autoanswer".to_owned()));
        }
        let now = self.sip_now();
        let session = self.sip.invite(
            sip::Invite {
                uri,
                flow,
                from,
                to: format!("<sip:{}@{told}>", invitation.extension),
                contact: contact.clone(),
                max_forwards: hops,
                headers,
                body: Some(body),
                auth: None,
                via_host: told,
            },
            now,
        );
        let session = match session {
            Ok(session) => session,
            Err(error) => {
                tracing::warn!(?error, extension = %invitation.extension, "an invitation can't be sent");
                self.to_media(opened.slot, media::Command::Close);
                return Err(Cause::Congestion);
            }
        };
        self.legs.insert(
            leg,
            Leg {
                session,
                call: Some(invitation.call),
                phase: Phase::Outgoing,
                flow,
                hops,
                slot: opened.slot,
                address,
                port: opened.port,
                contact,
                sdp,
                early: None,
                speaks: None,
                playing: None,
                bridged: None,
                offering: None,
                asked: false,
            },
        );
        Ok(())
    }

    fn ring(
        &mut self,
        leg: LegId,
        status: u16,
        description: Option<&MediaDescription>,
    ) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get_mut(leg) else {
            return Ok(());
        };
        let body = description.map(|description| entry.describe(description));
        let done = self
            .sip
            .ring(entry.session, status, body, &entry.contact, now);
        if let Err(error) = done {
            // The caller is not told that it rings; the answer will tell more.
            tracing::debug!(?leg, ?error, "no provisional answer");
        }
        Ok(())
    }

    fn answer(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get_mut(leg) else {
            return Ok(());
        };
        let body = entry.describe(description);
        let session = entry.session;
        match self.sip.accept(session, body, &entry.contact, &[], now) {
            Ok(()) => {
                if entry.phase == Phase::IncomingOfferless {
                    entry.offering = Some(Offering::InOk);
                }
                entry.phase = Phase::Up;
                Ok(())
            }
            Err(error) => self.failed(session, error, Cause::Internal),
        }
    }

    fn modify(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get_mut(leg) else {
            return Ok(());
        };
        let body = entry.describe(description);
        match self.sip.reinvite(entry.session, Some(body), now) {
            Ok(()) => entry.offering = Some(Offering::InReinvite),
            Err(error) => {
                tracing::debug!(?leg, ?error, "a re-INVITE can't be sent");
                self.feed(Input::Leg(leg, LegInput::ModifyRefused));
            }
        }
        Ok(())
    }

    /// Answers the leg's re-INVITE, with an offer of ours where it asked for one.
    fn answer_offer(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get_mut(leg) else {
            return Ok(());
        };
        let body = entry.describe(description);
        let asked = std::mem::take(&mut entry.asked);
        let session = entry.session;
        match self.sip.answer_reinvite(session, body, now) {
            Ok(()) => {
                if asked {
                    entry.offering = Some(Offering::InOk);
                }
                Ok(())
            }
            Err(error) => self.failed(session, error, Cause::Internal),
        }
    }

    fn refuse_offer(&mut self, leg: LegId) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get_mut(leg) else {
            return Ok(());
        };
        entry.asked = false;
        entry.sdp.refuse();
        let session = entry.session;
        if let Err(error) = self.sip.refuse_reinvite(session, 488, &[], now) {
            tracing::debug!(?leg, ?error, "a re-INVITE was over before its refusal");
        }
        Ok(())
    }

    fn end(&mut self, leg: LegId, cause: Cause) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get(leg) else {
            return Ok(());
        };
        let session = entry.session;
        let done = match entry.phase {
            Phase::Incoming | Phase::IncomingOfferless => {
                let status = status(cause);
                let headers =
                    (status == 503).then(|| (HeaderName::RetryAfter, RETRY_AFTER.to_owned()));
                self.sip.reject(session, status, headers.as_slice(), now)
            }
            Phase::Outgoing | Phase::Up => {
                let headers = (cause == Cause::AnsweredElsewhere)
                    .then(|| (HeaderName::Reason, ELSEWHERE.to_owned()));
                self.sip.terminate(session, headers.as_slice(), now)
            }
        };
        // Silence at once: the wire may take its time to say goodbye.
        self.unbridge(leg, None);
        done.or_else(|error| self.failed(session, error, cause))
    }

    /// A session did not take a command without which there is no leg. One that
    /// has ended by itself has told so: its `Ended` is on the way.
    fn failed(
        &mut self,
        session: SessionId,
        error: EndpointError,
        cause: Cause,
    ) -> Result<(), Cause> {
        if error == EndpointError::UnknownSession {
            return Ok(());
        }
        tracing::warn!(?error, "a session does not take a command");
        self.let_go(session);
        Err(cause)
    }
}
