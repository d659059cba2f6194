//! Departments from a file: each under the one above it, which may be one of the
//! file's own. One after the other, since a department is named by the id of
//! its parent; on a failure those that were made are deleted, the lowest first.

use std::collections::HashMap;

use client::{Client, json};

use super::sheet::{Faults, Row};
use crate::cli::failure::{Failure, Result};
use crate::cli::names::{self, Names};
use crate::cli::out;

/// The longest name.
const NAME_LENGTH: usize = 127;

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
        format!("{}/{}", self.parent, self.name)
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
        if name.chars().count() > NAME_LENGTH {
            faults.add(
                row.line,
                title,
                format!("longer than {NAME_LENGTH} characters"),
            );
        }
        if name.contains(['/', '&']) {
            faults.add(
                row.line,
                title,
                "a name has no / and no &, which stand between names",
            );
        }
        if parents.is_empty() {
            faults.add(row.line, "Parent Organization", "it is missing");
        }
        for parent in parents.split('&').map(str::trim) {
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
    departments.sort_by_key(|department| department.parent.matches('/').count());
    departments
}

/// Creates all of them, or none; how many.
pub async fn create(
    client: &Client,
    file: &str,
    departments: &[Department],
    known: &Names,
) -> Result<usize> {
    let bar = out::progress("create", Some(departments.len() as u64));
    let mut made: Vec<(String, i64)> = Vec::new();
    for department in departments {
        let above = made.iter().find(|(path, _)| *path == department.parent);
        let parent = above.map_or_else(|| known.id(&department.parent), |(_, id)| Ok(*id));
        let answer = match parent {
            Ok(parent) => {
                let asked = json!({"name": department.name, "parent_id": parent});
                let answer = client.ask("v1.0", "organization/create", asked).await;
                answer.map_err(Failure::from).and_then(|answer| {
                    names::id(&answer).ok_or_else(|| Failure::here("the PBX gave no id"))
                })
            }
            Err(what) => Err(Failure::here(what)),
        };
        match answer {
            Ok(id) => made.push((department.path(), id)),
            Err(failure) => {
                bar.finish_and_clear();
                let stayed = taken_back(client, &made).await;
                let line = department.line;
                return Err(Failure::here(format!(
                    "{file}: line {line}: {failure}{stayed}"
                )));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(made.len())
}

async fn taken_back(client: &Client, made: &[(String, i64)]) -> String {
    let mut stayed = Vec::new();
    for (path, id) in made.iter().rev() {
        let asked = json!({"id": id});
        if client
            .ask("v1.0", "organization/delete", asked)
            .await
            .is_err()
        {
            stayed.push(path.as_str());
        }
    }
    match stayed.as_slice() {
        [] => "\n  Nothing of the file is taken.".into(),
        stayed => format!(
            "\n  NOT ALL COULD BE TAKEN BACK; these stay: {}",
            stayed.join(", ")
        ),
    }
}
