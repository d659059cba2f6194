//! The registrar (RFC 3261 §10): which contacts an extension is reachable at.
//!
//! The AOR's user part is the extension's number, the digest user its
//! `reg_name`; requests go to where the REGISTER came from, whatever the
//! Contact says. A change is told (30007) and answered only after it is kept.
//! It must never wait for the database itself: what is to be kept goes into
//! the caller's batch.

mod contacts;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sip::{Flow, HeaderName, Message, Transport, Uri};
use store::{RegistrationChange, RegistrationRow};
use switch::{ContactId, ExtensionNumber};

use crate::handle::{OnlineMap, Registered};
use crate::incoming::Refusal;
use contacts::{Contacts, Wish};

/// Most bindings in all; a further one is refused with 503.
const MAX_BINDINGS: usize = 100_000;
/// Seconds after which who met that bound may try again.
const RETRY_AFTER: &str = "60";
/// So much is kept of what a device says it is, characters.
const MAX_USER_AGENT: usize = 255;

/// One binding.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub id: ContactId,
    pub extension: ExtensionNumber,
    /// The Contact's URI: the Request-URI of what we send there.
    pub uri: String,
    pub flow: Flow,
    /// Unix seconds.
    pub expires_at: i64,
    pub call_id: String,
    pub cseq: u32,
    pub user_agent: String,
    pub instance: Option<String>,
    /// A mark of the credentials that it was made by; none where an older
    /// version kept it.
    pub credentials: Option<i64>,
}

/// An extension whose phone registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registrant<'a> {
    pub extension: &'a ExtensionNumber,
    /// Its `concurrent_registrations`.
    pub limit: usize,
    /// A mark of the credentials that it has proved to have.
    pub credentials: i64,
}

/// What a change of an extension's bindings comes to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// `Contact` values for the answer: the bindings as they are now.
    pub contacts: Vec<String>,
    /// There are others than before, or elsewhere: the switch must be told.
    pub moved: bool,
    /// What applications see of who is on line is another.
    pub seen: bool,
    /// Bindings that were not there, or not at this address: event 30007 Registered.
    pub registered: Vec<(ContactId, SocketAddr)>,
    /// The last binding went: event 30007 Unregistered.
    pub unregistered: Option<SocketAddr>,
    /// New or refreshed bindings and the time they run out, Unix seconds.
    pub refreshed: Vec<(ContactId, i64)>,
    /// Bindings that went.
    pub gone: Vec<ContactId>,
    /// What is to be kept.
    pub keep: Vec<RegistrationChange>,
    /// Where the last of those that went was.
    last_gone: Option<SocketAddr>,
    /// Bindings that were not there before.
    fresh: Vec<ContactId>,
}

/// All bindings.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    bindings: HashMap<ContactId, Binding>,
    /// The oldest first.
    by_extension: HashMap<ExtensionNumber, Vec<ContactId>>,
    /// What applications are told of who is on line; a copy costs nothing.
    online: OnlineMap,
    next: u64,
}

impl Registrar {
    /// Takes what the database kept, those that ran out meanwhile included: see
    /// [`Registrar::overdue`]. Answers which rows make no sense and are to go.
    pub fn restore(
        &mut self,
        rows: Vec<RegistrationRow>,
        local: SocketAddr,
    ) -> Vec<RegistrationChange> {
        let mut nonsense = Vec::new();
        for row in rows {
            let (Ok(extension), Ok(remote)) = (
                ExtensionNumber::new(&row.extension),
                row.flow_remote.parse(),
            ) else {
                nonsense.push(RegistrationChange::Remove {
                    extension: row.extension,
                    contact_uri: row.contact_uri,
                    instance: row.instance,
                });
                continue;
            };
            let id = self.take_id();
            self.insert(Binding {
                id,
                extension: extension.clone(),
                uri: row.contact_uri,
                // The socket may have another port than before the restart.
                flow: Flow {
                    transport: Transport::Udp,
                    local,
                    remote,
                },
                expires_at: row.expires_at,
                call_id: row.call_id,
                cseq: u32::try_from(row.cseq).unwrap_or(0),
                user_agent: row.user_agent,
                instance: row.instance.filter(|i| !i.is_empty()),
                credentials: row.credentials,
            });
            self.show(&extension);
        }
        nonsense
    }

