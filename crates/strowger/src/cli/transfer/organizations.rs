//! Departments from a file: each under the one above it, which may be one of the
//! file's own. One after the other, since a department is named by the id of
//! its parent; on a failure those that were made are deleted, the lowest first.

use std::collections::HashMap;

use client::{Client, Error, json};

use super::create;
use super::sheet::{Faults, Row};
use crate::cli::failure::{Failure, Result};
use crate::cli::names::{self, Names};
use crate::cli::out;
use crate::cli::stop::Stop;

/// The operation.
const PATH_CREATE: &str = "organization/create";

/// A department to be made.
#[derive(Debug)]
pub struct Department {
    line: u64,
    name: String,
    /// Full path of the one above.
    parent: String,
}

impl Department {
    fn path(&self) -> String {
        format!("{}/{}", self.parent, names::escaped(&self.name))
    }
}

/// Rows as departments, parents before their children. The vendor's file may
/// name several parents of one row: it is then several departments.
pub fn drafts(rows: &[Row], known: &Names, faults: &mut Faults) -> Vec<Department> {
    let mut departments = Vec::new();
    let mut paths: HashMap<String, u64> = HashMap::new();
    for row in rows {
        let name = row.cell("Organization Name").unwrap_or_default();
        let parents = row.cell("Parent Organization").unwrap_or_default();
        let title = "Organization Name";
        if name.is_empty() {
            faults.add(row.line, title, "it is missing");
        }
        if parents.is_empty() {
            faults.add(row.line, "Parent Organization", "it is missing");
        }
        for parent in names::split(parents, '&') {
            let parent = parent.trim();
            let department = Department {
                line: row.line,
                name: name.to_owned(),
                parent: parent.to_owned(),
            };
            let path = department.path();
            if known.find(&path).is_some() {
                faults.add(row.line, title, format!("the PBX has {path} already"));
            }
            if let Some(first) = paths.insert(path.clone(), row.line) {
                faults.add(
                    row.line,
                    title,
                    format!("{path} is in line {first} already"),
                );
            }
            departments.push(department);
        }
    }
    for department in &departments {
        let parent = &department.parent;
        if !parent.is_empty()
            && !paths.contains_key(parent)
            && let Err(what) = known.id(parent)
        {
            faults.add(department.line, "Parent Organization", what);
        }
    }
    departments.sort_by_cached_key(|department| names::split(&department.parent, '/').len());
    departments
}

/// Creates all of them, or none; how many.
pub async fn create(
    client: &Client,
    file: &str,
    departments: &[Department],
    known: &Names,
) -> Result<usize> {
    let mut stop = Stop::listen()?;
    let bar = out::progress("create", Some(departments.len() as u64));
    let mut made: HashMap<String, i64> = HashMap::new();
    let mut order: Vec<i64> = Vec::new();
    let mut failed = None;
    for department in departments {
        let above = made.get(&department.parent).copied();
        let parent = above.map_or_else(|| known.id(&department.parent), Ok);
        let parent = match parent {
            Ok(parent) => parent,
            Err(what) => {
                failed = Some((department, what, false));
                break;
            }
        };
        let asked = json!({"name": department.name, "parent_id": parent});
        let answer = client.ask("v1.0", PATH_CREATE, asked);
        tokio::pin!(answer);
        // A request that is under way is waited for: it may have been done.
        let (answer, stopped) = tokio::select! {
            answer = &mut answer => (answer, false),
            _ = stop.asked() => (answer.await, true),
        };
        let answer = answer.and_then(|answer| {
            names::id(&answer).ok_or_else(|| Error::Malformed {
                operation: PATH_CREATE.into(),
                reason: "no id".into(),
            })
        });
        match answer {
            Ok(id) => {
                made.insert(department.path(), id);
                order.push(id);
            }
            Err(error) => {
                let in_doubt = !matches!(error, Error::Refused(_));
                let what = create::told("organization", error, &[]);
                failed = Some((department, what, in_doubt));
                break;
            }
        }
        bar.inc(1);
        if stopped {
            bar.finish_and_clear();
            let (_, sentence) = taken_back(client, order, None).await;
            return Err(Failure::here(format!("{file}: interrupted{sentence}")));
        }
    }
    bar.finish_and_clear();
    let Some((department, what, in_doubt)) = failed else {
        return Ok(order.len());
    };
    let in_doubt = in_doubt.then_some(department);
    let (_, sentence) = taken_back(client, order, in_doubt).await;
    let line = department.line;
    Err(Failure::here(format!(
        "{file}: line {line}: {what}{sentence}"
    )))
}

/// Deletes those that were made, the last first.
async fn taken_back(
    client: &Client,
    made: Vec<i64>,
    in_doubt: Option<&Department>,
) -> (bool, String) {
    let until = create::patience();
    let (mut stayed, mut unknown) = (Vec::new(), Vec::new());
    let mut ids = made;
    if let Some(department) = in_doubt {
        let all = json!({"is_all": 2});
        match create::patiently(client, "organization/list", all, until).await {
            Ok(answer) => ids.extend(names::tree(&answer).find(&department.path())),
            Err(_) => unknown.push(department.line.to_string()),
        }
    }
    let count = ids.len();
    for id in ids.into_iter().rev() {
        if create::delete(client, "organization", id, until)
            .await
            .is_err()
        {
            stayed.push(format!("id {id}"));
        }
    }
    create::outcome(count, &stayed, &unknown)
}
