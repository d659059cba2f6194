//! `strowger extension|contact|… import|export`: CSV files, with the vendor's
//! columns where the vendor has a file. A file is taken whole or not at all.

mod columns;
mod create;
mod drafts;
mod export;
mod organizations;
mod quotes;
mod sheet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use client::{Client, Map, Value, json};

use self::columns::{CONTACT, Column, EXTENSION, GROUP, How, ORGANIZATION, PHONEBOOK};
use self::drafts::{Draft, Known};
use self::sheet::{Faults, Row};
use super::failure::{Failure, Result};
use super::objects::{Noun, ObjectVerb};
use super::out::Out;
use super::target::Session;
use super::{logins, names, pairs};

/// The group that every PBX has of its own.
const GROUP_OF_ALL: &str = "Default_All_Extensions";

/// What one can do with kinds that have a CSV file.
#[derive(Debug, Subcommand)]
pub enum TransferVerb {
    #[command(flatten)]
    Object(ObjectVerb),
    /// Creates what a CSV file has, all of it or nothing.
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
    /// Writes all of them to a CSV file that an import makes the same of.
    Export {
        /// The file (- is the standard output).
        #[arg(default_value = "-")]
        file: String,
        /// Of extensions: with registration passwords and voicemail PINs. User
        /// passwords can't be read back from a PBX: an import makes new ones.
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
                dry_run,
                out,
            };
            match noun {
                Noun::Organization => import.organizations().await,
                _ => import.objects(made).await,
            }
        }
        TransferVerb::Export {
            file,
            with_passwords,
        } => write(noun, client, &file, with_passwords, out).await,
    }
}

fn columns_of(noun: Noun) -> &'static [Column] {
    match noun {
        Noun::Extension => EXTENSION,
        Noun::Contact => CONTACT,
        Noun::Group => GROUP,
        Noun::Phonebook => PHONEBOOK,
        Noun::Organization => ORGANIZATION,
    }
}

/// Which columns a file may have.
pub fn help(noun: Noun) -> String {
    let columns = columns_of(noun);
    let titles = |reached: bool| {
        columns
            .iter()
            .filter(move |column| (column.how != How::Unreachable) == reached)
            .map(|column| format!("  {}", column.title))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let mut text = format!(
        "Columns, in any order, each at most once; a blank cell leaves the PBX's default:\n{}",
        titles(true)
    );
    text.push_str(
        "\n\nSeveral names in a cell are joined by &, the steps of a department's path by /; a name \
         that\nhas such a sign in itself is written with \\ before it: R\\&D.",
    );
    if noun == Noun::Extension {
        text.push_str(&format!(
            "\n\nBlank passwords and registration names are made, and a PIN where one is asked for.\n\
             Left out of a file: presence_list (call forwarding by presence), and the groups, whose \
             file\nnames their members.\n\nColumns of the vendor's file that the API has no members for; other values \
             than those of a\nnew extension are refused:\n{}",
            titles(false)
        ));
    }
    text
}

/// The columns of an operation's kind.
fn columns_of_path(path: &str) -> &'static [Column] {
    let kind = path.split('/').next();
    let found = Noun::ALL.iter().find(|(_, noun)| Some(noun.path()) == kind);
    found.map_or(&[], |(_, noun)| columns_of(*noun))
}

/// The column of a member of the API.
fn title_of<'f>(path: &str, field: &'f str) -> &'f str {
    let member = field.split(['[', '.']).next().unwrap_or(field);
    let mut all = columns_of_path(path).iter();
    let found = all.find(|column| column.member == member && column.how != How::Unreachable);
    found.map_or(field, |column| column.title)
}

struct Import<'s> {
    noun: Noun,
    client: &'s Client,
    file: &'s str,
    ignore: bool,
    dry_run: bool,
    out: Out,
}

