//! A value that one PBX writes as a number and another as a text: what came is
//! kept as it came. It is never guessed which of the two is right.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Read;

/// A whole number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NumberOrText {
    /// It came as a number.
    Number(i64),
    /// It came as a text, which may hold a number all the same.
    Text(String),
}

impl NumberOrText {
    /// The number that it is, or that its text holds.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

impl fmt::Display for NumberOrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<i64> for NumberOrText {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for NumberOrText {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Serialize for NumberOrText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// As serde sees it: nothing but the two.
#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
}

impl Read for NumberOrText {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let either = Option::<Either>::deserialize(deserializer)?;
        Ok(either.map(|either| match either {
            Either::Number(number) => Self::Number(number),
            Either::Text(text) => Self::Text(text),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::cdr::CdrRowV2;

    #[test]
    fn an_id_is_kept_as_it_came() {
        for id in ["7", "\"0000abcd-00000001\"", "\"7\""] {
            let text = format!("{{\"id\":{id}}}");
            let row: CdrRowV2 = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&row).unwrap(), text);
        }
        let row: CdrRowV2 = serde_json::from_str("{\"id\":null}").unwrap();
        assert_eq!(row.id, None);
        let number = |id: &str| {
            let row: CdrRowV2 = serde_json::from_str(&format!("{{\"id\":{id}}}")).unwrap();
            row.id.and_then(|id| id.number())
        };
        assert_eq!((number("\"7\""), number("\"7-1\"")), (Some(7), None));
    }
}
