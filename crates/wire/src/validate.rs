//! Checks a request against the contract, before anything acts on it: required
//! members, kinds, sets, bounds, nested types. Numbers are taken from text and
//! flags from truth values, so that what comes out is as the contract writes it.
//! Unknown members pass through. Rules that a table can't express (uniqueness,
//! references, one of two) belong to whoever acts on the request.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::InvalidParam;
use crate::contract::{Kind, Member, Operation, Scalar};
use crate::read::{flag, whole};

/// No answer names more faults than this.
pub const MAX_INVALID_PARAMS: usize = 64;

/// No answer repeats more characters of a wrong value than this.
const MAX_ECHO: usize = 64;

/// The words of `validation_type`.
pub mod rule {
    /// The member is missing.
    pub const REQUIRED: &str = "required";
    /// The value is of another kind.
    pub const TYPE: &str = "type";
    /// The value is not in the set.
    pub const ENUM: &str = "enum";
    /// The value is too small.
    pub const MIN: &str = "min";
    /// The value is too large.
    pub const MAX: &str = "max";
    /// The text is too long.
    pub const MAX_LEN: &str = "max_len";
}

/// Checks a whole request. What comes back has numbers as numbers and no `null`.
pub fn validate(
    operation: &Operation,
    params: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<InvalidParam>> {
    run(operation.request, params, |member| member.required)
}

/// Checks a request that changes only what it names: of the required members only
/// those that say which object is meant (`id`, `ids`, `id_list`) must be there.
pub fn validate_patch(
    operation: &Operation,
    params: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<InvalidParam>> {
    run(operation.request, params, |member| {
        member.required && matches!(member.name, "id" | "ids" | "id_list")
    })
}

fn run(
    members: &[Member],
    params: &Map<String, Value>,
    required: impl Fn(&Member) -> bool,
) -> Result<Map<String, Value>, Vec<InvalidParam>> {
    let mut check = Check::default();
    let checked = check.members("", members, params, required);
    if check.faults.is_empty() {
        Ok(checked)
    } else {
        Err(check.faults)
    }
}

/// One walk over a request, and the faults it found.
#[derive(Default)]
struct Check {
    faults: Vec<InvalidParam>,
}

impl Check {
    fn fault(&mut self, field: &str, value: Option<&Value>, rule: &str) {
        if self.faults.len() < MAX_INVALID_PARAMS {
            self.faults.push(InvalidParam {
                field: field.to_owned(),
                value: value.filter(|_| !is_secret(field)).and_then(echo),
                validation_type: Some(rule.to_owned()),
            });
        }
    }

    fn members(
        &mut self,
        place: &str,
        members: &[Member],
        params: &Map<String, Value>,
        required: impl Fn(&Member) -> bool,
    ) -> Map<String, Value> {
        let mut checked = Map::with_capacity(params.len());
        for (name, value) in params {
            if value.is_null() {
                continue;
            }
            let Some(member) = named(members, name) else {
                checked.insert(name.clone(), value.clone());
                continue;
            };
            // Its own name says more than the alias.
            let own = params.get(member.name).filter(|value| !value.is_null());
            if member.name != name && own.is_some() {
                continue;
            }
            let field = format!("{place}{name}");
            if let Some(value) = self.member(&field, member, value) {
                checked.insert(member.name.to_owned(), value);
            }
        }
        for member in members.iter().filter(|member| required(member)) {
            let given = |name| params.get(name).filter(|value| !value.is_null());
            let sent = given(member.name).or_else(|| given(member.alias?));
            let absent =
                sent.is_none_or(|value| is_blank(value) && !matches!(member.kind, Kind::String));
            // A file comes as a part of its own, which is not among the members.
            if absent && !matches!(member.kind, Kind::File) {
                self.fault(&format!("{place}{}", member.name), None, rule::REQUIRED);
            }
        }
        checked
    }

    /// The value as the contract writes it; `None` where it is wrong, or says nothing.
    fn member(&mut self, field: &str, member: &Member, value: &Value) -> Option<Value> {
        if is_blank(value) && says_nothing_when_blank(member) {
            return None;
        }
        let Some(value) = self.kind(field, member, value) else {
            self.fault(field, Some(value), rule::TYPE);
            return None;
        };
        match self.broken(member, &value) {
            Some(rule) => {
                self.fault(field, Some(&value), rule);
                None
            }
            None => Some(value),
        }
    }

    fn kind(&mut self, field: &str, member: &Member, value: &Value) -> Option<Value> {
        match member.kind {
            Kind::String => text(value),
            Kind::Integer => match value {
                Value::Bool(flag) => is_flag(member).then(|| i64::from(*flag).into()),
                value => integer(value),
            },
            Kind::NumberOrText => integer(value).or_else(|| text(value)),
            Kind::Number => number(value),
            Kind::Boolean => boolean(value),
            Kind::File => Some(value.clone()),
            Kind::Object => structure(value)
                .filter(|object| object.is_object())
                .map(Cow::into_owned),
            Kind::Named(named) => {
                let object = structure(value)?;
                let Value::Object(object) = object.as_ref() else {
                    return None;
                };
                let place = format!("{field}.");
                Some(Value::Object(self.object(&place, named.members, object)))
            }
            Kind::Strings => list(value, |entry| text(&entry)),
            Kind::Integers => list(value, |entry| integer(&entry)),
            Kind::Objects => list(value, |entry| entry.is_object().then_some(entry)),
            Kind::NamedList(named) => {
                let mut place = 0;
                list(value, |entry| {
                    let within = format!("{field}[{place}].");
                    place += 1;
                    match entry {
                        // Types of which no member was seen are free JSON.
                        entry if named.members.is_empty() => Some(entry),
                        Value::Object(entry) => {
                            Some(Value::Object(self.object(&within, named.members, &entry)))
                        }
                        _ => None,
                    }
                })
            }
        }
    }

    fn object(
        &mut self,
        place: &str,
        members: &[Member],
        params: &Map<String, Value>,
    ) -> Map<String, Value> {
        self.members(place, members, params, |member| member.required)
    }

    /// The first rule that a value of the right kind breaks.
    fn broken(&self, member: &Member, value: &Value) -> Option<&'static str> {
        if !member.values.is_empty() && !in_set(member, value) {
            return Some(rule::ENUM);
        }
        if let Some(amount) = value.as_f64() {
            if member.min.is_some_and(|bound| amount < bound as f64) {
                return Some(rule::MIN);
            }
            if member.max.is_some_and(|bound| amount > bound as f64) {
                return Some(rule::MAX);
            }
        }
        if let (Some(bound), Value::String(text)) = (member.max_len, value) {
            let longest = usize::try_from(bound).unwrap_or(usize::MAX);
            if text.chars().count() > longest {
                return Some(rule::MAX_LEN);
            }
        }
        None
    }
}

/// The member of a name, or else of an alias.
fn named<'m>(members: &'m [Member], name: &str) -> Option<&'m Member> {
    let by_name = members.iter().find(|member| member.name == name);
    by_name.or_else(|| members.iter().find(|member| member.alias == Some(name)))
}

