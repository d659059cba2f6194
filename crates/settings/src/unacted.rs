//! What is taken but not acted on yet, for the status table: made from the
//! same rules that refuse and store.

use std::fmt;

use crate::extension::PRESENCE_MEMBERS;
use crate::kind::{KINDS, Kind, Rule};
use crate::single::SINGLES;

/// A member that nothing acts on yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unacted {
    /// The operation that takes it.
    pub operation: String,
    /// The member; within a list of rows as `list[].member`.
    pub member: String,
    /// What becomes of it.
    pub rule: Rule,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acted | Self::Elsewhere | Self::Secret(_) => f.write_str("acted on"),
            Self::Stored => f.write_str("stored, given back"),
            Self::StoredSecret(_) => f.write_str("stored apart, masked"),
            Self::Only(fixed) => write!(f, "only {fixed}; else 40002"),
            Self::OnlyWhile(flag, fixed) => {
                write!(f, "only {fixed} while {flag} is on; else 40002")
            }
        }
    }
}

/// All members of all kinds that are not acted on.
pub fn unacted() -> Vec<Unacted> {
    let own = KINDS.iter().flat_map(|kind| {
        kind.members().iter().map(|member| {
            let operation = format!("{}/create", kind.name());
            (operation, member.name.to_owned(), member.rule)
        })
    });
    let singles = SINGLES.iter().flat_map(|single| {
        single.members().iter().map(|member| {
            let operation = single.update_path().to_owned();
            (operation, member.name.to_owned(), member.rule)
        })
    });
    let presence = PRESENCE_MEMBERS.iter().map(|member| {
        (
            "extension/create".to_owned(),
            format!("presence_list[].{}", member.name),
            member.rule,
        )
    });
    own.chain(singles)
        .chain(presence)
        .filter(|(_, _, rule)| !matches!(rule, Rule::Acted | Rule::Elsewhere | Rule::Secret(_)))
        .map(|(operation, member, rule)| Unacted {
            operation,
            member,
            rule,
        })
        .collect()
}
