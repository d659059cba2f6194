//! What an application may say on the event socket. Anything else is answered
//! as a broken request, and the socket stays open.

use std::collections::HashSet;

use serde_json::Value;
use wire::{Envelope, rule};

use crate::failure::Failure;
use crate::limits::MAX_TOPICS;

/// The answer to a heartbeat, bare as the request.
pub const HEARTBEAT_RESPONSE: &str = "heartbeat response";

/// One text frame of an application.
#[derive(Debug, Clone, PartialEq)]
pub enum Spoken {
    /// "Are you there?"
    Heartbeat,
    /// The events it wants from now on, instead of those before.
    Subscribe(HashSet<u32>),
    /// Neither; the answer that says so.
    Broken(Envelope),
}

impl Spoken {
    /// Reads a text frame. The heartbeat comes bare or in quotes.
    pub fn read(text: &str) -> Self {
        if matches!(text.trim(), "heartbeat" | "\"heartbeat\"") {
            return Self::Heartbeat;
        }
        let frame = match serde_json::from_str(text) {
            Ok(Value::Object(frame)) => frame,
            Ok(_) => return Self::unreadable("it is no object"),
            Err(error) => return Self::unreadable(&error.to_string()),
        };
        let topics = match frame.get("topic_list") {
            None | Some(Value::Null) => Err(rule::REQUIRED),
            Some(Value::Array(topics)) if topics.len() > MAX_TOPICS => Err(rule::MAX),
            Some(Value::Array(topics)) => topics
                .iter()
                .map(topic)
                .collect::<Option<_>>()
                .ok_or(rule::TYPE),
            Some(_) => Err(rule::TYPE),
        };
        match topics {
            Ok(topics) => Self::Subscribe(topics),
            Err(rule) => Self::Broken(Failure::member("topic_list", None, rule).envelope()),
        }
    }

    /// A frame that can't be read, and why.
    pub fn unreadable(why: &str) -> Self {
        Self::Broken(Failure::Syntax("frame", why.to_owned()).envelope())
    }
}

/// An event's id, also where it comes as text.
fn topic(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|id| u32::try_from(id).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heartbeat_is_understood_in_both_spellings() {
        assert_eq!(Spoken::read("heartbeat"), Spoken::Heartbeat);
        assert_eq!(Spoken::read("\"heartbeat\""), Spoken::Heartbeat);
    }

    #[test]
    fn a_topic_list_is_numbers_and_anything_else_is_told_what_is_wrong() {
        let ids = [30011, 30012].into();
        assert_eq!(
            Spoken::read(r#"{"topic_list":[30011,"30012",30011]}"#),
            Spoken::Subscribe(ids)
        );
        assert_eq!(
            Spoken::read(r#"{"topic_list":[]}"#),
            Spoken::Subscribe(HashSet::new())
        );
        let code = |text: &str| match Spoken::read(text) {
            Spoken::Broken(envelope) => envelope.errcode,
            other => panic!("{other:?}"),
        };
        for text in [
            "{}",
            r#"{"topic_list":5}"#,
            r#"{"topic_list":[-1]}"#,
            r#"{"topic_list":[{}]}"#,
        ] {
            assert_eq!(code(text), 40002, "{text}");
        }
        for text in ["", "[]", "{", "heartbeats"] {
            assert_eq!(code(text), 40001, "{text}");
        }
        let many = serde_json::json!({"topic_list": vec![1; MAX_TOPICS + 1]}).to_string();
        assert_eq!(code(&many), 40002);
    }
}
