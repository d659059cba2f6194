//! Call progress tones: made as PCM, encoded once a codec, shared by all legs.
//! Made on the control side, never by a worker.

use std::f64::consts::TAU;
use std::sync::{Arc, OnceLock};

use crate::codec::Codec;
use crate::playback::Playback;

/// Frequency of ringback and hold beeps, Hz: the European supervisory tone.
pub const SUPERVISORY_HZ: u32 = 425;

/// Loudness of what we make: −10 dBFS, well below what codecs clip.
const AMPLITUDE: f64 = 10_000.0;

/// Length of a sine that [`sine`] encodes; it is repeated without a click for
/// any whole number of Hz.
const SINE_SECONDS: f64 = 1.0;

/// A sine wave that goes on where the last fill ended.
#[derive(Debug, Clone)]
pub struct Oscillator {
    phase: f64,
    step: f64,
}

impl Oscillator {
    /// `hz` at a sample rate.
    pub fn new(hz: u32, sample_rate: u32) -> Self {
        Self {
            phase: 0.0,
            step: TAU * f64::from(hz) / f64::from(sample_rate.max(1)),
        }
    }
    /// The next samples.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = (self.phase.sin() * AMPLITUDE) as i16;
            self.phase = (self.phase + self.step) % TAU;
        }
    }
}

/// One stretch of a cadence: a tone or silence, for some seconds.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    hz: Option<u32>,
    seconds: f64,
}

const fn on(seconds: f64) -> Stretch {
    Stretch {
        hz: Some(SUPERVISORY_HZ),
        seconds,
    }
}

const fn off(seconds: f64) -> Stretch {
    Stretch { hz: None, seconds }
}

const RINGBACK: [Stretch; 2] = [on(1.0), off(4.0)];
const HOLD: [Stretch; 4] = [on(0.1), off(0.2), on(0.1), off(3.6)];

/// What a caller hears while the other phone rings: 1 s on, 4 s off.
pub fn ringback(codec: Codec) -> Arc<Playback> {
    static MADE: Made = Made::new();
    MADE.get(codec, &RINGBACK)
}

/// What a held party hears: a double beep every 4 s.
pub fn hold(codec: Codec) -> Arc<Playback> {
    static MADE: Made = Made::new();
    MADE.get(codec, &HOLD)
}

/// A steady tone of one second, to be repeated. Encoded at each call.
pub fn sine(codec: Codec, hz: u32) -> Arc<Playback> {
    let stretch = Stretch {
        hz: Some(hz),
        seconds: SINE_SECONDS,
    };
    Arc::new(Playback::encode(codec, &pcm(codec, &[stretch])))
}

fn pcm(codec: Codec, cadence: &[Stretch]) -> Vec<i16> {
    let rate = codec.sample_rate();
    let mut samples = Vec::new();
    for stretch in cadence {
        let mut part = vec![0; (stretch.seconds * f64::from(rate)) as usize];
        if let Some(hz) = stretch.hz {
            Oscillator::new(hz, rate).fill(&mut part);
        }
        samples.append(&mut part);
    }
    samples
}

/// One cadence in each codec, made when first asked for.
struct Made([OnceLock<Arc<Playback>>; Codec::ALL.len()]);

impl Made {
    const fn new() -> Self {
        Self([const { OnceLock::new() }; Codec::ALL.len()])
    }
    fn get(&self, codec: Codec, cadence: &[Stretch]) -> Arc<Playback> {
        let make = || Arc::new(Playback::encode(codec, &pcm(codec, cadence)));
        match self.0.get(codec as usize) {
            Some(made) => Arc::clone(made.get_or_init(make)),
            None => make(),
        }
    }
}
