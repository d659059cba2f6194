//! What a bench does: the options, held within bounds.

use std::path::PathBuf;
use std::time::Duration;

use super::error::BenchError;

/// How to run the chore.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A few seconds, to see that the product does what is measured; judges
    /// correctness only, and writes no report.
    #[arg(long)]
    quick: bool,
    /// The binary to load; without it a release build is made.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Pairs of phones.
    #[arg(long)]
    pairs: Option<usize>,
    /// Calls a second.
    #[arg(long)]
    rate: Option<u32>,
    /// Seconds of calls in each run.
    #[arg(long)]
    seconds: Option<u32>,
    /// Milliseconds of talk.
    #[arg(long)]
    hold_ms: Option<u32>,
    /// Milliseconds that the callee rings.
    #[arg(long)]
    ring_ms: Option<u32>,
    /// Identical runs.
    #[arg(long)]
    runs: Option<u32>,
    /// Seconds of rest after the last run, before memory is read again.
    #[arg(long)]
    rest: Option<u32>,
    /// Calls with audio.
    #[arg(long)]
    audio_calls: Option<usize>,
    /// Seconds of audio in each of two stretches.
    #[arg(long)]
    audio_seconds: Option<u32>,
    /// Date for the report; today's without it.
    #[arg(long)]
    pub date: Option<String>,
    /// Where the report is written.
    #[arg(long, default_value = "docs/benchmarks.md")]
    pub out: PathBuf,
    /// Fail when a limit on time or memory is missed, too.
    #[arg(long)]
    pub strict: bool,
}

/// The options with their defaults.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Short, without report.
    pub quick: bool,
    /// Pairs of phones.
    pub pairs: usize,
    /// Calls a second.
    pub rate: u32,
    /// Length of a run.
    pub time: Duration,
    /// Talk.
    pub hold: Duration,
    /// Ringing.
    pub ring: Duration,
    /// Identical runs.
    pub runs: u32,
    /// Rest before the last look at memory.
    pub rest: Duration,
    /// How long the idle server is watched.
    pub idle: Duration,
    /// Calls with audio.
    pub audio_calls: usize,
    /// Each of the stretches of audio.
    pub audio_time: Duration,
}

impl Plan {
    /// Takes the options; what lies outside the bounds is refused, so that no
    /// slip of a finger loads a machine for hours.
    pub fn new(arguments: &Arguments) -> Result<Self, BenchError> {
        let quick = arguments.quick;
        let either = |short, long| if quick { short } else { long };
        let seconds = |given: Option<u32>, short, long| {
            Duration::from_secs(given.unwrap_or(either(short, long)).into())
        };
        let millis =
            |given: Option<u32>, default| Duration::from_millis(given.unwrap_or(default).into());
        let pairs = arguments.pairs.unwrap_or(if quick { 20 } else { 300 });
        let plan = Self {
            quick,
            pairs,
            rate: arguments.rate.unwrap_or(either(40, 200)),
            time: seconds(arguments.seconds, 3, 40),
            hold: millis(arguments.hold_ms, either(300, 1200)),
            ring: millis(arguments.ring_ms, 0),
            runs: arguments.runs.unwrap_or(either(1, 3)),
            rest: seconds(arguments.rest, 0, 60),
            idle: seconds(None, 1, 5),
            audio_calls: arguments.audio_calls.unwrap_or(pairs),
            audio_time: seconds(arguments.audio_seconds, 1, 15),
        };
        let bounds = [
            ("pairs", "1 to 2000", (1..=2000).contains(&plan.pairs)),
            ("rate", "1 to 2000", (1..=2000).contains(&plan.rate)),
            ("seconds", "1 to 600", within(plan.time, 1, 600)),
            ("hold-ms", "at most 60000", within(plan.hold, 0, 60)),
            ("ring-ms", "at most 10000", within(plan.ring, 0, 10)),
            ("runs", "1 to 10", (1..=10).contains(&plan.runs)),
            ("rest", "at most 600", within(plan.rest, 0, 600)),
            (
                "audio-calls",
                "1 to 1000 and at most the pairs",
                (1..=1000.min(plan.pairs)).contains(&plan.audio_calls),
            ),
            ("audio-seconds", "1 to 120", within(plan.audio_time, 1, 120)),
        ];
        match bounds.into_iter().find(|(_, _, kept)| !kept) {
            Some((option, allowed, _)) => Err(BenchError::Option { option, allowed }),
            None => Ok(plan),
        }
    }

    /// Calls in one run.
    pub fn calls(&self) -> usize {
        self.rate as usize * self.time.as_secs() as usize
    }
}

fn within(time: Duration, least: u64, most: u64) -> bool {
    (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&time)
}
