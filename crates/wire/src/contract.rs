//! The contract as tables: what validation, the status table, the contract test and
//! a command line walk. The rows are in `generated`; here is what a row is.

pub use crate::generated::tables::{ABOUT, EVENTS, OPERATIONS, TYPES};

/// How a request reaches an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// Members in the query string.
    Get,
    /// Members in a JSON body, or in a multipart one.
    Post,
}

/// How well the members of a thing are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Read in the guide.
    Documented,
    /// Some of it read.
    Partial,
    /// Its page was not found.
    Inferred,
    /// A member whose name was seen in a sister API only.
    Witnessed,
}

/// One operation of the API.
#[derive(Debug)]
pub struct Operation {
    /// `v1.0` or `v2.0`.
    pub version: &'static str,
    /// The path after `openapi/<version>/`.
    pub path: &'static str,
    /// How it is asked for.
    pub method: HttpMethod,
    /// The contract's file, and the module of its types.
    pub area: &'static str,
    /// One line on what it does.
    pub summary: &'static str,
    /// What a request holds.
    pub request: &'static [Member],
    /// What an answer holds beside the envelope.
    pub response: &'static [Member],
    /// The answer is a file, not JSON.
    pub binary: bool,
    /// Events it sets off.
    pub events: &'static [u32],
    /// How well it is known.
    pub certainty: Certainty,
}

impl Operation {
    /// What a member of the request means, in the contract's words; blank
    /// where it has none.
    pub fn about(&self, member: &str) -> &'static str {
        let row = ABOUT.binary_search_by(|row| (row.0, row.1).cmp(&(self.version, self.path)));
        row.ok()
            .and_then(|place| ABOUT.get(place))
            .and_then(|(_, _, members)| members.iter().find(|(name, _)| *name == member))
            .map_or("", |(_, words)| words)
    }

    /// A member of the request.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.request.iter().find(|member| member.name == name)
    }
}

/// A value that a table names: a default, or one of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
}

impl From<Scalar> for serde_json::Value {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::Text(text) => text.into(),
            Scalar::Integer(number) => number.into(),
            Scalar::Boolean(flag) => flag.into(),
        }
    }
}

/// What kind of value a member has.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text.
    String,
    /// A whole number; also the flags, which are 0 or 1.
    Integer,
    /// A whole number or a text, whichever a PBX writes; only of an answer.
    NumberOrText,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A part of a multipart body.
    File,
    /// Free JSON.
    Object,
    /// An object of a named type.
    Named(&'static TypeDef),
    /// A list of texts.
    Strings,
    /// A list of whole numbers.
    Integers,
    /// A list of free JSON.
    Objects,
    /// A list of objects of a named type.
    NamedList(&'static TypeDef),
}

impl Kind {
    /// The type of the object, or of the objects in the list.
    pub fn named(self) -> Option<&'static TypeDef> {
        match self {
            Self::Named(named) | Self::NamedList(named) => Some(named),
            _ => None,
        }
    }
}

/// A named object type.
#[derive(Debug)]
pub struct TypeDef {
    /// The contract's name; never on the wire.
    pub name: &'static str,
    /// The contract's file, and the module of the Rust type.
    pub area: &'static str,
    /// Its members.
    pub members: &'static [Member],
}

/// One event that is pushed.
#[derive(Debug)]
pub struct EventDef {
    /// The event's id: `type` in a frame.
    pub id: u32,
    /// Its name in the guide.
    pub name: &'static str,
    /// When it is sent.
    pub when: &'static str,
    /// Whether `msg` is text that holds JSON, or JSON.
    pub encoding: MsgEncoding,
    /// Whether the frame carries the PBX's serial number.
    pub sn_in_envelope: bool,
    /// What `msg` holds.
    pub msg: &'static [Member],
    /// How well it is known.
    pub certainty: Certainty,
}

/// How an event's `msg` stands in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MsgEncoding {
    /// A text that holds a JSON document.
    JsonString,
    /// A plain object.
    Object,
}

/// One member of a request, an answer, a type or an event.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name on the wire.
    pub name: &'static str,
    /// Another name that a request may call it by.
    pub alias: Option<&'static str>,
    /// The kind of its value.
    pub kind: Kind,
    /// A request must have it.
    pub required: bool,
    /// The closed set of its values (of each part, where there is a separator).
    pub values: &'static [Scalar],
    /// What it is where a request leaves it out.
    pub default: Option<Scalar>,
    /// Least value.
    pub min: Option<i64>,
    /// Greatest value.
    pub max: Option<i64>,
    /// Most characters.
    pub max_len: Option<u32>,
    /// What joins the values in the text.
    pub separator: Option<char>,
    /// `null` is written where there is no value.
    pub nullable: bool,
    /// The name was seen in a sister API only.
    pub witnessed: bool,
}

// The words in which the generated rows are written.
impl Member {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            alias: None,
            kind,
            required: false,
            values: &[],
            default: None,
            min: None,
            max: None,
            max_len: None,
            separator: None,
            nullable: false,
            witnessed: false,
        }
    }

    pub(crate) const fn alias(mut self, name: &'static str) -> Self {
        self.alias = Some(name);
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn one_of(mut self, values: &'static [Scalar]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn default(mut self, value: Scalar) -> Self {
        self.default = Some(value);
        self
    }

    pub(crate) const fn min(mut self, bound: i64) -> Self {
        self.min = Some(bound);
        self
    }

    pub(crate) const fn max(mut self, bound: i64) -> Self {
        self.max = Some(bound);
        self
    }

    pub(crate) const fn max_len(mut self, bound: u32) -> Self {
        self.max_len = Some(bound);
        self
    }

    pub(crate) const fn joined_by(mut self, sign: char) -> Self {
        self.separator = Some(sign);
        self
    }

    pub(crate) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    pub(crate) const fn witnessed(mut self) -> Self {
        self.witnessed = true;
        self
    }
}

/// The operation of a version and a path, such as `v1.0` and `extension/list`.
pub fn operation(version: &str, path: &str) -> Option<&'static Operation> {
    OPERATIONS
        .binary_search_by(|row| (row.version, row.path).cmp(&(version, path)))
        .ok()
        .and_then(|place| OPERATIONS.get(place))
}

/// The event of an id.
pub fn event(id: u32) -> Option<&'static EventDef> {
    EVENTS
        .binary_search_by_key(&id, |row| row.id)
        .ok()
        .and_then(|place| EVENTS.get(place))
}

/// The named type of a name.
pub fn named_type(name: &str) -> Option<&'static TypeDef> {
    TYPES.iter().copied().find(|row| row.name == name)
}
