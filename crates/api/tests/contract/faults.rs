//! Every way in which a request can break its table: a member of another kind,
//! outside its set or its bounds, missing, or null where it must be there; the
//! members of the types inside it too.

use serde_json::{Map, Value, json};
use wire::Operation;
use wire::contract::{HttpMethod, Kind, Member, Scalar, TypeDef};
use wire::rule;

/// Types inside types are walked so deep; some hold themselves.
const DEPTH: usize = 3;

/// One broken request and how it is to be told.
pub struct Fault {
    pub what: String,
    pub params: Map<String, Value>,
    /// `field` of the entry in `invalid_param_list`.
    pub field: String,
    /// Its `validation_type`.
    pub rule: &'static str,
}

/// Whether an operation's parameters are JSON; a query string has texts only.
pub fn has_body(operation: &Operation) -> bool {
    operation.method == HttpMethod::Post
}

/// All faults of an operation, each in a call that is good but for it.
pub fn of(operation: &Operation, good: &Map<String, Value>) -> Vec<Fault> {
    let mut walk = Walk {
        good,
        json: has_body(operation),
        faults: Vec::new(),
    };
    // A revoked token can't be asked for: without one the answer is 10004.
    if operation.path != "del_token" {
        walk.members(&Place::default(), operation.request, 0);
    }
    walk.faults
}

/// Where a member stands in a request.
#[derive(Clone, Default)]
struct Place {
    /// As `invalid_param_list` writes it.
    field: String,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Member(&'static str),
    First,
}

impl Place {
    fn member(&self, name: &'static str) -> Self {
        let mut place = self.clone();
        if !place.field.is_empty() {
            place.field.push('.');
        }
        place.field.push_str(name);
        place.steps.push(Step::Member(name));
        place
    }

    fn first(&self) -> Self {
        let mut place = self.clone();
        place.field.push_str("[0]");
        place.steps.push(Step::First);
        place
    }

    /// Puts a value here, making the objects and lists on the way; `None` takes
    /// away what is here.
    fn put(&self, params: &mut Map<String, Value>, value: Option<Value>) {
        let mut whole = Value::Object(std::mem::take(params));
        let mut at = &mut whole;
        let (last, way) = self.steps.split_last().unwrap();
        for step in way {
            at = at_step(at, step);
        }
        match (last, value) {
            (_, Some(value)) => *at_step(at, last) = value,
            (Step::Member(name), None) => {
                at_step(at, last);
                at.as_object_mut().unwrap().shift_remove(*name);
            }
            (Step::First, None) => *at = json!([]),
        }
        let Value::Object(whole) = whole else {
            unreachable!("a request is an object");
        };
        *params = whole;
    }
}

fn at_step<'v>(value: &'v mut Value, step: &Step) -> &'v mut Value {
    match step {
        Step::Member(name) => {
            if !value.is_object() {
                *value = json!({});
            }
            let object = value.as_object_mut().unwrap();
            object.entry(*name).or_insert(Value::Null)
        }
        Step::First => {
            if value.as_array().is_none_or(Vec::is_empty) {
                *value = json!([null]);
            }
            &mut value[0]
        }
    }
}

struct Walk<'w> {
    good: &'w Map<String, Value>,
    json: bool,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    fn fault(&mut self, place: &Place, value: Option<Value>, field: String, rule: &'static str) {
        let what = match &value {
            Some(value) => format!("{} = {:.60}", place.field, value.to_string()),
            None => format!("no {}", place.field),
        };
        let mut params = self.good.clone();
        place.put(&mut params, value);
        self.faults.push(Fault {
            what,
            params,
            field,
            rule,
        });
    }

    fn members(&mut self, place: &Place, members: &'static [Member], depth: usize) {
        for member in members {
            // A file is a part of its own, and no member of the JSON.
            if matches!(member.kind, Kind::File) {
                continue;
            }
            let here = place.member(member.name);
            if member.required {
                self.fault(&here, None, here.field.clone(), rule::REQUIRED);
                if self.json {
                    self.fault(&here, Some(Value::Null), here.field.clone(), rule::REQUIRED);
                }
            }
            let json = self.json;
            let wrong = kinds(member).into_iter();
            for value in wrong.filter(|value| json || value.is_string()) {
                self.fault(&here, Some(value), here.field.clone(), rule::TYPE);
            }
            for (value, rule) in outside(member) {
                self.fault(&here, Some(value), here.field.clone(), rule);
            }
            match member.kind {
                Kind::Named(named) if self.json => self.nested(&here, named, depth),
                Kind::NamedList(named) if self.json => self.nested(&here.first(), named, depth),
                _ => {}
            }
        }
    }

    fn nested(&mut self, place: &Place, named: &'static TypeDef, depth: usize) {
        if depth < DEPTH {
            self.members(place, named.members, depth + 1);
        }
    }
}

/// Values of other kinds. Numbers and flags may come as text and the other way
/// round, and lists and objects as text that holds them: those are no faults.
fn kinds(member: &Member) -> Vec<Value> {
    match member.kind {
        Kind::String | Kind::NumberOrText => vec![json!([]), json!({}), json!(true)],
        Kind::Integer => {
            let mut wrong = vec![
                json!("some"),
                json!(0.5),
                json!([]),
                json!({}),
                json!("1e3"),
            ];
            // A truth value is a number only where the number is a flag.
            let bit = |value: &Scalar| matches!(value, Scalar::Integer(0 | 1));
            if member.values.is_empty() || !member.values.iter().all(bit) {
                wrong.push(json!(true));
            }
            wrong
        }
        Kind::Number => vec![json!("some"), json!([]), json!({}), json!(true)],
        Kind::Boolean => vec![json!("some"), json!(7), json!([])],
        Kind::Object => vec![json!("some"), json!(7), json!([])],
        Kind::Named(named) if named.members.is_empty() => Vec::new(),
        Kind::Named(_) => vec![json!("some"), json!(7), json!([])],
        Kind::Strings => vec![json!("some"), json!(7), json!({}), json!([[]])],
        Kind::Integers => vec![json!("some"), json!(7), json!({}), json!(["some"])],
        Kind::Objects => vec![json!("some"), json!(7), json!({}), json!([7])],
        Kind::NamedList(named) if named.members.is_empty() => vec![json!("some"), json!(7)],
        Kind::NamedList(_) => vec![json!("some"), json!(7), json!({}), json!([7])],
        Kind::File => Vec::new(),
    }
}

/// Values of the right kind outside the set or the bounds.
fn outside(member: &Member) -> Vec<(Value, &'static str)> {
    let mut values = Vec::new();
    let text = matches!(member.kind, Kind::String);
    if !member.values.is_empty() {
        let strange = match (text, member.separator) {
            (true, Some(sign)) => vec![json!("no such word"), json!(format!("{sign}no such word"))],
            (true, None) => vec![json!("no such word"), json!("NO SUCH,word")],
            (false, _) => vec![json!(987_654_321), json!(-987_654_321)],
        };
        if text || matches!(member.kind, Kind::Integer) {
            values.extend(strange.into_iter().map(|value| (value, rule::ENUM)));
        }
    } else if text {
        if let Some(bound) = member.max_len {
            let long = "é".repeat(bound as usize + 1);
            values.push((json!(long), rule::MAX_LEN));
        }
    } else {
        if let Some(bound) = member.min.and_then(|bound| bound.checked_sub(1)) {
            values.push((json!(bound), rule::MIN));
        }
        if let Some(bound) = member.max.and_then(|bound| bound.checked_add(1)) {
            values.push((json!(bound), rule::MAX));
        }
    }
    values
}
