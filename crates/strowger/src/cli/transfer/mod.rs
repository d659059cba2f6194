//! `strowger extension|contact import|export`: CSV files with the vendor's
//! columns. A file is taken whole or not at all.

mod columns;
mod create;
mod drafts;
mod export;
mod sheet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use client::{Client, json};
use csv::{Terminator, WriterBuilder};

use self::columns::{CONTACT, Column, EXTENSION, How};
use self::drafts::{Draft, Known};
use self::sheet::{Faults, Row};
use super::failure::{Failure, Result};
use super::objects::{Noun, ObjectVerb};
use super::out::Out;
use super::target::Session;
use super::{logins, names, pairs};

/// What one can do with kinds that have a CSV file.
#[derive(Debug, Subcommand)]
pub enum TransferVerb {
    #[command(flatten)]
    Object(ObjectVerb),
    /// Creates what a CSV file with the vendor's columns has, all of it or nothing.
    Import {
        /// The file (- is the standard input): UTF-8, a title for each column.
        file: String,
        /// Only check the file.
        #[arg(long)]
        dry_run: bool,
        /// Import without the columns that the API has no members for.
        #[arg(long)]
        ignore_unreachable: bool,
        /// Where to write the passwords and names that were made for blank
        /// cells; FILE with "-made" at its end if not told.
        #[arg(long, value_name = "FILE")]
        made: Option<PathBuf>,
    },
    /// Writes all of them to a CSV file with the vendor's columns.
    Export {
        /// The file (- is the standard output).
        #[arg(default_value = "-")]
        file: String,
        /// Of extensions: with registration passwords and voicemail PINs.
        #[arg(long)]
        with_passwords: bool,
    },
}

/// Runs a verb.
pub async fn run(noun: Noun, verb: TransferVerb, session: &Session, out: Out) -> Result<()> {
    let client = &session.client;
    match verb {
        TransferVerb::Object(verb) => super::objects::run(noun, verb, session, out).await,
        TransferVerb::Import {
            file,
            dry_run,
            ignore_unreachable,
            made,
        } => {
            let import = Import {
                noun,
                client,
                file: &file,
                ignore: ignore_unreachable,
            };
            let drafts = import.drafts().await?;
            if dry_run {
                let count = drafts.len();
                let said = format!("{file}: {count} lines without a fault");
                return out.done(&said, json!({"lines": count}));
            }
            import.create(&drafts, made, out).await
        }
        TransferVerb::Export {
            file,
            with_passwords,
        } => write(noun, client, &file, with_passwords, out).await,
    }
}

fn columns_of(noun: Noun) -> &'static [Column] {
    match noun {
        Noun::Contact => CONTACT,
        _ => EXTENSION,
    }
}

/// The column of a member of the API.
fn title_of(field: &str) -> &str {
    let member = field.split(['[', '.']).next().unwrap_or(field);
    let mut all = EXTENSION.iter().chain(CONTACT);
    let found = all.find(|column| column.member == member && column.how != How::Unreachable);
    found.map_or(field, |column| column.title)
}

struct Import<'s> {
    noun: Noun,
    client: &'s Client,
    file: &'s str,
    ignore: bool,
}

