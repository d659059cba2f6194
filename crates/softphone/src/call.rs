//! The one call a phone can be in: placing and taking it, hold of either end.

use std::time::{Duration, Instant};

use media::Codec;
use sip::{Body, HeaderName, Invite, Message, SessionId};

use crate::audio::Audio;
use crate::config::Answer;
use crate::phone::{Phone, PhoneError, PhoneEvent};
use crate::sdp::{self, Direction};

/// The one call a phone can be in.
pub(crate) struct Call {
    pub(crate) session: SessionId,
    pub(crate) answered: bool,
    audio: Audio,
    codecs: Vec<(Codec, u8)>,
    version: u64,
    offer: Option<sdp::Remote>,
    /// We hold the other end; what we offer and answer says so.
    holding: bool,
    /// Whether we did when both last agreed.
    held_it: bool,
    /// The other end holds us.
    held: bool,
}

impl Call {
    fn new(session: SessionId, audio: Audio, codecs: Vec<(Codec, u8)>) -> Self {
        Self {
            session,
            answered: false,
            audio,
            codecs,
            version: 1,
            offer: None,
            holding: false,
            held_it: false,
            held: false,
        }
    }

    /// What we want for ourselves.
    fn wish(&self) -> Direction {
        Direction {
            sends: true,
            receives: !self.holding,
        }
    }

    /// Our next description.
    fn describe(&mut self, direction: Direction) -> Body {
        let body = sdp::write(1, self.version, self.audio.local, &self.codecs, direction);
        self.version += 1;
        Body::sdp(body)
    }

    fn connect(&mut self, remote: sdp::Remote) {
        self.audio.connect(remote);
        self.codecs = vec![(remote.codec, remote.payload_type)];
    }
}

impl Phone {
    pub(crate) async fn dial(&mut self, number: &str) -> Result<(), PhoneError> {
        if self.call.is_some() {
            return Err(PhoneError::State);
        }
        let audio = self.open_audio().await?;
        let mut call = Call::new(SessionId::default(), audio, self.offered_codecs());
        let body = call.describe(call.wish());
        let uri = format!("sip:{number}@{}", self.config.registrar);
        let invite = Invite {
            uri: uri.clone(),
            flow: self.flow,
            from: self.aor(),
            to: format!("<{uri}>"),
            contact: self.contact(),
            max_forwards: 70,
            headers: Vec::new(),
            body: Some(body),
            auth: self.auth(),
            via_host: self.flow.local,
        };
        let now = self.now();
        call.session = self
            .sip
            .invite(invite, now)
            .map_err(|_| PhoneError::State)?;
        self.call = Some(call);
        Ok(())
    }

    pub(crate) fn hang_up(&mut self) -> Result<(), PhoneError> {
        let now = self.now();
        let call = self.call.as_ref().ok_or(PhoneError::State)?;
        self.sip
            .terminate(call.session, &[], now)
            .map_err(|_| PhoneError::State)
    }

    /// Holds the other end, or takes it back.
    pub(crate) fn hold(&mut self, hold: bool) -> Result<(), PhoneError> {
        let call = self.call.as_mut().filter(|call| call.answered);
        let call = call.ok_or(PhoneError::State)?;
        call.holding = hold;
        self.offer().inspect_err(|_| self.offer_refused())
    }

    fn offer(&mut self) -> Result<(), PhoneError> {
        let now = self.now();
        let call = self.call.as_mut().ok_or(PhoneError::State)?;
        let body = call.describe(call.wish());
        self.sip
            .reinvite(call.session, Some(body), now)
            .map_err(|_| PhoneError::State)
    }

    /// Our offer was answered: we hold or we don't, as it said.
    pub(crate) fn offer_answered(&mut self, body: Option<&Body>) {
        self.connect(body);
        if let Some(call) = &mut self.call {
            call.held_it = call.holding;
        }
    }

    /// Our offer was refused: what stood before stands.
    pub(crate) fn offer_refused(&mut self) {
        if let Some(call) = &mut self.call {
            call.holding = call.held_it;
        }
    }

