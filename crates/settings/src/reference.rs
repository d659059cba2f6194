//! References between objects: which members point at which objects, who
//! points at an object, and what becomes of them when it goes.

use rpds::RedBlackTreeMapSync;
use serde_json::Value;

use crate::record::Record;

/// What becomes of a referrer when the object it points at is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenGone {
    /// The object can't be deleted: 70091.
    Refuse,
    /// The entry leaves the referrer, in the same change.
    Drop,
}

/// A place in a document that points at an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The member.
    pub member: &'static str,
    /// The entry, where the member is a list.
    pub place: Option<usize>,
    /// The entry's member that holds the id, as clients write it; none where
    /// the entry is the id.
    pub field: Option<&'static str>,
    /// The kind of the object that is meant.
    pub kind: &'static str,
    /// Its id.
    pub id: i64,
    /// What becomes of the referrer when it goes.
    pub when_gone: WhenGone,
}

impl Reference {
    /// The place as `invalid_param_list` names it: `members[2].ext_id`.
    pub(crate) fn path(&self) -> String {
        let mut path = self.member.to_owned();
        if let Some(place) = self.place {
            path.push_str(&format!("[{place}]"));
        }
        if let Some(field) = self.field {
            path.push('.');
            path.push_str(field);
        }
        path
    }
}

/// The references in a list: of ids, or of entries that hold one under `field`.
/// Where clients write it under `field` and it is kept as an id, faults name
/// what clients wrote.
pub(crate) fn list(
    record: &Record,
    member: &'static str,
    field: Option<&'static str>,
    kind: &'static str,
    when_gone: WhenGone,
) -> Vec<Reference> {
    record
        .list(member)
        .iter()
        .enumerate()
        .filter_map(|(place, entry)| {
            let named = field.and_then(|field| entry.get(field));
            Some(Reference {
                member,
                place: Some(place),
                field,
                kind,
                id: id(named.unwrap_or(entry))?,
                when_gone,
            })
        })
        .collect()
}

/// An id, written as a number or as text, as `wire::validate` reads numbers.
pub fn id(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        _ => None,
    }
}

/// A whole number that is written with a fraction of nothing.
fn whole(value: f64) -> Option<i64> {
    // Beyond 2^53 a float no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

/// Takes the entries that point at an object out of its referrer's lists. A
/// member that is no list keeps its value: that is for the kind to say.
pub(crate) fn drop_entries(record: &mut Record, references: &[Reference], kind: &str, id: i64) {
    let gone = references
        .iter()
        .filter(|reference| reference.kind == kind && reference.id == id);
    // From behind, so that the places before stay what they are.
    for reference in gone.rev() {
        if let (Some(place), Some(Value::Array(entries))) =
            (reference.place, record.doc.get_mut(reference.member))
            && place < entries.len()
        {
            entries.remove(place);
        }
    }
}

/// Who points at an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Referrer {
    /// The referrer's kind.
    pub kind: &'static str,
    /// Its id.
    pub id: i64,
    /// The member that points.
    pub member: &'static str,
    /// What becomes of it when the object goes.
    pub when_gone: WhenGone,
}

/// In the order that looks like `who points at it`: target, kind, member, id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    to_kind: &'static str,
    to_id: i64,
    kind: &'static str,
    member: &'static str,
    id: i64,
}

/// All references backwards. Persistent: a change costs the logarithm.
#[derive(Debug, Clone, Default)]
pub(crate) struct Referrers(RedBlackTreeMapSync<Key, WhenGone>);

impl Referrers {
    /// An object's references are other ones now. Only what differs is touched.
    pub fn change(&mut self, kind: &'static str, id: i64, old: &[Reference], new: &[Reference]) {
        let key = |reference: &Reference| Key {
            to_kind: reference.kind,
            to_id: reference.id,
            kind,
            member: reference.member,
            id,
        };
        let mut before: Vec<Key> = old.iter().map(key).collect();
        let mut after: Vec<(Key, WhenGone)> = new.iter().map(|r| (key(r), r.when_gone)).collect();
        before.sort_unstable();
        after.sort_unstable_by_key(|(key, _)| *key);
        for key in &before {
            if after.binary_search_by_key(key, |(key, _)| *key).is_err() {
                self.0.remove_mut(key);
            }
        }
        for (key, when_gone) in after {
            if before.binary_search(&key).is_err() {
                self.0.insert_mut(key, when_gone);
            }
        }
    }

    /// Who points at an object, by kind, member and id.
    pub fn of(&self, kind: &'static str, id: i64) -> impl Iterator<Item = Referrer> + '_ {
        self.from(kind, id, "", "")
            .take_while(move |(key, _)| key.to_kind == kind && key.to_id == id)
            .map(|(key, when_gone)| Referrer {
                kind: key.kind,
                id: key.id,
                member: key.member,
                when_gone: *when_gone,
            })
    }

    /// The ids of one kind's objects that point at an object by one member.
    pub fn ids(
        &self,
        to: (&'static str, i64),
        by: (&'static str, &'static str),
    ) -> impl Iterator<Item = i64> + '_ {
        self.from(to.0, to.1, by.0, by.1)
            .take_while(move |(key, _)| {
                (key.to_kind, key.to_id) == to && (key.kind, key.member) == by
            })
            .map(|(key, _)| key.id)
    }

    fn from(
        &self,
        to_kind: &'static str,
        to_id: i64,
        kind: &'static str,
        member: &'static str,
    ) -> impl Iterator<Item = (&Key, &WhenGone)> + '_ {
        let first = Key {
            to_kind,
            to_id,
            kind,
            member,
            id: i64::MIN,
        };
        self.0.range(first..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(kind: &'static str, id: i64, when_gone: WhenGone) -> Reference {
        Reference {
            member: "members",
            place: Some(0),
            field: None,
            kind,
            id,
            when_gone,
        }
    }

    #[test]
    fn the_index_has_what_points_now_and_nothing_else() {
        let mut index = Referrers::default();
        let first = [
            to("extension", 1, WhenGone::Drop),
            to("extension", 2, WhenGone::Drop),
        ];
        index.change("group", 7, &[], &first);
        index.change("group", 5, &[], &first[..1]);
        index.change("queue", 1, &[], &[to("extension", 1, WhenGone::Refuse)]);
        let who = |index: &Referrers, id| -> Vec<_> {
            index.of("extension", id).map(|r| (r.kind, r.id)).collect()
        };
        assert_eq!(who(&index, 1), [("group", 5), ("group", 7), ("queue", 1)]);
        assert_eq!(who(&index, 2), [("group", 7)]);
        let then = [
            to("extension", 2, WhenGone::Drop),
            to("extension", 3, WhenGone::Drop),
        ];
        index.change("group", 7, &first, &then);
        assert_eq!(who(&index, 1), [("group", 5), ("queue", 1)]);
        assert_eq!(who(&index, 3), [("group", 7)]);
        let ids: Vec<i64> = index.ids(("extension", 1), ("group", "members")).collect();
        assert_eq!(ids, [5]);
        index.change("group", 7, &then, &[]);
        assert_eq!(who(&index, 2), []);
    }
}