    /// The bindings whose time is over.
    pub fn overdue(&self, now: i64) -> Vec<ContactId> {
        let over = |b: &&Binding| b.expires_at <= now;
        self.bindings.values().filter(over).map(|b| b.id).collect()
    }

    /// The bindings of an extension, newest first.
    pub fn contacts(&self, extension: &ExtensionNumber) -> Vec<ContactId> {
        self.ids(extension).iter().rev().copied().collect()
    }

    /// One binding.
    pub fn binding(&self, id: ContactId) -> Option<&Binding> {
        self.bindings.get(&id)
    }

    /// Every extension with a binding.
    pub fn extensions(&self) -> Vec<ExtensionNumber> {
        self.by_extension.keys().cloned().collect()
    }

    /// How many bindings there are.
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// All bindings with the time they run out.
    pub fn expiries(&self) -> Vec<(ContactId, i64)> {
        self.bindings
            .values()
            .map(|b| (b.id, b.expires_at))
            .collect()
    }

    /// What applications are told of who is on line.
    pub fn online(&self) -> OnlineMap {
        self.online.clone()
    }

    /// An authenticated REGISTER: all of it or nothing. A device beyond the limit
    /// takes the oldest one's place.
    pub fn register(
        &mut self,
        registrant: Registrant<'_>,
        request: &Message,
        flow: &Flow,
        now: i64,
    ) -> Result<Outcome, Refusal> {
        let Registrant {
            extension, limit, ..
        } = registrant;
        let (Some(call_id), Ok(cseq)) = (request.call_id(), request.cseq()) else {
            return Err((400, Vec::new()));
        };
        let source = Source {
            flow: *flow,
            call_id,
            cseq: cseq.number,
            user_agent: request.header(HeaderName::UserAgent).unwrap_or_default(),
            credentials: registrant.credentials,
        };
        let mut outcome = Outcome::default();
        match contacts::read(request)? {
            Contacts::Fetch => {}
            Contacts::Star => {
                let all = self.ids(extension).to_vec();
                self.check_order(all.iter(), &source)?;
                for id in all {
                    self.drop_binding(id, &mut outcome);
                }
            }
            Contacts::These(wishes) => {
                let mut fresh = 0;
                for wish in &wishes {
                    let same = self.same_binding(extension, wish);
                    self.check_order(same.iter(), &source)?;
                    fresh += usize::from(same.is_empty() && wish.expires > 0);
                }
                if fresh > 0 && self.bindings.len() + fresh > MAX_BINDINGS {
                    return Err((503, vec![(HeaderName::RetryAfter, RETRY_AFTER.into())]));
                }
                for wish in wishes {
                    self.grant(extension, wish, &source, now, &mut outcome);
                }
                // A phone that came back with a new port must not be locked out by
                // its own ghost.
                self.trim(extension, limit, &mut outcome);
            }
        }
        Ok(self.finish(extension, outcome, now))
    }

    /// A binding's time is over. `None` if it was refreshed or removed meanwhile.
    pub fn expire(&mut self, id: ContactId, now: i64) -> Option<Outcome> {
        let binding = self.bindings.get(&id).filter(|b| b.expires_at <= now)?;
        let extension = binding.extension.clone();
        let mut outcome = Outcome::default();
        self.drop_binding(id, &mut outcome);
        Some(self.finish(&extension, outcome, now))
    }

    /// Of an extension's bindings those go that do not hold, and the oldest
    /// beyond its limit. `None` where all stay.
    pub fn revise(
        &mut self,
        extension: &ExtensionNumber,
        limit: usize,
        holds: impl Fn(&Binding) -> bool,
        now: i64,
    ) -> Option<Outcome> {
        let mut outcome = Outcome::default();
        for id in self.ids(extension).to_vec() {
            if !self.bindings.get(&id).is_some_and(&holds) {
                self.drop_binding(id, &mut outcome);
            }
        }
        self.trim(extension, limit, &mut outcome);
        outcome.moved.then(|| self.finish(extension, outcome, now))
    }

