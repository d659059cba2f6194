//! The registrar (RFC 3261 §10): which contacts an extension is reachable at.
//!
//! The AOR's user part is the extension's number, the digest user its
//! `reg_name`; requests go to where the REGISTER came from, whatever the
//! Contact says. A change is told (30007) and answered only after it is kept.
//! It must never wait for the database itself: what is to be kept goes into
//! the caller's batch.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use sip::{Flow, HeaderName, Message, Transport};
use store::{RegistrationChange, RegistrationRow};
use switch::{ContactId, ExtensionNumber};

use crate::handle::Registered;

/// Shortest time a registration is taken for, seconds (RFC 3261 §10.2.8).
pub(crate) const MIN_EXPIRES: u32 = 30;
/// Longest; a longer wish is cut down to it.
pub(crate) const MAX_EXPIRES: u32 = 7200;
/// Taken where the request names none.
const DEFAULT_EXPIRES: u32 = 3600;
/// Most bindings in all; a further one is refused with 503.
const MAX_BINDINGS: usize = 100_000;
/// Most contacts one REGISTER may carry.
const MAX_CONTACTS: usize = 8;

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
}

/// What a REGISTER comes to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// 200 with the bindings as they are now.
    Accepted {
        /// `Contact` values for the answer.
        contacts: Vec<String>,
        /// The bindings themselves differ, so the switch must be told.
        changed: bool,
        /// Bindings made that were not there: event 30007 Registered.
        registered: Vec<SocketAddr>,
        /// The last binding went: event 30007 Unregistered.
        unregistered: Option<SocketAddr>,
        /// New or refreshed bindings and the time they run out, Unix seconds.
        refreshed: Vec<(ContactId, i64)>,
        /// What is to be kept.
        keep: Vec<RegistrationChange>,
    },
    /// A refusal: status and further headers.
    Refused(u16, Vec<(HeaderName, String)>),
}

/// All bindings.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    bindings: HashMap<ContactId, Binding>,
    by_extension: BTreeMap<ExtensionNumber, Vec<ContactId>>,
    next: u64,
}

/// One contact of a request, read.
struct Wish {
    uri: String,
    expires: u32,
    instance: Option<String>,
}

impl Registrar {
    /// Takes what the database kept; rows that make no sense or are over are left out.
    pub fn restore(&mut self, rows: Vec<RegistrationRow>, local: SocketAddr, now: i64) {
        for row in rows {
            let (Ok(extension), Ok(remote)) = (
                ExtensionNumber::new(&row.extension),
                row.flow_remote.parse(),
            ) else {
                continue;
            };
            if row.expires_at <= now {
                continue;
            }
            let id = self.take_id();
            self.insert(Binding {
                id,
                extension,
                uri: row.contact_uri,
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
            });
        }
    }

    /// The bindings of an extension, newest first.
    pub fn contacts(&self, extension: &ExtensionNumber) -> Vec<ContactId> {
        let mut ids = self
            .by_extension
            .get(extension)
            .cloned()
            .unwrap_or_default();
        ids.reverse();
        ids
    }

    /// One binding.
    pub fn binding(&self, id: ContactId) -> Option<&Binding> {
        self.bindings.get(&id)
    }

    /// Every extension with a binding.
    pub fn extensions(&self) -> Vec<ExtensionNumber> {
        self.by_extension.keys().cloned().collect()
    }

    /// All bindings with the time they run out.
    pub fn expiries(&self) -> Vec<(ContactId, i64)> {
        self.bindings
            .values()
            .map(|b| (b.id, b.expires_at))
            .collect()
    }

    /// What applications are told of who is on line.
    pub fn online(&self) -> HashMap<ExtensionNumber, Vec<Registered>> {
        self.by_extension
            .iter()
            .map(|(extension, ids)| {
                let devices = ids
                    .iter()
                    .filter_map(|id| self.bindings.get(id))
                    .map(|b| Registered {
                        ip: b.flow.remote.ip().to_string(),
                        port: b.flow.remote.port(),
                        user_agent: b.user_agent.clone(),
                    })
                    .collect();
                (extension.clone(), devices)
            })
            .collect()
    }

