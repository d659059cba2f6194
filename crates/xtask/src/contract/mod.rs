//! `cargo xtask contract`: reads `contract/*.yaml` and makes from it the types and
//! tables of `wire`, the operations of `client`, `docs/openapi.json` and `docs/status.md`; with `--check` it only
//! compares. It knows nothing of the crates except the status that the binary prints.

mod client;
mod enums;
mod model;
mod names;
mod openapi;
mod rust;
mod status;
mod tables;
mod types;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::model::Contract;

/// How to run the chore.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write nothing; exit 1 naming the files that are stale.
    #[arg(long)]
    check: bool,
    /// Leave docs/status.md alone, which needs the binary built.
    #[arg(long)]
    no_status: bool,
}

/// Why nothing could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A file of the contract isn't in its grammar.
    #[error("{file}: {what}")]
    Contract { file: String, what: String },
    /// Another program failed.
    #[error("{program}: {what}")]
    Program { program: &'static str, what: String },
}

/// Files to make, by path below the root.
type Files = BTreeMap<String, String>;

/// Where made Rust lies; nothing else may lie there.
const GENERATED: &str = "crates/wire/src/generated";
/// The same of the client.
const CLIENT: &str = "crates/client/src/generated";

/// Runs the chore and tells how it went.
pub fn main(arguments: &Arguments) -> ExitCode {
    match run(&root(), arguments) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) if arguments.check => {
            for path in stale {
                eprintln!("stale: {path} (run `cargo xtask contract`)");
            }
            ExitCode::FAILURE
        }
        Ok(written) => {
            for path in written {
                println!("wrote {path}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("contract: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the files and answers with the paths that differed from what is there.
fn run(root: &Path, arguments: &Arguments) -> Result<Vec<String>, Error> {
    let contract = Contract::load(&root.join("contract"))?;
    let files = make(&contract)?;
    let mut differing = settle(root, files, arguments.check)?;
    if !arguments.no_status {
        // After the others: the binary that tells the status is built from them.
        let report = status::ask(root)?;
        let table = Files::from([("docs/status.md".into(), status::render(&contract, &report)?)]);
        differing.extend(settle(root, table, arguments.check)?);
    }
    Ok(differing)
}

/// Everything that follows from the contract alone.
fn make(contract: &Contract) -> Result<Files, Error> {
    let mut files = Files::new();
    let mut sources = types::make(contract)?;
    sources.extend(tables::make(contract)?);
    for (folder, sources) in [(GENERATED, sources), (CLIENT, client::make(contract)?)] {
        for (path, source) in sources {
            files.insert(format!("{folder}/{path}"), rust::format(&source)?);
        }
    }
    files.insert("docs/openapi.json".into(), openapi::make(contract)?);
    Ok(files)
}

/// Writes the files that differ (or only names them), and removes made Rust that is
/// made no more.
fn settle(root: &Path, files: Files, check: bool) -> Result<Vec<String>, Error> {
    let mut differing = Vec::new();
    for folder in [GENERATED, CLIENT] {
        if !files.keys().any(|path| path.starts_with(folder)) {
            continue;
        }
        for path in leftovers(root, folder, &files)? {
            if !check {
                let path = root.join(&path);
                std::fs::remove_file(&path).map_err(|source| Error::File { path, source })?;
            }
            differing.push(path);
        }
    }
    for (path, made) in files {
        let place = root.join(&path);
        if std::fs::read_to_string(&place).is_ok_and(|there| there == made) {
            continue;
        }
        if !check {
            write(&place, &made)?;
        }
        differing.push(path);
    }
    Ok(differing)
}

fn leftovers(root: &Path, folder: &str, files: &Files) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let Ok(entries) = std::fs::read_dir(&path) else {
            continue;
        };
        for entry in entries {
            let entry = entry.map_err(|source| Error::File {
                path: path.clone(),
                source,
            })?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(name);
            } else if !files.contains_key(&name) {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let fault = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fault)?;
    }
    std::fs::write(path, text).map_err(fault)
}

/// The root of the checkout that this was built in.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_what_the_contract_makes() {
        let arguments = Arguments {
            check: true,
            no_status: true,
        };
        let stale = run(&root(), &arguments).unwrap();
        assert!(stale.is_empty(), "run `cargo xtask contract`: {stale:?}");
    }

    #[test]
    fn a_stale_file_is_named_by_the_check_and_mended_without_it() {
        let folder = std::env::temp_dir().join(format!("xtask-contract-{}", std::process::id()));
        let generated = folder.join(GENERATED);
        std::fs::create_dir_all(&generated).unwrap();
        std::fs::write(generated.join("gone.rs"), "//! No longer made.").unwrap();
        std::fs::write(generated.join("call.rs"), "//! Old.").unwrap();
        let files = || {
            let made = |name: &str| (format!("{GENERATED}/{name}"), "//! New.".to_owned());
            Files::from([made("call.rs"), made("tables/mod.rs")])
        };
        let stale =
            ["gone.rs", "call.rs", "tables/mod.rs"].map(|name| format!("{GENERATED}/{name}"));
        assert_eq!(settle(&folder, files(), true).unwrap(), stale);
        assert_eq!(settle(&folder, files(), false).unwrap(), stale);
        assert!(settle(&folder, files(), true).unwrap().is_empty());
        assert!(!generated.join("gone.rs").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
