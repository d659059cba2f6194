//! The house: which crate may import which, and what keeps rooms small and pure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may import, as docs/architecture.md draws it.
const ARROWS: &[(&str, &[&str])] = &[
    ("strowger-wire", &[]),
    ("switch", &[]),
    ("sip", &[]),
    ("media", &[]),
    ("sip-net", &["sip"]),
    ("store", &["strowger-wire", "switch"]),
    ("settings", &["strowger-wire", "switch", "store"]),
    (
        "exchange",
        &[
            "switch",
            "sip",
            "sip-net",
            "media",
            "store",
            "settings",
            "strowger-wire",
        ],
    ),
    ("api", &["exchange", "settings", "store", "strowger-wire"]),
    (
        "console",
        &["exchange", "settings", "store", "strowger-wire"],
    ),
    (
        "provision",
        &["exchange", "settings", "store", "strowger-wire"],
    ),
    ("strowger-client", &["strowger-wire"]),
    ("softphone", &["sip", "sip-net", "media"]),
];

/// Crates that may import any: the binary, the workshop, the whole-system tests.
const FREE: &[&str] = &["strowger", "xtask", "e2e"];

/// What the pure crates must do without: threads of others, sockets, SQL, chance.
const IMPURE: &[&str] = &["tokio", "sqlx", "rand", "getrandom", "socket2", "mio"];

/// Crates that do no IO and ask no clock.
const PURE: &[&str] = &["switch", "sip"];

/// No hand-written file is longer.
const LONGEST_FILE: usize = 1_500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// Names of the normal and build dependencies of each crate of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {complaint}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn no_crate_imports_another_against_the_arrows() {
    let dependencies = dependencies();
    for (name, imported) in &dependencies {
        if FREE.contains(&name.as_str()) {
            continue;
        }
        let allowed = ARROWS.iter().find(|(row, _)| row == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} has no row in the table"));
        for other in imported
            .iter()
            .filter(|other| dependencies.contains_key(*other))
        {
            assert!(
                allowed.contains(&other.as_str()),
                "{name} imports {other}, and no arrow goes there"
            );
        }
    }
}

#[test]
fn switch_and_sip_do_no_io_and_ask_no_clock() {
    let dependencies = dependencies();
    for name in PURE {
        for other in &dependencies[*name] {
            assert!(!IMPURE.contains(&other.as_str()), "{name} imports {other}");
        }
    }
}

#[test]
fn no_hand_written_file_is_longer_than_the_bound() {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--", "*.rs"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files failed");
    let list = String::from_utf8(output.stdout).unwrap();
    for path in list.split_terminator('\0') {
        // A file that was removed and not yet committed is still listed.
        let Ok(text) = std::fs::read_to_string(root().join(path)) else {
            continue;
        };
        let made = text.lines().take(5).any(|line| line.contains("@generated"));
        let lines = text.lines().count();
        assert!(made || lines <= LONGEST_FILE, "{path} has {lines} lines");
    }
}