    async fn open_audio(&self) -> Result<Audio, PhoneError> {
        let mut ssrc = [0; 4];
        getrandom::fill(&mut ssrc)?;
        let ssrc = u32::from_ne_bytes(ssrc);
        let audio = Audio::open(self.config.listen, self.config.tone, ssrc).await?;
        *self.ear.lock() = Some(audio.ear.clone());
        Ok(audio)
    }

    fn offered_codecs(&self) -> Vec<(Codec, u8)> {
        let codecs = self.config.codecs.iter();
        codecs.map(|c| (*c, sdp::payload_type(*c))).collect()
    }

    /// The time to answer has come.
    pub(crate) fn answer(&mut self) {
        self.answer_at = None;
        let (now, contact) = (self.now(), self.contact());
        let Some(call) = &mut self.call else { return };
        let mut direction = call.wish();
        if let Some(remote) = call.offer {
            call.connect(remote);
            direction = direction.answering(remote.direction);
            call.held = !remote.direction.receives;
        }
        let body = call.describe(direction);
        call.answered = true;
        if self
            .sip
            .accept(call.session, body, &contact, &[], now)
            .is_ok()
        {
            self.tell(PhoneEvent::Answered);
        }
    }

    pub(crate) fn is(&self, session: SessionId) -> bool {
        self.call
            .as_ref()
            .is_some_and(|call| call.session == session)
    }

    /// The other end's answer, where there is one.
    pub(crate) fn connect(&mut self, body: Option<&Body>) {
        if let (Some(call), Some(body)) = (&mut self.call, body)
            && let Some(remote) = sdp::read(&body.bytes, &self.config.codecs)
        {
            call.audio.connect(remote);
        }
    }

    pub(crate) async fn called(&mut self, session: SessionId, request: &Message) {
        let now = self.now();
        let refusal = match self.config.answer {
            _ if self.call.is_some() => Some(486),
            Answer::Busy => Some(486),
            Answer::Decline => Some(603),
            Answer::After(_) | Answer::Never => None,
        };
        let offer =
            (!request.body().is_empty()).then(|| sdp::read(request.body(), &self.config.codecs));
        let refusal = refusal.or((offer == Some(None)).then_some(488));
        let audio = match refusal {
            Some(_) => None,
            None => self.open_audio().await.ok(),
        };
        let Some(audio) = audio else {
            let _ = self.sip.reject(session, refusal.unwrap_or(500), &[], now);
            return;
        };
        let mut call = Call::new(session, audio, self.offered_codecs());
        call.offer = offer.flatten();
        self.call = Some(call);
        let _ = self.sip.ring(session, 180, None, &self.contact(), now);
        let caller = request.from().ok();
        let name = caller.as_ref().and_then(sip::NameAddr::display_name);
        let name = name.map(|name| name.into_owned()).unwrap_or_default();
        let from = caller.and_then(|caller| caller.uri.parse::<sip::Uri>().ok());
        let from = from
            .and_then(|uri| uri.user_unescaped().map(|u| u.into_owned()))
            .unwrap_or_default();
        self.tell(PhoneEvent::Incoming { from, name });
        if let Answer::After(wait) = self.config.answer {
            let at_once = request
                .headers(HeaderName::CallInfo)
                .any(|value| value.contains("answer-after=0"));
            self.answer_at = Some(Instant::now() + if at_once { Duration::ZERO } else { wait });
        }
    }

    /// The other end offers anew, or asks for our offer.
    pub(crate) fn offered(&mut self, session: SessionId, body: Option<Body>) {
        let now = self.now();
        let Some(call) = &mut self.call else { return };
        let mut direction = call.wish();
        let mut held = call.held;
        if let Some(body) = body {
            let Some(remote) = sdp::read(&body.bytes, &self.config.codecs) else {
                let _ = self.sip.refuse_reinvite(session, 488, &[], now);
                return;
            };
            call.connect(remote);
            direction = direction.answering(remote.direction);
            held = !remote.direction.receives;
        }
        // One of ours that waits was made of what stood before: it is made anew.
        let again = self.sip.withdraw_offer(session, now) == Ok(true);
        let answer = call.describe(direction);
        let news = std::mem::replace(&mut call.held, held) != held;
        let _ = self.sip.answer_reinvite(session, answer, now);
        if news {
            self.tell(PhoneEvent::Held(held));
        }
        if again && self.offer().is_err() {
            self.offer_refused();
        }
    }
}
