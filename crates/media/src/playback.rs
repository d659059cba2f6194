//! Audio encoded beforehand, so that a worker only copies frames.

use crate::codec::Codec;

/// Longest playback that is kept in memory, in 20 ms frames: ten minutes.
pub const MAX_FRAMES: usize = 30_000;

/// Frames of one codec, 20 ms each, ready to be sent to any number of legs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playback {
    codec: Codec,
    bytes: Box<[u8]>,
    /// Where each frame ends in `bytes`.
    ends: Box<[u32]>,
}

impl Playback {
    /// Encodes PCM at the codec's sample rate, one channel. The last frame is
    /// filled with silence; what is beyond [`MAX_FRAMES`] is left out.
    pub fn encode(codec: Codec, pcm: &[i16]) -> Self {
        let mut encoder = codec.encoder();
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for chunk in pcm.chunks(codec.frame_samples()).take(MAX_FRAMES) {
            let mut frame = chunk.to_vec();
            frame.resize(codec.frame_samples(), 0);
            bytes.extend_from_slice(&encoder.encode(&frame));
            ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
        Self {
            codec,
            bytes: bytes.into(),
            ends: ends.into(),
        }
    }
    /// The codec that the frames are in.
    pub fn codec(&self) -> Codec {
        self.codec
    }
    /// How many frames.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there is nothing to play.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// The payload of one frame.
    pub fn frame(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.bytes.get(start..end)
    }
}
