//! Chores, each in a module of its own: `cargo xtask <chore>`.

mod bench;
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
    /// Measure what calls, audio and memory cost the product; writes docs/benchmarks.md.
    Bench(bench::Arguments),
    /// The plain UDP relay that the bench compares with; it starts this itself.
    #[command(hide = true)]
    BenchRelay,
    /// Make from contract/ what is made from it: wire's types, the OpenAPI document, the status table.
    Contract(contract::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().chore {
        Chore::Bench(arguments) => bench::main(&arguments),
        Chore::BenchRelay => bench::relay_main(),
        Chore::Contract(arguments) => contract::main(&arguments),
    }
}
