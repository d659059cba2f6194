//! What comes in: whose business a message is, and what requests get that are
//! nobody's (RFC 3261 8.2).

use super::{Arrival, Endpoint, Event};
use crate::session::Session;
use crate::transaction::{Cancelled, Fingerprint, Flow, Instant, Owner, Reply, Report, Request};
use crate::{HeaderName, Message, Method};

/// Seconds after which someone turned away for want of room may try again.
const RETRY_AFTER: &str = "5";

/// What an initial request gets that is not taken on.
struct Refusal {
    status: u16,
    header: Option<(HeaderName, String)>,
}

impl Endpoint {
    pub(super) fn receive_message(&mut self, message: &Message, flow: Flow, now: Instant) {
        if !message.is_request() {
            let layer = &mut self.layer;
            if let Some((key, owner, report)) = layer.clients.receive(message, &mut layer.base, now)
            {
                self.report(key, owner, report, Some(message), now);
            }
            return;
        }
        let Some(request) = Request::read(message, flow) else {
            return;
        };
        let fingerprint = request.fingerprint(&self.layer.base.identities);
        match request.method {
            Method::Ack => return self.receive_ack(&request, fingerprint, now),
            Method::Cancel => return self.receive_cancel(&request, fingerprint, now),
            _ => {}
        }
        if self.layer.servers.absorb(fingerprint, &mut self.layer.base) {
            return;
        }
        // A REGISTER is never part of a dialog, whatever tag it has.
        let within = request.to_tag.is_some() && request.method != Method::Register;
        let refusal = if within {
            self.receive_within(&request, fingerprint, now)
        } else {
            self.receive_initial(&request)
        };
        if let Err(refusal) = refusal {
            self.refuse(&request, fingerprint, refusal);
        }
    }

    /// A client transaction has something to tell.
    pub(super) fn report(
        &mut self,
        key: crate::transaction::ClientKey,
        owner: Owner,
        report: Report,
        response: Option<&Message>,
        now: Instant,
    ) {
        match owner {
            Owner::Session(id, purpose) => {
                self.with_session(id, now, |session, cx| {
                    session.report(key, purpose, report, response, cx);
                });
            }
            Owner::Request(id) => {
                let layer = &mut self.layer;
                let event = self.outside.report(id, report, response, layer, now);
                self.events.extend(event);
            }
            Owner::Nobody => {}
        }
    }

    fn receive_ack(&mut self, request: &Request<'_>, fingerprint: Fingerprint, now: Instant) {
        let layer = &mut self.layer;
        if layer.servers.acknowledge(fingerprint, &mut layer.base, now) {
            return;
        }
        if let Some((id, _)) = self.sessions.find(request) {
            self.with_session(id, now, |session, cx| session.acknowledged(request, cx));
        }
    }

    /// RFC 3261 9.2. The same CANCEL gets the same answer again, so that
    /// nothing needs to be kept of it.
    fn receive_cancel(&mut self, request: &Request<'_>, fingerprint: Fingerprint, now: Instant) {
        let found = self.layer.servers.cancelled(fingerprint);
        let (status, session) = match found {
            Cancelled::Pending(session) => (200, Some(session)),
            Cancelled::TooLate(session) => (200, session),
            Cancelled::Unknown => (481, None),
        };
        let tag = session
            .and_then(|id| self.sessions.get(id))
            .map_or_else(|| fingerprint.tag(), Session::tag);
        self.layer
            .reply_stateless(request, &Reply::plain(status, tag));
        if let Cancelled::Pending(id) = found {
            self.with_session(id, now, Session::cancelled);
        }
    }

    fn receive_within(
        &mut self,
        request: &Request<'_>,
        fingerprint: Fingerprint,
        now: Instant,
    ) -> Result<(), Refusal> {
        let Some((id, dialog)) = self.sessions.find(request) else {
            return Err(Refusal::plain(481));
        };
        if self.layer.len() >= self.most_transactions() {
            return Err(Refusal::no_room());
        }
        self.with_session(id, now, |session, cx| {
            session.request(dialog, request, fingerprint, cx);
        });
        Ok(())
    }

    fn receive_initial(&mut self, request: &Request<'_>) -> Result<(), Refusal> {
        self.check_initial(request)?;
        let merge = request.merge_fingerprint(&self.layer.base.identities);
        if self.layer.servers.is_merged(merge) {
            return Err(Refusal::plain(482));
        }
        let invite = request.method == Method::Invite;
        if self.layer.len() >= self.config.max_transactions
            || (invite && self.sessions.len() >= self.config.max_sessions)
        {
            return Err(Refusal::no_room());
        }
        self.events.push_back(Event::Arrived(Arrival::of(request)));
        Ok(())
    }

    /// What is wrong with a request that would begin something (8.2.1–8.2.3).
    fn check_initial(&self, request: &Request<'_>) -> Result<(), Refusal> {
        match request.method {
            Method::Invite | Method::Register | Method::Options => {}
            Method::Other(_) => return Err(Refusal::plain(501)),
            Method::Bye | Method::Update | Method::Info | Method::Prack => {
                return Err(Refusal::plain(481));
            }
            _ => return Err(Refusal::plain(405)),
        }
        // RFC 2543 knew dialogs without tags; we don't.
        if request.from_tag.is_empty() {
            return Err(Refusal::plain(400));
        }
        let uri = request.message.request_uri().unwrap_or_default();
        let scheme = uri.split(':').next().unwrap_or_default();
        if !["sip", "sips", "tel"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return Err(Refusal::plain(416));
        }
        if let Some(tags) = request.required() {
            return Err(Refusal {
                status: 420,
                header: Some((HeaderName::Unsupported, tags)),
            });
        }
        // We pass an INVITE on, as another call; nothing else.
        if request.method == Method::Invite && request.message.max_forwards() == Some(0) {
            return Err(Refusal::plain(483));
        }
        Ok(())
    }

    fn refuse(&mut self, request: &Request<'_>, fingerprint: Fingerprint, refusal: Refusal) {
        let headers: Vec<_> = refusal.header.into_iter().collect();
        let reply = Reply {
            headers: &headers,
            ..Reply::plain(refusal.status, fingerprint.tag())
        };
        self.layer.reply_stateless(request, &reply);
    }
}

impl Refusal {
    fn plain(status: u16) -> Self {
        Self {
            status,
            header: None,
        }
    }

    fn no_room() -> Self {
        Self {
            status: 503,
            header: Some((HeaderName::RetryAfter, RETRY_AFTER.to_owned())),
        }
    }
}