impl Import<'_> {
    /// The rows of the file; there are some.
    fn rows(&self) -> Result<Vec<Row>> {
        let bytes = pairs::content(self.file)?;
        let rows = sheet::read(self.file, &bytes, columns_of(self.noun))?;
        match rows.is_empty() {
            true => Err(Failure::here(format!(
                "{}: no line with anything in it",
                self.file
            ))),
            false => Ok(rows),
        }
    }

    /// A file of what refers to nothing that is made with it.
    async fn objects(&self, made: Option<PathBuf>) -> Result<()> {
        let rows = self.rows()?;
        let known = self.known(&rows).await?;
        let mut faults = Faults::default();
        let drafts = match self.noun {
            Noun::Contact => drafts::contacts,
            Noun::Group => drafts::groups,
            Noun::Phonebook => drafts::phonebooks,
            Noun::Extension | Noun::Organization => drafts::extensions,
        };
        let drafts = drafts(&rows, &known, self.ignore, &mut faults);
        faults.none_or(self.file)?;
        match self.dry_run {
            true => self.faultless(drafts.len()),
            false => self.create(&drafts, made).await,
        }
    }

    /// A file of a tree.
    async fn organizations(&self) -> Result<()> {
        let rows = self.rows()?;
        let known = names::organizations(self.client).await?;
        let mut faults = Faults::default();
        let departments = organizations::drafts(&rows, &known, &mut faults);
        faults.none_or(self.file)?;
        if self.dry_run {
            return self.faultless(departments.len());
        }
        let count = organizations::create(self.client, self.file, &departments, &known).await?;
        let said = format!("{}: {count} departments, all of them taken", self.file);
        self.out.done(&said, json!({"created": count}))
    }

    fn faultless(&self, lines: usize) -> Result<()> {
        let said = format!("{}: {lines} lines without a fault", self.file);
        self.out.done(&said, json!({"lines": lines}))
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
        let kinds = ["user", "manager", "custom"];
        if kinds.iter().any(|kind| uses(How::Members(kind), |_| false)) {
            known.extensions = Some(names::extensions(client).await?);
        }
        let list = format!("{}/list", self.noun.path());
        match self.noun {
            Noun::Extension => {
                let members = ["number", "email_addr"];
                [known.numbers, known.mails] =
                    names::taken(client, &list, "number", &members).await?;
            }
            Noun::Group | Noun::Phonebook => {
                [known.names] = names::taken(client, &list, "name", &["name"]).await?;
            }
            Noun::Contact | Noun::Organization => {}
        }
        Ok(known)
    }

    async fn create(&self, drafts: &[Draft], made: Option<PathBuf>) -> Result<()> {
        let secrets = drafts.iter().any(|draft| !draft.made.is_empty());
        let made = match secrets {
            true => Some(self.made_file(made)?),
            false => None,
        };
        let into = create::Into {
            path: self.noun.path(),
            key: match self.noun {
                Noun::Extension => Some("number"),
                Noun::Group | Noun::Phonebook => Some("name"),
                Noun::Contact | Noun::Organization => None,
            },
            used_by: (self.noun == Noun::Contact).then_some("phonebook_id_list"),
        };
        // Before the first request: passwords that nobody knows would be left
        // where something goes wrong after it.
        if let Some(made) = &made {
            write_made(made, drafts)?;
        }
        let ids = match create::all(self.client, into, self.file, drafts).await {
            Ok(ids) => ids,
            Err(undone) => {
                match &made {
                    Some(made) if undone.whole => {
                        let _ = std::fs::remove_file(made);
                    }
                    Some(made) => tell_made(made),
                    None => {}
                }
                return Err(undone.failure);
            }
        };
        if let Some(made) = &made {
            tell_made(made);
        }
        let said = format!("{}: {} lines, all of them taken", self.file, ids.len());
        self.out.done(&said, told(&ids, made.as_deref()))
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

fn tell_made(made: &Path) {
    eprintln!("what was made for blank cells is in {}", made.display());
}

fn told(ids: &BTreeMap<u64, i64>, made: Option<&Path>) -> Value {
    let ids: Vec<i64> = ids.values().copied().collect();
    json!({"created": ids.len(), "ids": ids, "made": made})
}

/// Names and passwords that were made, a line an extension.
fn write_made(path: &Path, drafts: &[Draft]) -> Result<()> {
    const TITLES: [&str; 4] = [
        "User Password",
        "Registration Name",
        "Registration Password",
        "Voicemail Access PIN",
    ];
    let header = ["Extension Number"].into_iter().chain(TITLES);
    let mut bytes = sheet::record(header)?;
    for draft in drafts.iter().filter(|draft| !draft.made.is_empty()) {
        let made = |title: &str| {
            let found = draft.made.iter().find(|(made, _)| *made == title);
            found.map_or("", |(_, secret)| secret.as_str())
        };
        let cells = [draft.name.as_str()].into_iter().chain(TITLES.map(made));
        bytes.extend(sheet::record(cells)?);
    }
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
    let mut objects = match noun {
        Noun::Organization => departments(client).await?,
        _ => export::objects(client, noun.path()).await?,
    };
    // The order in which they were made is no property of theirs.
    let text = |object: &Map<String, Value>, member: &str| {
        let text = object.get(member).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    match noun {
        Noun::Extension => {
            objects.sort_by_key(|object| object.get("number").and_then(names::whole));
        }
        Noun::Contact => {
            objects.sort_by_cached_key(|one| (text(one, "first_name"), text(one, "last_name")));
        }
        Noun::Group | Noun::Phonebook => objects.sort_by_cached_key(|one| text(one, "name")),
        Noun::Organization => {}
    }
    let mut known = export::References::default();
    if noun == Noun::Extension {
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
    if noun == Noun::Group {
        objects.retain(|group| group.get("name").is_none_or(|name| name != GROUP_OF_ALL));
        known.extensions = Some(names::extensions(client).await?);
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

/// Every department but the root, which each PBX has of its own.
async fn departments(client: &Client) -> Result<Vec<Map<String, Value>>> {
    let answer = client
        .ask("v1.0", "organization/list", json!({"is_all": 2}))
        .await?;
    let mut found = Vec::new();
    for root in names::list(&answer, "organization_list") {
        names::walk(root, "", &mut |path, node| {
            if names::above(path).is_some() {
                let name = node.get("name").cloned().unwrap_or_default();
                let members = [("name", name), ("path", path.into())];
                found.push(
                    members
                        .into_iter()
                        .map(|(member, value)| (member.to_owned(), value))
                        .collect(),
                );
            }
        });
    }
    Ok(found)
}
