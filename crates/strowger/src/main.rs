//! Strowger: an open telephone exchange that speaks the Yeastar P-Series
//! OpenAPI. This is the command line; what it wires together is in the crates,
//! and what speaks to a PBX as an application does is in `cli`.

mod cli;
mod config;
mod control;
mod credentials;
mod data_dir;
mod demo;
mod serve;
mod status;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
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
    about = "An open telephone exchange that speaks the Yeastar P-Series OpenAPI",
    after_help = cli::EXIT_CODES
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Configuration file (TOML). Any key can also be set by the environment
    /// as `STROWGER_<SECTION>__<KEY>`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    before: cli::Before,
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
    #[command(flatten)]
    Pbx(Box<cli::PbxCommand>),
    /// Prints a completion script for a shell.
    Completions(cli::CompletionArguments),
    /// Writes the manual pages.
    Man(cli::ManArguments),
}

fn main() -> ExitCode {
    let command = cli::with_contract_help(Arguments::command());
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let command = match arguments.command {
        Command::Pbx(command) => {
            return cli::run(*command, arguments.before, arguments.config.as_deref());
        }
        Command::Completions(shell) => return shell.run(Arguments::command()),
        Command::Man(pages) => {
            return pages.run(cli::with_contract_help(Arguments::command()));
        }
        command => command,
    };
    match run(command, arguments.config.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strowger: {error}");
            match error.downcast_ref() {
                Some(control::AskError::NobodyThere(_)) => ExitCode::from(cli::UNREACHABLE),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: Command, config: Option<&Path>) -> Result<(), Box<dyn std::error::Error>> {
    if matches!(command, Command::Status) {
        println!("{}", status::json());
        return Ok(());
    }
    let config = Config::load(config)?;
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
        match command {
            Command::Serve => serve::serve(config).await,
            Command::Demo { once } => demo::demo(config, once).await,
            Command::Credentials => credentials::show(&config).await,
            Command::Unblock { address } => Ok(control::unblock(&config.data.dir, address).await?),
            // The others are done already.
            _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        cli::with_contract_help(Arguments::command()).debug_assert();
    }
}
