//! What a kind of configuration object must say about itself. The seven
//! operations are not its business: they are written once, in `read` and
//! `change`, on this trait. A further kind is one implementation and one line
//! in [`KINDS`].

use std::fmt;

use serde_json::{Map, Value};
use store::{NewEvent, ObjectRef};
use wire::{InvalidParam, Operation, contract};

use crate::extension::ExtensionKind;
use crate::record::Record;
use crate::snapshot::Snapshot;

/// All kinds.
pub(crate) static KINDS: &[&dyn Kind] = &[&ExtensionKind];

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}

/// What becomes of a member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The exchange does what it says.
    Acted,
    /// Kept and given back; nothing depends on it yet, and nobody is misled.
    Stored,
    /// Taken only with this value: neglecting another one would mislead.
    Only(Fixed),
    /// As `Only`, as long as the flag named is on; else `Stored`.
    OnlyWhile(&'static str, Fixed),
    /// Kept sealed or hashed, apart from the document; used.
    Secret(SecretForm),
    /// Kept sealed or hashed, apart from the document; nothing uses it yet.
    StoredSecret(SecretForm),
}

impl Rule {
    /// How it is kept, if it is a secret.
    pub fn secret(self) -> Option<SecretForm> {
        match self {
            Self::Secret(form) | Self::StoredSecret(form) => Some(form),
            _ => None,
        }
    }
}

/// The one value that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// This number.
    Number(i64),
    /// This text.
    Text(&'static str),
    /// An empty list.
    EmptyList,
}

impl Fixed {
    /// Whether a value is this one.
    pub fn is(self, value: &Value) -> bool {
        match self {
            Self::Number(number) => value.as_i64() == Some(number),
            Self::Text(text) => value.as_str() == Some(text),
            Self::EmptyList => value.as_array().is_some_and(Vec::is_empty),
        }
    }

    /// As JSON.
    pub fn value(self) -> Value {
        match self {
            Self::Number(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::EmptyList => Value::Array(Vec::new()),
        }
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

/// How a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretForm {
    /// Encrypted: it is digested with or given back.
    Sealed,
    /// Hashed: it can only be compared.
    Hashed,
}

/// A member and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberRule {
    /// The member's name on the wire.
    pub name: &'static str,
    /// What becomes of its value.
    pub rule: Rule,
}

/// A member whose value no two objects of a kind may share. Empty values are
/// not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UniqueKey {
    /// The member.
    pub member: &'static str,
    /// Letters count as equal in both cases.
    pub ignore_case: bool,
}

impl UniqueKey {
    /// The object's value as it is compared.
    pub(crate) fn value(self, record: &Record) -> Option<String> {
        let text = record.text(self.member).trim();
        if text.is_empty() {
            None
        } else if self.ignore_case {
            Some(text.to_lowercase())
        } else {
            Some(text.to_owned())
        }
    }
}

/// What an object is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// As a number.
    Number(i64),
    /// As digits: shorter is smaller.
    Digits(usize, String),
    /// As text, in one case.
    Text(String),
}

impl SortKey {
    /// Digits, in the order of their numbers.
    pub fn digits(text: &str) -> Self {
        Self::Digits(text.len(), text.to_owned())
    }

    /// Text, whatever its case.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }
}

/// What sets off an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was removed.
    Deleted,
}

/// A kind of configuration object.
pub trait Kind: Send + Sync + 'static {
    /// Its name: the first part of its operations' paths, and of its rows.
    fn name(&self) -> &'static str;

    /// Most objects of it.
    fn limit(&self) -> usize;

    /// Whether there may be so many that an object is kept as text in memory
    /// and opened where it is read.
    fn packed(&self) -> bool {
        false
    }

    /// Keys beside id and unique members that objects are found by.
    fn indexes(&self) -> &'static [&'static str] {
        &[]
    }

    /// An object's keys in one of the indexes.
    fn index_keys(&self, _record: &Record, _index: &str) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Members that identify an object.
    fn unique(&self) -> &'static [UniqueKey];

    /// What becomes of each member that `create` knows.
    fn members(&self) -> &'static [MemberRule];

    /// What an object is sorted by under a `sort_by` of the contract.
    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey>;

    /// The texts a `search_value` is looked for in.
    fn searched<'r>(&self, record: &'r Record) -> Vec<std::borrow::Cow<'r, str>>;

    /// Members that a change may not touch once the object is there.
    fn fixed(&self) -> &'static [&'static str];

    /// Fills what a request may leave out. `record` is the object as it will
    /// be; what was not sent in an update is there already.
    fn complete(&self, record: &mut Record);

    /// Rules that the contract's tables can't express, on the object as it will be.
    fn check(&self, record: &Record, faults: &mut Vec<InvalidParam>);

    /// Rules on a secret as it is sent.
    fn check_secret(&self, member: &str, text: &str, faults: &mut Vec<InvalidParam>);

    /// Brings what an update sent together with what is there, where a member
    /// is not simply replaced.
    fn merge(&self, _present: &Record, _sent: &mut Map<String, Value>) {}

    /// What it refers to.
    fn references(&self, _record: &Record) -> Vec<ObjectRef> {
        Vec::new()
    }

    /// A row of a list.
    fn brief(&self, record: &Record) -> Map<String, Value>;

    /// The whole object, as `get` and `query` answer it.
    fn detail(&self, record: &Record) -> Map<String, Value>;

    /// Its name to people, in `duplicate_field_list`.
    fn label(&self, record: &Record) -> String;

    /// The event that a deed sets off.
    fn event(&self, record: &Record, deed: Deed, serial: &str) -> Option<NewEvent>;

    /// Takes its part in a snapshot: the typed view that others read.
    fn project(&self, record: &Record, snapshot: &mut Snapshot) -> Result<(), String>;

    /// Leaves the snapshot's typed view.
    fn withdraw(&self, record: &Record, snapshot: &mut Snapshot);

    /// One of its operations in the contract.
    fn operation(&self, verb: &str) -> Option<&'static Operation> {
        contract::operation("v1.0", &format!("{}/{verb}", self.name()))
    }
}
