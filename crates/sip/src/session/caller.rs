//! INVITE as caller: forks, the winner among them, refusals (RFC 3261 13.2).

use smallvec::SmallVec;

use super::dialog::{Dialog, address_of};
use super::offer::{Ours, Role, Theirs};
use super::refresh::Refresh;
use super::{Context, MAX_FORKS, Purpose, Session, SessionId, Stage, answer_challenge};
use crate::endpoint::EndpointError;
use crate::transaction::{Body, ClientKey, Outgoing, Owner, Tag};
use crate::{EndCause, Event, HeaderName, Invite, Message, Method};

/// An INVITE without a final answer.
pub(super) struct Inviting {
    pub(super) tx: ClientKey,
    pub(super) progress: Progress,
    uri: String,
    to: String,
    headers: Vec<(HeaderName, String)>,
    body: Option<Body>,
    cseq: u32,
    max_forwards: u8,
    challenges: u8,
    /// The fork whose early media is told.
    early_media: Option<Box<str>>,
}

/// Whether CANCEL may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing came back.
    Calling,
    /// A provisional response came.
    Proceeding,
}

impl Session {
    /// A caller's session; [`Session::call`] sends its INVITE.
    pub(crate) fn caller(id: SessionId, invite: Invite, call_id: Box<str>, tag: Tag) -> Self {
        Self {
            id,
            role: Role::Caller,
            call_id,
            tag,
            local: invite.from.into(),
            contact: invite.contact.into(),
            sent_by: invite.via_host.to_string().into(),
            flow: invite.flow,
            auth: invite.auth.map(Box::new),
            stage: Stage::Inviting(Box::new(Inviting {
                tx: ClientKey::default(),
                progress: Progress::Calling,
                uri: invite.uri,
                to: invite.to,
                headers: invite.headers,
                body: invite.body,
                cseq: 0,
                max_forwards: invite.max_forwards,
                challenges: 0,
                early_media: None,
            })),
            dialogs: SmallVec::new(),
            ours: Ours::None,
            theirs: Theirs::None,
            resend: None,
            acks: SmallVec::new(),
            refresh: Refresh::new(),
            running: 0,
            alarm: None,
        }
    }

    /// Sends the INVITE, the first time or again with credentials.
    pub(crate) fn call(
        &mut self,
        credentials: Option<(&str, &str)>,
        cx: &mut Context<'_>,
    ) -> Result<(), EndpointError> {
        let Stage::Inviting(inviting) = &mut self.stage else {
            return Err(EndpointError::WrongState);
        };
        inviting.cseq += 1;
        let outgoing = Outgoing {
            method: &Method::Invite,
            uri: &inviting.uri,
            transport: self.flow.transport,
            sent_by: &self.sent_by,
            routes: &[],
            from: &self.local,
            tag: self.tag,
            to: &inviting.to,
            call_id: &self.call_id,
            cseq: inviting.cseq,
            max_forwards: inviting.max_forwards,
            contact: Some(&self.contact),
            headers: &inviting.headers,
            credentials,
            body: inviting.body.as_ref(),
        };
        let owner = Owner::Session(self.id, Purpose::Invite);
        let layer = &mut *cx.layer;
        inviting.tx = layer
            .clients
            .start(&outgoing, self.flow, owner, &mut layer.base, cx.now)?;
        inviting.progress = Progress::Calling;
        self.running += 1;
        Ok(())
    }

    /// 1xx to the INVITE.
    pub(super) fn provisional(&mut self, response: &Message, cx: &mut Context<'_>) {
        if let Stage::Withdrawing { invite, headers } = &self.stage {
            let layer = &mut *cx.layer;
            layer
                .clients
                .cancel(*invite, headers, &mut layer.base, cx.now);
            self.stage = Stage::Over;
            return;
        }
        let Stage::Inviting(inviting) = &mut self.stage else {
            return;
        };
        inviting.progress = Progress::Proceeding;
        let Some(status @ 101..) = response.status() else {
            return;
        };
        let mut body = Body::of(response);
        if let Some(tag) = response.to_tag() {
            let room = self.dialogs.len() < MAX_FORKS;
            match self.dialogs.iter_mut().find(|d| *d.remote_tag == *tag) {
                Some(dialog) => dialog.refresh_by(response),
                None if room => {
                    let dialog = Dialog::of_response(response, inviting.cseq, &inviting.uri);
                    self.dialogs.push(dialog);
                }
                None => {}
            }
            if body.is_some() {
                let told = inviting.early_media.get_or_insert_with(|| tag.into());
                if **told != *tag {
                    body = None;
                }
            }
        }
        cx.events.push_back(Event::Ringing {
            session: self.id,
            status,
            body,
        });
    }

