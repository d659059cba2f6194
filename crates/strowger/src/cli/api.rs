//! `strowger api PATH [key=value…]`: any operation of the contract, or one that
//! the contract does not know. Prints the answer as it is.

use clap::Args;
use client::{Method, Upload, Value};
use wire::contract::{HttpMethod, Operation};

use super::failure::{Failure, Result};
use super::out::{self, Out};
use super::target::Session;
use super::{help, pairs};

/// `PARTIAL SUCCESS`
const PARTIAL_SUCCESS: i64 = 1;

/// Asks for any operation of the API and prints the answer.
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Members:\n",
    "  key=value     a member; lists are written a,b,c\n",
    "  key:=json     a member as JSON: key:=[1,2]\n",
    "  key=@file     the content of a file (- is the standard input)\n",
    "  key:=@file    JSON from a file\n",
    "  @file         a whole object of members from a file\n\n",
    "`strowger api --list` lists the paths, `strowger api PATH --explain` says what one takes.\n",
    "The exit code is 1 where the PBX refuses; the answer is printed all the same."
))]
pub struct ApiArguments {
    /// Such as extension/list.
    #[arg(index = 1, required_unless_present = "list")]
    path: Option<String>,
    /// Members of the request: key=value, key:=json, @file.
    #[arg(index = 2, value_name = "MEMBER")]
    members: Vec<String>,
    /// The version of the path, where there are two; v1.0 if neither this nor
    /// the path tells it (v2.0/cdr/list).
    #[arg(long = "api-version", value_name = "VERSION")]
    version: Option<String>,
    /// For a path that the contract does not know: GET or POST.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Send members that the contract does not know.
    #[arg(long)]
    any: bool,
    /// All pages of a list, as one JSON list of rows.
    #[arg(long)]
    all: bool,
    /// Say what the operation is and takes; ask nobody.
    #[arg(long)]
    explain: bool,
    /// List the paths of the contract; ask nobody.
    #[arg(long)]
    list: bool,
    /// Also fetch the file whose link the answer has, into this one.
    #[arg(long, value_name = "FILE")]
    save: Option<std::path::PathBuf>,
}

impl ApiArguments {
    /// What can be said without a PBX; `None` where one must be asked.
    pub fn offline(&self, out: Out) -> Option<Result<()>> {
        if self.list {
            return Some(list(out));
        }
        self.explain.then(|| {
            let operation = self.operation()?.ok_or_else(|| self.unknown())?;
            out.line(help::operation(operation).trim_end())
        })
    }

