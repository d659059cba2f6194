//! Offers within the session: re-INVITE and UPDATE of either end (RFC 3261 14,
//! RFC 3311), the glare of both.

use super::caller::rejection;
use super::offer::{Carrier, Offer, Ours, Theirs};
use super::resend::{Answer, Resend};
use super::{Context, Purpose, Session, Stage, Within, answer_challenge};
use crate::endpoint::EndpointError;
use crate::transaction::{Body, ClientKey, Reply};
use crate::{EndCause, Event, HeaderName, Message, Method};

/// What is told of an offer that fits into no datagram.
const TOO_LARGE: u16 = 513;

impl Session {
    pub(crate) fn offer(
        &mut self,
        carrier: Carrier,
        body: Option<Body>,
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        if !matches!(self.stage, Stage::Established) {
            return Err(EndpointError::WrongState);
        }
        if !matches!(self.ours, Ours::None) {
            return Err(EndpointError::OfferPending);
        }
        let offer = Offer::new(carrier, body);
        self.ours = Ours::Queued { offer, at: None };
        self.send_queued_offer(cx);
        Ok(())
    }

    /// Takes our offer back that has not been sent. False: there is none.
    pub(crate) fn withdraw_offer(&mut self) -> bool {
        let queued = matches!(self.ours, Ours::Queued { .. });
        if queued {
            self.ours = Ours::None;
        }
        queued
    }

    /// Sends the queued offer if its time has come and nothing else is under way.
    pub(super) fn send_queued_offer(&mut self, cx: &mut Context<'_>) {
        let due = match &self.ours {
            Ours::Queued { at, .. } => at.is_none_or(|at| at <= cx.now),
            _ => false,
        };
        let free = matches!(self.stage, Stage::Established)
            && matches!(self.theirs, Theirs::None)
            && self.resend.is_none();
        if !due {
            return;
        }
        match std::mem::replace(&mut self.ours, Ours::None) {
            Ours::Queued { offer, .. } if free => self.send_offer(offer, None, cx),
            // Goes when what is under way is done.
            Ours::Queued { offer, .. } => self.ours = Ours::Queued { offer, at: None },
            other => self.ours = other,
        }
    }

    fn send_offer(
        &mut self,
        offer: Offer,
        credentials: Option<(&str, &str)>,
        cx: &mut Context<'_>,
    ) {
        let (method, purpose) = match offer.carrier {
            Carrier::Reinvite => (Method::Invite, Purpose::Reinvite),
            Carrier::Update => (Method::Update, Purpose::Update),
        };
        let request = Within {
            method,
            headers: &[],
            body: offer.body.as_ref(),
            credentials,
        };
        match self.send_within(0, &request, purpose, cx) {
            Ok(tx) => self.ours = Ours::Sent { offer, tx },
            Err(_) => cx.events.push_back(Event::ReinviteRefused {
                session: self.id,
                status: TOO_LARGE,
            }),
        }
    }

    /// A 2xx to our re-INVITE.
    pub(super) fn reinvite_accepted(
        &mut self,
        tx: ClientKey,
        response: &Message,
        cx: &mut Context<'_>,
    ) {
        if self.ack_again(tx, response, cx) || self.is_ack_due(tx, response) {
            return;
        }
        let cseq = response.cseq().map(|cseq| cseq.number).unwrap_or_default();
        self.alive(cx);
        let Some(offer) = self.take_sent(tx) else {
            // The session ended meanwhile; its BYE is on the way.
            let _ = self.send_ack(0, tx, cseq, None, cx);
            return;
        };
        if let Some(dialog) = self.dialogs.first_mut() {
            dialog.refresh_by(response);
        }
        let body = Body::of(response);
        if offer.body.is_none() && body.is_some() {
            self.ours = Ours::AckDue { tx, cseq };
        } else {
            let _ = self.send_ack(0, tx, cseq, None, cx);
        }
        cx.events.push_back(Event::ReinviteAnswered {
            session: self.id,
            body,
        });
    }

    /// The final response to our UPDATE, or a refusal of our re-INVITE.
    pub(super) fn offer_answered(
        &mut self,
        tx: ClientKey,
        response: &Message,
        cx: &mut Context<'_>,
    ) {
        let Some(offer) = self.take_sent(tx) else {
            return;
        };
        match response.status().unwrap_or_default() {
            200..=299 => {
                if let Some(dialog) = self.dialogs.first_mut() {
                    dialog.refresh_by(response);
                }
                cx.events.push_back(Event::ReinviteAnswered {
                    session: self.id,
                    body: Body::of(response),
                });
            }
            401 | 407 => self.offer_challenged(offer, response, cx),
            408 => self.hang_up_for(EndCause::Timeout, cx),
            // There is no dialog to hang up.
            481 => self.end(rejection(response), Stage::Over, cx),
            status => self.offer_refused(offer, status, response, cx),
        }
    }

