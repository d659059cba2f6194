//! Tones for phones to send, and ears for what they recorded.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

/// G.711's rate; the tones and recordings have no other.
const RATE: usize = 8000;
/// 50 ms: tones 20 Hz apart are told from each other.
const BLOCK: usize = 400;
/// Loud enough to be a tone and not the codec's noise.
const AUDIBLE: f64 = 300.0;
/// A block is a tone's when this much of its energy lies at its frequency.
const PURE: f64 = 0.8;

/// Writes a tone of so many seconds as a WAV file, 8 kHz, mono, 16 bit.
pub fn tone(path: &Path, hertz: f64, seconds: usize) {
    let samples = RATE * seconds;
    let bytes = (samples * 2) as u32;
    let mut wav = Vec::with_capacity(44 + samples * 2);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + bytes).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    wav.extend_from_slice(&16u32.to_le_bytes());
    wav.extend_from_slice(&1u16.to_le_bytes());
    wav.extend_from_slice(&1u16.to_le_bytes());
    wav.extend_from_slice(&(RATE as u32).to_le_bytes());
    wav.extend_from_slice(&(RATE as u32 * 2).to_le_bytes());
    wav.extend_from_slice(&2u16.to_le_bytes());
    wav.extend_from_slice(&16u16.to_le_bytes());
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    for n in 0..samples {
        let phase = TAU * hertz * n as f64 / RATE as f64;
        wav.extend_from_slice(&((8000.0 * phase.sin()) as i16).to_le_bytes());
    }
    fs::write(path, wav).unwrap();
}

/// What a phone heard.
#[derive(Debug)]
pub struct Recording {
    samples: Vec<i16>,
}

impl Recording {
    /// Reads a WAV file of 8 kHz, mono, 16 bit. One that is still being
    /// written has no length in its header: then it goes to the end.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(bytes.starts_with(b"RIFF"), "{} is no WAV", path.display());
        let mut at = 12;
        loop {
            let name = &bytes[at..at + 4];
            let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            let body = at + 8;
            if name == b"fmt " {
                assert_eq!(bytes[body + 2..body + 4], [1, 0], "mono");
                assert_eq!(bytes[body + 4..body + 8], (RATE as u32).to_le_bytes());
            }
            if name == b"data" {
                let end = match size {
                    0 => bytes.len(),
                    size => bytes.len().min(body + size),
                };
                let samples = bytes[body..end]
                    .chunks_exact(2)
                    .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                return Self { samples };
            }
            at = body + size + size % 2;
        }
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / RATE as f64
    }

    /// For how many seconds a tone is heard, and nothing else beside it.
    pub fn seconds_of(&self, hertz: f64) -> f64 {
        let blocks = self.samples.chunks_exact(BLOCK);
        let heard = blocks.filter(|block| share(block, hertz) >= PURE).count();
        (heard * BLOCK) as f64 / RATE as f64
    }
}

/// Part of a block's energy that lies at a frequency (Goertzel), 0 for silence.
fn share(block: &[i16], hertz: f64) -> f64 {
    let energy: f64 = block.iter().map(|&s| f64::from(s).powi(2)).sum();
    let length = block.len() as f64;
    if (energy / length).sqrt() < AUDIBLE {
        return 0.0;
    }
    let turn = 2.0 * (TAU * hertz / RATE as f64).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in block {
        let next = f64::from(sample) + turn * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - turn * last * before;
    2.0 * power / (length * energy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dir::TempDir;

    #[test]
    fn a_tone_is_told_from_its_neighbour() {
        let dir = TempDir::new("tone");
        let path = dir.join("tone.wav");
        tone(&path, 440.0, 2);
        let heard = Recording::read(&path);
        assert!((heard.seconds() - 2.0).abs() < 1e-9);
        assert!(heard.seconds_of(440.0) > 1.9);
        assert!(heard.seconds_of(480.0) < 0.1);
        assert!(heard.seconds_of(1000.0) < 0.1);
    }
}