    /// Does it.
    pub async fn run(self, session: &Session, out: Out) -> Result<()> {
        let (version, path) = self.asked_path()?;
        let operation = self.operation()?;
        let method = self.asked_method(operation)?;
        let given = pairs::read(operation, &self.members, self.any)?;
        if self.all {
            let mut rows = session
                .client
                .rows::<Value, _>(version, path, &given.params);
            let mut all = Vec::new();
            while let Some(row) = rows.next().await {
                all.push(row?);
            }
            return out.value(&Value::Array(all));
        }
        let files: Vec<(&str, Upload)> = given
            .files
            .iter()
            .map(|(member, file)| (member.as_str(), file.clone()))
            .collect();
        let params = Value::Object(given.params);
        let answer = session
            .client
            .ask_with(method, version, path, params, &files)
            .await;
        match answer {
            Ok(answer) => {
                out.value(&answer)?;
                if answer.get("errcode") == Some(&PARTIAL_SUCCESS.into()) {
                    return Err(Failure::here(format!("{path}: done in part only")));
                }
                self.fetch(session, &answer).await
            }
            Err(client::Error::Refused(refusal)) => {
                out.value(&Value::Object(refusal.answer.clone()))?;
                Err(client::Error::Refused(refusal).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn operation(&self) -> Result<Option<&'static Operation>> {
        let (version, path) = self.asked_path()?;
        let found = wire::contract::operation(version, path);
        match (found, &self.method) {
            (None, None) => Err(self.unknown()),
            (found, _) => Ok(found),
        }
    }

    /// Version and path; the path may tell both.
    fn asked_path(&self) -> Result<(&str, &str)> {
        let (told, path) = parted(self.path.as_deref().unwrap_or_default());
        match (told, self.version.as_deref()) {
            (Some(told), Some(version)) if told != version => Err(Failure::usage(format!(
                "the path says {told} and --api-version {version}; which one is meant?"
            ))),
            (told, version) => Ok((told.or(version).unwrap_or("v1.0"), path)),
        }
    }

    fn unknown(&self) -> Failure {
        let (version, path) = match self.asked_path() {
            Ok(asked) => asked,
            Err(failure) => return failure,
        };
        Failure::usage(format!(
            "the contract has no operation {version} {path}; --method GET or POST asks for it all the same.{}",
            help::did_you_mean(path, help::paths())
        ))
    }

    fn asked_method(&self, operation: Option<&Operation>) -> Result<Method> {
        match (self.method.as_deref(), operation) {
            (Some(method), _) if method.eq_ignore_ascii_case("get") => Ok(Method::Get),
            (Some(method), _) if method.eq_ignore_ascii_case("post") => Ok(Method::Post),
            (Some(method), _) => Err(Failure::usage(format!(
                "{method} is no method of this API: GET or POST"
            ))),
            (None, Some(operation)) if operation.method == HttpMethod::Post => Ok(Method::Post),
            (None, _) => Ok(Method::Get),
        }
    }

    async fn fetch(&self, session: &Session, answer: &Value) -> Result<()> {
        let Some(path) = &self.save else {
            return Ok(());
        };
        let link = |name: &str| answer.get(name).and_then(Value::as_str);
        let with_token = link("download_resource_url").or_else(|| link("download_url"));
        let mut download = match (with_token, link("play_resource_url")) {
            (Some(link), _) => session.client.download(link).await?,
            (None, Some(link)) => session.client.download_without_token(link).await?,
            (None, None) => return Err(Failure::here("the answer has no link to a file")),
        };
        let written = save(&mut download, path).await?;
        // The answer is what the standard output is for.
        eprintln!("{}: {written} bytes", path.display());
        Ok(())
    }
}

/// A download to a file, with a bar.
pub async fn save(download: &mut client::Download, path: &std::path::Path) -> Result<u64> {
    let bar = out::progress("download", download.length());
    let written = download
        .save_with(path, |position| bar.set_position(position))
        .await?;
    bar.finish_and_clear();
    Ok(written)
}

/// The version, where a path tells it, and the path as the contract has it,
/// however it was copied.
fn parted(path: &str) -> (Option<&str>, &str) {
    let path = path.trim_matches('/');
    let path = path.strip_prefix("openapi/").unwrap_or(path);
    match path.split_once('/') {
        Some((version @ ("v1.0" | "v2.0"), path)) => (Some(version), path),
        _ => (None, path),
    }
}

fn list(out: Out) -> Result<()> {
    let rows: Vec<Value> = wire::contract::OPERATIONS
        .iter()
        .map(|operation| {
            let method = match operation.method {
                HttpMethod::Get => "GET",
                HttpMethod::Post => "POST",
            };
            client::json!({"path": operation.path, "version": operation.version,
                "method": method, "summary": operation.summary})
        })
        .collect();
    let columns = [
        ("PATH", "path"),
        ("VERSION", "version"),
        ("METHOD", "method"),
        ("WHAT IT DOES", "summary"),
    ];
    out.rows(&columns, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Command {
        #[command(flatten)]
        arguments: ApiArguments,
    }

    fn asked(words: &[&str]) -> Result<(String, String)> {
        let words = ["api"].iter().chain(words);
        let command = <Command as clap::Parser>::try_parse_from(words).unwrap();
        let asked = command.arguments.asked_path();
        asked.map(|(version, path)| (version.to_owned(), path.to_owned()))
    }

    #[test]
    fn a_path_with_its_version_is_asked_in_that_version() {
        for (words, version) in [
            (&["cdr/list"][..], "v1.0"),
            (&["openapi/v2.0/cdr/list"], "v2.0"),
            (&["/openapi/v1.0/cdr/list/"], "v1.0"),
            (&["v2.0/cdr/list", "--api-version", "v2.0"], "v2.0"),
            (&["cdr/list", "--api-version", "v2.0"], "v2.0"),
        ] {
            let expected = (version.to_owned(), "cdr/list".to_owned());
            assert_eq!(asked(words).unwrap(), expected, "{words:?}");
        }
        assert!(asked(&["v2.0/cdr/list", "--api-version", "v1.0"]).is_err());
    }
}
