//! All or nothing over an API that creates one at a time: a few requests side by
//! side, and on the first failure everything that was made is deleted again.

use std::collections::BTreeMap;

use client::{Client, Error, Value, json};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::drafts::Draft;
use crate::cli::failure::{Failure, Result, faults};
use crate::cli::{names, out};

/// `CONNECTION_RELATION_EXISTED`
const STILL_USED: i64 = 70091;
/// Requests under way at once.
const ABREAST: usize = 8;

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
) -> Result<BTreeMap<u64, i64>> {
    let bar = out::progress("create", Some(drafts.len() as u64));
    let mut made = BTreeMap::new();
    let mut left = drafts.iter();
    let mut under_way = FuturesUnordered::new();
    let mut failed: Option<(&Draft, Option<Error>)> = None;
    let mut in_doubt = Vec::new();
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut stopping = false;
    loop {
        while !stopping && under_way.len() < ABREAST {
            match left.next() {
                Some(draft) => under_way.push(create(client, into, draft)),
                None => break,
            }
        }
        let answered = tokio::select! {
            answered = under_way.next() => answered,
            _ = &mut interrupted, if !stopping => {
                stopping = true;
                failed = failed.or_else(|| drafts.first().map(|draft| (draft, None)));
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
                failed.get_or_insert((draft, Some(error)));
            }
        }
    }
    bar.finish_and_clear();
    let Some((draft, error)) = failed else {
        return Ok(made);
    };
    let mut told = match error {
        Some(error) => format!("{file}: line {}: {}", draft.line, told(into.path, error)),
        None => format!("{file}: interrupted"),
    };
    told.push_str(&taken_back(client, into, made, &in_doubt).await);
    Err(Failure::here(told))
}

async fn create<'d>(
    client: &Client,
    into: Into,
    draft: &'d Draft,
) -> (&'d Draft, std::result::Result<i64, Error>) {
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

/// The PBX's words on one line; members become the file's columns.
fn told(path: &str, error: Error) -> String {
    let Error::Refused(refusal) = &error else {
        return Failure::from(error).to_string();
    };
    let lines = faults(refusal);
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| match line.split_once(": ") {
            Some((field, what)) => format!("column {:?}: {what}", super::title_of(path, field)),
            None => line,
        })
        .collect();
    match lines.as_slice() {
        [] => Failure::from(error).to_string(),
        lines => format!("the PBX refuses {}", lines.join("; ")),
    }
}

/// Deletes what was made; a sentence on how that went.
async fn taken_back(
    client: &Client,
    into: Into,
    made: BTreeMap<u64, i64>,
    in_doubt: &[&Draft],
) -> String {
    let mut ids: Vec<(u64, i64)> = made.into_iter().collect();
    let mut unknown = Vec::new();
    for draft in in_doubt {
        match found(client, into, draft).await {
            Ok(Some(id)) => ids.push((draft.line, id)),
            Ok(None) => {}
            Err(()) => unknown.push(draft.line),
        }
    }
    let bar = out::progress("take back", Some(ids.len() as u64));
    let count = ids.len();
    let mut stayed = Vec::new();
    let path = format!("{}/delete", into.path);
    for (line, id) in ids {
        let mut gone = client.ask("v1.0", &path, json!({"id": id})).await;
        if let (Err(error), Some(used)) = (&gone, into.used_by)
            && error.errcode() == Some(STILL_USED)
        {
            // What only the file put it into lets it go.
            let update = format!("{}/update", into.path);
            let mut freed = json!({"id": id});
            if let Some(members) = freed.as_object_mut() {
                members.insert(used.into(), json!([]));
            }
            let _ = client.ask("v1.0", &update, freed).await;
            gone = client.ask("v1.0", &path, json!({"id": id})).await;
        }
        if gone.is_err() {
            stayed.push(format!("line {line} (id {id})"));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut told = match (count, stayed.as_slice()) {
        (0, _) => "\n  Nothing of the file is taken.".to_owned(),
        (count, []) => {
            format!("\n  Nothing of the file is taken: {count} that were there are deleted again.")
        }
        (_, stayed) => format!(
            "\n  NOT ALL COULD BE TAKEN BACK; these stay: {}",
            stayed.join(", ")
        ),
    };
    if !unknown.is_empty() {
        let lines: Vec<String> = unknown.iter().map(u64::to_string).collect();
        told.push_str(&format!(
            "\n  Nobody knows whether these lines were taken: {}",
            lines.join(", ")
        ));
    }
    told
}

/// The id of what a request without an answer may have made.
async fn found(client: &Client, into: Into, draft: &Draft) -> std::result::Result<Option<i64>, ()> {
    let key = into.key.ok_or(())?;
    let wanted = draft.params.get(key).and_then(Value::as_str).ok_or(())?;
    let path = format!("{}/search", into.path);
    let mut rows = client.rows::<Value, _>("v1.0", &path, &json!({"search_value": wanted}));
    while let Some(row) = rows.next().await {
        let row = row.map_err(|_| ())?;
        if row.get(key).is_some_and(|value| value == wanted) {
            return Ok(names::id(&row));
        }
    }
    Ok(None)
}
