//! docs/status.md: which operations and events work, and which members are taken
//! without being acted on. The truth is what the binary says of itself
//! (`strowger status`); nothing is claimed here by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::Error;
use super::model::Contract;

/// What `strowger status` prints.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Version and path of the operations that work.
    operations: BTreeSet<(String, String)>,
    /// Ids of the events that are sent.
    events: BTreeSet<u32>,
    /// Members that are not acted on.
    members: Vec<Unacted>,
}

/// A member that is taken and not acted on.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Unacted {
    operation: String,
    member: String,
    rule: String,
}

/// Builds the binary and asks it.
pub fn ask(root: &Path) -> Result<Report, Error> {
    let fault = |what: String| Error::Program {
        program: "strowger status",
        what,
    };
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["run", "--quiet", "--package", "strowger", "--", "status"])
        .current_dir(root)
        .output()
        .map_err(|error| fault(error.to_string()))?;
    if !output.status.success() {
        return Err(fault(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| fault(error.to_string()))
}

/// The page.
pub fn render(contract: &Contract, report: &Report) -> Result<String, Error> {
    check(contract, report)?;
    let operations = contract.operations().len();
    let mut page = format!(
        "# What works\n\n\
         Made by `cargo xtask contract` from `contract/` and from what the binary says of \
         itself; not to be edited.\n\n\
         | | work | of |\n| --- | ---: | ---: |\n\
         | operations | {} | {operations} |\n| events | {} | {} |\n\n\
         An operation that is missing answers errcode 10009 (`OPERATION FAILED: not available in this version`), never SUCCESS.\n\n",
        report.operations.len(),
        report.events.len(),
        contract.events.len(),
    );
    page.push_str("## Operations\n");
    for area in &contract.areas {
        if area.operations.is_empty() {
            continue;
        }
        let _ = write!(
            page,
            "\n### {}\n\n| operation | what it does | |\n| --- | --- | --- |\n",
            area.area
        );
        for operation in &area.operations {
            let key = (operation.version.clone(), operation.path.clone());
            let _ = writeln!(
                page,
                "| `{} {}/{}` | {} | {} |",
                operation.method,
                operation.version,
                operation.path,
                cell(&operation.summary),
                state(report.operations.contains(&key)),
            );
        }
    }
    page.push_str("\n## Events\n\n| event | when | |\n| --- | --- | --- |\n");
    for event in &contract.events {
        let _ = writeln!(
            page,
            "| {} {} | {} | {} |",
            event.id,
            cell(&event.name),
            cell(&event.when),
            state(report.events.contains(&event.id)),
        );
    }
    members(&mut page, report);
    Ok(page)
}

fn members(page: &mut String, report: &Report) {
    page.push_str(
        "\n## Members not acted on\n\n\
         Of the operations that work, with what becomes of each member. Where neglecting one \
         would mislead, only the value that is already so is taken: any other answers `40002` \
         with `invalid_param_list` naming it.\n\n",
    );
    if report.members.is_empty() {
        page.push_str("None.\n");
        return;
    }
    let mut rows: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in &report.members {
        rows.entry((&row.operation, &row.rule))
            .or_default()
            .insert(&row.member);
    }
    page.push_str("| operation | what becomes of it | members |\n| --- | --- | --- |\n");
    for ((operation, rule), members) in rows {
        let members: Vec<String> = members.iter().map(|member| format!("`{member}`")).collect();
        let _ = writeln!(
            page,
            "| `{operation}` | {} | {} |",
            cell(rule),
            members.join(", ")
        );
    }
}

/// A report on what the contract doesn't have would hide a mistake.
fn check(contract: &Contract, report: &Report) -> Result<(), Error> {
    let unknown = |what: String| Error::Program {
        program: "strowger status",
        what: format!("{what} is not in the contract"),
    };
    let operations = contract.operations();
    for (version, path) in &report.operations {
        if !operations
            .iter()
            .any(|operation| operation.version == *version && operation.path == *path)
        {
            return Err(unknown(format!("{version} {path}")));
        }
    }
    for id in &report.events {
        if !contract.events.iter().any(|event| event.id == *id) {
            return Err(unknown(format!("event {id}")));
        }
    }
    for row in &report.members {
        if !operations
            .iter()
            .any(|operation| operation.path == row.operation)
        {
            return Err(unknown(format!("{} ({})", row.operation, row.member)));
        }
    }
    Ok(())
}

fn state(works: bool) -> &'static str {
    if works { "works" } else { "missing" }
}

/// Text that can stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        Contract::load(&crate::contract::root().join("contract")).unwrap()
    }

    fn report(text: &str) -> Report {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_the_binary_says_is_what_the_page_says() {
        let report = report(
            r#"{"operations": [["v1.0", "call/dial"]], "events": [30011],
                "members": [{"operation": "extension/create", "member": "enb_srtp", "rule": "default only"}]}"#,
        );
        let page = render(&contract(), &report).unwrap();
        let row = |start: &str| page.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(row("| `POST v1.0/call/dial`").ends_with("| works |"));
        assert!(row("| `POST v1.0/call/hangup`").ends_with("| missing |"));
        assert!(row("| 30011").ends_with("| works |"));
        assert!(row("| 30012").ends_with("| missing |"));
        assert_eq!(row("| operations"), "| operations | 1 | 359 |");
        assert_eq!(
            row("| `extension/create`"),
            "| `extension/create` | default only | `enb_srtp` |"
        );
    }

    #[test]
    fn a_report_on_what_the_contract_has_not_is_refused() {
        let contract = contract();
        for text in [
            r#"{"operations": [["v2.0", "call/dial"]], "events": [], "members": []}"#,
            r#"{"operations": [], "events": [30021], "members": []}"#,
            r#"{"operations": [], "events": [],
                "members": [{"operation": "call/dail", "member": "caller", "rule": "stored"}]}"#,
        ] {
            assert!(render(&contract, &report(text)).is_err(), "{text}");
        }
    }
}
