//! The far end's requests within the dialog (RFC 3261 12.2.2).

use super::dialog::Turn;
use super::offer::{Carrier, Ours, Theirs};
use super::{Context, Session, Stage, reply_and_forget};
use crate::transaction::{Fingerprint, Reply, Request, ServerTxId};
use crate::{Event, HeaderName, Method};

/// Seconds of the Retry-After with a 500: at most so many (RFC 3261 14.2).
const RETRY_AFTER_BOUND: u64 = 11;

/// What bodies we read.
const ACCEPT: &str = "application/sdp";

impl Session {
    /// A request other than ACK and CANCEL that has not come before.
    pub(crate) fn request(
        &mut self,
        dialog: usize,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        cx: &mut Context<'_>,
    ) {
        let turn = self
            .dialogs
            .get_mut(dialog)
            .map_or(Turn::Past, |d| d.receive(request.cseq));
        if turn == Turn::Past {
            return self.refuse(request, fingerprint, 500, &[], cx);
        }
        self.alive(cx);
        if let Some(tags) = request.required() {
            return self.refuse(
                request,
                fingerprint,
                420,
                &[(HeaderName::Unsupported, tags)],
                cx,
            );
        }
        match request.method {
            Method::Bye => {
                self.answer(request, fingerprint, &[], false, cx);
                self.bye_received(dialog, cx);
            }
            _ if !self.stage.is_live() => self.refuse(request, fingerprint, 481, &[], cx),
            Method::Invite => self.reinvited(dialog, request, fingerprint, cx),
            Method::Update => self.updated(dialog, request, fingerprint, cx),
            // What it says is read by nobody; one that says nothing asks whether
            // we are there (RFC 2976 2.2).
            Method::Info if request.message.body().is_empty() => {
                self.answer(request, fingerprint, &[], false, cx);
            }
            Method::Info => {
                let accept = [(HeaderName::Accept, ACCEPT.to_owned())];
                self.refuse(request, fingerprint, 415, &accept, cx);
            }
            Method::Options => {
                let accept = [(HeaderName::Accept, ACCEPT.to_owned())];
                self.answer(request, fingerprint, &accept, true, cx);
            }
            Method::Other(_) => self.refuse(request, fingerprint, 501, &[], cx),
            _ => self.refuse(request, fingerprint, 405, &[], cx),
        }
    }

    fn reinvited(
        &mut self,
        dialog: usize,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        cx: &mut Context<'_>,
    ) {
        match self.may_offer(dialog, true) {
            Ok(()) => {
                let tx = self.begin(request, fingerprint, cx);
                let trying = Reply {
                    status: 100,
                    ..Reply::default()
                };
                let layer = &mut *cx.layer;
                let _ = layer.servers.reply(tx, &trying, &mut layer.base, cx.now);
                self.offered(Carrier::Reinvite, tx, request, cx);
            }
            Err(status) => self.refuse_offer_of(request, fingerprint, status, cx),
        }
    }

    fn updated(
        &mut self,
        dialog: usize,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        cx: &mut Context<'_>,
    ) {
        if request.message.body().is_empty() {
            if let (Some(target), Some(dialog)) = (request.target(), self.dialogs.get_mut(dialog)) {
                dialog.refresh(target);
            }
            self.flow = request.back;
            return self.answer(request, fingerprint, &[], true, cx);
        }
        match self.may_offer(dialog, false) {
            Ok(()) => {
                let tx = self.begin(request, fingerprint, cx);
                self.offered(Carrier::Update, tx, request, cx);
            }
            Err(status) => self.refuse_offer_of(request, fingerprint, status, cx),
        }
    }

    /// Whether an offer of theirs may come now; else what it gets: 491 where
    /// one of ours is under way, 500 where one of theirs is (RFC 3261 14.2,
    /// RFC 3311 5.2).
    fn may_offer(&self, dialog: usize, invite: bool) -> Result<(), u16> {
        match self.stage {
            // Our INVITE had the offer, or is to get one.
            Stage::Inviting(_) => return Err(491),
            Stage::Incoming(_) => return Err(500),
            _ if dialog != 0 => return Err(481),
            _ => {}
        }
        if matches!(self.theirs, Theirs::Pending { .. }) {
            return Err(500);
        }
        let ours = matches!(self.ours, Ours::Sent { .. } | Ours::AckDue { .. });
        // An ACK under way might have an answer in it, and a new 2xx would take
        // the old one's place before that came through.
        if ours || self.resend.is_some() {
            return Err(if invite || ours { 491 } else { 500 });
        }
        Ok(())
    }

    fn offered(
        &mut self,
        carrier: Carrier,
        tx: ServerTxId,
        request: &Request<'_>,
        cx: &mut Context<'_>,
    ) {
        self.theirs = Theirs::Pending {
            carrier,
            tx,
            cseq: request.cseq,
            target: request.target().map(Box::from),
            back: request.back,
        };
        cx.events.push_back(Event::Offered {
            session: self.id,
            body: request.body(),
        });
    }

    fn refuse_offer_of(
        &self,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        status: u16,
        cx: &mut Context<'_>,
    ) {
        if status == 500 {
            let seconds = cx.layer.base.identities.below(RETRY_AFTER_BOUND);
            let retry = [(HeaderName::RetryAfter, seconds.to_string())];
            self.refuse(request, fingerprint, status, &retry, cx);
        } else {
            self.refuse(request, fingerprint, status, &[], cx);
        }
    }

    fn begin(
        &self,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        cx: &mut Context<'_>,
    ) -> ServerTxId {
        let layer = &mut *cx.layer;
        let tx = layer
            .servers
            .start(request, fingerprint, None, &mut layer.base, cx.now);
        layer.servers.belongs_to(tx, self.id);
        tx
    }

    /// 200, with or without our Contact.
    fn answer(
        &self,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        headers: &[(HeaderName, String)],
        contact: bool,
        cx: &mut Context<'_>,
    ) {
        let tx = self.begin(request, fingerprint, cx);
        let contact = contact && !self.contact.is_empty();
        let reply = Reply {
            contact: contact.then_some(&*self.contact),
            headers,
            ..Reply::plain(200, self.tag)
        };
        let layer = &mut *cx.layer;
        // A 200 of our own making is never too long but for endless Vias.
        let _ = layer.servers.reply(tx, &reply, &mut layer.base, cx.now);
    }

    /// A refusal, by a transaction, so that a late copy of the request is not
    /// taken for a new one once nothing would be in its way.
    fn refuse(
        &self,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        status: u16,
        headers: &[(HeaderName, String)],
        cx: &mut Context<'_>,
    ) {
        let tx = self.begin(request, fingerprint, cx);
        reply_and_forget(tx, status, self.tag, headers, cx);
    }
}
