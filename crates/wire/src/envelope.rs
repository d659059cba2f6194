//! The envelope of every answer: `errcode` and `errmsg`, then the operation's own
//! members beside them. It never says anything about HTTP; a failed call is a 200.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ErrCode;

/// A request member that was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InvalidParam {
    /// Name of the member.
    pub field: String,
    /// Its value, or a word on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The rule it broke: see [`rule`](crate::rule).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_type: Option<String>,
}

/// A value that another object has already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DuplicateField {
    /// Name of the member.
    pub field: String,
    /// The value that is taken.
    pub value: String,
    /// The kind of object that has it, such as `extension`.
    pub external_source: String,
    /// Number or name of that object.
    pub external_source_name: String,
}

/// The payload isn't what the operation answers with.
#[derive(Debug, thiserror::Error)]
#[error("the answer's members are not as the contract says: {0}")]
pub struct PayloadError(#[from] serde_json::Error);

/// An answer: the outcome and, beside it, the operation's own members.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// 0 for success; see [`ErrCode`].
    pub errcode: i32,
    /// The code's words.
    pub errmsg: Cow<'static, str>,
    /// Extra words, on a duplicate.
    pub submsg: Option<String>,
    /// Which request members were wrong.
    pub invalid_param_list: Vec<InvalidParam>,
    /// Which values are taken, and by whom.
    pub duplicate_field_list: Vec<DuplicateField>,
    /// The operation's own members.
    pub payload: Map<String, Value>,
    /// One more of them, the last, whose value is JSON text already: a long list
    /// need not be a tree of values first. Reading an answer gives none.
    pub text: Option<(&'static str, String)>,
}

impl Default for Envelope {
    fn default() -> Self {
        Self::error(ErrCode::Success)
    }
}

impl Envelope {
    /// Success with the operation's members.
    pub fn ok(payload: Map<String, Value>) -> Self {
        Self {
            payload,
            ..Self::default()
        }
    }

    /// Success with the members of an `<Operation>Response`.
    pub fn of<T: Serialize>(answer: &T) -> Result<Self, PayloadError> {
        Self::ok(Map::new()).with(answer)
    }

    /// A code alone.
    pub fn error(code: ErrCode) -> Self {
        Self {
            errcode: code.code(),
            errmsg: Cow::Borrowed(code.message()),
            submsg: None,
            invalid_param_list: Vec::new(),
            duplicate_field_list: Vec::new(),
            payload: Map::new(),
            text: None,
        }
    }

    /// PARAMETER ERROR, naming what was wrong.
    pub fn invalid(params: Vec<InvalidParam>) -> Self {
        Self {
            invalid_param_list: params,
            ..Self::error(ErrCode::ParameterError)
        }
    }

    /// DUPLICATE KEY VALUE, naming what is taken.
    pub fn duplicate(fields: Vec<DuplicateField>, submsg: impl Into<String>) -> Self {
        Self {
            submsg: Some(submsg.into()),
            duplicate_field_list: fields,
            ..Self::error(ErrCode::DuplicateKeyValue)
        }
    }

    /// The same answer with the members of `answer` as its payload.
    pub fn with<T: Serialize>(mut self, answer: &T) -> Result<Self, PayloadError> {
        self.payload = match serde_json::to_value(answer)? {
            Value::Object(members) => members,
            other => {
                let wrong = format!("{other} is no object");
                return Err(PayloadError(serde_json::Error::custom(wrong)));
            }
        };
        Ok(self)
    }

    /// Whether the call did what was asked: success, in part, or still under way.
    pub fn is_ok(&self) -> bool {
        matches!(
            self.code(),
            Some(ErrCode::Success | ErrCode::PartialSuccess | ErrCode::Processing)
        )
    }

    /// The code, where the contract lists it.
    pub fn code(&self) -> Option<ErrCode> {
        ErrCode::from_code(self.errcode)
    }

    /// Reads the payload as an `<Operation>Response`.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, PayloadError> {
        Ok(serde_json::from_value(Value::Object(self.payload))?)
    }
}

impl Envelope {
    /// As JSON. The text that is there already is put in as it is.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec(&Values(self))?;
        if let Some((member, text)) = &self.text {
            // Before the brace; there are members before it.
            json.pop();
            json.push(b',');
            serde_json::to_writer(&mut json, member)?;
            json.push(b':');
            json.extend_from_slice(text.as_bytes());
            json.push(b'}');
        }
        Ok(json)
    }
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((member, text)) = &self.text else {
            return Values(self).serialize(serializer);
        };
        let value: Value = serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
        let mut whole = self.clone();
        whole.text = None;
        whole.payload.insert((*member).to_owned(), value);
        Values(&whole).serialize(serializer)
    }
}

/// An envelope but for its text.
struct Values<'e>(&'e Envelope);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(envelope) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("errcode", &envelope.errcode)?;
        map.serialize_entry("errmsg", &envelope.errmsg)?;
        if let Some(submsg) = &envelope.submsg {
            map.serialize_entry("submsg", submsg)?;
        }
        if !envelope.invalid_param_list.is_empty() {
            map.serialize_entry("invalid_param_list", &envelope.invalid_param_list)?;
        }
        if !envelope.duplicate_field_list.is_empty() {
            map.serialize_entry("duplicate_field_list", &envelope.duplicate_field_list)?;
        }
        for (member, value) in &envelope.payload {
            map.serialize_entry(member, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut payload = Map::deserialize(deserializer)?;
        let errcode = payload
            .shift_remove("errcode")
            .and_then(|code| code.as_i64())
            .and_then(|code| i32::try_from(code).ok())
            .ok_or_else(|| D::Error::missing_field("errcode"))?;
        let mut text = |member: &str| match payload.shift_remove(member) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let errmsg = Cow::Owned(text("errmsg").unwrap_or_default());
        let submsg = text("submsg");
        Ok(Self {
            errcode,
            errmsg,
            submsg,
            invalid_param_list: entries(payload.shift_remove("invalid_param_list")),
            duplicate_field_list: entries(payload.shift_remove("duplicate_field_list")),
            payload,
            text: None,
        })
    }
}

/// Entries that can be read; an answer isn't refused for what merely explains it.
fn entries<T: DeserializeOwned>(list: Option<Value>) -> Vec<T> {
    let Some(Value::Array(list)) = list else {
        return Vec::new();
    };
    list.into_iter()
        .filter_map(|entry| serde_json::from_value(entry).ok())
        .collect()
}
