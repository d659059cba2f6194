//! The codecs that we can speak ourselves, between payload bytes and 16-bit
//! PCM, one channel. Never used on a packet's way through the relay.

/// A codec that tones are made in and softphones talk in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus, one channel, coded at 16 kHz.
    Opus,
}

/// Frames a second: every codec here is used with 20 ms packets.
pub const FRAMES_PER_SECOND: u32 = 50;

impl Codec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pcmu, Self::Pcma, Self::G722, Self::Opus];

    /// Name in an SDP `rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }
    /// Static payload type (RFC 3551); Opus has none.
    pub fn payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::Opus => None,
        }
    }
    /// RTP clock, Hz; G.722's is 8000 by an old mistake (RFC 3551 §4.5.2).
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 8_000,
            Self::Opus => 48_000,
        }
    }
    /// Channels in an `rtpmap`: Opus always says 2 (RFC 7587 §7).
    pub fn channels(self) -> u8 {
        match self {
            Self::Opus => 2,
            _ => 1,
        }
    }
    /// Rate of the PCM that goes in and comes out, Hz.
    pub fn sample_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8_000,
            Self::G722 | Self::Opus => 16_000,
        }
    }
    /// PCM samples in a 20 ms frame.
    pub fn frame_samples(self) -> usize {
        (self.sample_rate() / FRAMES_PER_SECOND) as usize
    }
    /// Timestamp units in a 20 ms frame.
    pub fn timestamp_step(self) -> u32 {
        self.clock_rate() / FRAMES_PER_SECOND
    }
    /// A fresh encoder.
    pub fn encoder(self) -> Encoder {
        use audio_codec::{g722, opus, pcma, pcmu};
        Encoder(match self {
            Self::Pcmu => Box::new(pcmu::PcmuEncoder::new()),
            Self::Pcma => Box::new(pcma::PcmaEncoder::new()),
            Self::G722 => Box::new(g722::G722Encoder::new()),
            Self::Opus => Box::new(opus::OpusEncoder::new_with_application(
                self.sample_rate(),
                1,
                opus::OpusApplication::Voip,
            )),
        })
    }
    /// A fresh decoder.
    pub fn decoder(self) -> Decoder {
        use audio_codec::{g722, opus, pcma, pcmu};
        match self {
            Self::Pcmu => Decoder(Box::new(pcmu::PcmuDecoder::new())),
            Self::Pcma => Decoder(Box::new(pcma::PcmaDecoder::new())),
            Self::G722 => Decoder(Box::new(g722::G722Decoder::new())),
            Self::Opus => Decoder(Box::new(opus::OpusDecoder::new(self.sample_rate(), 1))),
        }
    }
}

/// From PCM to payloads. Keeps the codec's state from frame to frame.
pub struct Encoder(Box<dyn audio_codec::Encoder>);

impl Encoder {
    /// One 20 ms frame at the codec's sample rate as a payload; empty where
    /// the codec refuses the frame (a wrong length).
    pub fn encode(&mut self, frame: &[i16]) -> Vec<u8> {
        self.0.encode(frame)
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

/// From payloads to PCM. Keeps the codec's state from frame to frame.
pub struct Decoder(Box<dyn audio_codec::Decoder>);

impl Decoder {
    /// A payload as PCM at the codec's sample rate, one channel; empty where
    /// the payload is broken.
    pub fn decode(&mut self, payload: &[u8]) -> Vec<i16> {
        self.0.decode(payload)
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}
