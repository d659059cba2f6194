//! Completion scripts and manual pages, made from the command line itself and
//! the contract.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_complete::Shell;

use super::failure::{Failure, Result};
use super::help;
use super::objects::Noun;
use super::transfer;

/// Prints a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
bash: strowger completions bash > /etc/bash_completion.d/strowger\n\
zsh:  strowger completions zsh > \"${fpath[1]}/_strowger\"\n\
fish: strowger completions fish > ~/.config/fish/completions/strowger.fish")]
pub struct CompletionArguments {
    /// Which shell.
    shell: Shell,
}

/// Writes the manual pages.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// The directory to write them to, such as /usr/local/share/man/man1.
    folder: PathBuf,
}

impl CompletionArguments {
    /// Prints it. Paths of operations are completed too.
    pub fn run(&self, command: Command) -> ExitCode {
        let paths: Vec<&str> = help::paths().collect();
        let mut command = command.mut_subcommand("api", |api| {
            api.mut_arg("path", |path| {
                path.value_parser(PossibleValuesParser::new(paths.clone()))
            })
        });
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "strowger", &mut script);
        if self.shell == Shell::Fish {
            // Its generator leaves out what is no option.
            let paths = paths.join(" ");
            let line = format!(
                "complete -c strowger -n \"__fish_seen_subcommand_from api\" -f -a \"{paths}\"\n"
            );
            script.extend_from_slice(line.as_bytes());
        }
        ended(std::io::stdout().write_all(&script).map_err(Failure::from))
    }
}

impl ManArguments {
    /// Writes one page a command.
    pub fn run(&self, command: Command) -> ExitCode {
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| clap_mangen::generate_to(command, &self.folder));
        ended(written.map_err(|error| Failure::here(format!("{}: {error}", self.folder.display()))))
    }
}

fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// The command line with what the contract says of the members that `create`
/// and `set` take.
pub fn with_contract_help(mut command: Command) -> Command {
    for (word, noun) in Noun::ALL {
        command = command.mut_subcommand(word, |command| {
            command.mut_subcommand("import", |command| {
                command
                    .after_help("--help says which columns there are.")
                    .after_long_help(transfer::help(noun))
            })
        });
        for (verb, operation) in [("create", "create"), ("set", "update")] {
            command = command.mut_subcommand(word, |command| {
                command.mut_subcommand(verb, |command| {
                    command
                        .after_help("--help says which members there are.")
                        .after_long_help(noun.help(operation))
                })
            });
        }
    }
    command
}