    /// An authenticated REGISTER. `limit` is the extension's
    /// `concurrent_registrations`: a further device takes the oldest one's place.
    pub fn register(
        &mut self,
        extension: &ExtensionNumber,
        limit: usize,
        request: &Message,
        flow: &Flow,
        now: i64,
    ) -> Verdict {
        let (Some(call_id), Ok(cseq)) = (request.call_id(), request.cseq()) else {
            return Verdict::Refused(400, Vec::new());
        };
        let (call_id, cseq) = (call_id.to_owned(), cseq.number);
        let mut change = Change::default();
        let wishes = match read_contacts(request) {
            Ok(Contacts::Fetch) => return change.accepted(self, extension, false, now),
            Ok(Contacts::Star) => {
                for id in self
                    .by_extension
                    .get(extension)
                    .cloned()
                    .unwrap_or_default()
                {
                    self.drop_binding(id, &mut change);
                }
                return change.accepted(self, extension, true, now);
            }
            Ok(Contacts::These(wishes)) => wishes,
            Err((status, headers)) => return Verdict::Refused(status, headers),
        };
        for wish in &wishes {
            if let Some(old) = self.same_binding(extension, wish)
                && old.call_id == call_id
                && old.cseq >= cseq
            {
                // RFC 3261 §10.3 step 7: an older request changes nothing.
                return Verdict::Refused(500, Vec::new());
            }
        }
        if self.bindings.len() + wishes.len() > MAX_BINDINGS {
            return Verdict::Refused(503, vec![(HeaderName::RetryAfter, "60".into())]);
        }
        let user_agent: String = request
            .header(HeaderName::UserAgent)
            .unwrap_or_default()
            .chars()
            .take(255)
            .collect();
        let mut altered = false;
        for wish in wishes {
            let old = self
                .same_binding(extension, &wish)
                .map(|b| (b.id, b.uri.clone(), b.flow));
            if wish.expires == 0 {
                if let Some((id, ..)) = old {
                    self.drop_binding(id, &mut change);
                    altered = true;
                }
                continue;
            }
            let known = old
                .as_ref()
                .is_some_and(|(_, uri, f)| *uri == wish.uri && f == flow);
            altered |= !known;
            let id = match &old {
                Some((id, uri, _)) => {
                    if *uri != wish.uri {
                        change.keep.push(RegistrationChange::Remove {
                            extension: extension.to_string(),
                            contact_uri: uri.clone(),
                        });
                    }
                    *id
                }
                None => {
                    change.registered.push(flow.remote);
                    self.take_id()
                }
            };
            let binding = Binding {
                id,
                extension: extension.clone(),
                uri: wish.uri,
                flow: *flow,
                expires_at: now + i64::from(wish.expires),
                call_id: call_id.clone(),
                cseq,
                user_agent: user_agent.clone(),
                instance: wish.instance,
            };
            change.refreshed.push((id, binding.expires_at));
            change.keep.push(RegistrationChange::Put(row(&binding)));
            self.insert(binding);
        }
        // The oldest give way: a phone that came back with a new port must not
        // be locked out by its own ghost.
        while let Some(oldest) = self
            .by_extension
            .get(extension)
            .filter(|ids| ids.len() > limit.max(1))
            .and_then(|ids| ids.first().copied())
        {
            self.drop_binding(oldest, &mut change);
            altered = true;
        }
        change.accepted(self, extension, altered, now)
    }

    /// A binding's time is over, or its extension is gone. `None` if it was refreshed or removed meanwhile.
    pub fn expire(&mut self, id: ContactId, now: i64) -> Option<Verdict> {
        let binding = self.bindings.get(&id)?;
        if binding.expires_at > now {
            return None;
        }
        let extension = binding.extension.clone();
        let mut change = Change::default();
        self.drop_binding(id, &mut change);
        Some(change.accepted(self, &extension, true, now))
    }

