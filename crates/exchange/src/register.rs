//! REGISTER on the way through the house: who sends it, what the registrar
//! makes of it, whom that concerns. Its 200 waits for the commit, and nothing
//! else does.

use std::sync::Arc;

use settings::Extension;
use sip::{Flow, HeaderName, Message, ServerTxId};
use store::Batch;
use switch::{ContactId, ExtensionNumber, Input};
use wire::event;

use crate::change::Dismissed;
use crate::core::{Core, Returned};
use crate::incoming::{Refusal, Sender, busy};
use crate::registrar::{Binding, Outcome, Registrant, until};
use crate::timers::Alarm;

impl Core {
    pub(crate) fn register(
        &mut self,
        tx: ServerTxId,
        sender: Sender,
        request: &Message,
        flow: &Flow,
    ) {
        let (contacts, batch) = match self.take_register(sender, request, flow) {
            Ok(taken) => taken,
            Err((status, headers)) => return self.respond(tx, status, &headers),
        };
        if batch.is_empty() {
            return self.answer_register(tx, Ok(contacts));
        }
        // The 200 says that it is kept: it waits for the commit.
        match self.journal.submit_waited(batch) {
            Some(ticket) => {
                let back = self.returned.clone();
                tokio::spawn(async move {
                    let result = ticket.await.map(|_| contacts);
                    // A closed loop answers nobody any more.
                    let _ = back.send(Returned::Registered(tx, result)).await;
                });
            }
            None => {
                let (status, headers) = busy();
                self.respond(tx, status, &headers);
            }
        }
    }

    fn take_register(
        &mut self,
        sender: Sender,
        request: &Message,
        flow: &Flow,
    ) -> Result<(Vec<String>, Batch), Refusal> {
        let extension = sender.ok_or((403, Vec::new()))?;
        let aor = request
            .to()
            .ok()
            .and_then(|to| to.uri.parse::<sip::Uri>().ok());
        let aor = aor.as_ref().and_then(|uri| uri.user_unescaped());
        // Who registers for another's number is refused; RFC 3261 §10.3 step 4.
        if aor.as_deref() != Some(extension.number.as_str()) {
            return Err((403, Vec::new()));
        }
        let now = self.now().utc.seconds();
        let registrant = Registrant {
            extension: &extension.number,
            limit: limit(&extension),
            credentials: self.credentials(&extension),
        };
        let outcome = self.registrar.register(registrant, request, flow, now)?;
        let watched = extension.monitor.register_status;
        Ok(self.registered(&extension.number, outcome, watched))
    }

    /// What a change of bindings sets off; answers the `Contact` values and
    /// what is to be kept. Applications are told where the extension is `watched`.
    fn registered(
        &mut self,
        extension: &ExtensionNumber,
        outcome: Outcome,
        watched: bool,
    ) -> (Vec<String>, Batch) {
        let now = self.now().utc.seconds();
        for contact in outcome.gone {
            self.timers.cancel(Alarm::Registration(contact));
        }
        for (contact, expires_at) in outcome.refreshed {
            self.timers
                .set(Alarm::Registration(contact), until(expires_at, now));
        }
        if outcome.seen {
            self.online.store(Arc::new(self.registrar.online()));
        }
        if outcome.moved {
            self.feed(Input::Contacts {
                extension: extension.clone(),
                contacts: self.registrar.contacts(extension),
            });
        }
        let mut batch = Batch {
            registrations: outcome.keep,
            ..Batch::default()
        };
        let told = outcome
            .registered
            .iter()
            .map(|(_, address)| (address, "Registered"))
            .chain(outcome.unregistered.iter().map(|a| (a, "Unregistered")));
        if watched {
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
        (outcome.contacts, batch)
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
            Some(outcome) => {
                let watched = self
                    .snapshot
                    .extension_by_number(extension.as_str())
                    .is_some_and(|extension| extension.monitor.register_status);
                let (_, batch) = self.registered(&extension, outcome, watched);
                self.submit(batch);
            }
            // The wheel and the wall clock differ by a fraction: come again.
            None => self
                .timers
                .set(Alarm::Registration(contact), until(expires_at + 1, now)),
        }
    }

    /// No binding of this extension holds any more.
    pub(crate) fn dismiss(&mut self, dismissed: &Dismissed) {
        let Dismissed { extension, watched } = dismissed;
        let now = self.now().utc.seconds();
        if let Some(outcome) = self.registrar.revise(extension, 0, |_| false, now) {
            let (_, batch) = self.registered(extension, outcome, *watched);
            self.submit(batch);
        }
    }

    /// An extension's limit may be a lower one: the oldest bindings give way, as
    /// they do to a further device.
    pub(crate) fn limit(&mut self, extension: &Extension) {
        self.revise(extension, |_| true);
    }

    /// What was kept of an extension's bindings is taken up, as far as they were
    /// made with the credentials that hold now: a process that was killed may
    /// have kept a new password and not yet whom it shuts out.
    pub(crate) fn take_up(&mut self, extension: &Extension) {
        let mark = self.credentials(extension);
        let holds = |b: &Binding| b.credentials.is_none_or(|made_by| made_by == mark);
        if !self.revise(extension, holds) {
            let number = extension.number.clone();
            self.feed(Input::Contacts {
                contacts: self.registrar.contacts(&number),
                extension: number,
            });
        }
    }

    /// Whether any binding went.
    fn revise(&mut self, extension: &Extension, holds: impl Fn(&Binding) -> bool) -> bool {
        let now = self.now().utc.seconds();
        let (number, limit) = (&extension.number, limit(extension));
        let Some(outcome) = self.registrar.revise(number, limit, holds, now) else {
            return false;
        };
        let watched = extension.monitor.register_status;
        let (_, batch) = self.registered(number, outcome, watched);
        self.submit(batch);
        true
    }

    /// By what the credentials of an extension are known again.
    fn credentials(&self, extension: &Extension) -> i64 {
        let place = format!("registration:{}", extension.id);
        let text = format!(
            "{}\0{}",
            extension.reg_name,
            extension.reg_password.expose()
        );
        let mark = self.sealer.mark(&place, text.as_bytes());
        i64::from_be_bytes(mark.to_be_bytes())
    }
}

fn limit(extension: &Extension) -> usize {
    usize::try_from(extension.concurrent_registrations).unwrap_or(1)
}

fn rfc1123(unix: i64) -> String {
    let instant = jiff::Timestamp::from_second(unix).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
