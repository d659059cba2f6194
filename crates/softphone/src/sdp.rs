//! The phone's SDP: one audio stream, one codec spoken.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use media::Codec;
use sdp_types::{Attribute, Connection, Media, MediaType, Origin, Session, Time};

/// What the far end said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Where it wants RTP.
    pub address: SocketAddr,
    /// The first codec of its that we know, and its payload type.
    pub codec: Codec,
    pub payload_type: u8,
    /// What it does with audio.
    pub direction: Direction,
}

/// Who sends and who hears, as one end says it of itself (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Direction {
    pub sends: bool,
    pub receives: bool,
}

impl Direction {
    /// The answer to an offer: what both want.
    pub fn answering(self, offer: Self) -> Self {
        Self {
            sends: self.sends && offer.receives,
            receives: self.receives && offer.sends,
        }
    }

    fn as_str(self) -> &'static str {
        match (self.sends, self.receives) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        }
    }
}

/// The payload type under which the phone offers a codec.
pub(crate) fn payload_type(codec: Codec) -> u8 {
    codec.payload_type().unwrap_or(96)
}

/// Writes an offer or, with one codec, an answer.
pub(crate) fn write(
    id: u64,
    version: u64,
    address: SocketAddr,
    codecs: &[(Codec, u8)],
    direction: Direction,
) -> Bytes {
    let mut session = Session::new(Origin::with_ip_addr(id, version, address.ip()), "softphone");
    session.connection = Some(Connection::from_ip_addr(address.ip()));
    session.times.push(Time::new(0, 0));
    let fmt: Vec<String> = codecs.iter().map(|(_, pt)| pt.to_string()).collect();
    let mut attributes = Vec::new();
    for (codec, pt) in codecs {
        let channels = if codec.channels() > 1 {
            format!("/{}", codec.channels())
        } else {
            String::new()
        };
        attributes.push(Attribute::with_value(
            "rtpmap",
            format!("{pt} {}/{}{channels}", codec.name(), codec.clock_rate()),
        ));
    }
    attributes.push(Attribute::with_value("ptime", 20));
    attributes.push(Attribute::new(direction.as_str()));
    session.medias.push(Media {
        media: MediaType::Audio.to_string(),
        port: address.port(),
        num_ports: None,
        proto: "RTP/AVP".into(),
        fmt: fmt.join(" "),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes,
    });
    let mut out = Vec::with_capacity(256);
    // Writing into a Vec does not fail.
    let _ = session.write(&mut out);
    Bytes::from(out)
}

/// Reads what the far end offered or answered; `None` where there is nothing
/// that the phone can speak.
pub(crate) fn read(body: &[u8], known: &[Codec]) -> Option<Remote> {
    let session = Session::parse(body).ok()?;
    let media = session
        .medias
        .iter()
        .find(|m| m.media == "audio" && m.port != 0)?;
    let ip: IpAddr = media
        .connections
        .first()
        .or(session.connection.as_ref())
        .and_then(|c| c.try_address().ok())
        .map(|a| a.ip)?;
    let (codec, payload_type) = media
        .fmt
        .split_ascii_whitespace()
        .filter_map(|f| f.parse::<u8>().ok())
        .find_map(|pt| {
            codec_of(media, pt)
                .filter(|c| known.contains(c))
                .map(|c| (c, pt))
        })?;
    let says = |name: &str| {
        media
            .attributes
            .iter()
            .chain(&session.attributes)
            .any(|a| a.attribute == name)
    };
    Some(Remote {
        address: SocketAddr::new(ip, media.port),
        codec,
        payload_type,
        direction: Direction {
            sends: !says("recvonly") && !says("inactive"),
            // An unspecified address is the old way to hold (RFC 3264 §8.4).
            receives: !says("sendonly") && !says("inactive") && !ip.is_unspecified(),
        },
    })
}

fn codec_of(media: &Media, pt: u8) -> Option<Codec> {
    let map = media
        .attributes
        .iter()
        .filter(|a| a.attribute == "rtpmap")
        .find_map(|a| {
            let (number, map) = a.value.as_deref()?.split_once(' ')?;
            (number.parse() == Ok(pt)).then_some(map)
        });
    match map {
        Some(map) => {
            let name = map.split('/').next()?;
            Codec::ALL
                .into_iter()
                .find(|c| c.name().eq_ignore_ascii_case(name))
        }
        None => Codec::ALL
            .into_iter()
            .find(|c| c.payload_type() == Some(pt)),
    }
}
