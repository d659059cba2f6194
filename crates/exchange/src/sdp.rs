//! SDP (RFC 8866) to the switch's media description and back, for one leg.
//!
//! The grammar is `sdp-types`'; here is what an offer and its answer must
//! remember of each other: the order of the streams, those refused with port
//! 0, the session id and its version (RFC 3264 §5–8). Offer and answer are
//! negotiated in `switch`, never here.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use sdp_types::{Media, Session};
use switch::{Codec, Direction, Encoding, MediaDescription};

/// Most streams of one description that are looked at; a longer one is refused.
const MAX_STREAMS: usize = 16;
/// Most formats of one stream that are looked at.
const MAX_FORMATS: usize = 64;

/// Why a description can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// It is no SDP.
    #[error("not a session description")]
    Syntax,
    /// No stream of audio over RTP/AVP.
    #[error("no audio stream over plain RTP")]
    NoAudio,
    /// More streams than [`MAX_STREAMS`].
    #[error("too many streams")]
    TooMany,
}

/// One `m=` line as the far end wrote it, so that ours stand in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    media: String,
    proto: String,
    fmt: String,
}

/// The streams of a description of the far end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Streams {
    lines: Vec<Line>,
    /// Which of them is the audio that we talk of.
    audio: usize,
    /// Where RTP goes, and where RTCP, if that was named (RFC 3605).
    rtcp: Option<(SocketAddr, SocketAddr)>,
}

/// What a leg remembers of the descriptions that went to and fro.
#[derive(Debug, Clone)]
pub struct SdpState {
    session_id: u64,
    version: u64,
    theirs: Streams,
    /// What stood before the last one that was read, should that be refused.
    before: Option<Streams>,
    /// What we wrote last, from the line after the version on.
    last: Option<String>,
}

impl SdpState {
    /// A new leg's, with the id that its `o=` line will carry for life.
    pub fn new(session_id: u64) -> Self {
        Self {
            session_id,
            version: session_id,
            theirs: Streams::default(),
            before: None,
            last: None,
        }
    }

    /// Reads what the far end offered or answered.
    pub fn read(&mut self, body: &[u8]) -> Result<MediaDescription, SdpError> {
        let session = Session::parse(body).map_err(|_| SdpError::Syntax)?;
        if session.medias.len() > MAX_STREAMS {
            return Err(SdpError::TooMany);
        }
        let plain =
            |m: &Media| m.media == "audio" && (m.proto == "RTP/AVP" || m.proto == "RTP/AVPF");
        let (audio, media) = session
            .medias
            .iter()
            .enumerate()
            .find(|(_, m)| plain(m) && m.port != 0)
            .ok_or(SdpError::NoAudio)?;
        let description = describe(&session, media);
        let rtcp = description
            .remote
            .and_then(|rtp| Some((rtp, rtcp(media, rtp)?)));
        let lines = session
            .medias
            .into_iter()
            .map(|m| Line {
                media: m.media,
                proto: m.proto,
                fmt: m.fmt,
            })
            .collect();
        let read = Streams { lines, audio, rtcp };
        self.before = Some(std::mem::replace(&mut self.theirs, read));
        Ok(description)
    }

    /// What was read last is refused: what stood before it stands again.
    pub fn refuse(&mut self) {
        if let Some(before) = self.before.take() {
            self.theirs = before;
        }
    }

    /// Where the far end wants RTCP, where it named that beside this address.
    pub fn rtcp_of(&self, rtp: SocketAddr) -> Option<SocketAddr> {
        self.theirs
            .rtcp
            .filter(|(beside, _)| *beside == rtp)
            .map(|(_, rtcp)| rtcp)
    }

    /// Writes our side. The version grows when anything changed since the last.
    pub fn write(&mut self, description: &MediaDescription, address: IpAddr, port: u16) -> Bytes {
        self.before = None;
        let rest = self.render(description, address, port);
        if self.last.as_ref().is_some_and(|last| *last != rest) {
            self.version += 1;
        }
        let head = format!("v=0\r\no=- {} {} IN ", self.session_id, self.version);
        let bytes = Bytes::from([head.as_bytes(), rest.as_bytes()].concat());
        self.last = Some(rest);
        bytes
    }

    fn render(&self, description: &MediaDescription, address: IpAddr, port: u16) -> String {
        let family = if address.is_ipv4() { "IP4" } else { "IP6" };
        let mut out = String::with_capacity(512);
        // Writing into a String does not fail.
        let _ = write!(
            out,
            "{family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
        );
        if self.theirs.lines.is_empty() {
            write_audio(&mut out, description, "RTP/AVP", port);
        }
        for (index, line) in self.theirs.lines.iter().enumerate() {
            if index == self.theirs.audio {
                write_audio(&mut out, description, &line.proto, port);
            } else {
                let _ = write!(out, "m={} 0 {} {}\r\n", line.media, line.proto, line.fmt);
            }
        }
        out
    }
}

