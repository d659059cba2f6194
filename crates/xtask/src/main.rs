//! Chores, each in a module of its own: `cargo xtask <chore>`.

mod contract;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "The workshop of Strowger")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make from contract/ what is made from it: wire's types, the OpenAPI document, the status table.
    Contract(contract::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().chore {
        Chore::Contract(arguments) => contract::main(&arguments),
    }
}
