//! Which enums an area needs, and what they are called. Members with one name and
//! one set share an enum; a set that only requests hold is closed.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::model::{Kind, Member, Scalar};
use super::names;
use super::rust::literal;

/// A list of members and what holds it.
pub struct Holder<'a> {
    /// The name of the Rust type.
    pub name: String,
    /// Only requests hold it.
    pub closed: bool,
    pub members: &'a [Member],
}

/// What makes two enums one: the member's name, the words, open or closed.
type Key = (String, Vec<String>, bool);

/// One set, the first type that holds it, and how many members have it.
struct Set<'a> {
    key: Key,
    holder: &'a str,
    uses: usize,
}

/// Names that mean something else where the types are written.
const RESERVED: &[&str] = &[
    "Default",
    "Event",
    "From",
    "Joined",
    "MsgEncoding",
    "Operation",
    "Option",
    "Result",
    "Self",
    "String",
    "Type",
    "Value",
    "Vec",
];

/// The enums of an area.
pub struct Enums {
    names: BTreeMap<Key, String>,
}

/// The words of a member whose values are a set of words.
fn words(member: &Member) -> Option<Vec<String>> {
    if member.kind != Kind::String || member.values.is_empty() {
        return None;
    }
    member
        .values
        .iter()
        .map(|value| match value {
            Scalar::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

impl Enums {
    /// Names the enums of all holders of an area.
    pub fn of(area: &str, holders: &[Holder<'_>]) -> Result<Self, Error> {
        let mut sets: Vec<Set<'_>> = Vec::new();
        for holder in holders {
            for member in holder.members {
                let Some(words) = words(member) else {
                    continue;
                };
                let key = (member.name.clone(), words, holder.closed);
                match sets.iter_mut().find(|set| set.key == key) {
                    Some(set) => set.uses += 1,
                    None => sets.push(Set {
                        key,
                        holder: &holder.name,
                        uses: 1,
                    }),
                }
            }
        }
        let mut taken: BTreeSet<String> = holders
            .iter()
            .map(|holder| holder.name.clone())
            .chain(RESERVED.iter().map(|name| (*name).to_owned()))
            .collect();
        let mut enums = BTreeMap::new();
        for set in &sets {
            let member = names::camel(&set.key.0);
            let long = format!("{}{member}", set.holder);
            // The set that most members have goes by the member's name alone.
            let rivals = |other: &&Set<'_>| other.key.0 == set.key.0 && other.key != set.key;
            let most = sets
                .iter()
                .filter(rivals)
                .all(|other| other.uses < set.uses);
            let short = if most { member } else { long.clone() };
            let name = [short, long.clone(), format!("{long}Word")]
                .into_iter()
                .find(|name| !taken.contains(name))
                .ok_or_else(|| Error::Contract {
                    file: area.to_owned(),
                    what: format!("no name is left for the enum of {}", set.key.0),
                })?;
            taken.insert(name.clone());
            enums.insert(set.key.clone(), name);
        }
        Ok(Self { names: enums })
    }

    /// The enum of a member.
    pub fn name(&self, member: &Member, closed: bool) -> Option<&str> {
        let key = (member.name.clone(), words(member)?, closed);
        self.names.get(&key).map(String::as_str)
    }

    /// The enums as Rust.
    pub fn source(&self) -> String {
        let mut rows: Vec<(&String, &Key)> =
            self.names.iter().map(|(key, name)| (name, key)).collect();
        rows.sort();
        let mut made = String::new();
        for (name, (member, words, closed)) in rows {
            let set = if *closed { "closed" } else { "open" };
            made.push_str(&format!(
                "words! {{\n    /// Values of `{member}`.\n    pub {set} enum {name} {{\n"
            ));
            for word in words {
                made.push_str(&format!(
                    "        {} = {},\n",
                    names::variant(word),
                    literal(word)
                ));
            }
            made.push_str("    }\n}\n\n");
        }
        made
    }
}