    /// The oldest give way.
    fn trim(&mut self, extension: &ExtensionNumber, limit: usize, outcome: &mut Outcome) {
        let ids = self.ids(extension);
        let surplus = ids.len().saturating_sub(limit.max(1));
        for oldest in ids.iter().take(surplus).copied().collect::<Vec<_>>() {
            self.drop_binding(oldest, outcome);
        }
    }

    /// RFC 3261 §10.3 steps 6 and 7: an older request changes nothing.
    fn check_order<'a>(
        &self,
        mut bindings: impl Iterator<Item = &'a ContactId>,
        source: &Source<'_>,
    ) -> Result<(), Refusal> {
        let newer = |id: &ContactId| {
            self.bindings
                .get(id)
                .is_some_and(|b| b.call_id == source.call_id && b.cseq >= source.cseq)
        };
        match bindings.any(newer) {
            true => Err((500, Vec::new())),
            false => Ok(()),
        }
    }

    /// Makes, refreshes or removes one binding.
    fn grant(
        &mut self,
        extension: &ExtensionNumber,
        wish: Wish,
        source: &Source<'_>,
        now: i64,
        outcome: &mut Outcome,
    ) {
        let mut same = self.same_binding(extension, &wish).into_iter();
        let old = same.next().and_then(|id| self.bindings.get(&id).cloned());
        for other in same {
            self.drop_binding(other, outcome);
        }
        if wish.expires == 0 {
            if let Some(old) = old {
                self.drop_binding(old.id, outcome);
            }
            return;
        }
        let binding = Binding {
            id: old.as_ref().map_or_else(|| self.take_id(), |old| old.id),
            extension: extension.clone(),
            uri: wish.uri,
            flow: source.flow,
            expires_at: now + i64::from(wish.expires),
            call_id: source.call_id.to_owned(),
            cseq: source.cseq,
            user_agent: source.user_agent.chars().take(MAX_USER_AGENT).collect(),
            instance: wish.instance,
            credentials: Some(source.credentials),
        };
        let remote = binding.flow.remote;
        match old {
            Some(old) => {
                outcome.moved |= old.uri != binding.uri || old.flow != binding.flow;
                outcome.seen |= old.flow != binding.flow || old.user_agent != binding.user_agent;
                if old.flow.remote.ip() != remote.ip() {
                    outcome.registered.push((binding.id, remote));
                }
                if old.uri != binding.uri || old.instance != binding.instance {
                    outcome.keep.push(removed(&old));
                }
            }
            None => {
                outcome.moved = true;
                outcome.seen = true;
                outcome.registered.push((binding.id, remote));
                outcome.fresh.push(binding.id);
            }
        }
        outcome.refreshed.push((binding.id, binding.expires_at));
        outcome.keep.push(RegistrationChange::Put(row(&binding)));
        self.insert(binding);
    }

    /// Those of an extension's bindings that a contact means: by its instance
    /// (RFC 5626), else by its URI; the one of the same instance first. A URI
    /// means no device of another instance: behind two NATs two may have the
    /// same. What is removed is meant by its URI alone: a device that takes an
    /// old contact back keeps the new one.
    fn same_binding(&self, extension: &ExtensionNumber, wish: &Wish) -> Vec<ContactId> {
        let by_instance =
            |b: &&Binding| wish.expires > 0 && b.instance.is_some() && b.instance == wish.instance;
        let another = |b: &Binding| {
            let instances = b.instance.as_ref().zip(wish.instance.as_ref());
            instances.is_some_and(|(of_binding, of_wish)| of_binding != of_wish)
        };
        let by_uri = |b: &&Binding| !another(b) && same_uri(&b.uri, &wish.uri);
        let bindings = || {
            self.ids(extension)
                .iter()
                .filter_map(|id| self.bindings.get(id))
        };
        bindings()
            .filter(by_instance)
            .chain(bindings().filter(|b| !by_instance(b) && by_uri(b)))
            .map(|b| b.id)
            .collect()
    }

    fn ids(&self, extension: &ExtensionNumber) -> &[ContactId] {
        self.by_extension.get(extension).map_or(&[], Vec::as_slice)
    }

    fn take_id(&mut self) -> ContactId {
        self.next += 1;
        ContactId(self.next)
    }

    /// Puts a binding behind all others of its extension: the newest.
    fn insert(&mut self, binding: Binding) {
        let ids = self
            .by_extension
            .entry(binding.extension.clone())
            .or_default();
        ids.retain(|id| *id != binding.id);
        ids.push(binding.id);
        self.bindings.insert(binding.id, binding);
    }

    fn drop_binding(&mut self, id: ContactId, outcome: &mut Outcome) {
        let Some(binding) = self.bindings.remove(&id) else {
            return;
        };
        if let Some(ids) = self.by_extension.get_mut(&binding.extension) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_extension.remove(&binding.extension);
            }
        }
        outcome.moved = true;
        outcome.seen = true;
        outcome.keep.push(removed(&binding));
        // One that came and went in the same request was never there.
        outcome.refreshed.retain(|(other, _)| *other != id);
        outcome.registered.retain(|(other, _)| *other != id);
        if !outcome.fresh.contains(&id) {
            outcome.last_gone = Some(binding.flow.remote);
        }
        outcome.gone.push(id);
    }

    /// What has changed is shown, and told with the bindings as they are now.
    fn finish(&mut self, extension: &ExtensionNumber, mut outcome: Outcome, now: i64) -> Outcome {
        if outcome.seen {
            self.show(extension);
        }
        let ids = self.ids(extension);
        outcome.unregistered = outcome.last_gone.filter(|_| ids.is_empty());
        outcome.contacts = ids
            .iter()
            .filter_map(|id| self.bindings.get(id))
            .map(|b| format!("<{}>;expires={}", b.uri, (b.expires_at - now).max(0)))
            .collect();
        outcome
    }

    fn show(&mut self, extension: &ExtensionNumber) {
        let devices: Arc<[Registered]> = self
            .ids(extension)
            .iter()
            .filter_map(|id| self.bindings.get(id))
            .map(|b| Registered {
                ip: b.flow.remote.ip().to_string(),
                port: b.flow.remote.port(),
                user_agent: b.user_agent.clone(),
            })
            .collect();
        if devices.is_empty() {
            self.online.remove_mut(extension);
        } else {
            self.online.insert_mut(extension.clone(), devices);
        }
    }
}