fn write_audio(out: &mut String, description: &MediaDescription, proto: &str, port: u16) {
    // Writing into a String does not fail.
    let _ = write!(out, "m=audio {port} {proto}");
    for codec in &description.codecs {
        let _ = write!(out, " {}", codec.payload_type);
    }
    out.push_str("\r\n");
    for codec in &description.codecs {
        let _ = write!(
            out,
            "a=rtpmap:{} {}/{}",
            codec.payload_type,
            name(&codec.encoding),
            codec.clock_rate
        );
        if codec.channels > 1 {
            let _ = write!(out, "/{}", codec.channels);
        }
        out.push_str("\r\n");
        if let Some(parameters) = &codec.parameters {
            let _ = write!(out, "a=fmtp:{} {parameters}\r\n", codec.payload_type);
        }
    }
    if let Some(ptime) = description.ptime {
        let _ = write!(out, "a=ptime:{ptime}\r\n");
    }
    out.push_str(match description.direction {
        Direction::SendRecv => "a=sendrecv\r\n",
        Direction::SendOnly => "a=sendonly\r\n",
        Direction::RecvOnly => "a=recvonly\r\n",
        Direction::Inactive => "a=inactive\r\n",
    });
}

/// `a=rtcp:<port> [IN IP4|IP6 <address>]` (RFC 3605).
fn rtcp(media: &Media, rtp: SocketAddr) -> Option<SocketAddr> {
    let value = media
        .attributes
        .iter()
        .find(|a| a.attribute == "rtcp")?
        .value
        .as_deref()?;
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    let address = match words.nth(2) {
        Some(address) => address.parse().ok()?,
        None => rtp.ip(),
    };
    Some(SocketAddr::new(address, port))
}

fn describe(session: &Session, media: &Media) -> MediaDescription {
    let address = media
        .connections
        .first()
        .or(session.connection.as_ref())
        .and_then(|c| c.try_address().ok())
        .map(|a| a.ip);
    let direction = media
        .attributes
        .iter()
        .chain(&session.attributes)
        .find_map(|a| match a.attribute.as_str() {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        })
        .unwrap_or_default();
    let value_of = |name: &str, payload_type: u8| {
        media
            .attributes
            .iter()
            .filter(|a| a.attribute == name)
            .find_map(|a| {
                let (number, rest) = a.value.as_deref()?.trim().split_once(' ')?;
                (number.parse::<u8>().ok()? == payload_type).then(|| rest.trim())
            })
    };
    let codecs = media
        .fmt
        .split_ascii_whitespace()
        .take(MAX_FORMATS)
        .filter_map(|f| f.parse::<u8>().ok().filter(|pt| *pt < 128))
        .filter_map(|payload_type| {
            let parameters = value_of("fmtp", payload_type).map(Box::from);
            match value_of("rtpmap", payload_type) {
                Some(map) => mapped(payload_type, map, parameters),
                None => well_known(payload_type, parameters),
            }
        })
        .collect();
    let ptime = media
        .attributes
        .iter()
        .find(|a| a.attribute == "ptime")
        .and_then(|a| a.value.as_deref()?.trim().parse().ok());
    MediaDescription {
        remote: Some(SocketAddr::new(
            // A name instead of an address: the packets will tell (media learns them).
            address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            media.port,
        )),
        codecs,
        direction,
        ptime,
    }
}

fn mapped(payload_type: u8, map: &str, parameters: Option<Box<str>>) -> Option<Codec> {
    let mut parts = map.split('/');
    let name = parts.next()?.trim();
    let clock_rate = parts.next()?.trim().parse().ok()?;
    let channels = parts
        .next()
        .and_then(|c| c.trim().parse().ok())
        .unwrap_or(1);
    let encoding = match name.to_ascii_lowercase().as_str() {
        "pcmu" => Encoding::Pcmu,
        "pcma" => Encoding::Pcma,
        "g722" => Encoding::G722,
        "g729" => Encoding::G729,
        "opus" => Encoding::Opus,
        "telephone-event" => Encoding::TelephoneEvent,
        other => Encoding::Other(other.into()),
    };
    Some(Codec {
        payload_type,
        encoding,
        clock_rate,
        channels,
        parameters,
    })
}

fn well_known(payload_type: u8, parameters: Option<Box<str>>) -> Option<Codec> {
    // RFC 3551 §6: the static payload types that telephones use.
    let encoding = match payload_type {
        0 => Encoding::Pcmu,
        3 => Encoding::Other("gsm".into()),
        8 => Encoding::Pcma,
        9 => Encoding::G722,
        18 => Encoding::G729,
        _ => return None,
    };
    Some(Codec {
        payload_type,
        encoding,
        clock_rate: 8000,
        channels: 1,
        parameters,
    })
}

