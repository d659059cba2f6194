//! What was found, in the words and tables of `docs/benchmarks.md`, and the
//! limits it is held against.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::audio::{Heard, packets_a_second};
use super::outcome::Outcome;
use super::plan::Plan;
use super::process::Spent;
use super::stats::{Samples, Summary, millis};

/// CPU of one call.
const CALL_CPU_MS: f64 = 1.5;
/// INVITE to 180, 99 of 100.
const RING_P99_MS: f64 = 5.0;
/// The callee's 200 to the caller's, 99 of 100.
const ANSWER_P99_MS: f64 = 2.0;
/// CPU of a relayed packet, to the plain relay's.
const PACKET_RATIO: f64 = 1.5;
/// Memory after the rest, to that after the first run.
const MEMORY_RATIO: f64 = 1.05;

/// More of the machine than this in others' hands, or the generator later than
/// this for one packet in a hundred, and the figures are not the product's.
const OTHERS_MOST: f64 = 0.05;
const LATE_MOST_MS: f64 = 5.0;

/// One run of calls.
#[derive(Debug)]
pub struct Run {
    /// Its calls.
    pub outcome: Outcome,
    /// CPU of the server from its first call to its last.
    pub spent: Spent,
    /// Memory after it, KiB.
    pub resident: u64,
    /// Most memory during it, KiB.
    pub resident_max: u64,
    /// Part of the machine that others used meanwhile.
    pub others: f64,
}

/// All that was found.
#[derive(Debug)]
pub struct Findings {
    /// CPU of the server with its phones registered and nothing asked of it.
    pub idle: Spent,
    /// Memory then, KiB.
    pub resident: u64,
    /// The runs.
    pub runs: Vec<Run>,
    /// Memory after the rest, KiB.
    pub rested: u64,
    /// CPU of the server with its calls standing and silent.
    pub silent: Spent,
    /// Calls with audio that could not be set up or ended, and why.
    pub audio_calls: Outcome,
    /// Audio through the server.
    pub through_server: Heard,
    /// Audio through the plain relay.
    pub through_relay: Heard,
    /// Part of the machine that others used during the audio.
    pub audio_others: f64,
}

/// One figure held against its limit.
struct Limit {
    what: &'static str,
    found: String,
    allowed: String,
    kept: bool,
    /// Depends on the machine: judged only when asked for.
    timing: bool,
}

impl Findings {
    fn worst(&self, of: impl Fn(&Run) -> f64) -> f64 {
        self.runs.iter().map(of).fold(0.0, f64::max)
    }

    fn call_cpu_ms(&self, run: &Run) -> f64 {
        run.spent.each(run.outcome.placed, self.idle) * 1e3
    }

    fn packet_cpu_us(&self) -> (f64, f64) {
        let server = self
            .through_server
            .spent
            .each(self.through_server.measured, self.silent);
        let floor = self
            .through_relay
            .spent
            .each(self.through_relay.measured, Spent::default());
        (server * 1e6, floor * 1e6)
    }

    fn memory_ratio(&self) -> f64 {
        let first = self.runs.first().map_or(0, |run| run.resident);
        self.rested as f64 / first.max(1) as f64
    }

