//! How much of one frequency is in some samples, by Goertzel's filter: what a
//! softphone hears, told by content.

use std::f64::consts::TAU;

/// Below this mean square, samples count as silence (about −52 dBFS).
const SILENCE: f64 = 6_000.0;

/// Part of the whole energy that a tone must hold to be heard.
const MIN_SHARE: f64 = 0.5;

/// Part of the samples' energy that lies at `hz`: 0.0 to about 1.0.
pub fn share(samples: &[i16], sample_rate: u32, hz: u32) -> f64 {
    let total: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    if total == 0.0 {
        return 0.0;
    }
    let n = samples.len() as f64;
    2.0 * power(samples, sample_rate, hz) / (n * total)
}

/// Energy at `hz`: the squared magnitude of the samples' Fourier sum there.
pub fn power(samples: &[i16], sample_rate: u32, hz: u32) -> f64 {
    let k = 2.0 * (TAU * f64::from(hz) / f64::from(sample_rate.max(1))).cos();
    let (mut s1, mut s2) = (0.0, 0.0);
    for &sample in samples {
        (s1, s2) = (f64::from(sample) + k * s1 - s2, s1);
    }
    s1 * s1 + s2 * s2 - k * s1 * s2
}

/// Which of the candidates the samples are, if they are one: not silence, and
/// half of the energy at that frequency.
pub fn loudest(samples: &[i16], sample_rate: u32, candidates: &[u32]) -> Option<u32> {
    let total: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    if samples.is_empty() || total / (samples.len() as f64) < SILENCE {
        return None;
    }
    candidates
        .iter()
        .map(|&hz| (hz, share(samples, sample_rate, hz)))
        .filter(|&(_, share)| share >= MIN_SHARE)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(hz, _)| hz)
}
