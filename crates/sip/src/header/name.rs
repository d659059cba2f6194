//! Header field names: the ones we know by an enum, any other by its text.
//!
//! Names compare without regard to case and a compact form is the same name
//! (RFC 3261 7.3.3). Nothing here looks at values.

use std::borrow::Cow;
use std::fmt;

/// How the values of a header field may be combined (RFC 3261 7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value, and a message has at most one such field.
    Single,
    /// One value a field line; commas in it are no separators.
    Text,
    /// A comma separated list, which may go over several field lines.
    List,
}

macro_rules! names {
    ($($variant:ident, $text:literal, $compact:literal, $shape:ident;)*) => {
        /// The name of a header field.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// A header field without a variant of its own.
            Other(Cow<'static, str>),
        }

        #[derive(Clone, Copy)]
        #[repr(u8)]
        enum Index { $($variant,)* }

        struct Entry { text: &'static str, compact: &'static str, shape: Shape }

        /// Indexed by `Index`.
        const ENTRIES: &[Entry] = &[
            $(Entry { text: $text, compact: $compact, shape: Shape::$shape },)*
        ];

        const NAMES: &[HeaderName] = &[$(HeaderName::$variant,)*];

        impl HeaderName {
            /// The number the scanner keeps in place of the name.
            pub(crate) fn id(&self) -> NameId {
                match self {
                    $(HeaderName::$variant => NameId(Index::$variant as u8),)*
                    // Whoever makes an `Other` of a name we know means that.
                    HeaderName::Other(text) => NameId::lookup(text.as_bytes()),
                }
            }
        }
    };
}

names! {
    Via, "Via", "v", List;
    From, "From", "f", Single;
    To, "To", "t", Single;
    CallId, "Call-ID", "i", Single;
    CSeq, "CSeq", "", Single;
    MaxForwards, "Max-Forwards", "", Single;
    ContentLength, "Content-Length", "l", Single;
    ContentType, "Content-Type", "c", Single;
    Contact, "Contact", "m", List;
    Route, "Route", "", List;
    RecordRoute, "Record-Route", "", List;
    Path, "Path", "", List;
    ServiceRoute, "Service-Route", "", List;
    Expires, "Expires", "", Text;
    MinExpires, "Min-Expires", "", Text;
    SessionExpires, "Session-Expires", "x", Text;
    MinSe, "Min-SE", "", Text;
    Authorization, "Authorization", "", Text;
    ProxyAuthorization, "Proxy-Authorization", "", Text;
    WwwAuthenticate, "WWW-Authenticate", "", Text;
    ProxyAuthenticate, "Proxy-Authenticate", "", Text;
    AuthenticationInfo, "Authentication-Info", "", Text;
    UserAgent, "User-Agent", "", Text;
    Server, "Server", "", Text;
    Allow, "Allow", "", List;
    AllowEvents, "Allow-Events", "u", List;
    Supported, "Supported", "k", List;
    Require, "Require", "", List;
    ProxyRequire, "Proxy-Require", "", List;
    Unsupported, "Unsupported", "", List;
    Accept, "Accept", "", List;
    AcceptEncoding, "Accept-Encoding", "", List;
    AcceptLanguage, "Accept-Language", "", List;
    AcceptContact, "Accept-Contact", "a", List;
    RejectContact, "Reject-Contact", "j", List;
    RequestDisposition, "Request-Disposition", "d", List;
    ContentDisposition, "Content-Disposition", "", Text;
    ContentEncoding, "Content-Encoding", "e", List;
    ContentLanguage, "Content-Language", "", List;
    MimeVersion, "MIME-Version", "", Text;
    Reason, "Reason", "", List;
    RetryAfter, "Retry-After", "", Text;
    Warning, "Warning", "", List;
    ErrorInfo, "Error-Info", "", List;
    Date, "Date", "", Text;
    Timestamp, "Timestamp", "", Text;
    Subject, "Subject", "s", Text;
    Organization, "Organization", "", Text;
    Priority, "Priority", "", Text;
    InReplyTo, "In-Reply-To", "", List;
    ReplyTo, "Reply-To", "", Text;
    ReferTo, "Refer-To", "r", Text;
    ReferredBy, "Referred-By", "b", Text;
    ReferSub, "Refer-Sub", "", Text;
    Replaces, "Replaces", "", Text;
    Join, "Join", "", Text;
    TargetDialog, "Target-Dialog", "", Text;
    RSeq, "RSeq", "", Text;
    RAck, "RAck", "", Text;
    Event, "Event", "o", Text;
    SubscriptionState, "Subscription-State", "", Text;
    SipEtag, "SIP-ETag", "", Text;
    SipIfMatch, "SIP-If-Match", "", Text;
    CallInfo, "Call-Info", "", List;
    AlertInfo, "Alert-Info", "", List;
    Diversion, "Diversion", "", List;
    HistoryInfo, "History-Info", "", List;
    Privacy, "Privacy", "", Text;
    Identity, "Identity", "y", Text;
    PAssertedIdentity, "P-Asserted-Identity", "", List;
    PPreferredIdentity, "P-Preferred-Identity", "", List;
    RemotePartyId, "Remote-Party-ID", "", List;
    PEarlyMedia, "P-Early-Media", "", List;
    InfoPackage, "Info-Package", "", Text;
    RecvInfo, "Recv-Info", "", List;
    AnswerMode, "Answer-Mode", "", Text;
}

