//! The two ends of a call as the phones know them: which messages they send
//! and what they remember of the dialog. What happens when is `load`'s.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::phones::Phone;
use super::text::{self, Incoming};

/// T1 of RFC 3261: the first retransmission.
pub const T1: Duration = Duration::from_millis(500);
/// T2: retransmissions are no further apart.
pub const T2: Duration = Duration::from_secs(4);

/// How far a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// INVITE sent, not yet challenged (a caller).
    Calling,
    /// INVITE with credentials sent (a caller); it rings (a callee).
    Ringing,
    /// Answered.
    Talking,
    /// BYE sent.
    HangingUp,
    /// Done.
    Over,
}

/// A message that is sent again until something answers it.
#[derive(Debug)]
pub struct Waiting {
    /// Its number within the leg.
    pub message: u32,
    /// The message.
    pub bytes: Vec<u8>,
    /// Time to its next copy.
    pub interval: Duration,
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    /// How far.
    pub state: State,
    /// Number of messages kept in `waiting` so far.
    pub messages: u32,
    /// What waits for an answer.
    pub waiting: Option<Waiting>,
    /// A response or ACK that the far end may want once more.
    pub last: Vec<u8>,
    /// When 180 was sent (callee) or received (caller).
    pub rang: Option<Instant>,
    /// When 200 was sent or received.
    pub answered: Option<Instant>,
    /// When the INVITE with credentials was sent (caller).
    pub proved: Option<Instant>,
    /// The callee's 200 was acknowledged.
    pub acknowledged: bool,
    /// Where the far end of the leg (the server) takes RTP.
    pub media: Option<SocketAddr>,
    call_id: String,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    invite: String,
}

impl Leg {
    /// A caller's leg and its first INVITE.
    pub fn calling(
        phone: &Phone,
        callee: &str,
        server: SocketAddr,
        call_id: String,
        sdp: &str,
    ) -> (Self, Vec<u8>) {
        let number = &phone.account.number;
        let target = format!("sip:{callee}@{server}");
        let mut leg = Self {
            state: State::Calling,
            messages: 0,
            waiting: None,
            last: Vec::new(),
            rang: None,
            answered: None,
            proved: None,
            acknowledged: false,
            media: None,
            local: format!("<sip:{number}@{server}>;tag=a{number}"),
            remote: format!("<{target}>"),
            call_id,
            invite: target.clone(),
            target,
            cseq: 0,
        };
        let invite = leg.invite(phone, "", sdp);
        (leg, invite)
    }

    /// A callee's leg, from an INVITE.
    pub fn called(invite: &Incoming<'_>, tag: &str) -> Self {
        Self {
            state: State::Ringing,
            messages: 0,
            waiting: None,
            last: Vec::new(),
            rang: None,
            answered: None,
            proved: None,
            acknowledged: false,
            media: media_of(invite.body),
            call_id: invite.call_id().to_owned(),
            local: format!("{};tag={tag}", invite.one("To").unwrap_or("")),
            remote: invite.one("From").unwrap_or("").to_owned(),
            target: invite.contact().unwrap_or("").to_owned(),
            cseq: 0,
            invite: String::new(),
        }
    }

    /// Number of the last request sent.
    pub fn cseq(&self) -> u32 {
        self.cseq
    }

    /// The URI that the caller dialled.
    pub fn dialled(&self) -> &str {
        &self.invite
    }

    /// An INVITE, with or without credentials.
    pub fn invite(&mut self, phone: &Phone, credentials: &str, sdp: &str) -> Vec<u8> {
        self.cseq += 1;
        let branch = format!("i{}", self.cseq);
        let contact = phone.uri();
        let more = format!(
            "Contact: <{contact}>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n\
             User-Agent: strowger-bench\r\n{credentials}"
        );
        let uri = self.invite.clone();
        self.request(phone, "INVITE", &uri, &branch, &more, sdp)
    }

    /// The ACK to a final response of the INVITE.
    pub fn ack(&mut self, phone: &Phone, response: &Incoming<'_>) -> Vec<u8> {
        let (cseq, _) = response.cseq();
        let ours = self.cseq;
        self.cseq = cseq;
        let to = response.one("To").unwrap_or("").to_owned();
        let positive = response.status().is_some_and(|status| status < 300);
        let ack = if positive {
            self.remote = to;
            if let Some(contact) = response.contact() {
                self.target = contact.to_owned();
            }
            self.media = media_of(response.body).or(self.media);
            let uri = self.target.clone();
            self.request(phone, "ACK", &uri, &format!("a{cseq}"), "", "")
        } else {
            // Same branch and the response's To: RFC 3261, 17.1.1.3.
            let before = std::mem::replace(&mut self.remote, to);
            let uri = self.invite.clone();
            let ack = self.request(phone, "ACK", &uri, &format!("i{cseq}"), "", "");
            self.remote = before;
            ack
        };
        self.cseq = ours;
        ack
    }

    /// A BYE.
    pub fn bye(&mut self, phone: &Phone) -> Vec<u8> {
        self.cseq += 1;
        let uri = self.target.clone();
        let branch = format!("b{}", self.cseq);
        self.request(phone, "BYE", &uri, &branch, "", "")
    }

    fn request(
        &self,
        phone: &Phone,
        method: &str,
        uri: &str,
        branch: &str,
        more: &str,
        sdp: &str,
    ) -> Vec<u8> {
        let Self {
            call_id,
            local,
            remote,
            cseq,
            ..
        } = self;
        let address = phone.address;
        // A Call-ID is unique and made of token characters, up to its `@`.
        let unique = call_id.split('@').next().unwrap_or(call_id);
        text::close(
            format!(
                "{method} {uri} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {address};rport;branch=z9hG4bK{unique}{branch}\r\n\
                 Max-Forwards: 70\r\nFrom: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\n\
                 CSeq: {cseq} {method}\r\n{more}"
            ),
            sdp,
        )
    }
}

/// A G.711 offer or answer for a port of 127.0.0.1.
pub fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- {port} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Address of the first audio stream of an SDP body.
fn media_of(body: &str) -> Option<SocketAddr> {
    let host = body
        .lines()
        .find_map(|line| line.strip_prefix("c=IN IP4 "))?;
    let port = body
        .lines()
        .find_map(|line| line.strip_prefix("m=audio "))?
        .split(' ')
        .next()?;
    Some(SocketAddr::new(
        host.trim().parse().ok()?,
        port.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_our_own_offer_is_read_back() {
        assert_eq!(
            media_of(&sdp(4000)),
            Some(SocketAddr::from(([127, 0, 0, 1], 4000)))
        );
    }
}