    fn limits(&self) -> Vec<Limit> {
        let failed: u64 = self.runs.iter().map(|run| run.outcome.failed()).sum();
        let failed = failed + self.audio_calls.failed();
        let told: Vec<_> = self
            .runs
            .iter()
            .map(|run| &run.outcome)
            .chain([&self.audio_calls])
            .map(Outcome::told)
            .filter(|told| !told.is_empty())
            .collect();
        let (server, floor) = self.packet_cpu_us();
        let none = |what, found: String, count: u64| Limit {
            what,
            found,
            allowed: "0".to_owned(),
            kept: count == 0,
            timing: false,
        };
        let most = |what, found: f64, allowed: f64, unit: &str| Limit {
            what,
            found: format!("{found:.2}{unit}"),
            allowed: format!("{allowed}{unit}"),
            kept: found <= allowed,
            timing: true,
        };
        let heard = &self.through_server;
        let p99 = |of: fn(&Outcome) -> Summary| {
            self.worst(|run| of(&run.outcome).p99.as_secs_f64() * 1e3)
        };
        vec![
            none(
                "calls that failed",
                format!("{failed} {}", told.join(", ")),
                failed,
            ),
            most(
                "CPU a call",
                self.worst(|run| self.call_cpu_ms(run)),
                CALL_CPU_MS,
                " ms",
            ),
            most(
                "post-dial delay, p99",
                p99(|outcome| outcome.ring_delay.summary()),
                RING_P99_MS,
                " ms",
            ),
            most(
                "answer, callee to caller, p99",
                p99(|outcome| outcome.answer_relay.summary()),
                ANSWER_P99_MS,
                " ms",
            ),
            most(
                "CPU a relayed packet, to the plain relay's",
                if floor > 0.0 { server / floor } else { 0.0 },
                PACKET_RATIO,
                " ×",
            ),
            none("packets lost", heard.lost().to_string(), heard.lost()),
            none("sequence jumps", heard.jumps.to_string(), heard.jumps),
            none(
                "packets at the wrong phone",
                heard.foreign.to_string(),
                heard.foreign,
            ),
            most(
                "memory after the rest, to after the first run",
                self.memory_ratio(),
                MEMORY_RATIO,
                " ×",
            ),
        ]
    }

    /// The limits that were missed; those that depend on the machine only if asked for.
    pub fn missed(&self, timing: bool) -> Vec<String> {
        self.limits()
            .into_iter()
            .filter(|limit| !limit.kept && (timing || !limit.timing))
            .map(|limit| {
                format!(
                    "{}: {} (allowed: {})",
                    limit.what, limit.found, limit.allowed
                )
            })
            .collect()
    }

    /// The page.
    pub fn page(&self, plan: &Plan, date: Option<&str>) -> String {
        let mut page = String::new();
        let date = date.map_or_else(today, ToOwned::to_owned);
        let _ = write!(
            page,
            "# Benchmarks\n\nMade by `cargo xtask bench`; do not edit. {date}, commit {}.\n\
             Machine: {}.\nServer, phones and plain relay share it, over loopback.\n\n",
            commit(),
            machine()
        );
        page.push_str("| | found | allowed | |\n| --- | --- | --- | --- |\n");
        for limit in self.limits() {
            let verdict = if limit.kept { "kept" } else { "**missed**" };
            let _ = writeln!(
                page,
                "| {} | {} | {} | {verdict} |",
                limit.what,
                limit.found.trim(),
                limit.allowed
            );
        }
        self.circumstances(&mut page);
        self.calls(&mut page, plan);
        self.memory(&mut page, plan);
        self.audio(&mut page, plan);
        page
    }

    fn circumstances(&self, page: &mut String) {
        let late = |samples: &Samples| samples.summary().p99.as_secs_f64() * 1e3;
        let audio = late(&self.through_server.late).max(late(&self.through_relay.late));
        let calls = self.worst(|run| late(&run.outcome.late));
        let others = self.worst(|run| run.others).max(self.audio_others);
        let _ = write!(
            page,
            "\nOther programs used at most {:.1} % of the machine meanwhile; the generator placed \
             99 of 100 calls within {calls:.3} ms of their time and sent 99 of 100 packets within \
             {audio:.3} ms of theirs.\n",
            others * 100.0
        );
        if others > OTHERS_MOST || audio.max(calls) > LATE_MOST_MS {
            page.push_str(
                "\n**The machine was not the bench's alone: delays and CPU times of this run are \
                 too high, and not to be relied on.**\n",
            );
        }
    }

