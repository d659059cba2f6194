//! All or nothing over an API that creates one at a time: a few requests side by
//! side, and on the first failure everything that was made is deleted again.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Client, Error, Value, json};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};

use super::drafts::Draft;
use crate::cli::failure::{Failure, faults};
use crate::cli::stop::Stop;
use crate::cli::{names, out};

/// `CONNECTION_RELATION_EXISTED`
const STILL_USED: i64 = 70091;
/// `DATA NOT FOUND`
const GONE: [i64; 1] = [60001];
/// Requests under way at once.
const ABREAST: usize = 8;

/// How long a PBX that is out of reach is waited for to take back what was made.
const TAKE_BACK: Duration = Duration::from_secs(60);
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A file that was not taken.
#[derive(Debug)]
pub struct Undone {
    /// What happened.
    pub failure: Failure,
    /// Nothing of it is left on the PBX.
    pub whole: bool,
}

/// What is created, and how it is found again.
#[derive(Debug, Clone, Copy)]
pub struct Into {
    /// The first part of the paths.
    pub path: &'static str,
    /// The member that only one has, where there is one: what a request whose
    /// answer was lost has made is found by it.
    pub key: Option<&'static str>,
    /// The member by which others hold it, so that it can't be deleted.
    pub used_by: Option<&'static str>,
}

/// Creates all of them, or none. The ids by line.
pub async fn all(
    client: &Client,
    into: Into,
    file: &str,
    drafts: &[Draft],
) -> Result<BTreeMap<u64, i64>, Undone> {
    // Before the first is made: from here on there is something to put right.
    let mut stop = Stop::listen().map_err(|error| Undone {
        failure: error.into(),
        whole: true,
    })?;
    let bar = out::progress("create", Some(drafts.len() as u64));
    let mut made = BTreeMap::new();
    let mut left = drafts.iter();
    let mut under_way = FuturesUnordered::new();
    // What was refused by line: several were under way at once.
    let mut failed: BTreeMap<u64, String> = BTreeMap::new();
    let mut in_doubt = Vec::new();
    let (mut stopping, mut interrupted) = (false, false);
    loop {
        while !stopping && under_way.len() < ABREAST {
            match left.next() {
                Some(draft) => under_way.push(create(client, into, draft)),
                None => break,
            }
        }
        let answered = tokio::select! {
            answered = under_way.next() => answered,
            _ = stop.asked(), if !stopping => {
                stopping = true;
                interrupted = true;
                continue;
            }
        };
        let Some((draft, answer)) = answered else {
            break;
        };
        match answer {
            Ok(id) => {
                made.insert(draft.line, id);
                bar.inc(1);
            }
            Err(error) => {
                stopping = true;
                // Without an answer nobody knows whether it was done.
                if !matches!(error, Error::Refused(_)) {
                    in_doubt.push(draft);
                }
                failed.insert(draft.line, told(into.path, error, &draft.entries));
            }
        }
    }
    bar.finish_and_clear();
    if failed.is_empty() && !interrupted {
        return Ok(made);
    }
    let lines = failed
        .iter()
        .map(|(line, what)| format!("line {line}: {what}"));
    let lines: Vec<String> = lines.collect();
    let mut told = match lines.as_slice() {
        [] => format!("{file}: interrupted"),
        lines => format!("{file}: {}", lines.join("\n  ")),
    };
    let (whole, sentence) = taken_back(client, into, made, &in_doubt).await;
    told.push_str(&sentence);
    Err(Undone {
        failure: Failure::here(told),
        whole,
    })
}

/// The place in a list that a field names: 3 of `number_list[3].number`.
fn place(field: &str) -> Option<usize> {
    let (_, rest) = field.split_once('[')?;
    rest.split_once(']')?.0.parse().ok()
}

/// Asks until there is an answer; gives up when `until` has passed.
pub async fn patiently(
    client: &Client,
    path: &str,
    params: Value,
    until: Instant,
) -> Result<Value, Error> {
    loop {
        match client.ask("v1.0", path, params.clone()).await {
            Err(error) if error.is_temporary() && Instant::now() < until => {
                sleep(TRY_AGAIN).await;
            }
            answered => return answered,
        }
    }
}

/// Deletes one; one that is gone already is gone.
pub async fn delete(client: &Client, path: &str, id: i64, until: Instant) -> Result<(), Error> {
    let path = format!("{path}/delete");
    match patiently(client, &path, json!({"id": id}), until).await {
        Err(error) if error.errcode().is_some_and(|code| GONE.contains(&code)) => Ok(()),
        answered => answered.map(|_| ()),
    }
}

