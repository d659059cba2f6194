//! What a process costs, as the kernel counts it.

use std::fs;
use std::time::{Duration, Instant};

use super::error::{BenchError, Tried as _};

/// CPU time of a process (user and system, all its threads) at an instant.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    at: Instant,
    used: Duration,
}

/// CPU used between two readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Wall-clock time between them.
    pub wall: Duration,
    /// CPU time between them.
    pub cpu: Duration,
}

impl Cpu {
    /// Reads `/proc/<pid>/stat`.
    pub fn of(pid: u32) -> Result<Self, BenchError> {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).tried(|| path.clone())?;
        let at = Instant::now();
        // The command may hold blanks and parentheses: count from its end.
        let ticks = stat.rsplit_once(')').map_or(0, |(_, rest)| {
            let fields = rest.split_ascii_whitespace().skip(11).take(2);
            fields.filter_map(|field| field.parse::<u64>().ok()).sum()
        });
        Ok(Self {
            at,
            used: time(ticks),
        })
    }

    /// What was used since an earlier reading.
    pub fn since(self, earlier: Self) -> Spent {
        Spent {
            wall: self.at.saturating_duration_since(earlier.at),
            cpu: self.used.saturating_sub(earlier.used),
        }
    }
}

impl Spent {
    /// CPU time for each second.
    pub fn rate(self) -> f64 {
        if self.wall.is_zero() {
            return 0.0;
        }
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// CPU seconds for one of `count` things, without what the process uses
    /// when nothing is asked of it.
    pub fn each(self, count: u64, idle: Spent) -> f64 {
        if count == 0 {
            return 0.0;
        }
        let idle = idle.rate() * self.wall.as_secs_f64();
        (self.cpu.as_secs_f64() - idle).max(0.0) / count as f64
    }
}

/// CPU time that the whole machine spent in processes, ours and others'.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    at: Instant,
    used: Duration,
}

impl Machine {
    /// Reads `/proc/stat`: user, nice, system and what the host took away.
    /// Not interrupts: those of loopback are the bench's own.
    pub fn read() -> Result<Self, BenchError> {
        let path = "/proc/stat";
        let stat = fs::read_to_string(path).tried(|| path.to_owned())?;
        let at = Instant::now();
        let fields = stat.lines().next().unwrap_or("").split_ascii_whitespace();
        let ticks = fields
            .skip(1)
            .enumerate()
            .filter(|(column, _)| matches!(column, 0..=2 | 7))
            .filter_map(|(_, field)| field.parse::<u64>().ok())
            .sum();
        Ok(Self {
            at,
            used: time(ticks),
        })
    }

    /// The part of the machine that was used since, other than by those whose
    /// use is known: 1 is all cores. Where it isn't near 0, the figures tell of
    /// the neighbours too.
    pub fn others_since(self, earlier: Self, known: &[Spent]) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let wall = self.at.saturating_duration_since(earlier.at).as_secs_f64();
        let known: Duration = known.iter().map(|spent| spent.cpu).sum();
        let others = self.used.saturating_sub(earlier.used).saturating_sub(known);
        if wall == 0.0 {
            return 0.0;
        }
        others.as_secs_f64() / (wall * cores as f64)
    }
}

/// What the kernel counts in ticks.
fn time(ticks: u64) -> Duration {
    let hertz = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(ticks.saturating_mul(1_000_000_000) / hertz)
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> Result<u64, BenchError> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).tried(|| path.clone())?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse().ok());
    Ok(kib.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_that_this_process_burns_is_seen() {
        let pid = std::process::id();
        let before = Cpu::of(pid).unwrap();
        let from = Instant::now();
        let mut n = 0u64;
        while from.elapsed() < Duration::from_millis(200) {
            n = std::hint::black_box(n.wrapping_add(1));
        }
        let spent = Cpu::of(pid).unwrap().since(before);
        assert!(spent.cpu > Duration::from_millis(20), "{spent:?}");
        assert!(resident_kib(pid).unwrap() > 500);
    }
}
