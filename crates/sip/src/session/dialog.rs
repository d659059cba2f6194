//! One dialog (RFC 3261 12): whom its requests are addressed to, and by which
//! way. What its requests do is not decided here.

use std::borrow::Cow;

use crate::transaction::{Flow, Request};
use crate::uri::check_request_uri;
use crate::{HeaderName, Message, NameAddr, Uri};

/// Record-Routes taken over from one message.
const MAX_ROUTES: usize = 32;

pub(crate) struct Dialog {
    pub(crate) remote_tag: Box<str>,
    /// To of our requests, with the tag.
    pub(crate) remote: Box<str>,
    /// Remote target: the far end's Contact.
    target: Box<str>,
    routes: Box<[Box<str>]>,
    /// The number of our last request.
    pub(crate) local_cseq: u32,
    /// The number of the far end's last request.
    remote_cseq: Option<u32>,
}

/// Whether a request comes in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Next,
    /// Its number is lower than that of one before: 500 (RFC 3261 12.2.2).
    Past,
}

impl Dialog {
    /// As caller, by a response to our INVITE.
    pub(crate) fn of_response(response: &Message, cseq: u32, request_uri: &str) -> Self {
        let mut dialog = Self {
            remote_tag: response.to_tag().unwrap_or_default().into(),
            remote: response.header(HeaderName::To).unwrap_or_default().into(),
            target: request_uri.into(),
            routes: Box::default(),
            local_cseq: cseq,
            remote_cseq: None,
        };
        dialog.confirm(response);
        dialog
    }

    /// As callee, by an INVITE.
    pub(crate) fn of_request(request: &Request<'_>) -> Self {
        let message = request.message;
        let mut dialog = Self {
            remote_tag: request.from_tag.into(),
            remote: message.header(HeaderName::From).unwrap_or_default().into(),
            target: address_of(&request.back),
            routes: record_routes(message).collect(),
            local_cseq: 0,
            remote_cseq: Some(request.cseq),
        };
        if let Ok(from) = message.from() {
            dialog.refresh(from.uri);
        }
        dialog.refresh_by(message);
        dialog
    }

    /// Takes route set and target anew from a 2xx to our INVITE (13.2.2.4).
    pub(crate) fn confirm(&mut self, response: &Message) {
        let mut routes: Vec<_> = record_routes(response).collect();
        routes.reverse();
        self.routes = routes.into();
        self.refresh_by(response);
    }

    /// Takes the target from the Contact of a message, where it has one.
    pub(crate) fn refresh_by(&mut self, message: &Message) {
        if let Some(Ok(contact)) = message.contacts().next() {
            self.refresh(contact.uri);
        }
    }

    /// Takes a target, if a request can be sent to it.
    pub(crate) fn refresh(&mut self, target: &str) {
        if *self.target != *target && check_request_uri(target).is_ok() {
            self.target = target.into();
        }
    }

    /// The far end's request has this number.
    pub(crate) fn receive(&mut self, cseq: u32) -> Turn {
        if self.remote_cseq.is_some_and(|last| cseq < last) {
            return Turn::Past;
        }
        self.remote_cseq = Some(cseq);
        Turn::Next
    }

    /// The number for our next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.local_cseq
    }

    /// Request-URI and Route of our requests (12.2.1.1). The first route is
    /// a strict one where it lacks `lr`; its headers have no place there.
    pub(crate) fn way(&self) -> (Cow<'_, str>, Cow<'_, [Box<str>]>) {
        let first = self.routes.first().and_then(|r| NameAddr::parse(r).ok());
        match first {
            Some(first) if Uri::parse(first.uri).is_ok_and(|uri| !uri.is_lr()) => {
                let mut routes: Vec<Box<str>> = self.routes.iter().skip(1).cloned().collect();
                routes.push(format!("<{}>", self.target).into());
                let uri = first.uri.split('?').next().unwrap_or(first.uri);
                (uri.to_owned().into(), routes.into())
            }
            _ => (Cow::Borrowed(&self.target), Cow::Borrowed(&self.routes)),
        }
    }
}

/// The target of a far end that names none that we could use.
pub(crate) fn address_of(flow: &Flow) -> Box<str> {
    format!("sip:{}", flow.remote).into()
}

fn record_routes(message: &Message) -> impl Iterator<Item = Box<str>> {
    message
        .values(HeaderName::RecordRoute)
        .take(MAX_ROUTES)
        .map(Box::from)
}
