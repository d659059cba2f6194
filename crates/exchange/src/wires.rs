//! Legs on the wires: the switch's leg commands to `sip` and `media`, and what
//! sessions tell back as leg inputs. One `Ended` for each leg, always.

use bytes::Bytes;
use media::{PayloadMap, Remote};
use sip::{Body, EndCause, Event, Flow, HeaderName, SessionId};
use switch::{
    Cause, Encoding, Input, Invitation, LegCommand, LegId, LegInput, MediaAction, MediaDescription,
};

use crate::core::Core;
use crate::legs::{Leg, Phase};
use crate::sdp::SdpState;
use crate::tones;

impl Core {
    /// Does what the switch commands a leg.
    pub(crate) fn leg_command(&mut self, leg: LegId, command: LegCommand) {
        let done = match command {
            LegCommand::Invite(invitation) => self.invite(leg, &invitation),
            LegCommand::Ring => self.ring(leg),
            LegCommand::EarlyMedia(description) => self.early(leg, &description),
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

    /// Does what the switch commands about audio.
    pub(crate) fn media_action(&mut self, action: MediaAction) {
        match action {
            MediaAction::Remote { leg, description } => self.remote(leg, &description),
            MediaAction::Bridge {
                a,
                b,
                a_to_b,
                b_to_a,
            } => {
                self.unbridge(a, Some(b));
                self.unbridge(b, Some(a));
                self.connect(a, b, &a_to_b);
                self.connect(b, a, &b_to_a);
            }
            MediaAction::Unbridge { leg } => self.unbridge(leg, None),
            MediaAction::Play { leg, tone } => {
                let Some(entry) = self.legs.get(leg) else {
                    return;
                };
                let Some(codec) = &entry.speaks else { return };
                match tones::tone(tone, codec) {
                    Some(playback) => {
                        let payload_type = codec.payload_type;
                        let play = media::Command::Play {
                            playback,
                            payload_type,
                            repeat: true,
                        };
                        self.to_media(entry.slot, play);
                    }
                    None => tracing::debug!(?leg, "no tone in this codec"),
                }
            }
            MediaAction::Silence { leg } => {
                if let Some(entry) = self.legs.get(leg) {
                    self.to_media(entry.slot, media::Command::Stop);
                }
            }
        }
    }

    /// What a session of ours tells.
    pub(crate) fn session_event(&mut self, event: Event) {
        let (session, input) = match event {
            Event::Ringing { session, body, .. } => match self.read(session, body.as_ref()) {
                Ok(Some(description)) => (session, LegInput::Early(description)),
                _ => (session, LegInput::Ringing),
            },
            Event::Answered { session, body, .. } => {
                self.phase(session, Phase::Confirmed);
                match self.read(session, body.as_ref()) {
                    Ok(Some(description)) => (session, LegInput::Answered(description)),
                    _ => return self.hopeless(session),
                }
            }
            Event::Offered { session, body } => match self.read(session, body.as_ref()) {
                Ok(description) => {
                    self.offer_is_ours(session, description.is_none());
                    (session, LegInput::Offered(description))
                }
                Err(()) => {
                    let now = self.sip_now();
                    if let Err(error) = self.sip.refuse_reinvite(session, 488, now) {
                        tracing::debug!(?error, "a re-INVITE was over before its refusal");
                    }
                    return;
                }
            },
            Event::ReinviteAnswered { session, body } => match self.read(session, body.as_ref()) {
                Ok(Some(description)) => (session, LegInput::Modified(description)),
                _ => (session, LegInput::ModifyRefused),
            },
            Event::ReinviteRefused { session, .. } => (session, LegInput::ModifyRefused),
            Event::Acked { session, body } => {
                let leg = self
                    .legs
                    .by_session(session)
                    .and_then(|leg| self.legs.get_mut(leg));
                let Some(leg) = leg else { return };
                if !std::mem::take(&mut leg.awaits_answer) {
                    return;
                }
                let first = leg.phase == Phase::AwaitingAck;
                leg.phase = Phase::Confirmed;
                match self.read(session, body.as_ref()) {
                    Ok(Some(description)) => (session, LegInput::Modified(description)),
                    // A call that never got an answer has no audio; one that had
                    // it before goes on as it was.
                    _ if first => return self.hopeless(session),
                    _ => (session, LegInput::ModifyRefused),
                }
            }
            Event::Ended { session, cause } => {
                if let Some(leg) = self.legs.by_session(session) {
                    self.leg_over(leg, ended(&cause));
                }
                return;
            }
            _ => return,
        };
        if let Some(leg) = self.legs.by_session(session) {
            self.feed(Input::Leg(leg, input));
        }
    }

    /// A leg that has just been called in: its slot, SDP and place in the table.
    /// Answers the offer it came with.
    pub(crate) fn take_in(
        &mut self,
        leg: LegId,
        session: SessionId,
        called: &str,
        flow: &Flow,
        body: Option<&Body>,
    ) -> Result<Option<MediaDescription>, u16> {
        let opened = self.media.open(None).map_err(|_| 503u16)?;
        let mut sdp = SdpState::new(leg.0);
        let offer = match body {
            None => None,
            Some(body) => match sdp.read(&body.bytes) {
                Ok(offer) => Some(offer),
                Err(_) => {
                    self.to_media(opened.slot, media::Command::Close);
                    return Err(488);
                }
            },
        };
        let address = self.addresses.told(self.rtp_listen, flow.remote.ip());
        let contact = format!(
            "<sip:{}@{}>",
            sip::escape_user(called),
            self.sip_address(flow)
        );
        let phase = if offer.is_some() {
            Phase::Incoming
        } else {
            Phase::IncomingOfferless
        };
        self.legs.insert(
            leg,
            Leg {
                session,
                call: None,
                phase,
                flow: flow.clone(),
                slot: opened.slot,
                address,
                port: opened.port,
                contact,
                sdp,
                speaks: None,
                bridged: None,
                awaits_answer: false,
            },
        );
        Ok(offer)
    }

    fn invite(&mut self, leg: LegId, invitation: &Invitation) -> Result<(), Cause> {
        let binding = self
            .registrar
            .binding(invitation.contact)
            .ok_or(Cause::Unavailable)?
            .clone();
        let near = self.legs.slot_of(invitation.call);
        let opened = self.media.open(near).map_err(|_| Cause::Congestion)?;
        let flow = binding.flow.clone();
        let told = self.sip_address(&flow);
        let address = self.addresses.told(self.rtp_listen, flow.remote.ip());
        let mut sdp = SdpState::new(leg.0);
        let body = Body::sdp(sdp.write(&invitation.offer, address, opened.port));
        let number = sip::escape_user(&invitation.caller.number);
        let from = if invitation.caller.name.is_empty() {
            format!("<sip:{number}@{told}>")
        } else {
            format!(
                "{} <sip:{number}@{told}>",
                sip::quote(&invitation.caller.name)
            )
        };
        let contact = format!("<sip:{number}@{told}>");
        let mut headers = Vec::new();
        if invitation.auto_answer {
            // What Yealink, Fanvil, Grandstream and Snom phones look for.
            headers.push((HeaderName::CallInfo, format!("<sip:{told}>;answer-after=0")));
            headers.push((HeaderName::AlertInfo, "info=alert-autoanswer".to_owned()));
        }
        let now = self.sip_now();
        let session = self.sip.invite(
            sip::Invite {
                uri: binding.uri.clone(),
                flow: flow.clone(),
                from,
                to: format!("<sip:{}@{told}>", invitation.extension),
                contact: contact.clone(),
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
                tracing::warn!(?error, contact = %binding.uri, "the invitation can't be sent");
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
                slot: opened.slot,
                address,
                port: opened.port,
                contact,
                sdp,
                speaks: None,
                bridged: None,
                awaits_answer: false,
            },
        );
        Ok(())
    }

    fn ring(&mut self, leg: LegId) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get(leg) else {
            return Ok(());
        };
        tolerate(self.sip.ring(entry.session, 180, None, &entry.contact, now))
    }

    fn early(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some((session, contact, body)) = self.describe(leg, description) else {
            return Ok(());
        };
        tolerate(self.sip.ring(session, 183, Some(body), &contact, now))
    }

    fn answer(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some((session, contact, body)) = self.describe(leg, description) else {
            return Ok(());
        };
        if let Some(entry) = self.legs.get_mut(leg) {
            entry.phase = match entry.phase {
                Phase::IncomingOfferless => {
                    entry.awaits_answer = true;
                    Phase::AwaitingAck
                }
                _ => Phase::Confirmed,
            };
        }
        tolerate(self.sip.accept(session, body, &contact, &[], now))
    }

    fn modify(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some((session, _, body)) = self.describe(leg, description) else {
            return Ok(());
        };
        if self.sip.reinvite(session, Some(body), now).is_err() {
            self.feed(Input::Leg(leg, LegInput::ModifyRefused));
        }
        Ok(())
    }

    fn answer_offer(&mut self, leg: LegId, description: &MediaDescription) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some((session, _, body)) = self.describe(leg, description) else {
            return Ok(());
        };
        tolerate(self.sip.answer_reinvite(session, body, now))
    }

