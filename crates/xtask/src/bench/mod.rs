//! `cargo xtask bench`: what a call, a relayed packet and a finished call cost
//! the product, seen from outside. The phones are our own and share no code
//! with the product; their clock is finer than what is measured.
//!
//! Must never: load anything but this machine's loopback, run without an end,
//! or count as good what it has not seen through.

mod audio;
mod digest;
mod error;
#[cfg(test)]
mod fake;
mod http;
mod legs;
mod load;
mod outcome;
mod phones;
mod plan;
mod poller;
mod process;
pub mod relay;
mod report;
mod server;
mod stats;
mod text;
mod timers;

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use self::audio::{Audio, Heard};
use self::error::{BenchError, Tried as _};
use self::load::{CallPlan, Load};
use self::outcome::Outcome;
use self::phones::Phone;
pub use self::plan::Arguments;
use self::plan::Plan;
use self::process::{Cpu, Machine, Spent, resident_kib};
use self::relay::Relay;
use self::report::{Findings, Run};
use self::server::Server;

/// Calls with audio are set up at this rate.
const AUDIO_SETUP_RATE: f64 = 50.0;
/// Stretches of audio, each through the server and then the plain relay.
const STRETCHES: usize = 2;
/// How often memory is read during a run.
const MEMORY_POLL: Duration = Duration::from_millis(250);
/// Discard port: calls without audio point here.
const NO_AUDIO: [u16; 2] = [9, 9];

/// Runs the chore and tells how it went.
pub fn main(arguments: &Arguments) -> ExitCode {
    exit(run(arguments))
}

/// The plain relay's process.
pub fn relay_main() -> ExitCode {
    exit(relay::main())
}

fn exit(result: Result<(), BenchError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let plan = Plan::new(arguments)?;
    raise_open_files();
    let binary = server::binary(arguments.server.as_deref())?;
    let server = Server::start(&binary)?;
    let accounts = phones::accounts(plan.pairs);
    say(&format!("creating {} extensions", accounts.len()));
    server.create(&accounts)?;
    let phones = accounts
        .into_iter()
        .map(|account| Phone::open(account, server.sip))
        .collect::<Result<Vec<_>, _>>()?;
    say("registering them");
    phones::register_all(&phones, server.sip)?;
    let findings = measure(&plan, &server, &phones)?;
    let page = findings.page(&plan, arguments.date.as_deref());
    println!("{page}");
    if !plan.quick {
        fs::write(&arguments.out, &page).tried(|| arguments.out.display().to_string())?;
    }
    let missed = findings.missed(arguments.strict);
    if missed.is_empty() {
        Ok(())
    } else {
        Err(BenchError::Failed(missed.join("\n")))
    }
}

fn measure(plan: &Plan, server: &Server, phones: &[Phone]) -> Result<Findings, BenchError> {
    let pid = server.pid();
    let idle = idle(pid, plan.idle)?;
    let resident = resident_kib(pid)?;
    let mut runs = Vec::new();
    for number in 1..=plan.runs {
        say(&format!("run {number}: {} calls", plan.calls()));
        let run = calls(plan, server, phones, number)?;
        say(&format!(
            "run {number}: {} completed, {} failed {}",
            run.outcome.completed,
            run.outcome.failed(),
            run.outcome.told()
        ));
        runs.push(run);
    }
    say(&format!("resting {} s", plan.rest.as_secs()));
    thread::sleep(plan.rest);
    let rested = resident_kib(pid)?;
    say(&format!("audio of {} calls", plan.audio_calls));
    let audio = relayed(plan, server, phones)?;
    Ok(Findings {
        idle,
        resident,
        runs,
        rested,
        silent: audio.silent,
        audio_calls: audio.calls,
        through_server: audio.server,
        through_relay: audio.relay,
        audio_others: audio.others,
    })
}

fn idle(pid: u32, time: Duration) -> Result<Spent, BenchError> {
    let before = Cpu::of(pid)?;
    thread::sleep(time);
    Ok(Cpu::of(pid)?.since(before))
}

