//! What comes from outside: INVITE, REGISTER and OPTIONS of phones, and the
//! requests of applications.

use std::sync::Arc;

use sip::{Body, Flow, HeaderName, Message, Method, ServerTxId, SessionId};
use store::Batch;
use switch::{Caller, Command, ContactId, ExtensionNumber, Input, RequestId};
use tokio::sync::oneshot;
use wire::event;

use crate::auth::Checked;
use crate::core::{Core, Returned};
use crate::handle::{DialRequest, ExchangeError};
use crate::registrar::{Verdict, until};
use crate::timers::Alarm;

/// Most requests of applications that may wait for the switch.
const MAX_WAITING: usize = 4096;

impl Core {
    /// A new INVITE.
    pub(crate) fn invited(&mut self, session: SessionId, request: &Message, flow: &Flow) {
        let now = self.sip_now();
        let refusal = match self.admit(session, request, flow) {
            Ok(()) => return,
            Err(refusal) => refusal,
        };
        if let Err(error) = self.sip.reject(session, refusal.0, &refusal.1, now) {
            tracing::debug!(?error, "an INVITE was over before its refusal");
        }
    }

    fn admit(
        &mut self,
        session: SessionId,
        request: &Message,
        flow: &Flow,
    ) -> Result<(), (u16, Vec<(HeaderName, String)>)> {
        if self.stopping || !self.journal.headroom() {
            metrics::counter!("strowger_calls_shed").increment(1);
            return Err((503, vec![(HeaderName::RetryAfter, "5".into())]));
        }
        let extension = match self
            .auth
            .check(request, &self.snapshot, self.started.elapsed())
        {
            Checked::Extension(extension) => extension,
            Checked::Challenge(headers) => return Err((401, headers)),
            Checked::Forbidden => return Err((403, Vec::new())),
        };
        let dialled = request
            .request_uri()
            .and_then(|uri| uri.parse::<sip::Uri>().ok())
            .and_then(|uri| uri.user_unescaped().map(|u| u.into_owned()))
            .ok_or((404, Vec::new()))?;
        let body = request_body(request).map_err(|status| (status, Vec::new()))?;
        let leg = self.take_leg();
        let number = extension.number.clone();
        let offer = self
            .take_in(leg, session, &dialled, flow, body.as_ref())
            .map_err(|status| (status, Vec::new()))?;
        self.feed(Input::Incoming {
            leg,
            caller: Caller::Extension {
                number,
                address: Some(flow.remote),
            },
            dialled: dialled.into(),
            offer,
        });
        Ok(())
    }

    fn take_leg(&mut self) -> switch::LegId {
        self.numbering.ids.leg()
    }

    /// A request outside of a dialog that is no INVITE.
    pub(crate) fn requested(&mut self, tx: ServerTxId, request: &Message, flow: &Flow) {
        match request.method() {
            Some(Method::Register) => self.register(tx, request, flow),
            Some(Method::Options) => {
                self.respond(tx, 200, &[(HeaderName::Accept, "application/sdp".into())])
            }
            _ => self.respond(tx, 405, &[]),
        }
    }

    fn register(&mut self, tx: ServerTxId, request: &Message, flow: &Flow) {
        let extension = match self
            .auth
            .check(request, &self.snapshot, self.started.elapsed())
        {
            Checked::Extension(extension) => extension,
            Checked::Challenge(headers) => return self.respond(tx, 401, &headers),
            Checked::Forbidden => return self.respond(tx, 403, &[]),
        };
        let aor = request
            .to()
            .ok()
            .and_then(|to| to.uri.parse::<sip::Uri>().ok());
        let aor = aor.as_ref().and_then(|uri| uri.user_unescaped());
        // Who registers for another's number is refused; RFC 3261 §10.3 step 4.
        if aor.as_deref() != Some(extension.number.as_str()) {
            return self.respond(tx, 403, &[]);
        }
        let now = self.now().utc.seconds();
        let limit = usize::try_from(extension.concurrent_registrations).unwrap_or(1);
        let verdict = self
            .registrar
            .register(&extension.number, limit, request, flow, now);
        let number = extension.number.clone();
        match verdict {
            Verdict::Refused(status, headers) => self.respond(tx, status, &headers),
            verdict => {
                let Some((contacts, batch)) = self.registered(&number, verdict) else {
                    return;
                };
                if batch.is_empty() {
                    return self.answer_register(tx, Ok(contacts));
                }
                // The 200 says that it is kept: it waits for the commit.
                match self.journal.submit(batch) {
                    Ok(ticket) => {
                        let back = self.returned.clone();
                        tokio::spawn(async move {
                            let result = ticket.await.map(|_| contacts);
                            // A closed loop answers nobody any more.
                            let _ = back.send(Returned::Registered(tx, result)).await;
                        });
                    }
                    Err(_) => self.respond(tx, 503, &[(HeaderName::RetryAfter, "5".into())]),
                }
            }
        }
    }

    /// What an accepted change of bindings sets off; answers the `Contact`
    /// values and what is to be kept.
    fn registered(
        &mut self,
        extension: &ExtensionNumber,
        verdict: Verdict,
    ) -> Option<(Vec<String>, Batch)> {
        let Verdict::Accepted {
            contacts,
            changed,
            registered,
            unregistered,
            refreshed,
            keep,
        } = verdict
        else {
            return None;
        };
        let now = self.now().utc.seconds();
        for (contact, expires_at) in refreshed {
            self.timers
                .set(Alarm::Registration(contact), until(expires_at, now));
        }
        if changed {
            self.online.store(Arc::new(self.registrar.online()));
            self.feed(Input::Contacts {
                extension: extension.clone(),
                contacts: self.registrar.contacts(extension),
            });
        }
        let mut batch = Batch {
            registrations: keep,
            ..Batch::default()
        };
        let watched = self
            .snapshot
            .extension_by_number(extension.as_str())
            .is_some_and(|e| e.monitor.register_status);
        if watched {
            let told = registered
                .iter()
                .map(|a| (*a, "Registered"))
                .chain(unregistered.iter().map(|a| (*a, "Unregistered")));
            for (address, status) in told {
                let event = event::ExtensionRegistrationStatusChanged {
                    extension: Some(extension.to_string()),
                    kind: Some("Sip".into()),
                    status: Some(status.into()),
                    registered_ip: Some(address.ip().to_string()),
                };
                crate::calls::push(&mut batch, &event, &self.identity);
            }
        }
        Some((contacts, batch))
    }