    fn refuse_offer(&mut self, leg: LegId) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get_mut(leg) else {
            return Ok(());
        };
        entry.awaits_answer = false;
        tolerate(self.sip.refuse_reinvite(entry.session, 488, now))
    }

    fn end(&mut self, leg: LegId, cause: Cause) -> Result<(), Cause> {
        let now = self.sip_now();
        let Some(entry) = self.legs.get(leg) else {
            return Ok(());
        };
        let session = entry.session;
        let done = match entry.phase {
            Phase::Incoming | Phase::IncomingOfferless => {
                let mut headers = Vec::new();
                if status(cause) == 503 {
                    headers.push((HeaderName::RetryAfter, "5".to_owned()));
                }
                self.sip.reject(session, status(cause), &headers, now)
            }
            _ => {
                let reason = match cause {
                    Cause::AnsweredElsewhere => {
                        Some("SIP;cause=200;text=\"Call completed elsewhere\"")
                    }
                    _ => None,
                };
                let headers: Vec<_> = reason
                    .map(|r| (HeaderName::Reason, r.to_owned()))
                    .into_iter()
                    .collect();
                self.sip.terminate(session, &headers, now)
            }
        };
        // Silence at once: the wire may take its time to say goodbye.
        self.unbridge(leg, None);
        if done.is_err() {
            // The session is over already; its `Ended` is on the way or was told.
            return if self.legs.get(leg).is_some() {
                Err(cause)
            } else {
                Ok(())
            };
        }
        Ok(())
    }

    /// The leg's one end: everything it held is given back, then the switch is told.
    pub(crate) fn leg_over(&mut self, leg: LegId, cause: Cause) {
        self.unbridge(leg, None);
        if let Some(entry) = self.legs.remove(leg) {
            self.to_media(entry.slot, media::Command::Close);
        }
        self.feed(Input::Leg(leg, LegInput::Ended(cause)));
    }

    /// A dialog without usable audio: it is ended, the switch told why.
    fn hopeless(&mut self, session: SessionId) {
        let now = self.sip_now();
        let _ = self.sip.terminate(session, &[], now);
        if let Some(leg) = self.legs.by_session(session) {
            self.leg_over(leg, Cause::NotAcceptable);
        }
    }

    fn remote(&mut self, leg: LegId, description: &MediaDescription) {
        let Some(entry) = self.legs.get_mut(leg) else {
            return;
        };
        entry.speak(&description.codecs);
        let clock_rate = entry.speaks.as_ref().map_or(8000, |c| c.clock_rate);
        let telephone_event = description
            .codecs
            .iter()
            .find(|c| c.encoding == Encoding::TelephoneEvent)
            .map(|c| c.payload_type);
        let rtp = description
            .remote
            .filter(|a| !a.ip().is_unspecified() && a.port() != 0);
        let (slot, signalling) = (entry.slot, entry.flow.remote.ip());
        let remote = Remote {
            rtp,
            rtcp: None,
            signalling,
            clock_rate,
            telephone_event,
        };
        self.to_media(slot, media::Command::Remote(remote));
    }

    fn connect(&mut self, from: LegId, to: LegId, pairs: &[(u8, u8)]) {
        let (Some(a), Some(b)) = (self.legs.get(from), self.legs.get(to)) else {
            return;
        };
        let (slot, peer) = (a.slot, b.slot);
        self.to_media(
            slot,
            media::Command::Connect {
                peer,
                map: payload_map(pairs),
            },
        );
        if let Some(a) = self.legs.get_mut(from) {
            a.bridged = Some(to);
        }
    }

    /// Takes the leg and whom it was bridged to apart, unless that is `keep`.
    fn unbridge(&mut self, leg: LegId, keep: Option<LegId>) {
        let Some(entry) = self.legs.get_mut(leg) else {
            return;
        };
        let slot = entry.slot;
        let other = match entry.bridged {
            Some(other) if Some(other) != keep => other,
            _ => return,
        };
        entry.bridged = None;
        self.to_media(slot, media::Command::Disconnect);
        if let Some(entry) = self.legs.get_mut(other)
            && entry.bridged == Some(leg)
        {
            entry.bridged = None;
            let slot = entry.slot;
            self.to_media(slot, media::Command::Disconnect);
        }
    }

    /// Writes our side's SDP for a leg.
    fn describe(
        &mut self,
        leg: LegId,
        description: &MediaDescription,
    ) -> Option<(SessionId, String, Body)> {
        let entry = self.legs.get_mut(leg)?;
        entry.speak(&description.codecs);
        let bytes: Bytes = entry.sdp.write(description, entry.address, entry.port);
        Some((entry.session, entry.contact.clone(), Body::sdp(bytes)))
    }

    /// Reads the far end's SDP for the leg of a session; `Ok(None)` where there
    /// is none, `Err` where it can't be used.
    fn read(
        &mut self,
        session: SessionId,
        body: Option<&Body>,
    ) -> Result<Option<MediaDescription>, ()> {
        let Some(body) = body.filter(|b| !b.bytes.is_empty()) else {
            return Ok(None);
        };
        let leg = self.legs.by_session(session).ok_or(())?;
        let entry = self.legs.get_mut(leg).ok_or(())?;
        match entry.sdp.read(&body.bytes) {
            Ok(description) => Ok(Some(description)),
            Err(error) => {
                tracing::info!(?leg, %error, "a session description can't be used");
                Err(())
            }
        }
    }

    /// A re-INVITE without an offer: ours goes into its 200, the answer comes
    /// with the ACK.
    fn offer_is_ours(&mut self, session: SessionId, ours: bool) {
        if let Some(leg) = self.legs.by_session(session)
            && let Some(entry) = self.legs.get_mut(leg)
        {
            entry.awaits_answer = ours;
        }
    }

    fn phase(&mut self, session: SessionId, phase: Phase) {
        if let Some(leg) = self.legs.by_session(session)
            && let Some(entry) = self.legs.get_mut(leg)
        {
            entry.phase = phase;
        }
    }

    pub(crate) fn to_media(&self, slot: media::SlotId, command: media::Command) {
        if let Err(error) = self.media.command(slot, command) {
            metrics::counter!("strowger_media_commands_lost").increment(1);
            tracing::error!(%error, ?slot, "audio does not take a command");
        }
    }
}