fn name(encoding: &Encoding) -> &str {
    match encoding {
        Encoding::Pcmu => "PCMU",
        Encoding::Pcma => "PCMA",
        Encoding::G722 => "G722",
        Encoding::G729 => "G729",
        Encoding::Opus => "opus",
        Encoding::TelephoneEvent => "telephone-event",
        Encoding::Other(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=alice 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
        m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
        m=audio 4002 RTP/AVP 0 9 97 101\r\na=rtpmap:97 opus/48000/2\r\na=fmtp:97 useinbandfec=1\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendonly\r\n";

    fn read(text: &str) -> (SdpState, MediaDescription) {
        let mut state = SdpState::new(7);
        let description = state.read(text.as_bytes()).unwrap();
        (state, description)
    }

    #[test]
    fn offer_is_read_with_static_and_dynamic_codecs() {
        let (_, offer) = read(OFFER);
        assert_eq!(offer.remote, Some("192.0.2.7:4002".parse().unwrap()));
        assert_eq!(offer.direction, Direction::SendOnly);
        assert_eq!(offer.ptime, Some(20));
        let got: Vec<_> = offer
            .codecs
            .iter()
            .map(|c| (c.payload_type, &c.encoding, c.channels))
            .collect();
        assert_eq!(
            got,
            [
                (0, &Encoding::Pcmu, 1),
                (9, &Encoding::G722, 1),
                (97, &Encoding::Opus, 2),
                (101, &Encoding::TelephoneEvent, 1)
            ]
        );
    }

    #[test]
    fn answer_keeps_the_order_of_the_offers_streams_and_refuses_video() {
        let (mut state, mut offer) = read(OFFER);
        offer.codecs.truncate(1);
        offer.direction = Direction::RecvOnly;
        let answer = state.write(&offer, "198.51.100.1".parse().unwrap(), 20000);
        let text = String::from_utf8(answer.to_vec()).unwrap();
        assert!(
            text.contains("m=video 0 RTP/AVP 96\r\nm=audio 20000 RTP/AVP 0\r\n"),
            "{text}"
        );
        assert!(text.contains("a=recvonly"), "{text}");
        assert!(text.contains("c=IN IP4 198.51.100.1"), "{text}");
    }

    #[test]
    fn rfc5118_4_6_and_4_8_a_streams_own_address_goes_before_the_sessions_whatever_its_family() {
        let sdp = "v=0\r\no=a 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\n\
            m=audio 6000 RTP/AVP 0\r\n";
        let (mut state, offer) = read(sdp);
        assert_eq!(offer.remote, Some("[2001:db8::20]:6000".parse().unwrap()));
        let answer = state.write(&offer, "2001:db8::1".parse().unwrap(), 20000);
        let text = String::from_utf8(answer.to_vec()).unwrap();
        assert!(text.contains("c=IN IP6 2001:db8::1\r\n"), "{text}");
        let (_, offer) = read(&format!("{sdp}c=IN IP4 192.0.2.20\r\n"));
        assert_eq!(offer.remote, Some("192.0.2.20:6000".parse().unwrap()));
    }

    #[test]
    fn version_grows_only_with_a_change() {
        let (mut state, offer) = read(OFFER);
        let address = "198.51.100.1".parse().unwrap();
        let first = state.write(&offer, address, 20000);
        assert_eq!(first, state.write(&offer, address, 20000));
        let second = state.write(
            &MediaDescription {
                direction: Direction::SendRecv,
                ..offer
            },
            address,
            20000,
        );
        assert!(
            String::from_utf8(second.to_vec())
                .unwrap()
                .contains("o=- 7 8 IN IP4")
        );
    }

    #[test]
    fn refused_offer_leaves_the_streams_as_they_were_agreed() {
        let one = "v=0\r\no=a 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
            m=audio 4002 RTP/AVP 0\r\n";
        let (mut state, description) = read(one);
        let address = "198.51.100.1".parse().unwrap();
        let ours = state.write(&description, address, 20000);
        state.read(OFFER.as_bytes()).unwrap();
        state.refuse();
        assert_eq!(state.write(&description, address, 20000), ours);
    }

    #[test]
    fn rtcp_goes_where_the_far_end_named_it_and_only_beside_that_address() {
        let rtp = "192.0.2.7:4002".parse().unwrap();
        let named = |line: &str| {
            let (state, _) = read(&format!("{OFFER}a=rtcp:{line}\r\n"));
            state.rtcp_of(rtp).map(|a| a.to_string())
        };
        assert_eq!(named("5000").as_deref(), Some("192.0.2.7:5000"));
        assert_eq!(
            named("5000 IN IP4 192.0.2.8").as_deref(),
            Some("192.0.2.8:5000")
        );
        assert_eq!(named("nonsense"), None);
        let (state, _) = read(OFFER);
        assert_eq!(state.rtcp_of(rtp), None);
        let (state, _) = read(&format!("{OFFER}a=rtcp:5000\r\n"));
        assert_eq!(state.rtcp_of("192.0.2.7:4004".parse().unwrap()), None);
    }

    #[test]
    fn srtp_only_and_no_sdp_are_refused_with_their_reason() {
        let mut state = SdpState::new(1);
        assert_eq!(state.read(b"hello"), Err(SdpError::Syntax));
        let secure = OFFER.replace("m=audio 4002 RTP/AVP", "m=audio 4002 RTP/SAVP");
        assert_eq!(state.read(secure.as_bytes()), Err(SdpError::NoAudio));
    }
}