fn calls(plan: &Plan, server: &Server, phones: &[Phone], number: u32) -> Result<Run, BenchError> {
    let pid = server.pid();
    let peak = Peak::watch(pid);
    let us = std::process::id();
    let machine = Machine::read()?;
    let (before, ours) = (Cpu::of(pid)?, Cpu::of(us)?);
    let load = Load::new(
        phones,
        server.sip,
        CallPlan {
            count: plan.calls(),
            rate: plan.rate.into(),
            hold: Some(plan.hold),
            ring: plan.ring,
            ports: vec![NO_AUDIO],
            label: format!("run{number}x{}", std::process::id()),
        },
    )?;
    let outcome = load.finish()?;
    let spent = Cpu::of(pid)?.since(before);
    let known = [spent, Cpu::of(us)?.since(ours)];
    Ok(Run {
        others: Machine::read()?.others_since(machine, &known),
        outcome,
        spent,
        resident: resident_kib(pid)?,
        resident_max: peak.end(),
    })
}

struct Relayed {
    silent: Spent,
    calls: Outcome,
    server: Heard,
    relay: Heard,
    others: f64,
}

fn relayed(plan: &Plan, server: &Server, phones: &[Phone]) -> Result<Relayed, BenchError> {
    let mut through_server = Audio::open(plan.audio_calls)?;
    let mut through_relay = Audio::open(plan.audio_calls)?;
    let relay = Relay::start(&through_relay.ports())?;
    through_relay.connect(&relay.addresses)?;
    let mut load = Load::new(
        phones,
        server.sip,
        CallPlan {
            count: plan.audio_calls,
            rate: AUDIO_SETUP_RATE,
            hold: None,
            ring: Duration::ZERO,
            ports: through_server.ports(),
            label: format!("audio{}", std::process::id()),
        },
    )?;
    let remotes = load.establish()?;
    through_server.connect(&remotes)?;
    let silent = idle(server.pid(), plan.idle)?;
    let (mut server_heard, mut relay_heard) = (Heard::default(), Heard::default());
    let programs = [std::process::id(), server.pid(), relay.pid()];
    let read = || {
        let cpu = programs.map(Cpu::of).into_iter();
        Ok::<_, BenchError>((Machine::read()?, cpu.collect::<Result<Vec<_>, _>>()?))
    };
    let (machine, before) = read()?;
    for _ in 0..STRETCHES {
        server_heard.add(&through_server.run(plan.audio_time, server.pid())?);
        relay_heard.add(&through_relay.run(plan.audio_time, relay.pid())?);
    }
    let (machine_after, after) = read()?;
    let known: Vec<_> = after
        .into_iter()
        .zip(before)
        .map(|(after, before)| after.since(before))
        .collect();
    load.release();
    Ok(Relayed {
        others: machine_after.others_since(machine, &known),
        silent,
        calls: load.finish()?,
        server: server_heard,
        relay: relay_heard,
    })
}

/// The most memory that a process held while watched.
struct Peak {
    most: Arc<AtomicU64>,
    watching: Arc<AtomicBool>,
}

impl Peak {
    fn watch(pid: u32) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let watching = Arc::new(AtomicBool::new(true));
        let (seen, on) = (Arc::clone(&most), Arc::clone(&watching));
        thread::spawn(move || {
            while on.load(Ordering::Relaxed) {
                seen.fetch_max(resident_kib(pid).unwrap_or(0), Ordering::Relaxed);
                thread::sleep(MEMORY_POLL);
            }
        });
        Self { most, watching }
    }

    fn end(&self) -> u64 {
        self.watching.store(false, Ordering::Relaxed);
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.watching.store(false, Ordering::Relaxed);
    }
}

/// Phones, audio and the server's own ports are some thousand files; the
/// server inherits what is allowed here.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn say(text: &str) {
    eprintln!("bench: {text}");
}