/// Until when the PBX is waited for.
pub fn patience() -> Instant {
    Instant::now() + TAKE_BACK
}

async fn create<'d>(
    client: &Client,
    into: Into,
    draft: &'d Draft,
) -> (&'d Draft, Result<i64, Error>) {
    let path = format!("{}/create", into.path);
    let answer = client
        .ask("v1.0", &path, Value::Object(draft.params.clone()))
        .await;
    let id = answer.and_then(|answer| {
        names::id(&answer).ok_or_else(|| Error::Malformed {
            operation: path,
            reason: "no id".into(),
        })
    });
    (draft, id)
}

/// The PBX's words on one line; members become the file's columns. `entries` are
/// the columns of the list that several of them make.
pub fn told(path: &str, error: Error, entries: &[&str]) -> String {
    let Error::Refused(refusal) = &error else {
        return Failure::from(error).to_string();
    };
    let lines = faults(refusal);
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| match line.split_once(": ") {
            Some((field, what)) => {
                let entry = place(field).and_then(|place| entries.get(place));
                let title = entry
                    .copied()
                    .unwrap_or_else(|| super::title_of(path, field));
                format!("column {title:?}: {what}")
            }
            None => line,
        })
        .collect();
    match lines.as_slice() {
        [] => Failure::from(error).to_string(),
        lines => format!("the PBX refuses {}", lines.join("; ")),
    }
}

/// Deletes what was made: whether nothing is left, and a sentence on it.
async fn taken_back(
    client: &Client,
    into: Into,
    made: BTreeMap<u64, i64>,
    in_doubt: &[&Draft],
) -> (bool, String) {
    let until = patience();
    let mut ids: Vec<(u64, i64)> = made.into_iter().collect();
    let mut unknown = Vec::new();
    for draft in in_doubt {
        match found(client, into, draft, until).await {
            Ok(Some(id)) => ids.push((draft.line, id)),
            Ok(None) => {}
            Err(()) => unknown.push(draft.line.to_string()),
        }
    }
    let bar = out::progress("take back", Some(ids.len() as u64));
    let count = ids.len();
    let mut stayed = Vec::new();
    for (line, id) in ids {
        let mut gone = delete(client, into.path, id, until).await;
        if let (Err(error), Some(used)) = (&gone, into.used_by)
            && error.errcode() == Some(STILL_USED)
        {
            // What only the file put it into lets it go.
            let update = format!("{}/update", into.path);
            let mut freed = json!({"id": id});
            if let Some(members) = freed.as_object_mut() {
                members.insert(used.into(), json!([]));
            }
            let _ = patiently(client, &update, freed, until).await;
            gone = delete(client, into.path, id, until).await;
        }
        if gone.is_err() {
            stayed.push(format!("line {line} (id {id})"));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    outcome(count, &stayed, &unknown)
}

/// How taking back went: whether nothing is left, and the sentence.
pub fn outcome(count: usize, stayed: &[String], unknown: &[String]) -> (bool, String) {
    let mut told = match (count, stayed, unknown) {
        (_, [], [_, ..]) => String::new(),
        (0, ..) => "\n  Nothing of the file is taken.".to_owned(),
        (count, [], []) => {
            format!("\n  Nothing of the file is taken: {count} that were there are deleted again.")
        }
        (_, stayed, _) => format!(
            "\n  NOT ALL COULD BE TAKEN BACK; these stay: {}",
            stayed.join(", ")
        ),
    };
    if !unknown.is_empty() {
        told.push_str(&format!(
            "\n  Nobody knows whether these lines were taken: {}",
            unknown.join(", ")
        ));
    }
    (stayed.is_empty() && unknown.is_empty(), told)
}

/// The id of what a request without an answer may have made.
async fn found(
    client: &Client,
    into: Into,
    draft: &Draft,
    until: Instant,
) -> Result<Option<i64>, ()> {
    let key = into.key.ok_or(())?;
    let wanted = draft.params.get(key).and_then(Value::as_str).ok_or(())?;
    let path = format!("{}/search", into.path);
    'again: loop {
        let mut rows = client.rows::<Value, _>("v1.0", &path, &json!({"search_value": wanted}));
        while let Some(row) = rows.next().await {
            match row {
                Ok(row) if row.get(key).is_some_and(|value| value == wanted) => {
                    return Ok(names::id(&row));
                }
                Ok(_) => {}
                Err(error) if error.is_temporary() && Instant::now() < until => {
                    sleep(TRY_AGAIN).await;
                    continue 'again;
                }
                Err(_) => return Err(()),
            }
        }
        return Ok(None);
    }
}
