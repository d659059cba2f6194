//! The command line of the API: `strowger extension|group|contact|…|api`. It is
//! an application as any other, made on `client`; it never reaches into the
//! exchange, and knows a PBX of the vendor's as well as its own.

mod api;
mod call;
mod cdr;
mod completions;
mod events;
mod failure;
mod help;
mod login;
mod logins;
mod names;
mod objects;
mod out;
mod pairs;
mod passwords;
mod stop;
mod target;
mod transfer;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::api::ApiArguments;
use self::call::CallVerb;
use self::cdr::CdrVerb;
use self::events::EventsArguments;
use self::failure::{Failure, Result};
use self::login::{LoginArguments, LoginsArguments, LogoutArguments, TokenVerb};
use self::objects::Noun;
use self::stop::Stop;
use self::target::{Session, Target};
use self::transfer::TransferVerb;

pub use self::completions::{CompletionArguments, ManArguments, with_contract_help};
pub use self::failure::UNREACHABLE;
pub use self::target::{Before, reachable};

/// For the end of `strowger --help`.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the PBX refused, or it could not be done; 2 the command line makes no
sense; 3 the PBX can't be reached; 128 and the signal's number where one ended it.";

/// Commands that speak to a PBX through its API.
#[derive(Debug, Subcommand)]
pub enum PbxCommand {
    /// Logs in to a PBX and keeps the login for later commands.
    Login(LoginArguments),
    /// Gives the token back and forgets the login.
    Logout(LogoutArguments),
    /// Lists the logins, or makes one the current one.
    Logins(LoginsArguments),
    /// Shows, renews or gives back the token.
    Token(Verb<TokenVerb>),
    /// Extensions.
    Extension(Verb<TransferVerb>),
    /// Extension groups.
    Group(Verb<TransferVerb>),
    /// Company contacts.
    Contact(Verb<TransferVerb>),
    /// Phonebooks: groups of company contacts.
    Phonebook(Verb<TransferVerb>),
    /// Departments.
    Organization(Verb<TransferVerb>),
    /// Live calls: dial, list, hang up.
    Call(Verb<CallVerb>),
    /// Call records.
    Cdr(Verb<CdrVerb>),
    /// Follows what happens on the PBX, as it happens.
    Events(With<EventsArguments>),
    /// Asks for any operation of the API and prints the answer.
    Api(With<ApiArguments>),
}

/// Arguments, and which PBX they are for.
#[derive(Debug, Args)]
pub struct With<A: Args> {
    #[command(flatten)]
    arguments: A,
    // The last: its heading counts for what comes after it.
    #[command(flatten)]
    target: Target,
}

/// A verb, and which PBX it is for.
#[derive(Debug, Args)]
pub struct Verb<V: Subcommand> {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    verb: V,
}

/// Runs a command to its exit code.
pub fn run(command: PbxCommand, before: Before, config: Option<&Path>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::here(error.to_string()).tell(),
    };
    match runtime.block_on(done(command, before, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

async fn done(command: PbxCommand, before: Before, config: Option<&Path>) -> Result<()> {
    let (mut target, job) = match command {
        PbxCommand::Login(arguments) => return login::login(arguments).await,
        PbxCommand::Logout(arguments) => return login::logout(arguments).await,
        PbxCommand::Logins(arguments) => return login::logins(arguments),
        PbxCommand::Token(verb) => (verb.target, Job::Token(verb.verb)),
        PbxCommand::Extension(verb) => (verb.target, Job::Transfer(Noun::Extension, verb.verb)),
        PbxCommand::Group(verb) => (verb.target, Job::Transfer(Noun::Group, verb.verb)),
        PbxCommand::Contact(verb) => (verb.target, Job::Transfer(Noun::Contact, verb.verb)),
        PbxCommand::Phonebook(verb) => (verb.target, Job::Transfer(Noun::Phonebook, verb.verb)),
        PbxCommand::Organization(verb) => {
            (verb.target, Job::Transfer(Noun::Organization, verb.verb))
        }
        PbxCommand::Call(verb) => (verb.target, Job::Call(verb.verb)),
        PbxCommand::Cdr(verb) => (verb.target, Job::Cdr(verb.verb)),
        PbxCommand::Events(with) => (with.target, Job::Events(with.arguments)),
        PbxCommand::Api(with) => (with.target, Job::Api(with.arguments)),
    };
    target.or(before)?;
    if let Some(said) = job.offline(&target) {
        return said;
    }
    let session = target.connect(config).await?;
    let result = match session.is_kept() || job.puts_itself_right() {
        true => job.run(&session, &target).await,
        // Who ends the command must not cost the application a place.
        false => {
            let mut stop = Stop::listen()?;
            tokio::select! {
                result = job.run(&session, &target) => result,
                signal = stop.asked() => Err(Failure::Stopped(signal)),
            }
        }
    };
    session.end().await;
    result
}

/// What is to be done with a PBX.
enum Job {
    Token(TokenVerb),
    Transfer(Noun, TransferVerb),
    Call(CallVerb),
    Cdr(CdrVerb),
    Events(EventsArguments),
    Api(ApiArguments),
}

impl Job {
    /// What can be said without a PBX.
    fn offline(&self, target: &Target) -> Option<Result<()>> {
        match self {
            Self::Events(arguments) => arguments.offline(target.out()),
            Self::Api(arguments) => arguments.offline(target.out()),
            _ => None,
        }
    }

    /// Whether it heeds the wish that it should end by itself.
    fn puts_itself_right(&self) -> bool {
        matches!(self, Self::Transfer(_, TransferVerb::Import { .. }))
    }

    async fn run(self, session: &Session, target: &Target) -> Result<()> {
        let out = target.out();
        match self {
            Self::Token(verb) => login::token(verb, session, out).await,
            Self::Transfer(noun, verb) => transfer::run(noun, verb, session, out).await,
            Self::Call(verb) => call::run(verb, session, out).await,
            Self::Cdr(verb) => cdr::run(verb, session, out).await,
            Self::Events(arguments) => arguments.run(session, out).await,
            Self::Api(arguments) => arguments.run(session, out).await,
        }
    }
}
