//! The contract as it is read: `operations`, `types`, `events` and `errors` of the
//! YAML files, and nothing else of them. `contract/check.py` holds the files
//! together; here only what would make wrong code is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::Error;

/// Everything that code is made from.
pub struct Contract {
    /// Areas that have operations or types, by name.
    pub areas: Vec<Area>,
    /// Every named type, by name.
    pub types: BTreeMap<String, NamedType>,
    /// Events by id.
    pub events: Vec<Event>,
    /// Error codes, ascending.
    pub errors: Vec<ErrorRow>,
    /// Types that an answer or an event holds.
    pub answered: BTreeSet<String>,
    /// Types that a request holds.
    pub requested: BTreeSet<String>,
}

/// A named type and where it lives.
pub struct NamedType {
    pub area: String,
    pub members: Vec<Member>,
}

/// One file of the contract.
#[derive(Deserialize)]
pub struct Area {
    pub area: String,
    #[serde(default)]
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub types: serde_norway::Mapping,
    #[serde(default)]
    events: Vec<EventEntry>,
    #[serde(default)]
    errors: Vec<ErrorRow>,
    /// Names of `types`, in the file's order.
    #[serde(skip)]
    pub type_names: Vec<String>,
}

/// An area names events by id; events.yaml defines them.
#[derive(Deserialize)]
#[serde(untagged)]
enum EventEntry {
    Id(#[allow(dead_code)] u32),
    Defined(Event),
}

#[derive(Deserialize)]
pub struct Operation {
    pub path: String,
    pub method: String,
    pub version: String,
    pub summary: String,
    pub request: Vec<Member>,
    pub response: Vec<Member>,
    #[serde(default)]
    pub binary: bool,
    #[serde(default)]
    pub events: Vec<u32>,
    #[serde(default)]
    pub notes: Vec<String>,
    pub certainty: Certainty,
    #[serde(skip)]
    pub area: String,
}

#[derive(Deserialize, Clone)]
pub struct Event {
    pub id: u32,
    pub name: String,
    pub when: String,
    pub msg_encoding: MsgEncoding,
    #[serde(default = "yes")]
    pub sn_in_envelope: bool,
    pub msg: Vec<Member>,
    pub certainty: Certainty,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MsgEncoding {
    JsonString,
    Object,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    Documented,
    Partial,
    Inferred,
    Witnessed,
}

impl Certainty {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Partial => "partial",
            Self::Inferred => "inferred",
            Self::Witnessed => "witnessed",
        }
    }
}

#[derive(Deserialize, Clone)]
pub struct ErrorRow {
    pub code: i32,
    pub message: String,
    #[serde(default)]
    pub about: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub name: String,
    #[serde(default)]
    pub alias: Option<String>,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub required: bool,
    #[serde(default, rename = "enum")]
    pub values: Vec<Scalar>,
    #[serde(default)]
    pub default: Option<Scalar>,
    #[serde(default)]
    pub min: Option<i64>,
    #[serde(default)]
    pub max: Option<i64>,
    #[serde(default)]
    pub max_len: Option<u32>,
    #[serde(default)]
    pub separator: Option<char>,
    #[serde(default)]
    pub nullable: bool,
    #[serde(default)]
    pub about: Option<String>,
    #[serde(default)]
    pub certainty: Option<Certainty>,
}

/// A value of a set, or a default.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(untagged)]
pub enum Scalar {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

/// The README's grammar of types.
#[derive(Deserialize, Clone, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Kind {
    String,
    Integer,
    NumberOrText,
    Number,
    Boolean,
    File,
    Object,
    Named(String),
    Strings,
    Integers,
    Objects,
    NamedList(String),
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let inner = |outer: &str| {
            text.strip_prefix(outer)
                .and_then(|rest| rest.strip_suffix('>'))
        };
        Ok(match text.as_str() {
            "string" => Self::String,
            "integer" => Self::Integer,
            "integer|string" => Self::NumberOrText,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "file" => Self::File,
            "object" => Self::Object,
            "array<string>" => Self::Strings,
            "array<integer>" => Self::Integers,
            "array<object>" => Self::Objects,
            _ => match (inner("object<"), inner("array<")) {
                (Some(name), _) => Self::Named(name.to_owned()),
                (_, Some(name)) => Self::NamedList(name.to_owned()),
                _ => return Err(format!("{text:?} is no type")),
            },
        })
    }
}

