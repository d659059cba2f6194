//! Requests of ours outside of dialogs: REGISTER, OPTIONS.

use slotmap::SlotMap;

use super::OutOfDialog;
use crate::endpoint::EndpointError;
use crate::session::answer_challenge;
use crate::transaction::{
    Instant, Layer, MAX_FORWARDS, Outgoing, Owner, Report, RequestTxId, Tag, check_body,
    check_headers, check_uri, check_value,
};
use crate::{Event, Message, Method, NameAddr};

/// Requests that wait for their final answer.
#[derive(Default)]
pub(super) struct Outside {
    table: SlotMap<RequestTxId, Asked>,
}

enum Asked {
    /// Nothing will be sent again.
    Once,
    /// A challenge will be answered.
    Answering(Box<Answering>),
}

struct Answering {
    request: OutOfDialog,
    call_id: Box<str>,
    tag: Tag,
    cseq: u32,
    challenges: u8,
}

impl Outside {
    pub(super) fn send(
        &mut self,
        request: OutOfDialog,
        layer: &mut Layer,
        now: Instant,
    ) -> Result<RequestTxId, EndpointError> {
        check(&request)?;
        let asked = Answering {
            call_id: match &request.call_id {
                Some(call_id) => call_id.as_str().into(),
                None => layer.base.identities.call_id(),
            },
            tag: layer.base.identities.tag(),
            cseq: request.cseq.unwrap_or(1),
            challenges: 0,
            request,
        };
        let id = self.table.insert(Asked::Once);
        if let Err(error) = asked.start(id, None, layer, now) {
            self.table.remove(id);
            return Err(error);
        }
        if asked.request.auth.is_some()
            && let Some(entry) = self.table.get_mut(id)
        {
            *entry = Asked::Answering(Box::new(asked));
        }
        Ok(id)
    }

    /// The transaction reports; returns what the user hears of it.
    pub(super) fn report(
        &mut self,
        id: RequestTxId,
        report: Report,
        response: Option<&Message>,
        layer: &mut Layer,
        now: Instant,
    ) -> Option<Event> {
        let Some(response) = response else {
            self.table.remove(id)?;
            return Some(Event::RequestTimeout { tx: id });
        };
        if report == Report::Final {
            if let Some(Asked::Answering(asked)) = self.table.get_mut(id)
                && asked.challenged(id, response, layer, now)
            {
                return None;
            }
            self.table.remove(id);
        }
        Some(Event::Response {
            tx: id,
            response: response.clone(),
        })
    }
}

impl Answering {
    fn start(
        &self,
        id: RequestTxId,
        credentials: Option<(&str, &str)>,
        layer: &mut Layer,
        now: Instant,
    ) -> Result<(), EndpointError> {
        let request = &self.request;
        let outgoing = Outgoing {
            method: &request.method,
            uri: &request.uri,
            transport: request.flow.transport,
            sent_by: &request.via_host.to_string(),
            routes: &[],
            from: &request.from,
            tag: self.tag,
            to: &request.to,
            call_id: &self.call_id,
            cseq: self.cseq,
            max_forwards: MAX_FORWARDS,
            contact: None,
            headers: &request.headers,
            credentials,
            body: request.body.as_ref(),
        };
        let owner = Owner::Request(id);
        layer
            .clients
            .start(&outgoing, request.flow, owner, &mut layer.base, now)?;
        Ok(())
    }

    /// True: it was sent again, with credentials.
    fn challenged(
        &mut self,
        id: RequestTxId,
        response: &Message,
        layer: &mut Layer,
        now: Instant,
    ) -> bool {
        let request = &self.request;
        let body = request.body.as_ref().map_or(&[][..], |body| &body.bytes);
        let credentials = answer_challenge(
            request.auth.as_ref(),
            self.challenges,
            response,
            &request.method,
            &request.uri,
            body,
            &mut layer.base,
        );
        let Some((name, value)) = credentials else {
            return false;
        };
        self.challenges += 1;
        self.cseq = self.cseq.saturating_add(1);
        self.start(id, Some((name, &value)), layer, now).is_ok()
    }
}

fn check(request: &OutOfDialog) -> Result<(), EndpointError> {
    if matches!(
        request.method,
        Method::Invite | Method::Ack | Method::Cancel
    ) {
        return Err(EndpointError::WrongState);
    }
    check_uri(&request.uri)?;
    check_address(&request.from)?;
    check_address(&request.to)?;
    if let Some(call_id) = &request.call_id {
        check_value(call_id)?;
        if call_id.is_empty() || call_id.contains([' ', '\t']) {
            return Err(EndpointError::BadValue);
        }
    }
    check_headers(&request.headers)?;
    check_body(request.body.as_ref())
}

/// A From or To that we are to put a tag to.
pub(super) fn check_address(value: &str) -> Result<(), EndpointError> {
    check_value(value)?;
    match NameAddr::parse(value) {
        Ok(address) if address.tag().is_none() => Ok(()),
        _ => Err(EndpointError::BadValue),
    }
}
