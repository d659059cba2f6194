//! What comes in from outside: INVITE, REGISTER and OPTIONS of phones. Who may
//! ask for anything is decided here; what becomes of a call, by the switch.

use std::sync::Arc;

use settings::{CallerMatch, Extension};
use sip::{
    Arrival, Body, Endpoint, EndpointError, Flow, HeaderName, Message, Method, ServerTxId,
    SessionId,
};
use switch::{Caller, Input, LegId, MediaDescription};

use crate::auth::Checked;
use crate::core::Core;
use crate::legs::{Leg, Phase, hops_left};
use crate::sdp::SdpState;
use crate::wires::RETRY_AFTER;

/// Longest number that may be dialled, bytes: it goes into records and events.
const MAX_DIALLED: usize = 128;
/// The body that an INVITE may have.
pub(crate) const SDP: &str = "application/sdp";

/// A refusal: status and further headers.
pub(crate) type Refusal = (u16, Vec<(HeaderName, String)>);

/// What an INVITE calls.
#[derive(Clone, Copy)]
struct Called<'a> {
    number: &'a str,
    /// How many hops the call may make from here.
    hops: u8,
}

/// Who proved what: an extension, or nobody who may ask for this in its name.
pub(crate) type Sender = Option<Arc<Extension>>;

impl Core {
    /// A request that would begin something. Until its sender has proved who it
    /// is it gets one answer and nothing is kept of it: neither a table nor a
    /// third party can be flooded by who has no password.
    pub(crate) fn arrived(&mut self, arrival: &Arrival) {
        let request = arrival.message();
        let done = match request.method() {
            Some(Method::Invite) => self.screen_call(request).map(|sender| {
                if let Some(session) = self.taken(arrival, Endpoint::take_invite) {
                    self.invited(session, sender, request, arrival.flow());
                }
            }),
            Some(Method::Register) => self.screen(request).map(|sender| {
                if let Some(tx) = self.taken(arrival, Endpoint::take_request) {
                    self.work.transaction = Some(tx);
                    self.register(tx, sender, request, arrival.flow());
                }
            }),
            Some(Method::Options) => Err((200, vec![(HeaderName::Accept, SDP.into())])),
            _ => Err((405, Vec::new())),
        };
        if let Err((status, headers)) = done {
            self.answer_once(arrival, status, &headers);
        }
    }

    fn answer_once(&mut self, arrival: &Arrival, status: u16, headers: &[(HeaderName, String)]) {
        if let Err(error) = self.sip.answer_once(arrival, status, headers) {
            tracing::warn!(?error, status, "a request can't be answered");
        }
    }

    /// Takes a request on, if there is room.
    fn taken<T>(
        &mut self,
        arrival: &Arrival,
        take: impl FnOnce(&mut Endpoint, &Arrival, sip::Instant) -> Result<T, EndpointError>,
    ) -> Option<T> {
        let now = self.sip_now();
        match take(&mut self.sip, arrival, now) {
            Ok(taken) => Some(taken),
            Err(EndpointError::TooManySessions | EndpointError::TooManyTransactions) => {
                let (status, headers) = busy();
                self.answer_once(arrival, status, &headers);
                None
            }
            Err(error) => {
                tracing::debug!(?error, "a request is not taken on");
                None
            }
        }
    }

    fn screen_call(&mut self, request: &Message) -> Result<Sender, Refusal> {
        if self.stopping || !self.journal.headroom() {
            metrics::counter!("strowger_calls_shed_total").increment(1);
            return Err(busy());
        }
        self.screen(request)
    }

    /// Who sends this. An error is for who has proved nothing.
    fn screen(&mut self, request: &Message) -> Result<Sender, Refusal> {
        if !self.journal.headroom() {
            // Before anything changes: what could not be kept must not be told.
            return Err(busy());
        }
        let now = self.started.elapsed();
        match self.auth.check(request, &self.snapshot, now) {
            Checked::Extension(extension) => Ok(Some(extension)),
            Checked::Forbidden => Ok(None),
            Checked::Challenge(headers) => Err((401, headers)),
            Checked::Wrong => Err((403, Vec::new())),
        }
    }

    /// A new INVITE of who has proved who it is.
    fn invited(&mut self, session: SessionId, sender: Sender, request: &Message, flow: &Flow) {
        self.work.session = Some(session);
        let Err((status, headers)) = self.admit(session, sender, request, flow) else {
            return;
        };
        let now = self.sip_now();
        if let Err(error) = self.sip.reject(session, status, &headers, now) {
            tracing::debug!(?error, "an INVITE was over before its refusal");
        }
    }