/// A header field's name as a small number, for the scanner's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameId(u8);

impl NameId {
    pub(crate) const OTHER: NameId = NameId(u8::MAX);

    /// The number of a name as it stands in a message.
    pub(crate) fn lookup(name: &[u8]) -> NameId {
        let Some(mut at) = slot(name) else {
            return NameId::OTHER;
        };
        // The table is never full, so an empty place ends the walk.
        while let Some(&Slot { text, id }) = SLOTS.get(at % SLOT_COUNT) {
            if text.is_empty() {
                break;
            }
            // Nearly always it is spelt as usual.
            if text.as_bytes() == name || text.as_bytes().eq_ignore_ascii_case(name) {
                return NameId(id);
            }
            at += 1;
        }
        NameId::OTHER
    }

    /// The name, where the number stands for one.
    pub(crate) fn name(self) -> Option<HeaderName> {
        NAMES.get(usize::from(self.0)).cloned()
    }

    pub(crate) fn is_single(self) -> bool {
        ENTRIES
            .get(usize::from(self.0))
            .is_some_and(|e| e.shape == Shape::Single)
    }

    /// The place of this name among those that a message may have only once or
    /// must have: they stand first in the table.
    pub(crate) fn rank(self) -> usize {
        usize::from(self.0)
    }
}

#[derive(Clone, Copy)]
struct Slot {
    text: &'static str,
    id: u8,
}

const SLOT_COUNT: usize = 512;
const EMPTY: Slot = Slot { text: "", id: 0 };

/// Open addressing, made at compile time: every name and compact form.
static SLOTS: [Slot; SLOT_COUNT] = slots();

#[allow(clippy::indexing_slicing)] // Evaluated by the compiler: cannot panic at run time.
const fn slots() -> [Slot; SLOT_COUNT] {
    let mut table = [EMPTY; SLOT_COUNT];
    let mut index = 0;
    while index < ENTRIES.len() {
        let entry = &ENTRIES[index];
        let mut forms = 0;
        while forms < 2 {
            let text = if forms == 0 {
                entry.text
            } else {
                entry.compact
            };
            if let Some(mut at) = slot(text.as_bytes()) {
                while !table[at % SLOT_COUNT].text.is_empty() {
                    at += 1;
                }
                table[at % SLOT_COUNT] = Slot {
                    text,
                    id: index as u8,
                };
            }
            forms += 1;
        }
        index += 1;
    }
    table
}

/// Where the search for a name starts. None for the empty name.
const fn slot(name: &[u8]) -> Option<usize> {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return None;
    };
    let (first, last) = (*first as usize | 0x20, *last as usize | 0x20);
    Some((first * 37 + last * 11 + name.len() * 101) % SLOT_COUNT)
}

impl HeaderName {
    /// A name without a variant, as a constant.
    pub const fn custom(name: &'static str) -> Self {
        HeaderName::Other(Cow::Borrowed(name))
    }

    /// The name that `text` stands for: any case, compact or not.
    pub fn parse(text: &str) -> Self {
        NameId::lookup(text.as_bytes())
            .name()
            .unwrap_or_else(|| HeaderName::Other(Cow::Owned(text.to_owned())))
    }

    /// The name in full, in its usual spelling.
    pub fn as_str(&self) -> &str {
        match (ENTRIES.get(usize::from(self.id().0)), self) {
            (Some(entry), _) => entry.text,
            (None, HeaderName::Other(text)) => text,
            (None, _) => "",
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        ENTRIES
            .get(usize::from(self.id().0))
            .map_or(Shape::Text, |e| e.shape)
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
            && (self.id() != NameId::OTHER || self.as_str().eq_ignore_ascii_case(other.as_str()))
    }
}

impl Eq for HeaderName {}

impl From<&str> for HeaderName {
    fn from(text: &str) -> Self {
        HeaderName::parse(text)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_by_its_compact_form() {
        for (index, entry) in ENTRIES.iter().enumerate() {
            let id = NameId(index as u8);
            assert_eq!(NameId::lookup(entry.text.as_bytes()), id);
            assert_eq!(NameId::lookup(entry.text.to_uppercase().as_bytes()), id);
            assert_eq!(NameId::lookup(entry.text.to_lowercase().as_bytes()), id);
            if !entry.compact.is_empty() {
                assert_eq!(NameId::lookup(entry.compact.to_uppercase().as_bytes()), id);
            }
            assert_eq!(id.name().map(|n| n.id()), Some(id));
        }
    }

    #[test]
    fn a_name_given_as_text_that_has_a_variant_is_that_variant() {
        assert_eq!(HeaderName::parse("i"), HeaderName::CallId);
        assert_eq!(HeaderName::parse("X-Thing"), HeaderName::custom("x-thing"));
        assert_ne!(HeaderName::parse("X-Thing"), HeaderName::Via);
    }

    #[test]
    fn the_single_fields_have_the_lowest_ranks_after_via() {
        for (index, entry) in ENTRIES.iter().enumerate() {
            if entry.shape == Shape::Single {
                assert!((1..8).contains(&index), "{}", entry.text);
            }
        }
    }
}
