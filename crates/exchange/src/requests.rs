//! Requests of applications: one more input to the switch each; the answer
//! comes with its actions.

use switch::{Command, ExtensionNumber, Input, RequestId};
use tokio::sync::oneshot;

use crate::core::Core;
use crate::handle::{DialRequest, ExchangeError};

/// Most requests of applications that may wait for the switch.
const MAX_WAITING: usize = 4096;

impl Core {
    /// `call/dial`.
    pub(crate) fn dial(
        &mut self,
        dial: DialRequest,
        answer: oneshot::Sender<Result<switch::CallId, ExchangeError>>,
    ) {
        let refused = if self.stopping {
            Some(ExchangeError::Stopping)
        } else if !self.journal.headroom() || self.waiting.len() >= MAX_WAITING {
            Some(ExchangeError::Congestion)
        } else if dial
            .dial_permission
            .as_deref()
            .is_some_and(|p| self.snapshot.extension_by_number(p).is_none())
        {
            Some(ExchangeError::NoSuchPermission)
        } else {
            None
        };
        let caller = ExtensionNumber::new(&dial.caller).map_err(|_| ExchangeError::NoSuchCaller);
        match (refused, caller) {
            (Some(error), _) | (None, Err(error)) => {
                // Who asked may have gone.
                let _ = answer.send(Err(error));
            }
            (None, Ok(caller)) => {
                let known = self.snapshot.extension_by_number(caller.as_str());
                let command = Command::Dial {
                    name: known.and_then(|caller| self.contact_name(&caller)),
                    caller,
                    callee: dial.callee.into(),
                    auto_answer: dial.auto_answer,
                };
                self.command(command, answer);
            }
        }
    }

    /// `call/hangup`.
    pub(crate) fn hangup(
        &mut self,
        channel: &str,
        answer: oneshot::Sender<Result<switch::CallId, ExchangeError>>,
    ) {
        match self.calls.channel(channel) {
            Some(leg) => self.command(Command::Hangup { leg }, answer),
            None => {
                let _ = answer.send(Err(ExchangeError::NoSuchChannel));
            }
        }
    }

    fn command(
        &mut self,
        command: Command,
        answer: oneshot::Sender<Result<switch::CallId, ExchangeError>>,
    ) {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.waiting.insert(request, answer);
        self.feed(Input::Command { request, command });
    }

    /// Hangs up everything: the exchange goes down. What goes wrong with one
    /// call does not keep the others.
    pub(crate) fn hang_up_all(&mut self) {
        self.stopping = true;
        for call in self.calls.ids() {
            self.guarded(|core| {
                core.next_request += 1;
                core.feed(Input::Command {
                    request: RequestId(core.next_request),
                    command: Command::Close { call },
                });
                core.settle();
            });
        }
    }
}
