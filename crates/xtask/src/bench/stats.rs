//! Samples of a delay, and what a reader wants to know of them.

use std::time::Duration;

/// Samples, kept whole: a bench has some ten thousand of them.
#[derive(Debug, Default, Clone)]
pub struct Samples {
    nanos: Vec<u64>,
}

/// The figures of a set of samples.
#[derive(Debug, Default, Clone, Copy)]
pub struct Summary {
    /// Half were at most this.
    pub p50: Duration,
    /// 99 in a hundred were at most this.
    pub p99: Duration,
    /// The worst.
    pub max: Duration,
}

impl Samples {
    /// Adds one.
    pub fn add(&mut self, sample: Duration) {
        self.nanos
            .push(u64::try_from(sample.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds another set's.
    pub fn extend(&mut self, other: &Self) {
        self.nanos.extend_from_slice(&other.nanos);
    }

    /// How many there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.nanos.len()
    }

    /// The figures.
    pub fn summary(&self) -> Summary {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable();
        let rank = |percent: usize| {
            let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            Duration::from_nanos(sorted.get(at).copied().unwrap_or(0))
        };
        Summary {
            p50: rank(50),
            p99: rank(99),
            max: rank(100),
        }
    }
}

/// Milliseconds with three decimals.
pub fn millis(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_samples() {
        let mut samples = Samples::default();
        for n in (1..=200).rev() {
            samples.add(Duration::from_millis(n));
        }
        let summary = samples.summary();
        assert_eq!(summary.p50, Duration::from_millis(100));
        assert_eq!(summary.p99, Duration::from_millis(198));
        assert_eq!(summary.max, Duration::from_millis(200));
    }
}