    /// The bindings are kept, or could not be.
    pub(crate) fn answer_register(
        &mut self,
        tx: ServerTxId,
        result: Result<Vec<String>, store::StoreError>,
    ) {
        match result {
            Ok(contacts) => {
                let mut headers: Vec<_> = contacts
                    .into_iter()
                    .map(|c| (HeaderName::Contact, c))
                    .collect();
                headers.push((HeaderName::Date, rfc1123(self.now().utc.seconds())));
                self.respond(tx, 200, &headers);
            }
            Err(error) => {
                tracing::error!(%error, "a registration could not be kept");
                self.respond(tx, 500, &[]);
            }
        }
    }

    /// A binding's time is over.
    pub(crate) fn registration_over(&mut self, contact: ContactId) {
        let Some(binding) = self.registrar.binding(contact) else {
            return;
        };
        let (extension, expires_at) = (binding.extension.clone(), binding.expires_at);
        let now = self.now().utc.seconds();
        match self.registrar.expire(contact, now) {
            Some(verdict) => {
                if let Some((_, batch)) = self.registered(&extension, verdict) {
                    self.submit(batch);
                }
            }
            // The wheel and the wall clock differ by a fraction: come again.
            None => self
                .timers
                .set(Alarm::Registration(contact), until(expires_at + 1, now)),
        }
    }

    /// Bindings of extensions that are no more go with them.
    pub(crate) fn drop_orphans(&mut self) {
        for extension in self.registrar.extensions() {
            if self
                .snapshot
                .extension_by_number(extension.as_str())
                .is_some()
            {
                continue;
            }
            for contact in self.registrar.contacts(&extension) {
                self.timers.cancel(Alarm::Registration(contact));
                if let Some(verdict) = self.registrar.expire(contact, i64::MAX)
                    && let Some((_, batch)) = self.registered(&extension, verdict)
                {
                    self.submit(batch);
                }
            }
        }
    }

    /// `call/dial`.
    pub(crate) fn dial(
        &mut self,
        dial: DialRequest,
        answer: oneshot::Sender<Result<switch::CallId, ExchangeError>>,
    ) {
        let refused = if self.stopping {
            Some(ExchangeError::Stopping)
        } else if !self.journal.headroom() || self.waiting.len() >= MAX_WAITING {
            Some(ExchangeError::Congestion)
        } else if dial
            .dial_permission
            .as_deref()
            .is_some_and(|p| self.snapshot.extension_by_number(p).is_none())
        {
            Some(ExchangeError::NoSuchPermission)
        } else {
            None
        };
        let caller = ExtensionNumber::new(&dial.caller).map_err(|_| ExchangeError::NoSuchCaller);
        match (refused, caller) {
            (Some(error), _) | (None, Err(error)) => {
                // Who asked may have gone.
                let _ = answer.send(Err(error));
            }
            (None, Ok(caller)) => {
                let command = Command::Dial {
                    caller,
                    callee: dial.callee.into(),
                    auto_answer: dial.auto_answer,
                };
                self.command(command, answer);
            }
        }
    }

    /// `call/hangup`.
    pub(crate) fn hangup(
        &mut self,
        channel: &str,
        answer: oneshot::Sender<Result<switch::CallId, ExchangeError>>,
    ) {
        match self.calls.channel(channel) {
            Some(leg) => self.command(Command::Hangup { leg }, answer),
            None => {
                let _ = answer.send(Err(ExchangeError::NoSuchChannel));
            }
        }
    }

    fn command(
        &mut self,
        command: Command,
        answer: oneshot::Sender<Result<switch::CallId, ExchangeError>>,
    ) {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.waiting.insert(request, answer);
        self.feed(Input::Command { request, command });
    }

    /// Hangs up everything: the exchange goes down.
    pub(crate) fn hang_up_all(&mut self) {
        self.stopping = true;
        for leg in self.calls.callers() {
            self.next_request += 1;
            self.feed(Input::Command {
                request: RequestId(self.next_request),
                command: Command::Hangup { leg },
            });
        }
        self.settle();
    }

    fn respond(&mut self, tx: ServerTxId, status: u16, headers: &[(HeaderName, String)]) {
        let now = self.sip_now();
        if let Err(error) = self.sip.respond(tx, status, headers, None, now) {
            tracing::debug!(?error, status, "a request was over before its answer");
        }
    }
}

/// The offer of an INVITE; 415 where its body is something else.
fn request_body(request: &Message) -> Result<Option<Body>, u16> {
    let bytes = request.body();
    if bytes.is_empty() {
        return Ok(None);
    }
    let content_type = request.content_type().unwrap_or_default();
    let plain = content_type.split(';').next().unwrap_or_default().trim();
    if !plain.eq_ignore_ascii_case("application/sdp") {
        return Err(415);
    }
    Ok(Some(Body {
        content_type: "application/sdp".into(),
        bytes: bytes::Bytes::copy_from_slice(bytes),
    }))
}

fn rfc1123(unix: i64) -> String {
    let instant = jiff::Timestamp::from_second(unix).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
