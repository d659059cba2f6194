//! Sets of codecs: what two lists have in common, and what we offer where
//! nobody has offered yet. Pure; knows no leg and no call.

use crate::media::{Codec, Direction, Encoding, MediaDescription};

/// The entry of `codecs` that names the same codec as `like`.
pub(crate) fn find<'a>(codecs: &'a [Codec], like: &Codec) -> Option<&'a Codec> {
    codecs.iter().find(|codec| codec.same(like))
}

/// Those of `mine` that `other` has too: order and payload types of `mine`,
/// parameters of `other`, as an answer to the offer `mine` has them.
pub(crate) fn common(mine: &[Codec], other: &[Codec]) -> Vec<Codec> {
    mine.iter()
        .filter_map(|codec| {
            find(other, codec).map(|twin| Codec {
                parameters: twin.parameters.clone(),
                ..codec.clone()
            })
        })
        .collect()
}

/// Whether a talk is possible with these: one that carries speech by itself.
pub(crate) fn has_speech(codecs: &[Codec]) -> bool {
    first_speech(codecs).is_some()
}

/// The codec a phone will most likely send: the first that carries speech.
pub(crate) fn first_speech(codecs: &[Codec]) -> Option<&Codec> {
    codecs.iter().find(|codec| match &codec.encoding {
        Encoding::TelephoneEvent => false,
        // Comfort noise and redundancy only go beside another codec.
        Encoding::Other(name) => !matches!(&**name, "cn" | "red" | "ulpfec" | "rtx"),
        _ => true,
    })
}

/// Whether a talk is possible with what a far end describes: speech, and a
/// port (a stream refused has port 0).
pub(crate) fn usable(description: &MediaDescription) -> bool {
    has_speech(&description.codecs) && description.remote.is_none_or(|address| address.port() != 0)
}

/// A description of our own side.
pub(crate) fn ours(
    codecs: Vec<Codec>,
    direction: Direction,
    ptime: Option<u16>,
) -> MediaDescription {
    MediaDescription {
        remote: None,
        codecs,
        direction,
        ptime,
    }
}

/// What we offer where no offer was made to us: all that can pass through.
pub(crate) fn default_offer() -> MediaDescription {
    let codec = |payload_type, encoding, clock_rate, channels, parameters: Option<&str>| Codec {
        payload_type,
        encoding,
        clock_rate,
        channels,
        parameters: parameters.map(Into::into),
    };
    ours(
        vec![
            codec(0, Encoding::Pcmu, 8000, 1, None),
            codec(8, Encoding::Pcma, 8000, 1, None),
            codec(9, Encoding::G722, 8000, 1, None),
            codec(96, Encoding::Opus, 48000, 2, Some("useinbandfec=1")),
            codec(18, Encoding::G729, 8000, 1, Some("annexb=no")),
            codec(101, Encoding::TelephoneEvent, 8000, 1, Some("0-16")),
        ],
        Direction::SendRecv,
        None,
    )
}
