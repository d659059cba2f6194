//! What a kind of configuration object must say about itself. The seven
//! operations are not its business: they are written once, in `read` and
//! `change`, on this trait. A further kind is one implementation and one line
//! in [`KINDS`].

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};
use store::NewEvent;
use wire::event::{self, Event};
use wire::{InvalidParam, Operation, contract, rule};

use crate::contacts::{CompanyContactKind, PhonebookKind};
use crate::draft::Draft;
use crate::error::{SettingsError, invalid, word};
use crate::extension::ExtensionKind;
use crate::extensiongroup::ExtensionGroupKind;
use crate::listing::{Members, Written};
use crate::nested::Room;
use crate::organization::OrganizationKind;
use crate::record::Record;
use crate::reference::{Reference, drop_entries};
use crate::settings::Options;
use crate::single::SINGLES;
use crate::snapshot::Snapshot;
use crate::table::{Page, Row};

/// All kinds.
pub(crate) static KINDS: &[&dyn Kind] = &[
    &ExtensionKind,
    &ExtensionGroupKind,
    &OrganizationKind,
    &CompanyContactKind,
    &PhonebookKind,
];

/// Most characters of a text for which the contract names no bound.
const MAX_TEXT: usize = 255;

/// All kinds, and all settings of which there is one object.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Kind> {
    let singles = SINGLES.iter().map(|single| single as &dyn Kind);
    KINDS.iter().copied().chain(singles)
}

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Option<&'static dyn Kind> {
    all().find(|kind| kind.name() == name)
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
    /// The exchange does what it says; it is kept with another object, and what
    /// is not sent there stays as it is.
    Elsewhere,
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

impl MemberRule {
    /// What becomes of the member of this name.
    pub const fn new(name: &'static str, rule: Rule) -> Self {
        Self { name, rule }
    }
}

/// A member whose value no two objects of a kind may share. Empty values are
/// not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UniqueKey {
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
pub(crate) enum SortKey {
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

/// What was done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was removed.
    Deleted,
}

/// An object before and after a change, with all settings of both moments.
pub(crate) struct Changed<'c> {
    /// As it was; none where it is new.
    pub before: Option<&'c Record>,
    /// As it is; none where it is gone.
    pub after: Option<&'c Record>,
    /// All settings before.
    pub was: &'c Snapshot,
    /// All settings after.
    pub is: &'c Snapshot,
    /// The PBX's serial number, for the frames of events.
    pub serial: &'c str,
}

impl<'c> Changed<'c> {
    /// What was done.
    pub fn deed(&self) -> Deed {
        match (self.before, self.after) {
            (None, _) => Deed::Created,
            (_, None) => Deed::Deleted,
            _ => Deed::Updated,
        }
    }

    /// The object as it is, or was last.
    pub fn object(&self) -> Option<&'c Record> {
        self.after.or(self.before)
    }

    /// An event as it is kept.
    pub fn event<E: Event>(&self, event: &E) -> NewEvent {
        new_event(event, self.serial)
    }
}

/// An event as it is kept.
pub(crate) fn new_event<E: Event>(event: &E, serial: &str) -> NewEvent {
    NewEvent {
        id: E::ID,
        frame: event::frame(event, serial),
    }
}

