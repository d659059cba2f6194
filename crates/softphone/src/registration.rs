//! Being registered, and staying so: a refresh that fails is tried again until
//! it stands or the phone is told to leave.

use std::time::{Duration, Instant};

use sip::{HeaderName, Message, Method, OutOfDialog, RequestTxId};

use crate::phone::{Done, Phone, PhoneError};

/// How long a registration is asked for, seconds.
const EXPIRES: u32 = 300;

/// A refresh that failed is tried again after a tenth of the time granted, but
/// not sooner than the first and not later than the second of these.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// CSeq numbers that one attempt may use: it is sent again when challenged.
const NUMBERS: u32 = 4;

/// The phone's registration.
pub(crate) struct Registration {
    call_id: String,
    cseq: u32,
    /// Seconds to ask for; longer than [`EXPIRES`] where the registrar wants it.
    expires: u32,
    /// What was granted last.
    granted: Duration,
    /// It stood once and is to be kept.
    kept: bool,
    asked: Option<Asked>,
    /// When to refresh it, or to try again.
    pub(crate) refresh_at: Option<Instant>,
}

/// A REGISTER under way.
struct Asked {
    tx: RequestTxId,
    leaving: bool,
    done: Option<Done>,
    /// 423 was heeded once.
    lengthened: bool,
}

impl Registration {
    pub(crate) fn new(call_id: String) -> Self {
        Self {
            call_id,
            cseq: 1,
            expires: EXPIRES,
            granted: Duration::ZERO,
            kept: false,
            asked: None,
            refresh_at: None,
        }
    }
}

impl Phone {
    /// Registers, or takes the registration back.
    pub(crate) fn register(&mut self, leaving: bool, done: Option<Done>) {
        self.registration.kept &= !leaving;
        self.send_register(leaving, done, false);
    }

    fn send_register(&mut self, leaving: bool, done: Option<Done>, lengthened: bool) {
        self.registration.refresh_at = None;
        let expires = if leaving {
            0
        } else {
            self.registration.expires
        };
        let request = OutOfDialog {
            method: Method::Register,
            uri: format!("sip:{}", self.config.registrar),
            flow: self.flow,
            from: self.aor(),
            to: self.aor(),
            call_id: Some(self.registration.call_id.clone()),
            cseq: Some(self.registration.cseq),
            headers: vec![
                (HeaderName::Contact, self.contact()),
                (HeaderName::Expires, expires.to_string()),
            ],
            body: None,
            auth: self.auth(),
            via_host: self.flow.local,
        };
        self.registration.cseq += NUMBERS;
        let now = self.now();
        match self.sip.request(request, now) {
            Ok(tx) => {
                self.registration.asked = Some(Asked {
                    tx,
                    leaving,
                    done,
                    lengthened,
                });
            }
            Err(_) => self.register_failed(done, PhoneError::State),
        }
    }

    /// The final answer, or none.
    pub(crate) fn register_answered(&mut self, tx: RequestTxId, response: Option<&Message>) {
        let status = response.map_or(408, |response| response.status().unwrap_or(0));
        if status < 200 {
            return;
        }
        let Some(asked) = self.registration.asked.take_if(|asked| asked.tx == tx) else {
            return;
        };
        let least = response.and_then(min_expires);
        match (status, response, least) {
            (200..=299, Some(response), _) => {
                if !asked.leaving {
                    self.granted(response);
                }
                if let Some(done) = asked.done {
                    let _ = done.send(Ok(()));
                }
            }
            (423, _, Some(least)) if !asked.lengthened && !asked.leaving => {
                self.registration.expires = least;
                self.send_register(false, asked.done, true);
            }
            _ => self.register_failed(asked.done, PhoneError::Refused(status)),
        }
    }

    /// It stands: half of the time granted is long before it runs out.
    fn granted(&mut self, response: &Message) {
        let registration = &mut self.registration;
        let ours = format!("{}@{}", self.config.number, self.flow.local);
        let of_contact = response
            .contacts()
            .filter_map(Result::ok)
            .find(|contact| contact.uri.ends_with(&ours))
            .and_then(|contact| contact.param("expires")?.parse().ok());
        let seconds: u32 = of_contact
            .or(response.expires())
            .unwrap_or(registration.expires);
        registration.granted = Duration::from_secs(seconds.into());
        registration.kept = true;
        registration.refresh_at = Some(Instant::now() + registration.granted / 2);
    }

    fn register_failed(&mut self, done: Option<Done>, error: PhoneError) {
        let registration = &mut self.registration;
        if registration.kept {
            let [least, most] = RETRY;
            let after = (registration.granted / 10).clamp(least, most);
            registration.refresh_at = Some(Instant::now() + after);
        }
        if let Some(done) = done {
            let _ = done.send(Err(error));
        }
    }
}

fn min_expires(response: &Message) -> Option<u32> {
    response.header(HeaderName::MinExpires)?.trim().parse().ok()
}
