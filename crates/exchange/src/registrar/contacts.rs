//! What a REGISTER asks for: its Contact headers, read and bounded.

use sip::{HeaderName, Message, Scheme, Uri};

use crate::incoming::Refusal;

/// Shortest time a registration is taken for, seconds (RFC 3261 §10.2.8).
pub(crate) const MIN_EXPIRES: u32 = 30;
/// Longest; a longer wish is cut down to it.
pub(crate) const MAX_EXPIRES: u32 = 7200;
/// Taken where the request names none.
pub(crate) const DEFAULT_EXPIRES: u32 = 3600;
/// Most contacts one REGISTER may carry.
const MAX_CONTACTS: usize = 8;
/// Longest URI or instance of a contact, bytes: both are kept.
const MAX_TEXT: usize = 512;

/// The Contact headers of a REGISTER.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contacts {
    /// None: the phone asks what is there.
    Fetch,
    /// `*` with `Expires: 0`: all go.
    Star,
    /// These.
    These(Vec<Wish>),
}

/// One contact.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub uri: String,
    /// Seconds; 0: it goes.
    pub expires: u32,
    pub instance: Option<String>,
}

/// Reads them; a refusal says what is wrong.
pub(super) fn read(request: &Message) -> Result<Contacts, Refusal> {
    let default = request.expires().unwrap_or(DEFAULT_EXPIRES);
    let mut wishes = Vec::new();
    let mut star = false;
    for contact in request.contacts() {
        let contact = contact.map_err(|_| bad())?;
        if contact.is_star() {
            star = true;
            continue;
        }
        if wishes.len() >= MAX_CONTACTS || !can_be_called(contact.uri) {
            return Err(bad());
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
        wishes.push(Wish {
            uri: contact.uri.to_owned(),
            expires,
            instance: contact
                .param("+sip.instance")
                .map(|i| i.trim_matches('"').to_owned())
                .filter(|i| !i.is_empty() && i.len() <= MAX_TEXT),
        });
    }
    match (star, wishes.is_empty()) {
        (false, true) => Ok(Contacts::Fetch),
        (false, false) => Ok(Contacts::These(wishes)),
        (true, true) if request.expires() == Some(0) => Ok(Contacts::Star),
        (true, _) => Err(bad()),
    }
}

/// Whether it can be the Request-URI of an INVITE of ours.
fn can_be_called(uri: &str) -> bool {
    uri.len() <= MAX_TEXT
        && Uri::parse(uri)
            .is_ok_and(|uri| uri.scheme() == Scheme::Sip && uri.headers().next().is_none())
}

fn bad() -> Refusal {
    (400, Vec::new())
}
