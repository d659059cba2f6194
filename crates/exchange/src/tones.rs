//! The tones the exchange plays, encoded once per codec when it starts, so that
//! no call waits for an encoder.

use std::collections::HashMap;
use std::sync::Arc;

use media::Playback;
use switch::{Codec, Encoding, Tone};

/// Encoded tones by kind and codec.
pub(crate) struct Tones {
    made: HashMap<(Tone, media::Codec), Arc<Playback>>,
}

impl Tones {
    /// Encodes every tone for every codec that can be encoded. Takes some
    /// hundred milliseconds; call it before the loop runs.
    pub fn make() -> Self {
        let mut made = HashMap::new();
        for codec in [
            media::Codec::Pcmu,
            media::Codec::Pcma,
            media::Codec::G722,
            media::Codec::Opus,
        ] {
            made.insert(
                (Tone::Ringback, codec),
                Arc::new(media::tone::ringback(codec)),
            );
            made.insert((Tone::Hold, codec), Arc::new(media::tone::hold(codec)));
        }
        Self { made }
    }

    /// The tone in the codec that a leg speaks; `None` where we can't encode it
    /// (G.729 passes through only): the leg then hears nothing.
    pub fn get(&self, tone: Tone, codec: &Codec) -> Option<Arc<Playback>> {
        let known = match codec.encoding {
            Encoding::Pcmu => media::Codec::Pcmu,
            Encoding::Pcma => media::Codec::Pcma,
            Encoding::G722 => media::Codec::G722,
            Encoding::Opus => media::Codec::Opus,
            _ => return None,
        };
        let made = self.made.get(&(tone, known))?;
        Some(if made.payload_type() == codec.payload_type {
            made.clone()
        } else {
            Arc::new(made.with_payload_type(codec.payload_type))
        })
    }
}