fn payload_map(pairs: &[(u8, u8)]) -> PayloadMap {
    pairs
        .iter()
        .fold(PayloadMap::empty(), |map, (from, to)| map.with(*from, *to))
}

/// A command that came when the session was already on its way out changes
/// nothing: its `Ended` follows.
fn tolerate(result: Result<(), sip::EndpointError>) -> Result<(), Cause> {
    if let Err(error) = result {
        tracing::debug!(?error, "a session was over before its command");
    }
    Ok(())
}

/// The status that tells a caller why.
fn status(cause: Cause) -> u16 {
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
        Cause::Unreachable => 480,
        Cause::Unavailable
        | Cause::NoAnswer
        | Cause::Normal
        | Cause::AnsweredElsewhere
        | Cause::MediaLost => 480,
        Cause::Status(status)
            if (400..700).contains(&status) && !matches!(status, 401 | 407 | 408) =>
        {
            status
        }
        Cause::Status(_) => 480,
    }
}

/// Why a session ended, in the switch's words.
fn ended(cause: &EndCause) -> Cause {
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
            403 => Cause::Forbidden,
            488 | 606 | 415 => Cause::NotAcceptable,
            487 => Cause::Cancelled,
            503 => Cause::Congestion,
            other => Cause::Status(*other),
        },
    }
}
