//! All sessions, and how a request within a dialog finds its own.

use std::collections::HashMap;

use slotmap::SlotMap;

use super::{Context, Session, SessionId};
use crate::endpoint::EndpointError;
use crate::transaction::{Alarm, Base, Request, Tag};

#[derive(Default)]
pub(crate) struct Sessions {
    table: SlotMap<SessionId, Session>,
    by_tag: HashMap<Tag, SessionId>,
}

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn insert(&mut self, make: impl FnOnce(SessionId) -> Session) -> SessionId {
        let id = self.table.insert_with_key(make);
        if let Some(session) = self.table.get(id) {
            self.by_tag.insert(session.tag, id);
        }
        id
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        self.table.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.table.get_mut(id)
    }

    /// Takes out a session that never was.
    pub(crate) fn remove(&mut self, id: SessionId) {
        if let Some(session) = self.table.remove(id) {
            self.by_tag.remove(&session.tag);
        }
    }

    /// A session that a command may still mean.
    pub(crate) fn live(&mut self, id: SessionId) -> Result<&mut Session, EndpointError> {
        self.table
            .get_mut(id)
            .filter(|session| session.is_live())
            .ok_or(EndpointError::UnknownSession)
    }

    /// The dialog with both tags and the Call-ID of a request (RFC 3261 12.2.2).
    pub(crate) fn find(&self, request: &Request<'_>) -> Option<(SessionId, usize)> {
        let tag = Tag::parse(request.to_tag?)?;
        let id = *self.by_tag.get(&tag)?;
        let session = self.table.get(id)?;
        let dialog = session.dialog_of(request.call_id, request.from_tag)?;
        Some((id, dialog))
    }

    pub(crate) fn timeout(&mut self, id: SessionId, cx: &mut Context<'_>) {
        if let Some(session) = self.table.get_mut(id) {
            session.alarm = None;
            session.timeout(cx);
        }
    }

    /// After anything was done with a session: its alarm is set anew, and what
    /// is finished goes.
    pub(crate) fn settle(&mut self, id: SessionId, base: &mut Base) {
        let Some(session) = self.table.get_mut(id) else {
            return;
        };
        let finished = session.is_finished();
        let at = if finished { None } else { session.deadline() };
        base.alarms.set(Alarm::Session(id), &mut session.alarm, at);
        if finished {
            self.by_tag.remove(&session.tag);
            self.table.remove(id);
        }
    }
}