    fn calls(&self, page: &mut String, plan: &Plan) {
        let _ = write!(
            page,
            "\n## Calls\n\n{} calls/s for {} s, {} runs; {} phones, each with its own socket. \
             Digest (MD5, fresh nonce) on REGISTER and on every INVITE; the callee sends 180 and \
             {} 200; {} ms of talk; caller and callee hang up in turn. Post-dial delay: INVITE with \
             credentials sent to 180 received, at the caller. Relay: sent by the callee to \
             received by the caller. CPU is user and system time of the server process, less what \
             it uses idle ({:.2} % of a core).\n\n",
            plan.rate,
            plan.time.as_secs(),
            plan.runs,
            2 * plan.pairs,
            if plan.ring.is_zero() {
                "at once".to_owned()
            } else {
                format!("{} ms later", plan.ring.as_millis())
            },
            plan.hold.as_millis(),
            self.idle.rate() * 100.0
        );
        page.push_str(
            "| run | calls | failed | calls/s | live at most | CPU a call, ms | post-dial delay p50 / p99 / max, ms \
             | 180 relay p50 / p99, ms | 200 relay p50 / p99 / max, ms | sent again |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for (number, run) in self.runs.iter().enumerate() {
            let outcome = &run.outcome;
            let ring = outcome.ring_delay.summary();
            let relay = outcome.ring_relay.summary();
            let answer = outcome.answer_relay.summary();
            let _ = writeln!(
                page,
                "| {} | {} | {} | {:.1} | {} | {:.3} | {} / {} / {} | {} / {} | {} / {} / {} | {} |",
                number + 1,
                outcome.placed,
                outcome.failed(),
                outcome.rate(),
                outcome.live_max,
                self.call_cpu_ms(run),
                millis(ring.p50),
                millis(ring.p99),
                millis(ring.max),
                millis(relay.p50),
                millis(relay.p99),
                millis(answer.p50),
                millis(answer.p99),
                millis(answer.max),
                outcome.repeated
            );
        }
    }

    fn memory(&self, page: &mut String, plan: &Plan) {
        let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
        page.push_str("\n## Memory\n\n| | resident, MiB |\n| --- | --- |\n");
        let _ = writeln!(
            page,
            "| phones registered, no call yet | {} |",
            mib(self.resident)
        );
        for (number, run) in self.runs.iter().enumerate() {
            let _ = writeln!(page, "| after run {} | {} |", number + 1, mib(run.resident));
        }
        let _ = writeln!(
            page,
            "| {} s later | {} |",
            plan.rest.as_secs(),
            mib(self.rested)
        );
        if let Some((first, later)) = self.runs.split_first() {
            let risen = first.resident_max.saturating_sub(self.resident) as f64;
            let each = risen / first.outcome.live_max.max(1) as f64;
            let finished: u64 = later.iter().map(|run| run.outcome.placed).sum();
            let growth = self.rested as f64 - first.resident as f64;
            let _ = write!(
                page,
                "\nWhile calls stand: at most {each:.1} KiB for each live call (first run's peak over \
                 the start, all told). Growth after the first run: {:.3} KiB for each finished call.\n",
                growth / finished.max(1) as f64
            );
        }
    }

    fn audio(&self, page: &mut String, plan: &Plan) {
        let (server, floor) = self.packet_cpu_us();
        let _ = write!(
            page,
            "\n## Relayed audio\n\n{} calls, G.711, a packet each 20 ms both ways: {} packets/s. Two \
             stretches of {} s each through the server and through the plain relay in turn. The plain \
             relay is a process of ours with connected sockets and one epoll loop: receive, send, \
             nothing else. Delay is from one phone's send to the other's receive.\n\n\
             | through | packets | lost | jumps | CPU a packet, µs | delay p50 / p99 / max, ms |\n\
             | --- | --- | --- | --- | --- | --- |\n",
            plan.audio_calls,
            plan.audio_calls as u64 * 2 * packets_a_second(),
            plan.audio_time.as_secs()
        );
        for (name, heard, cpu) in [
            ("strowger", &self.through_server, server),
            ("plain relay", &self.through_relay, floor),
        ] {
            let delay = heard.delay.summary();
            let _ = writeln!(
                page,
                "| {name} | {} | {} | {} | {cpu:.2} | {} / {} / {} |",
                heard.sent,
                heard.lost(),
                heard.jumps,
                millis(delay.p50),
                millis(delay.p99),
                millis(delay.max)
            );
        }
    }
}

/// Today, UTC, as `2026-11-23`.
fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a count of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years that begin in March put the leap day at the end; 400 of them are one era.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    match git(&["rev-parse", "--short", "HEAD"]) {
        Some(hash) => {
            let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
            let changed = changed.is_some_and(|list| !list.is_empty());
            format!("{hash}{}", if changed { " with changes" } else { "" })
        }
        None => "unknown".to_owned(),
    }
}

fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cpu}, {cores} cores, {memory}, Linux {}", kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_780), (2026, 11, 23));
    }
}