    fn offer_challenged(&mut self, mut offer: Offer, response: &Message, cx: &mut Context<'_>) {
        let method = match offer.carrier {
            Carrier::Reinvite => Method::Invite,
            Carrier::Update => Method::Update,
        };
        let uri = self.dialogs.first().map(|d| d.way().0.into_owned());
        let credentials = answer_challenge(
            self.auth.as_deref(),
            offer.challenges,
            response,
            &method,
            &uri.unwrap_or_default(),
            offer.body.as_ref().map_or(&[], |body| &body.bytes),
            &mut cx.layer.base,
        );
        match credentials {
            Some((name, value)) => {
                offer.challenges += 1;
                self.send_offer(offer, Some((name, &value)), cx);
            }
            None => {
                let status = response.status().unwrap_or_default();
                self.offer_refused(offer, status, response, cx);
            }
        }
    }

    fn offer_refused(
        &mut self,
        mut offer: Offer,
        status: u16,
        response: &Message,
        cx: &mut Context<'_>,
    ) {
        match offer.retry(status, response, self.role, &mut cx.layer.base) {
            Some(delay) => {
                let at = Some(cx.now.after(delay));
                self.ours = Ours::Queued { offer, at };
            }
            None => cx.events.push_back(Event::ReinviteRefused {
                session: self.id,
                status,
            }),
        }
    }

    fn take_sent(&mut self, tx: ClientKey) -> Option<Offer> {
        match std::mem::replace(&mut self.ours, Ours::None) {
            Ours::Sent { offer, tx: sent } if sent == tx => Some(offer),
            other => {
                self.ours = other;
                None
            }
        }
    }

    /// Answers their offer.
    pub(crate) fn answer_offer(
        &mut self,
        body: &Body,
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Theirs::Pending {
            carrier,
            tx,
            cseq,
            target,
            back,
        } = &self.theirs
        else {
            return Err(EndpointError::NoOffer);
        };
        let reply = Reply {
            status: 200,
            tag: None,
            contact: Some(&self.contact),
            headers: &[],
            body: Some(body),
        };
        let layer = &mut *cx.layer;
        let sent = layer.servers.reply(*tx, &reply, &mut layer.base, cx.now);
        let bytes = match sent {
            Ok(bytes) => bytes,
            Err(error) => {
                if error == EndpointError::UnknownTransaction {
                    self.theirs = Theirs::None;
                }
                return Err(error);
            }
        };
        if let (Some(target), Some(dialog)) = (target, self.dialogs.first_mut()) {
            dialog.refresh(target);
        }
        self.flow = *back;
        if *carrier == Carrier::Reinvite {
            self.resend = Some(Resend::new(
                Answer::Again,
                *cseq,
                self.flow,
                bytes,
                &cx.layer.base.timers,
                cx.now,
            ));
        }
        self.theirs = Theirs::None;
        self.send_queued_offer(cx);
        Ok(())
    }

    /// Refuses their offer.
    pub(crate) fn refuse_offer(
        &mut self,
        status: u16,
        headers: &[(HeaderName, String)],
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Theirs::Pending { tx, .. } = &self.theirs else {
            return Err(EndpointError::NoOffer);
        };
        if !(300..=699).contains(&status) {
            return Err(EndpointError::BadStatus(status));
        }
        let reply = Reply {
            headers,
            ..Reply::plain(status, self.tag)
        };
        let layer = &mut *cx.layer;
        let sent = layer.servers.reply(*tx, &reply, &mut layer.base, cx.now);
        self.theirs = Theirs::None;
        self.send_queued_offer(cx);
        sent.map(|_| ())
    }

    /// Sends the ACK with our answer to the offer of a 2xx.
    pub(crate) fn answer_in_ack(
        &mut self,
        body: &Body,
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Ours::AckDue { tx, cseq } = self.ours else {
            return Err(EndpointError::NoOffer);
        };
        self.send_ack(0, tx, cseq, Some(body), cx)?;
        self.ours = Ours::None;
        Ok(())
    }
}