fn in_set(member: &Member, value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let has = |part: &str| {
                member
                    .values
                    .iter()
                    .any(|known| matches!(known, Scalar::Text(known) if *known == part))
            };
            match member.separator {
                Some(sign) => {
                    let mut parts = text.split(sign).map(str::trim);
                    parts.all(|part| part.is_empty() || has(part))
                }
                None => has(text),
            }
        }
        Value::Number(number) => number.as_i64().is_some_and(|number| {
            member
                .values
                .iter()
                .any(|known| matches!(known, Scalar::Integer(known) if *known == number))
        }),
        _ => true,
    }
}

/// Whether a member is a flag that the contract writes as 0 and 1. A truth value
/// in the place of an id or a count is a mistake, and not the number 1.
fn is_flag(member: &Member) -> bool {
    let bit = |value: &Scalar| matches!(value, Scalar::Integer(0 | 1));
    !member.values.is_empty() && member.values.iter().all(bit)
}

fn text(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Number(number) => Some(Value::String(number.to_string())),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<Value> {
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Value::from)
}

fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => text
            .trim()
            .parse::<f64>()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::Number),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(Value::Bool(false)),
            Some(1) => Some(Value::Bool(true)),
            _ => None,
        },
        Value::String(text) => flag(text).map(Value::Bool),
        _ => None,
    }
}

/// An object or a list, also where it comes as text, as in a multipart body.
fn structure(value: &Value) -> Option<Cow<'_, Value>> {
    match value {
        Value::String(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        other => Some(Cow::Borrowed(other)),
    }
}

fn list(value: &Value, entry: impl FnMut(Value) -> Option<Value>) -> Option<Value> {
    match structure(value)?.into_owned() {
        Value::Array(entries) => entries
            .into_iter()
            .map(entry)
            .collect::<Option<Vec<Value>>>()
            .map(Value::Array),
        _ => None,
    }
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.trim().is_empty())
}

/// A blank number, list or optional word is one that isn't given.
fn says_nothing_when_blank(member: &Member) -> bool {
    match member.kind {
        Kind::String => {
            let blank = member.values.contains(&Scalar::Text(""));
            !member.values.is_empty() && !blank && !member.required && member.separator.is_none()
        }
        Kind::File | Kind::Object => false,
        _ => true,
    }
}

/// What an answer repeats of a wrong value: nothing of an object, which may hold secrets.
fn echo(value: &Value) -> Option<String> {
    let text = match value {
        Value::Object(_) | Value::Array(_) => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(text.chars().take(MAX_ECHO).collect())
}

/// Whether a member's value must not come back in an answer or a log.
fn is_secret(field: &str) -> bool {
    let name = field.rsplit('.').next().unwrap_or(field);
    ["password", "secret", "token", "pin"]
        .iter()
        .any(|word| name.contains(word))
}
