//! The record keeper of one call: holds what its record tells and closes it
//! once. It is told moments and decides nothing. A wall clock that is set while
//! the call lasts changes nothing of it.

use std::net::SocketAddr;

use crate::config::Extension;
use crate::fact::{CallRecord, Disposition, Fact, HangupSide};
use crate::ids::{CallId, Now, Utc};

/// A call's record in the making.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    call: CallId,
    from_number: Box<str>,
    from_name: Box<str>,
    to_number: Box<str>,
    to_name: Box<str>,
    from_address: Option<SocketAddr>,
    started: Now,
    answered: Option<Utc>,
}

impl Record {
    /// Opens it.
    pub(crate) fn open(
        call: CallId,
        caller: (&str, Option<&Extension>, Option<SocketAddr>),
        callee: (&str, Option<&Extension>),
        started: Now,
    ) -> Self {
        let name = |extension: Option<&Extension>| extension.map_or("", |e| &e.name).into();
        Self {
            call,
            from_number: caller.0.into(),
            from_name: name(caller.1),
            to_number: callee.0.into(),
            to_name: name(callee.1),
            from_address: caller.2,
            started,
            answered: None,
        }
    }

    /// Of which call.
    pub(crate) fn call(&self) -> CallId {
        self.call
    }

    /// Tells that the call exists.
    pub(crate) fn started(&self) -> Fact {
        Fact::CallStarted {
            call: self.call,
            from_number: self.from_number.clone(),
            from_name: self.from_name.clone(),
            to_number: self.to_number.clone(),
            to_name: self.to_name.clone(),
            from_address: self.from_address,
            started: self.started,
        }
    }

    /// The callee answers.
    pub(crate) fn answer(&mut self, now: Now) -> Fact {
        let at = now.counted_from(self.started);
        self.answered = Some(at);
        Fact::CallAnswered {
            call: self.call,
            at,
        }
    }

    /// Closes it. A call that was answered is answered, however it ended.
    pub(crate) fn close(&self, now: Now, unanswered: Disposition, hangup: HangupSide) -> Fact {
        Fact::CallEnded(CallRecord {
            call: self.call,
            from_number: self.from_number.clone(),
            from_name: self.from_name.clone(),
            to_number: self.to_number.clone(),
            to_name: self.to_name.clone(),
            from_address: self.from_address,
            started: self.started.utc,
            answered: self.answered,
            ended: now.counted_from(self.started),
            disposition: match self.answered {
                Some(_) => Disposition::Answered,
                None => unanswered,
            },
            hangup,
        })
    }
}
