//! SDP (RFC 8866) to the switch's media description and back, for one leg.
//!
//! The grammar is `sdp-types`'; here is what an offer and its answer must
//! remember of each other: the order of the streams, those refused with port
//! 0, the session id and its version (RFC 3264 §5–8). Offer and answer are
//! negotiated in `switch`, never here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use sdp_types::{Attribute, Connection, Media, Origin, Session, Time};
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

/// What a leg remembers of the descriptions that went to and fro.
#[derive(Debug, Clone)]
pub struct SdpState {
    session_id: u64,
    version: u64,
    lines: Vec<Line>,
    audio: usize,
    last: Option<Bytes>,
}

impl SdpState {
    /// A new leg's, with the id that its `o=` line will carry for life.
    pub fn new(session_id: u64) -> Self {
        Self {
            session_id,
            version: session_id,
            lines: Vec::new(),
            audio: 0,
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
        let audio = session
            .medias
            .iter()
            .position(|m| plain(m) && m.port != 0)
            .or_else(|| session.medias.iter().position(plain))
            .ok_or(SdpError::NoAudio)?;
        let media = session.medias.get(audio).ok_or(SdpError::NoAudio)?;
        if media.port == 0 {
            return Err(SdpError::NoAudio);
        }
        let description = describe(&session, media);
        self.lines = session
            .medias
            .iter()
            .map(|m| Line {
                media: m.media.clone(),
                proto: m.proto.clone(),
                fmt: m.fmt.clone(),
            })
            .collect();
        self.audio = audio;
        Ok(description)
    }

    /// Writes our side. The version grows when anything changed since the last.
    pub fn write(&mut self, description: &MediaDescription, address: IpAddr, port: u16) -> Bytes {
        if let Some(last) = &self.last {
            let same = self.render(description, address, port);
            if same == *last {
                return same;
            }
            self.version += 1;
        }
        let bytes = self.render(description, address, port);
        self.last = Some(bytes.clone());
        bytes
    }

    fn render(&self, description: &MediaDescription, address: IpAddr, port: u16) -> Bytes {
        let origin = Origin::with_ip_addr(self.session_id, self.version, address);
        let mut session = Session::new(origin, "strowger");
        session.connection = Some(Connection::from_ip_addr(address));
        session.times.push(Time::new(0, 0));
        if self.lines.is_empty() {
            session
                .medias
                .push(audio_line(description, "RTP/AVP", port));
        }
        for (index, line) in self.lines.iter().enumerate() {
            session.medias.push(if index == self.audio {
                audio_line(description, &line.proto, port)
            } else {
                refused_line(line)
            });
        }
        let mut out = Vec::with_capacity(512);
        // Writing into a Vec does not fail.
        let _ = session.write(&mut out);
        Bytes::from(out)
    }
}

fn refused_line(line: &Line) -> Media {
    Media {
        media: line.media.clone(),
        port: 0,
        num_ports: None,
        proto: line.proto.clone(),
        fmt: line.fmt.clone(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

fn audio_line(description: &MediaDescription, proto: &str, port: u16) -> Media {
    let fmt: Vec<String> = description
        .codecs
        .iter()
        .map(|c| c.payload_type.to_string())
        .collect();
    let mut attributes = Vec::with_capacity(description.codecs.len() * 2 + 2);
    for codec in &description.codecs {
        let mut map = format!(
            "{} {}/{}",
            codec.payload_type,
            name(&codec.encoding),
            codec.clock_rate
        );
        if codec.channels > 1 {
            map.push_str(&format!("/{}", codec.channels));
        }
        attributes.push(Attribute::with_value("rtpmap", map));
        if let Some(parameters) = &codec.parameters {
            attributes.push(Attribute::with_value(
                "fmtp",
                format!("{} {parameters}", codec.payload_type),
            ));
        }
    }
    if let Some(ptime) = description.ptime {
        attributes.push(Attribute::with_value("ptime", ptime));
    }
    attributes.push(Attribute::new(match description.direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }));
    Media {
        media: "audio".into(),
        port,
        num_ports: None,
        proto: proto.into(),
        fmt: fmt.join(" "),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes,
    }
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
    fn srtp_only_and_no_sdp_are_refused_with_their_reason() {
        let mut state = SdpState::new(1);
        assert_eq!(state.read(b"hello"), Err(SdpError::Syntax));
        let secure = OFFER.replace("m=audio 4002 RTP/AVP", "m=audio 4002 RTP/SAVP");
        assert_eq!(state.read(secure.as_bytes()), Err(SdpError::NoAudio));
    }
}