/// Who sent a REGISTER.
struct Source<'a> {
    flow: Flow,
    call_id: &'a str,
    cseq: u32,
    user_agent: &'a str,
    credentials: i64,
}

fn same_uri(a: &str, b: &str) -> bool {
    let equivalent = || Some(Uri::parse(a).ok()?.equivalent(&Uri::parse(b).ok()?));
    a == b || equivalent().unwrap_or(false)
}

fn removed(binding: &Binding) -> RegistrationChange {
    RegistrationChange::Remove {
        extension: binding.extension.to_string(),
        contact_uri: binding.uri.clone(),
        instance: binding.instance.clone(),
    }
}

fn row(binding: &Binding) -> RegistrationRow {
    RegistrationRow {
        extension: binding.extension.to_string(),
        contact_uri: binding.uri.clone(),
        flow_local: binding.flow.local.to_string(),
        flow_remote: binding.flow.remote.to_string(),
        transport: "udp".into(),
        expires_at: binding.expires_at,
        call_id: binding.call_id.clone(),
        cseq: i64::from(binding.cseq),
        user_agent: binding.user_agent.clone(),
        instance: binding.instance.clone(),
        credentials: binding.credentials,
        ..Default::default()
    }
}

/// How long until a binding's time is over.
pub(crate) fn until(expires_at: i64, now: i64) -> Duration {
    Duration::from_secs(u64::try_from(expires_at.saturating_sub(now)).unwrap_or(0))
}
