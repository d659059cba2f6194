//! Strowger: an open telephone exchange that speaks the Yeastar P-Series
//! OpenAPI. This is the command line; what it wires together is in the crates.

mod config;
mod control;
mod credentials;
mod data_dir;
mod demo;
mod serve;
mod status;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

use crate::config::Config;

/// What is freed goes back to the system: glibc keeps whole arenas because of a
/// few small blocks, some hundred MiB after a burst of password hashes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(
    name = "strowger",
    version,
    about = "An open telephone exchange that speaks the Yeastar P-Series OpenAPI"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Configuration file (TOML). Any key can also be set by the environment
    /// as `STROWGER_<SECTION>__<KEY>`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the exchange.
    Serve,
    /// Runs the exchange, places a first call between two built-in phones and
    /// shows what an application sees of it; then stays up.
    Demo {
        /// Leave after the call instead of staying up.
        #[arg(long)]
        once: bool,
    },
    /// Shows the API's Client ID and Client Secret.
    Credentials,
    /// Lets addresses log in to the API again that wrong credentials have
    /// blocked; all of them where none is named.
    Unblock {
        /// Whose block is lifted.
        address: Option<IpAddr>,
    },
    /// What this build can do, as JSON: the status table is made from it.
    #[command(hide = true)]
    Status,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strowger: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if matches!(arguments.command, Command::Status) {
        println!("{}", status::json());
        return Ok(());
    }
    let config = Config::load(arguments.config.as_deref())?;
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_new(&config.log)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // rustls asks for its provider once, before anyone uses TLS.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        return Err("TLS is set up already".into());
    }
    raise_open_files();
    // What is kept (records, names, numbers, keys) is the owner's alone, also
    // in a directory that somebody else has made.
    umask(Mode::RWXG | Mode::RWXO);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Serve => serve::serve(config).await,
            Command::Demo { once } => demo::demo(config, once).await,
            Command::Credentials => credentials::show(&config).await,
            Command::Unblock { address } => Ok(control::unblock(&config.data.dir, address).await?),
            Command::Status => Ok(()),
        }
    })
}

/// Two legs are four sockets: the usual soft limit of 1024 open files would end
/// at some 250 calls. The hard limit is the administrator's word.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
}
