//! Who may ask at all: permitted addresses, the request rate of an address,
//! the User-Agent. It stands before everything that the door serves (operations,
//! event sockets, downloads, pages; metrics too, but for the User-Agent) and
//! never looks into a request.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use exchange::Network;
use wire::{Envelope, ErrCode, rule};

use crate::door::{SUBSCRIBE_PATH, respond};
use crate::failure::Failure;
use crate::rate::Rate;

/// The rules for all comers.
pub struct Admission {
    permitted: Vec<Network>,
    rate: Option<Rate>,
}

impl Admission {
    /// Those in `permitted`, or everybody where it names none; each address at
    /// most `requests_per_second` where there is such a bound.
    pub fn new(permitted: Vec<Network>, requests_per_second: Option<NonZeroU32>) -> Self {
        Self {
            permitted,
            rate: requests_per_second.map(Rate::new),
        }
    }

    fn refuses(&self, from: IpAddr) -> Option<Envelope> {
        if !self.permits(from) {
            return Some(Envelope::error(ErrCode::IpForbidden));
        }
        let rate = self.rate.as_ref().filter(|rate| !rate.admits(from))?;
        Some(Envelope {
            submsg: Some(format!(
                "More than {} requests a second from one address.",
                rate.per_second()
            )),
            ..Envelope::error(ErrCode::MaxLimitationExceeded)
        })
    }

    /// Whether an address may ask at all.
    pub fn permits(&self, from: IpAddr) -> bool {
        self.permitted.is_empty() || self.permitted.iter().any(|net| net.contains(from))
    }
}

/// Lets a request of an address through that is permitted and does not ask too
/// often, whatever it asks for.
pub async fn permit(
    State(admission): State<Arc<Admission>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let from = peer.ip().to_canonical();
    match admission.refuses(from) {
        None => next.run(request).await,
        Some(envelope) => refuse(from, &envelope),
    }
}

/// Lets a request through that says who asks, or answers it.
pub async fn named(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    // WebSocket libraries send none, and the clients that are built on them
    // don't either.
    if request.uri().path() == SUBSCRIBE_PATH || has_user_agent(request.headers()) {
        return next.run(request).await;
    }
    // Not 10005: clients take that for a permission that the application lacks.
    let missing = Failure::member("User-Agent", None, rule::REQUIRED);
    refuse(peer.ip().to_canonical(), &missing.envelope())
}

fn refuse(from: IpAddr, envelope: &Envelope) -> Response {
    let errcode = envelope.errcode.to_string();
    tracing::debug!(%from, errcode, "a request was not let in");
    metrics::counter!("strowger_api_requests_refused_total", "errcode" => errcode).increment(1);
    respond(envelope)
}

fn has_user_agent(headers: &HeaderMap) -> bool {
    headers
        .get(header::USER_AGENT)
        .is_some_and(|value| !value.as_bytes().iter().all(u8::is_ascii_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn admission(permitted: &[&str]) -> Admission {
        let networks = permitted.iter().map(|net| net.parse().unwrap()).collect();
        Admission::new(networks, None)
    }

    #[test]
    fn where_no_address_is_named_all_are_permitted() {
        let from = |text: &str| text.parse().unwrap();
        assert!(admission(&[]).permits(from("203.0.113.9")));
        let some = admission(&["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"]);
        for inside in ["192.0.2.7", "10.255.0.1", "2001:db8:1::2"] {
            assert!(some.permits(from(inside)), "{inside}");
        }
        for outside in ["192.0.2.8", "11.0.0.1", "2001:db9::1", "127.0.0.1"] {
            assert!(!some.permits(from(outside)), "{outside}");
        }
    }

    #[test]
    fn a_blank_user_agent_is_none() {
        let mut headers = HeaderMap::new();
        assert!(!has_user_agent(&headers));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(" "));
        assert!(!has_user_agent(&headers));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("OpenAPI"));
        assert!(has_user_agent(&headers));
    }
}