impl Import<'_> {
    /// The file as requests, if it has no fault.
    async fn drafts(&self) -> Result<Vec<Draft>> {
        let bytes = pairs::content(self.file)?;
        let rows = sheet::read(self.file, &bytes, columns_of(self.noun))?;
        let known = self.known(&rows).await?;
        let mut faults = Faults::default();
        let drafts = match self.noun {
            Noun::Contact => drafts::contacts(&rows, &known, self.ignore, &mut faults),
            _ => drafts::extensions(&rows, &known, self.ignore, &mut faults),
        };
        faults.none_or(self.file)?;
        if drafts.is_empty() {
            return Err(Failure::here(format!(
                "{}: no line with anything in it",
                self.file
            )));
        }
        Ok(drafts)
    }

    /// Asks the PBX for what the file names, and no more.
    async fn known(&self, rows: &[Row]) -> Result<Known> {
        let client = self.client;
        let uses = |how: How, plain: fn(&str) -> bool| {
            rows.iter().any(|row| {
                row.cells
                    .iter()
                    .any(|(column, text)| column.how == how && !plain(text))
            })
        };
        let mut known = Known::default();
        if uses(How::Organizations, |_| false) {
            known.organizations = Some(names::organizations(client).await?);
        }
        if uses(How::Role, |text| text.parse::<i64>().is_ok()) {
            known.roles = Some(names::roles(client).await?);
        }
        if uses(How::Phonebooks, |_| false) {
            known.phonebooks = Some(names::phonebooks(client).await?);
        }
        if self.noun == Noun::Extension {
            let taken = names::taken(client, "extension/list", &["number", "email_addr"]).await?;
            [known.numbers, known.mails] = taken;
        }
        Ok(known)
    }

    async fn create(&self, drafts: &[Draft], made: Option<PathBuf>, out: Out) -> Result<()> {
        let secrets = drafts.iter().any(|draft| !draft.made.is_empty());
        let made = match secrets {
            true => Some(self.made_file(made)?),
            false => None,
        };
        let into = create::Into {
            path: self.noun.path(),
            key: (self.noun == Noun::Extension).then_some("number"),
        };
        let ids = create::all(self.client, into, self.file, drafts).await?;
        if let Some(made) = &made {
            write_made(made, drafts)?;
            eprintln!("what was made for blank cells is in {}", made.display());
        }
        let said = format!("{}: {} lines, all of them taken", self.file, ids.len());
        out.done(&said, told(&ids, made.as_deref()))
    }

    /// Where made passwords go: never over another file.
    fn made_file(&self, told: Option<PathBuf>) -> Result<PathBuf> {
        let path = told.unwrap_or_else(|| {
            let name = match self.file {
                "-" => Path::new("import.csv"),
                file => Path::new(file),
            };
            let stem = name.file_stem().unwrap_or_default().to_string_lossy();
            name.with_file_name(format!("{stem}-made.csv"))
        });
        match path.exists() {
            true => Err(Failure::usage(format!(
                "{} is there already; --made names another file for what is made",
                path.display()
            ))),
            false => Ok(path),
        }
    }
}

fn told(ids: &BTreeMap<u64, i64>, made: Option<&Path>) -> client::Value {
    let ids: Vec<i64> = ids.values().copied().collect();
    json!({"created": ids.len(), "ids": ids, "made": made})
}

/// Names and passwords that were made, a line an extension.
fn write_made(path: &Path, drafts: &[Draft]) -> Result<()> {
    const TITLES: [&str; 3] = [
        "User Password",
        "Registration Name",
        "Registration Password",
    ];
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let told = |error: csv::Error| Failure::here(error.to_string());
    let header = ["Extension Number"].into_iter().chain(TITLES);
    writer.write_record(header).map_err(told)?;
    for draft in drafts.iter().filter(|draft| !draft.made.is_empty()) {
        let made = |title: &str| {
            let found = draft.made.iter().find(|(made, _)| *made == title);
            found.map_or("", |(_, secret)| secret.as_str())
        };
        let cells = [draft.name.as_str()].into_iter().chain(TITLES.map(made));
        writer.write_record(cells).map_err(told)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Failure::here(error.to_string()))?;
    logins::write_private(path, &bytes)
}

async fn write(
    noun: Noun,
    client: &Client,
    file: &str,
    with_passwords: bool,
    out: Out,
) -> Result<()> {
    let columns = columns_of(noun);
    let mut objects = export::objects(client, noun.path()).await?;
    let mut known = export::Names_::default();
    if noun == Noun::Extension {
        objects.sort_by_key(|object| object.get("number").and_then(names::whole));
        let has = |member: &str| {
            objects.iter().any(|object| {
                let value = object.get(member);
                value.is_some_and(|value| {
                    value.as_array().is_some_and(|list| !list.is_empty())
                        || value.as_i64().is_some_and(|id| id != 0)
                })
            })
        };
        if has("organization_list") {
            known.organizations = Some(names::organizations(client).await?);
        }
        if has("role_id") {
            // Numbers are taken by an import as well as names.
            known.roles = names::roles(client).await.ok();
        }
        if with_passwords {
            export::passwords(client, &mut objects).await?;
        }
    }
    if file == "-" {
        let stdout = std::io::stdout().lock();
        return export::write(stdout, columns, &objects, &known, with_passwords);
    }
    let mut bytes = Vec::new();
    export::write(&mut bytes, columns, &objects, &known, with_passwords)?;
    logins::write_private(Path::new(file), &bytes)?;
    let count = objects.len();
    out.done(&format!("{file}: {count} lines"), json!({"lines": count}))
}