    fn admit(
        &mut self,
        session: SessionId,
        sender: Sender,
        request: &Message,
        flow: &Flow,
    ) -> Result<(), Refusal> {
        let extension = sender.ok_or((403, Vec::new()))?;
        let dialled = dialled(request)?;
        if !accepts_sdp(request) {
            return Err((406, Vec::new()));
        }
        let offer = offer(request)?;
        let leg = self.numbering.ids.leg();
        self.work.leg = Some(leg);
        let hops = hops_left(request.max_forwards());
        let called = Called {
            number: &dialled,
            hops,
        };
        let offer = self.take_in(leg, session, called, flow, offer.as_ref())?;
        self.feed(Input::Incoming {
            leg,
            caller: Caller::Extension {
                number: extension.number.clone(),
                address: Some(flow.remote),
                name: self.contact_name(&extension),
            },
            dialled: dialled.into(),
            offer,
        });
        Ok(())
    }

    /// How the contacts name an extension that has no name but its number.
    pub(crate) fn contact_name(&self, extension: &Extension) -> Option<Box<str>> {
        if !extension.is_nameless() {
            return None;
        }
        let number = extension.shown_number();
        let contact = self
            .snapshot
            .contact_by_number(number, CallerMatch::default())?;
        Some(Box::<str>::from(contact.name)).filter(|name| !name.is_empty())
    }

    /// A leg that has just been called in: its slot, SDP and place in the table.
    /// Answers the offer it came with.
    fn take_in(
        &mut self,
        leg: LegId,
        session: SessionId,
        called: Called<'_>,
        flow: &Flow,
        body: Option<&Body>,
    ) -> Result<Option<MediaDescription>, Refusal> {
        let mut sdp = SdpState::new(leg.0);
        let offer = match body {
            Some(body) => Some(sdp.read(&body.bytes).map_err(|error| {
                tracing::info!(%error, "an INVITE's offer can't be used");
                (488, Vec::new())
            })?),
            None => None,
        };
        let opened = self.media.open(None).map_err(|error| {
            tracing::warn!(%error, "no port for a call");
            busy()
        })?;
        let contact = format!(
            "<sip:{}@{}>",
            sip::escape_user(called.number),
            self.sip_address(flow)
        );
        let entry = Leg {
            session,
            call: None,
            phase: match offer {
                Some(_) => Phase::Incoming,
                None => Phase::IncomingOfferless,
            },
            flow: *flow,
            hops: called.hops,
            slot: opened.slot,
            address: self.addresses.told(self.rtp_listen, flow.remote.ip()),
            port: opened.port,
            contact,
            sdp,
            early: None,
            speaks: None,
            playing: None,
            bridged: None,
            offering: None,
            asked: false,
        };
        self.legs.insert(leg, entry);
        Ok(offer)
    }

    pub(crate) fn respond(
        &mut self,
        tx: ServerTxId,
        status: u16,
        headers: &[(HeaderName, String)],
    ) {
        let now = self.sip_now();
        if let Err(error) = self.sip.respond(tx, status, headers, None, now) {
            tracing::debug!(?error, status, "a request was over before its answer");
        }
    }
}

/// No room for anything new.
pub(crate) fn busy() -> Refusal {
    (503, vec![(HeaderName::RetryAfter, RETRY_AFTER.into())])
}

/// The Request-URI's user part, unescaped.
fn dialled(request: &Message) -> Result<String, Refusal> {
    let uri = request
        .request_uri()
        .and_then(|uri| uri.parse::<sip::Uri>().ok());
    let user = uri.as_ref().and_then(|uri| uri.user_unescaped());
    match user {
        None => Err((404, Vec::new())),
        Some(user) if user.len() > MAX_DIALLED => Err((414, Vec::new())),
        Some(user) => Ok(user.into_owned()),
    }
}

/// Whether a body is a session description, whatever parameters its type has. One
/// of no type is taken for it: there are stacks that leave it out (rsipstack,
/// unless told to name it), and what it is the body itself will show.
pub(crate) fn is_sdp(content_type: &str) -> bool {
    let plain = content_type.split(';').next().unwrap_or_default().trim();
    plain.is_empty() || plain.eq_ignore_ascii_case(SDP)
}

/// Whether an answer with a session description may be given. A request that
/// says nothing takes one (RFC 3261 §20.1).
fn accepts_sdp(request: &Message) -> bool {
    let taken = |range: &str| {
        let plain = range.split(';').next().unwrap_or_default().trim();
        plain.eq_ignore_ascii_case(SDP)
            || plain == "*/*"
            || plain.eq_ignore_ascii_case("application/*")
    };
    request.header(HeaderName::Accept).is_none() || request.values(HeaderName::Accept).any(taken)
}

/// The offer of an INVITE; 415 where its body is something else.
fn offer(request: &Message) -> Result<Option<Body>, Refusal> {
    let bytes = request.body_bytes();
    if bytes.is_empty() {
        return Ok(None);
    }
    if !is_sdp(request.content_type().unwrap_or_default()) {
        return Err((415, vec![(HeaderName::Accept, SDP.into())]));
    }
    Ok(Some(Body {
        content_type: SDP.into(),
        bytes,
    }))
}
