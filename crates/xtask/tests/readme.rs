//! The README in Thai says what the English one says: the same keys, the same
//! commands, the same links.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;

const ENGLISH: &str = include_str!("../../../README.md");
const THAI: &str = include_str!("../../../README.th.md");

/// The lines inside fences, without comments.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let command = line.split(" #").next().unwrap().trim_end();
            if !command.is_empty() && !command.starts_with('#') {
                found.push(command.to_owned());
            }
        }
    }
    found
}

/// First and second cell of each row of the configuration's table: the keys, and
/// defaults that are code.
fn keys(text: &str) -> BTreeSet<(String, Vec<String>)> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let code = cells[1].split('`').skip(1).step_by(2).map(str::to_owned);
        (cells[0].to_owned(), code.collect())
    })
    .collect()
}

/// Files that are linked to.
fn links(text: &str) -> BTreeSet<&str> {
    let found = text.split("](").skip(1);
    let found = found.filter_map(|rest| rest.split(')').next());
    found.filter(|link| !link.starts_with("README")).collect()
}

#[test]
fn the_thai_readme_has_what_the_english_one_has() {
    let missing = "README.th.md goes with README.md: change both";
    assert_eq!(commands(THAI), commands(ENGLISH), "{missing}");
    assert_eq!(keys(THAI), keys(ENGLISH), "{missing}");
    assert_eq!(links(THAI), links(ENGLISH), "{missing}");
    assert!(keys(ENGLISH).len() > 15 && commands(ENGLISH).len() > 10);
    let headings = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(
        headings(THAI) - comments(THAI),
        headings(ENGLISH) - comments(ENGLISH),
        "{missing}"
    );
    assert!(ENGLISH.contains("(README.th.md)") && THAI.contains("(README.md)"));
}

/// Lines inside fences that are comments: they look like headings.
fn comments(text: &str) -> usize {
    let fenced = text.split("```").skip(1).step_by(2);
    fenced
        .flat_map(str::lines)
        .filter(|line| line.starts_with('#'))
        .count()
}

#[test]
fn all_files_that_are_linked_to_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for link in links(ENGLISH) {
        assert!(root.join(link).exists(), "README.md links to {link}");
    }
}
