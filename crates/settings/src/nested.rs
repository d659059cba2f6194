//! How much an answer with whole objects may hold. Objects have lists of others
//! (a group its extensions, a phonebook its contacts), and a request can ask for
//! thousands of them: without a bound its answer would be as large as all that
//! product. There is one bound, of all kinds, and it is spent object by object.

use serde_json::{Map, Value};

/// Most values in the lists of one answer's objects: some ten megabytes of
/// JSON. It holds the largest group whole, a thousand extensions, or twenty
/// thousand contacts of phonebooks.
const MAX_VALUES: usize = 300_000;

/// What an answer may still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room(usize);

impl Room {
    /// Of an answer that holds nothing yet.
    pub fn new() -> Self {
        Self(MAX_VALUES)
    }

    /// How many rows of so many values there is room for.
    pub fn rows(self, values: usize) -> usize {
        self.0 / values.max(1)
    }

    /// Takes the room for a list's values as far as there is some; how many
    /// there was room for.
    pub fn take(&mut self, values: usize) -> usize {
        let taken = values.min(self.0);
        self.0 -= taken;
        taken
    }

    /// Takes the room for an object's lists; whether there was enough.
    pub fn takes(&mut self, detail: &Map<String, Value>) -> bool {
        let values = detail.values().map(listed).sum();
        self.take(values) == values
    }
}

/// How many values a list holds, in whatever depth. A plain value holds none.
fn listed(value: &Value) -> usize {
    fn all(value: &Value) -> usize {
        match value {
            Value::Array(entries) => entries.iter().map(all).sum(),
            Value::Object(members) => members.values().map(all).sum(),
            _ => 1,
        }
    }
    match value {
        Value::Array(_) | Value::Object(_) => all(value),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_lists_hold_is_counted_in_whatever_depth_and_nothing_else() {
        let detail = json!({"id": 1, "name": "x", "list": [{"a": 1, "b": [2, 3]}, 4], "none": []});
        let Value::Object(detail) = detail else {
            panic!()
        };
        let mut room = Room(9);
        assert!(room.takes(&detail));
        assert_eq!((room, room.rows(2)), (Room(5), 2));
        assert!(room.takes(&detail));
        assert!(!room.takes(&detail));
        assert_eq!(room, Room(0));
    }
}