impl Kind {
    /// The named type in it.
    pub fn named(&self) -> Option<&str> {
        match self {
            Self::Named(name) | Self::NamedList(name) => Some(name),
            _ => None,
        }
    }
}

impl Contract {
    /// Reads every YAML file of `folder`.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let mut contract = Self {
            areas: Vec::new(),
            types: BTreeMap::new(),
            events: Vec::new(),
            errors: Vec::new(),
            answered: BTreeSet::new(),
            requested: BTreeSet::new(),
        };
        for path in yaml_files(folder)? {
            let file = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            // One row an operation, without members.
            if file == "summary.yaml" {
                continue;
            }
            let text = std::fs::read_to_string(&path).map_err(|source| Error::File {
                path: path.clone(),
                source,
            })?;
            let area = serde_norway::from_str(&text).map_err(|fault| Error::Contract {
                file: file.clone(),
                what: fault.to_string(),
            })?;
            contract.add(file, area)?;
        }
        contract.events.sort_by_key(|event| event.id);
        contract.errors.sort_by_key(|error| error.code);
        contract.follow()?;
        Ok(contract)
    }

    fn add(&mut self, file: String, mut area: Area) -> Result<(), Error> {
        for (name, members) in std::mem::take(&mut area.types) {
            let fault = |what: String| Error::Contract {
                file: file.clone(),
                what,
            };
            let name: String =
                serde_norway::from_value(name).map_err(|error| fault(error.to_string()))?;
            let members = serde_norway::from_value(members)
                .map_err(|error| fault(format!("type {name}: {error}")))?;
            let named = NamedType {
                area: area.area.clone(),
                members,
            };
            if self.types.insert(name.clone(), named).is_some() {
                return Err(fault(format!("type {name} is defined twice")));
            }
            area.type_names.push(name);
        }
        for operation in &mut area.operations {
            operation.area.clone_from(&area.area);
        }
        for entry in std::mem::take(&mut area.events) {
            if let EventEntry::Defined(event) = entry {
                self.events.push(event);
            }
        }
        self.errors.append(&mut area.errors);
        self.areas.push(area);
        Ok(())
    }

    /// Every operation, by version and path.
    pub fn operations(&self) -> Vec<&Operation> {
        let mut all: Vec<&Operation> = self
            .areas
            .iter()
            .flat_map(|area| area.operations.iter())
            .collect();
        all.sort_by_key(|operation| (&operation.version, &operation.path));
        all
    }

    /// A named type that is known to exist.
    pub fn named(&self, name: &str) -> Result<&NamedType, Error> {
        self.types.get(name).ok_or_else(|| Error::Contract {
            file: "types".into(),
            what: format!("no file defines {name}"),
        })
    }

    /// Finds out on which sides each type is used.
    fn follow(&mut self) -> Result<(), Error> {
        let (mut requested, mut answered) = (Vec::new(), Vec::new());
        for operation in self.operations() {
            requested.extend(references(&operation.request));
            answered.extend(references(&operation.response));
        }
        for event in &self.events {
            answered.extend(references(&event.msg));
        }
        self.requested = self.reach(requested)?;
        self.answered = self.reach(answered)?;
        Ok(())
    }

    fn reach(&self, mut pending: Vec<String>) -> Result<BTreeSet<String>, Error> {
        let mut reached = BTreeSet::new();
        while let Some(name) = pending.pop() {
            pending.extend(
                references(&self.named(&name)?.members)
                    .into_iter()
                    .filter(|inner| *inner != name && !reached.contains(inner)),
            );
            reached.insert(name);
        }
        Ok(reached)
    }
}

fn references(members: &[Member]) -> Vec<String> {
    members
        .iter()
        .filter_map(|member| member.kind.named().map(str::to_owned))
        .collect()
}

fn yaml_files(folder: &Path) -> Result<Vec<std::path::PathBuf>, Error> {
    let fault = |source| Error::File {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