    /// 2xx to the INVITE: the first wins; a later fork is ACKed and hung up.
    pub(super) fn accepted(&mut self, tx: ClientKey, response: &Message, cx: &mut Context<'_>) {
        if self.ack_again(tx, response, cx) {
            return;
        }
        let cseq = response.cseq().map(|cseq| cseq.number).unwrap_or_default();
        match &self.stage {
            Stage::Inviting(inviting) => {
                let dialog = Dialog::of_response(response, cseq, &inviting.uri);
                let body = Body::of(response);
                let answer_due = inviting.body.is_none() && body.is_some();
                self.dialogs.clear();
                self.dialogs.push(dialog);
                self.stage = Stage::Established;
                self.refresh.note(response);
                self.alive(cx);
                if answer_due {
                    self.ours = Ours::AckDue { tx, cseq };
                } else if self.send_ack(0, tx, cseq, None, cx).is_err() {
                    // Its route set fits into no datagram.
                    self.end(EndCause::TransportError, Stage::Over, cx);
                    return;
                }
                cx.events.push_back(Event::Answered {
                    session: self.id,
                    body,
                    response: response.clone(),
                });
            }
            _ if self.is_ack_due(tx, response) => {}
            _ => {
                if let Stage::Withdrawing { .. } = self.stage {
                    self.stage = Stage::Over;
                }
                self.discard(tx, cseq, response, cx);
            }
        }
    }

    /// Whether this 2xx still waits for the user's answer.
    pub(super) fn is_ack_due(&self, tx: ClientKey, response: &Message) -> bool {
        let tag = response.to_tag().unwrap_or_default();
        matches!(self.ours, Ours::AckDue { tx: due, .. } if due == tx)
            && self.dialogs.first().is_some_and(|d| *d.remote_tag == *tag)
    }

    /// Makes the dialog of a 2xx that nobody wants, and ends it.
    fn discard(&mut self, tx: ClientKey, cseq: u32, response: &Message, cx: &mut Context<'_>) {
        if self.dialogs.len() >= MAX_FORKS {
            return;
        }
        let index = self.dialogs.len();
        let fallback = address_of(&self.flow);
        self.dialogs
            .push(Dialog::of_response(response, cseq, &fallback));
        // What fits into no datagram can't be ended either.
        if self.send_ack(index, tx, cseq, None, cx).is_ok() {
            self.send_bye(index, &[], cx);
        }
    }

    /// 3xx–6xx to the INVITE.
    pub(super) fn refused(&mut self, response: &Message, cx: &mut Context<'_>) {
        let Stage::Inviting(inviting) = &mut self.stage else {
            if let Stage::Withdrawing { .. } = self.stage {
                self.stage = Stage::Over;
            }
            return;
        };
        let body = inviting.body.as_ref().map_or(&[][..], |body| &body.bytes);
        let credentials = answer_challenge(
            self.auth.as_deref(),
            inviting.challenges,
            response,
            &Method::Invite,
            &inviting.uri,
            body,
            &mut cx.layer.base,
        );
        if let Some((name, value)) = credentials {
            inviting.challenges += 1;
            self.dialogs.clear();
            if self.call(Some((name, &value)), cx).is_ok() {
                return;
            }
        }
        let cause = rejection(response);
        self.dialogs.clear();
        self.end(cause, Stage::Over, cx);
    }
}

/// The cause that a final response tells.
pub(super) fn rejection(response: &Message) -> EndCause {
    let reason = response.header(HeaderName::Reason);
    let reason = reason.unwrap_or_else(|| response.reason());
    EndCause::Rejected {
        status: response.status().unwrap_or_default(),
        reason: (!reason.is_empty()).then(|| reason.into()),
    }
}
