//! The tones the exchange plays, in the codec a leg speaks.

use std::sync::Arc;

use media::{Codec, Playback, tone};
use switch::{Encoding, Tone};

/// Encodes every tone once for every codec that can be encoded, so that no call
/// waits for an encoder. Takes some hundred milliseconds.
pub(crate) fn warm_up() {
    for codec in Codec::ALL {
        tone::ringback(codec);
        tone::hold(codec);
    }
}

/// The tone in the codec that a leg speaks; `None` where we can't encode it
/// (G.729 passes through only): the leg then hears nothing.
pub(crate) fn tone(tone: Tone, codec: &switch::Codec) -> Option<Arc<Playback>> {
    let known = match codec.encoding {
        Encoding::Pcmu => Codec::Pcmu,
        Encoding::Pcma => Codec::Pcma,
        Encoding::G722 => Codec::G722,
        Encoding::Opus => Codec::Opus,
        _ => return None,
    };
    Some(match tone {
        Tone::Ringback => tone::ringback(known),
        Tone::Hold => tone::hold(known),
    })
}