/// A kind of configuration object. What a kind does not say has the answer that
/// most kinds give.
pub(crate) trait Kind: Send + Sync + 'static {
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
    fn unique(&self) -> &'static [UniqueKey] {
        &[]
    }

    /// What becomes of each member that `create` knows.
    fn members(&self) -> &'static [MemberRule];

    /// What an object is sorted by under a `sort_by` of the contract.
    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey>;

    /// Fields of `sort_by` that hang on other objects. No order is kept for
    /// them: objects are sorted when it is asked for, and must be few.
    fn joined(&self) -> &'static [&'static str] {
        &[]
    }

    /// What an object is sorted by under one of the joined fields.
    fn joined_sort_key(&self, _record: &Record, _field: &str, _: &Snapshot) -> Option<SortKey> {
        None
    }

    /// The texts a `search_value` is looked for in.
    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>>;

    /// A row of a list; the whole object where a kind says nothing else.
    fn brief(&self, record: &Record, snapshot: &Snapshot) -> Map<String, Value> {
        self.detail(record, snapshot, Room::new())
    }

    /// A row of a list that hangs on the object alone, but for what is live: it
    /// is kept beside the object, so that a page is no more than copying.
    fn written(&self, _record: &Record) -> Option<Written> {
        None
    }

    /// Writes a row of a list that is not kept as [`Kind::written`]. Kinds of
    /// which there may be very many read theirs off the row's text here, and have
    /// no `brief`.
    fn write_row(&self, row: &Row, snapshot: &Snapshot, members: &mut Members<'_>) {
        members.all(&self.brief(&row.record(), snapshot));
    }

    /// The whole object, as `get` and `query` answer it. A list that says beside
    /// itself how long it is may end where there is no more room for it.
    fn detail(&self, record: &Record, snapshot: &Snapshot, room: Room) -> Map<String, Value>;

    /// Its name to people, in `duplicate_field_list`.
    fn label(&self, record: &Record) -> String;

    /// All its objects by id, with their names to people who choose one.
    fn captions(&self, snapshot: &Snapshot) -> Vec<(i64, String)> {
        let records = snapshot.records(self.name());
        records
            .map(|record| (record.id, self.label(&record)))
            .collect()
    }

    /// Whether its operations can be used at all; the code that says why not.
    fn available(&self, _snapshot: &Snapshot) -> Result<(), SettingsError> {
        Ok(())
    }

    /// Objects that exist from the first start on.
    fn first(&self, _options: &Options) -> Vec<Map<String, Value>> {
        Vec::new()
    }

    /// Members of its objects that follow the configuration, written at each
    /// start where they are not what it says.
    fn configured(&self, _options: &Options) -> Vec<(i64, &'static str, Value)> {
        Vec::new()
    }

    /// Members that a change may not touch once the object is there.
    fn fixed(&self) -> &'static [&'static str] {
        &[]
    }

    /// Brings members from the form they are written in to the form they are
    /// kept in. `sent` has what the kind knows, `rest` what it does not.
    fn receive(
        &self,
        _sent: &mut Map<String, Value>,
        _rest: &mut Map<String, Value>,
        _faults: &mut Vec<InvalidParam>,
    ) {
    }

    /// Brings what was sent together with what is there, where a member is not
    /// simply replaced, and finds what is wrong with both together: it names the
    /// places that were sent.
    fn merge(
        &self,
        _present: Option<&Record>,
        _sent: &mut Map<String, Value>,
        _faults: &mut Vec<InvalidParam>,
    ) {
    }

    /// Fills what a request may leave out. `record` is the object as it will
    /// be; what was not sent in an update is there already.
    fn complete(&self, record: &mut Record) {
        self.fill(record);
    }

    /// The contract's defaults where a member is missing; without one 0, nothing, none.
    fn fill(&self, record: &mut Record) {
        let create = self.operation("create");
        for member in self.members() {
            if member.rule.secret().is_some()
                || member.rule == Rule::Elsewhere
                || record.doc.contains_key(member.name)
            {
                continue;
            }
            let known = create.and_then(|create| create.member(member.name));
            let value = match (known.and_then(|known| known.default), known) {
                (Some(default), _) => default.into(),
                (None, None) => "".into(),
                (None, Some(known)) => match known.kind {
                    contract::Kind::Integer | contract::Kind::Number => 0.into(),
                    contract::Kind::String => "".into(),
                    _ => Value::Array(Vec::new()),
                },
            };
            record.doc.insert(member.name.to_owned(), value);
        }
    }

    /// Rules that the contract's tables can't express, on the object as it will
    /// be. That its references exist is checked without it.
    fn check(
        &self,
        _record: &Record,
        _present: Option<&Record>,
        _snapshot: &Snapshot,
        _faults: &mut Vec<InvalidParam>,
    ) {
    }

    /// Rules on a secret as it is sent.
    fn check_secret(&self, _member: &str, _text: &str, _faults: &mut Vec<InvalidParam>) {}

    /// Rules that the object as it will be breaks as a whole: a code of their
    /// own. `sent` is what the request says of it, for rules that hold for what
    /// is written and not for what is there.
    fn forbid(
        &self,
        _record: &Record,
        _present: Option<&Record>,
        _sent: &Map<String, Value>,
        _snapshot: &Snapshot,
    ) -> Result<(), SettingsError> {
        Ok(())
    }

    /// Whether an object may be deleted, its referrers left aside.
    fn may_delete(&self, _record: &Record, _snapshot: &Snapshot) -> Result<(), SettingsError> {
        Ok(())
    }

    /// What it refers to.
    fn references(&self, _record: &Record) -> Vec<Reference> {
        Vec::new()
    }

    /// Gives up its references to an object that goes.
    fn let_go(&self, record: &mut Record, kind: &str, id: i64) {
        let references = self.references(record);
        drop_entries(record, &references, kind, id);
    }

    /// Carries a change on to other objects, before its own object is put. What
    /// is kept with others it takes out of the record.
    fn carry(&self, _record: &mut Record, _draft: &mut Draft) -> Result<(), SettingsError> {
        Ok(())
    }

    /// The events that a change sets off.
    fn events(&self, _changed: &Changed<'_>) -> Vec<NewEvent> {
        Vec::new()
    }

    /// The member of an operation's answer that holds what it answers with.
    fn payload(&self, _verb: &str) -> &'static str {
        "data"
    }

    /// The answer of `list` and `search`, where it is another one than a list of
    /// rows and how many there are.
    fn page(
        &self,
        _verb: &str,
        _params: &Map<String, Value>,
        _page: &Page,
        _snapshot: &Snapshot,
    ) -> Option<Map<String, Value>> {
        None
    }

    /// Takes its part in a snapshot: the typed view that others read.
    fn project(&self, _record: &Record, _snapshot: &mut Snapshot) -> Result<(), String> {
        Ok(())
    }

    /// Leaves the snapshot's typed view.
    fn withdraw(&self, _record: &Record, _snapshot: &mut Snapshot) {}

    /// One of its operations in the contract.
    fn operation(&self, verb: &str) -> Option<&'static Operation> {
        contract::operation("v1.0", &format!("{}/{verb}", self.name()))
    }
}

/// The unique key of kinds whose objects are known by their names.
pub(crate) const BY_NAME: &[UniqueKey] = &[UniqueKey {
    member: "name",
    ignore_case: false,
}];

/// The rule that a name keeps: it is there, and one line.
pub(crate) fn check_name(record: &Record, faults: &mut Vec<InvalidParam>) {
    let name = record.text("name");
    if name.trim().is_empty() {
        faults.push(invalid("name", None, rule::REQUIRED));
    } else if let Err(broken) = line(name) {
        faults.push(invalid("name", None, broken));
    }
}

/// The rule that every text of a document keeps: it is one line.
pub(crate) fn check_lines(record: &Record, faults: &mut Vec<InvalidParam>) {
    for (member, value) in &record.doc {
        if let Some(text) = value.as_str()
            && let Err(broken) = line(text)
        {
            faults.push(invalid(member.as_str(), None, broken));
        }
    }
}

/// One line of text, short enough to be kept and shown. The rule it breaks, if
/// it does: it may end up in a SIP header.
pub(crate) fn line(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) {
        Err(word::FORMAT)
    } else if text.chars().count() > MAX_TEXT {
        Err(rule::MAX_LEN)
    } else {
        Ok(())
    }
}
