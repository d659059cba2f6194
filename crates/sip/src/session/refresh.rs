//! Whether the far end is still there: asked once in a while, in every
//! established session. A phone that lost its power says no BYE, and where it
//! holds or is held no RTP is missed either.
//!
//! Where it knows UPDATE it is asked by one without an offer, as session timers
//! do (RFC 4028 7.4): that needs the dialog, so a phone that started anew says
//! 481. Else by OPTIONS in the dialog, which touches neither media nor what it
//! shows (RFC 3261 11.2). A re-INVITE is not used: with it come glare, phones
//! that take it for the end of a hold, and an answer that may differ. Any answer
//! but 481 and 408 says that it is there.

use super::caller::rejection;
use super::{Context, Purpose, Session, Stage, Within};
use crate::transaction::Instant;
use crate::{EndCause, HeaderName, Message, Method};

/// When to ask, and how.
pub(crate) struct Refresh {
    at: Option<Instant>,
    /// The far end said that it knows UPDATE.
    updates: bool,
}

impl Refresh {
    /// Not established yet, and nothing known.
    pub(crate) fn new() -> Self {
        Self {
            at: None,
            updates: false,
        }
    }

    /// Takes note of the methods that the far end knows, where it names them.
    pub(crate) fn note(&mut self, message: &Message) {
        let mut allowed = message.values(HeaderName::Allow).peekable();
        if allowed.peek().is_some() {
            self.updates = allowed.any(|method| method == Method::Update.as_str());
        }
    }
}

impl Session {
    /// The far end has just shown that it is there.
    pub(super) fn alive(&mut self, cx: &Context<'_>) {
        self.refresh.at = cx.layer.base.refresh_every.map(|every| cx.now.after(every));
    }

    pub(super) fn refresh_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Established => self.refresh.at,
            _ => None,
        }
    }

    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        if self.refresh_at().is_none_or(|at| at > cx.now) {
            return;
        }
        self.alive(cx);
        let method = match self.refresh.updates {
            true => Method::Update,
            false => Method::Options,
        };
        let request = Within {
            method,
            headers: &[],
            body: None,
            credentials: None,
        };
        // What fits into no datagram can't be sent.
        let _ = self.send_within(0, &request, Purpose::Refresh, cx);
    }

    pub(super) fn refresh_answered(&mut self, response: &Message, cx: &mut Context<'_>) {
        if !self.is_live() {
            return;
        }
        match response.status().unwrap_or_default() {
            408 => self.hang_up_for(EndCause::Timeout, cx),
            // There is no dialog to hang up.
            481 => self.end(rejection(response), Stage::Over, cx),
            405 | 501 => self.refresh.updates = false,
            200..=299 => {
                let update = response.cseq().is_ok_and(|c| c.method == Method::Update);
                if let Some(dialog) = self.dialogs.first_mut().filter(|_| update) {
                    dialog.refresh_by(response);
                }
            }
            _ => {}
        }
    }
}
