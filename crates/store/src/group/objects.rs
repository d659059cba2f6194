//! The SQL of configuration objects. A change may touch ten thousand of them,
//! and REGISTER waits behind it: many rows go into one statement, and nothing is
//! written that stayed the same.

use std::collections::BTreeMap;

use super::{CHUNK_ROWS, Script};
use crate::object::{Object, ObjectChange, ObjectKey, ObjectRef};

/// What objects of one batch put and take, table by table.
#[derive(Default)]
struct Rows<'b> {
    /// Ids of what goes, by kind.
    deleted: BTreeMap<&'b str, Vec<i64>>,
    /// Values that are free again, by kind and key.
    freed: BTreeMap<(&'b str, &'b str), Vec<&'b str>>,
    /// Each with its referrer.
    refs_gone: Vec<((&'b str, i64), &'b ObjectRef)>,
    objects: Vec<&'b Object>,
    /// Each with its object.
    keys: Vec<((&'b str, i64), &'b ObjectKey)>,
    refs: Vec<((&'b str, i64), &'b ObjectRef)>,
}

impl Script {
    /// All objects of one batch: first what goes, so that its place is free for
    /// what comes.
    pub(super) fn objects(&mut self, changes: &[ObjectChange]) {
        let rows = Rows::of(changes);
        for (kind, ids) in &rows.deleted {
            for ids in ids.chunks(CHUNK_ROWS) {
                for (table, of_kind, of_id) in [
                    ("object_key", "kind", "id"),
                    ("object_ref", "from_kind", "from_id"),
                    ("object", "kind", "id"),
                ] {
                    self.next("DELETE FROM ")
                        .push(format_args!("{table} WHERE {of_kind} = "))
                        .push_bind(*kind)
                        .push(format_args!(" AND {of_id}"));
                    self.is_one_of(ids);
                }
            }
        }
        for ((kind, name), values) in &rows.freed {
            for values in values.chunks(CHUNK_ROWS) {
                self.next("DELETE FROM object_key WHERE kind = ")
                    .push_bind(*kind)
                    .push(" AND name = ")
                    .push_bind(*name)
                    .push(" AND value IN (");
                let mut list = self.sql().separated(", ");
                for value in values {
                    list.push_bind(*value);
                }
                list.push_unseparated(")");
            }
        }
        self.refs_gone(&rows.refs_gone);
        for objects in rows.objects.chunks(CHUNK_ROWS) {
            self.next("INSERT INTO object (kind, id, revision, doc, secret) ")
                .push_values(objects, |mut row, object| {
                    row.push_bind(object.kind.as_str())
                        .push_bind(object.id)
                        .push_bind(object.revision)
                        .push_bind(object.doc.as_str())
                        .push_bind(object.secret.as_deref());
                })
                .push(
                    " ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, \
                     doc = excluded.doc, secret = excluded.secret",
                );
        }
        for keys in rows.keys.chunks(CHUNK_ROWS) {
            self.next("INSERT INTO object_key (kind, name, value, id) ")
                .push_values(keys, |mut row, ((kind, id), key)| {
                    row.push_bind(*kind)
                        .push_bind(key.name.as_str())
                        .push_bind(key.value.as_str())
                        .push_bind(*id);
                });
        }
        for refs in rows.refs.chunks(CHUNK_ROWS) {
            self.next("INSERT INTO object_ref (from_kind, from_id, member, to_kind, to_id) ")
                .push_values(refs, |mut row, ((kind, id), r)| {
                    row.push_bind(*kind)
                        .push_bind(*id)
                        .push_bind(r.member.as_str())
                        .push_bind(r.kind.as_str())
                        .push_bind(r.id);
                })
                .push(" ON CONFLICT DO NOTHING");
        }
    }

    /// One object lets many go, or many let one go: a statement for either.
    fn refs_gone(&mut self, gone: &[((&str, i64), &ObjectRef)]) {
        let mut by_referrer: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for ((kind, id), r) in gone {
            let lists = by_referrer.entry((*kind, *id, r.member.as_str(), r.kind.as_str()));
            lists.or_default().push(r.id);
        }
        let mut by_target: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for ((kind, id, member, to_kind), targets) in by_referrer {
            if let [target] = targets.as_slice() {
                let lists = by_target.entry((kind, member, to_kind, *target));
                lists.or_default().push(id);
                continue;
            }
            for targets in targets.chunks(CHUNK_ROWS) {
                self.next("DELETE FROM object_ref WHERE from_kind = ")
                    .push_bind(kind)
                    .push(" AND member = ")
                    .push_bind(member)
                    .push(" AND to_kind = ")
                    .push_bind(to_kind)
                    .push(" AND from_id = ")
                    .push_bind(id)
                    .push(" AND to_id");
                self.is_one_of(targets);
            }
        }
        for ((kind, member, to_kind, target), ids) in by_target {
            for ids in ids.chunks(CHUNK_ROWS) {
                self.next("DELETE FROM object_ref WHERE from_kind = ")
                    .push_bind(kind)
                    .push(" AND member = ")
                    .push_bind(member)
                    .push(" AND to_kind = ")
                    .push_bind(to_kind)
                    .push(" AND to_id = ")
                    .push_bind(target)
                    .push(" AND from_id");
                self.is_one_of(ids);
            }
        }
    }

    fn is_one_of(&mut self, ids: &[i64]) {
        let mut list = self.sql().push(" IN (").separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        list.push_unseparated(")");
    }
}

impl<'b> Rows<'b> {
    fn of(changes: &'b [ObjectChange]) -> Self {
        let mut rows = Self::default();
        for change in changes {
            let of @ (kind, id) = change.of();
            let ObjectChange::Put {
                object,
                keys,
                freed,
                refs,
                gone,
            } = change
            else {
                rows.deleted.entry(kind).or_default().push(id);
                continue;
            };
            for key in freed {
                let values = rows.freed.entry((kind, &key.name)).or_default();
                values.push(&key.value);
            }
            rows.refs_gone.extend(gone.iter().map(|r| (of, r)));
            rows.objects.push(object);
            rows.keys.extend(keys.iter().map(|key| (of, key)));
            rows.refs.extend(refs.iter().map(|r| (of, r)));
        }
        rows
    }
}
