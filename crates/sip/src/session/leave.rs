//! The ways out: terminate, BYE of either end (RFC 3261 15).

use super::caller::Progress;
use super::offer::{Ours, Theirs};
use super::resend::Answer;
use super::{
    Context, Headers, Purpose, Session, Stage, Within, answer_challenge, reply_and_forget,
};
use crate::{EndCause, HeaderName, Message, Method};

/// What an INVITE gets that nobody answered before it was terminated.
const UNAVAILABLE: u16 = 480;

/// What a re-INVITE gets that a BYE overtook (RFC 3261 15.1.2).
const TERMINATED: u16 = 487;

impl Session {
    /// Ends the session from our side. It is live.
    pub(crate) fn terminate(&mut self, headers: &[(HeaderName, String)], cx: &mut Context<'_>) {
        match &self.stage {
            Stage::Inviting(_) => self.withdraw(EndCause::Local, headers.into(), cx),
            Stage::Incoming(incoming) => {
                reply_and_forget(incoming.invite, UNAVAILABLE, self.tag, headers, cx);
                self.end(EndCause::Local, Stage::Over, cx);
            }
            Stage::Established => {
                self.settle_ack(cx);
                if self.awaits_first_ack() {
                    let headers = headers.into();
                    self.end(EndCause::Local, Stage::ByeDue { headers }, cx);
                } else {
                    self.end(EndCause::Local, Stage::Over, cx);
                    self.send_bye(0, headers, cx);
                }
            }
            Stage::Withdrawing { .. } | Stage::ByeDue { .. } | Stage::Over => {}
        }
    }

    /// Gives the INVITE up: CANCEL now, or once there is something to cancel.
    fn withdraw(&mut self, cause: EndCause, headers: Headers, cx: &mut Context<'_>) {
        let Stage::Inviting(inviting) = &self.stage else {
            return;
        };
        let invite = inviting.tx;
        let next = match inviting.progress {
            Progress::Calling => Stage::Withdrawing { invite, headers },
            Progress::Proceeding => {
                let layer = &mut *cx.layer;
                layer
                    .clients
                    .cancel(invite, &headers, &mut layer.base, cx.now);
                Stage::Over
            }
        };
        self.dialogs.clear();
        self.end(cause, next, cx);
    }

    /// Hangs up an established session for a reason of ours.
    pub(super) fn hang_up_for(&mut self, cause: EndCause, cx: &mut Context<'_>) {
        if let Stage::Established = self.stage {
            self.settle_ack(cx);
            self.end(cause, Stage::Over, cx);
            self.send_bye(0, &[], cx);
        }
    }

    /// The far end's BYE, answered already, in one of the dialogs.
    pub(super) fn bye_received(&mut self, dialog: usize, cx: &mut Context<'_>) {
        match &self.stage {
            Stage::Incoming(incoming) => {
                reply_and_forget(incoming.invite, TERMINATED, self.tag, &[], cx);
                self.end(EndCause::Cancelled, Stage::Over, cx);
            }
            // One fork of several gave up; the last takes the call with it.
            Stage::Inviting(_) if self.dialogs.len() > 1 => {
                self.dialogs.remove(dialog);
            }
            Stage::Inviting(_) => self.withdraw(EndCause::Bye, Headers::default(), cx),
            Stage::Established if dialog == 0 => {
                self.settle_ack(cx);
                self.end(EndCause::Bye, Stage::Over, cx);
            }
            Stage::ByeDue { .. } => self.end(EndCause::Bye, Stage::Over, cx),
            Stage::Established | Stage::Withdrawing { .. } | Stage::Over => {}
        }
    }

    /// The answer to our BYE: only a challenge matters.
    pub(super) fn bye_answered(&mut self, response: &Message, cx: &mut Context<'_>) {
        let tag = response.to_tag().unwrap_or_default();
        let Some(index) = self.dialogs.iter().position(|d| *d.remote_tag == *tag) else {
            return;
        };
        let Some(uri) = self.dialogs.get(index).map(|d| d.way().0.into_owned()) else {
            return;
        };
        let credentials = answer_challenge(
            self.auth.as_deref(),
            0,
            response,
            &Method::Bye,
            &uri,
            &[],
            &mut cx.layer.base,
        );
        if let Some((name, value)) = credentials {
            let request = Within {
                method: Method::Bye,
                headers: &[],
                body: None,
                credentials: Some((name, &value)),
            };
            // What fits into no datagram can't be sent.
            let _ = self.send_within(index, &request, Purpose::ByeAgain, cx);
        }
    }

    pub(super) fn send_bye(
        &mut self,
        dialog: usize,
        headers: &[(HeaderName, String)],
        cx: &mut Context<'_>,
    ) {
        let request = Within {
            method: Method::Bye,
            headers,
            body: None,
            credentials: None,
        };
        // What fits into no datagram can't be sent.
        let _ = self.send_within(dialog, &request, Purpose::Bye, cx);
    }

    /// An offer of theirs that the end overtook.
    pub(super) fn settle_their_offer(&mut self, cx: &mut Context<'_>) {
        if let Theirs::Pending { tx, .. } = std::mem::replace(&mut self.theirs, Theirs::None) {
            reply_and_forget(tx, TERMINATED, self.tag, &[], cx);
        }
    }

    /// An ACK that waits for an answer nobody will give: without it the far end
    /// would wait for it before anything else.
    fn settle_ack(&mut self, cx: &mut Context<'_>) {
        if let Ours::AckDue { tx, cseq } = self.ours {
            self.ours = Ours::None;
            let _ = self.send_ack(0, tx, cseq, None, cx);
        }
    }

    /// Whether our 2xx to the first INVITE waits for its ACK.
    fn awaits_first_ack(&self) -> bool {
        self.resend
            .as_ref()
            .is_some_and(|resend| resend.answer == Answer::First)
    }
}