    fn same_binding(&self, extension: &ExtensionNumber, wish: &Wish) -> Option<&Binding> {
        self.by_extension
            .get(extension)?
            .iter()
            .filter_map(|id| self.bindings.get(id))
            .find(|b| match (&b.instance, &wish.instance) {
                (Some(a), Some(b)) => a == b,
                _ => b.uri == wish.uri,
            })
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

    fn drop_binding(&mut self, id: ContactId, change: &mut Change) {
        let Some(binding) = self.bindings.remove(&id) else {
            return;
        };
        if let Some(ids) = self.by_extension.get_mut(&binding.extension) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_extension.remove(&binding.extension);
            }
        }
        change.keep.push(RegistrationChange::Remove {
            extension: binding.extension.to_string(),
            contact_uri: binding.uri,
        });
        change.gone = Some(binding.flow.remote);
    }
}

/// What one request changed.
#[derive(Debug, Default)]
struct Change {
    keep: Vec<RegistrationChange>,
    registered: Vec<SocketAddr>,
    gone: Option<SocketAddr>,
    refreshed: Vec<(ContactId, i64)>,
}

impl Change {
    fn accepted(
        self,
        registrar: &Registrar,
        extension: &ExtensionNumber,
        changed: bool,
        now: i64,
    ) -> Verdict {
        let ids = registrar
            .by_extension
            .get(extension)
            .cloned()
            .unwrap_or_default();
        let contacts = ids
            .iter()
            .filter_map(|id| registrar.bindings.get(id))
            .map(|b| format!("<{}>;expires={}", b.uri, (b.expires_at - now).max(0)))
            .collect();
        Verdict::Accepted {
            contacts,
            changed,
            registered: self.registered,
            unregistered: self.gone.filter(|_| ids.is_empty()),
            refreshed: self.refreshed,
            keep: self.keep,
        }
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
        ..Default::default()
    }
}

/// The Contact headers of a REGISTER.
enum Contacts {
    /// None: the phone asks what is there.
    Fetch,
    /// `*` with `Expires: 0`: all go.
    Star,
    /// These.
    These(Vec<Wish>),
}

type Refusal = (u16, Vec<(HeaderName, String)>);

fn read_contacts(request: &Message) -> Result<Contacts, Refusal> {
    let default = request.expires().unwrap_or(DEFAULT_EXPIRES);
    let mut wishes = Vec::new();
    let mut star = false;
    for contact in request.contacts() {
        let contact = contact.map_err(|_| (400, Vec::new()))?;
        if contact.is_star() {
            star = true;
            continue;
        }
        if wishes.len() >= MAX_CONTACTS {
            return Err((400, Vec::new()));
        }
        let uri = contact.uri.to_string();
        if !uri.starts_with("sip:") && !uri.starts_with("SIP:") {
            return Err((400, Vec::new()));
        }
        // A value that can't be read counts as the default (RFC 3261 §10.2.1.1).
        let wish = contact
            .param("expires")
            .and_then(|e| e.trim().parse::<u64>().ok());
        let expires = wish
            .map_or(default, |e| u32::try_from(e).unwrap_or(MAX_EXPIRES))
            .min(MAX_EXPIRES);
        if expires != 0 && expires < MIN_EXPIRES {
            return Err((423, vec![(HeaderName::MinExpires, MIN_EXPIRES.to_string())]));
        }
        let instance = contact
            .param("+sip.instance")
            .map(|i| i.trim_matches('"').to_owned());
        wishes.push(Wish {
            uri,
            expires,
            instance,
        });
    }
    match (star, wishes.is_empty()) {
        (false, true) => Ok(Contacts::Fetch),
        (false, false) => Ok(Contacts::These(wishes)),
        (true, true) if request.expires() == Some(0) => Ok(Contacts::Star),
        (true, _) => Err((400, Vec::new())),
    }
}

/// Longest that the loop need look ahead for a binding's end.
pub(crate) fn until(expires_at: i64, now: i64) -> Duration {
    Duration::from_secs(u64::try_from(expires_at - now).unwrap_or(0))
}
