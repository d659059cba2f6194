//! The table against a plain list of the same objects: whatever is put in and
//! taken out, both say the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wire::{Operation, contract};

use super::*;
use crate::kind::{MemberRule, SortKey, UniqueKey};
use crate::nested::Room;
use crate::snapshot::Snapshot;

/// Contacts as far as tables see them.
struct Sample;

static SAMPLE: Sample = Sample;

impl Kind for Sample {
    fn name(&self) -> &'static str {
        "company_contact"
    }
    fn limit(&self) -> usize {
        usize::MAX
    }
    fn packed(&self) -> bool {
        true
    }
    fn indexes(&self) -> &'static [&'static str] {
        &["number"]
    }
    fn index_keys(&self, record: &Record, _index: &str) -> Vec<Vec<u8>> {
        let numbers = [record.text("business"), record.text("mobile")];
        numbers
            .iter()
            .map(|number| number.as_bytes().to_vec())
            .collect()
    }
    fn unique(&self) -> &'static [UniqueKey] {
        &[UniqueKey {
            member: "email",
            ignore_case: true,
        }]
    }
    fn members(&self) -> &'static [MemberRule] {
        &[]
    }
    fn sort_key(&self, record: &Record, field: &str) -> Option<SortKey> {
        Some(SortKey::text(record.text(field)))
    }
    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>> {
        vec![
            record.text("contact_name").into(),
            record.text("company").into(),
        ]
    }
    fn brief(&self, record: &Record, _: &Snapshot) -> Map<String, Value> {
        record.doc.clone()
    }
    fn detail(&self, record: &Record, _: &Snapshot, _: Room) -> Map<String, Value> {
        record.doc.clone()
    }
    fn label(&self, _: &Record) -> String {
        String::new()
    }
    fn operation(&self, verb: &str) -> Option<&'static Operation> {
        contract::operation("v1.0", &format!("company_contact/{verb}"))
    }
}

fn contact(id: i64, name: &str, company: &str, number: &str) -> Arc<Record> {
    let doc = json!({
        "contact_name": name,
        "company": company,
        "email": format!("Mail{id}@x.org"),
        "business": number,
        "mobile": if id % 3 == 0 { number } else { "" },
    });
    let Value::Object(doc) = doc else {
        unreachable!()
    };
    Arc::new(Record {
        id,
        revision: 1,
        doc,
        secrets: BTreeMap::new(),
    })
}

/// What a page must be, by walking over everything.
fn plain(objects: &BTreeMap<i64, Arc<Record>>, wanted: Wanted<'_>) -> (usize, Vec<i64>) {
    let needle = wanted.text.to_lowercase();
    let mut rows: Vec<_> = objects
        .values()
        .filter(|record| {
            ["contact_name", "company"]
                .iter()
                .any(|member| record.text(member).to_lowercase().contains(&needle))
        })
        .map(|record| {
            let key = match wanted.sort_by {
                "" => String::new(),
                field => record.text(field).to_lowercase(),
            };
            (key, record.id)
        })
        .collect();
    rows.sort();
    if wanted.descending {
        rows.reverse();
    }
    let ids = rows.iter().map(|(_, id)| *id);
    let page = ids.skip(wanted.first).take(wanted.size).collect();
    (rows.len(), page)
}

fn agree(table: &Table, objects: &BTreeMap<i64, Arc<Record>>) {
    assert_eq!(table.count(), objects.len());
    assert!(table.records().eq(objects.values().cloned()));
    for text in ["", "an", "XIV", "zz", "e", "o"] {
        for sort_by in ["", "contact_name", "company"] {
            for (first, size, descending) in [
                (0, 3, false),
                (2, 5, true),
                (0, 5000, true),
                (700, 900, false),
                (9999, 2, true),
            ] {
                let wanted = Wanted {
                    text,
                    sort_by,
                    descending,
                    first,
                    size,
                };
                let page = table.page(wanted);
                let ids: Vec<i64> = page.rows.iter().map(|row| row.id).collect();
                assert_eq!((page.total, ids), plain(objects, wanted), "{wanted:?}");
            }
        }
    }
    for number in ["", "5", "77"] {
        let theirs: Vec<i64> = objects
            .values()
            .filter(|record| record.text("business") == number || record.text("mobile") == number)
            .map(|record| record.id)
            .collect();
        let ours: Vec<i64> = table
            .indexed("number", number.as_bytes())
            .map(|record| record.id)
            .collect();
        assert_eq!(ours, theirs, "{number}");
        assert_eq!(
            table.count_indexed("number", number.as_bytes()),
            theirs.len()
        );
    }
    for record in objects.values() {
        assert_eq!(table.get(record.id).as_ref(), Some(record));
        let mail = record.text("email").to_lowercase();
        assert_eq!(table.holder("email", &mail), Some(record.id));
    }
}

const NAMES: [&str; 5] = ["Anna", "bo", "Jean XIV", "Dora", "anton"];
const COMPANIES: [&str; 3] = ["Siam", "osz", ""];
const NUMBERS: [&str; 4] = ["5", "77", "", "1234"];

fn sample(id: i64, seed: usize) -> Arc<Record> {
    contact(id, NAMES[seed % 5], COMPANIES[seed % 3], NUMBERS[seed % 4])
}

#[derive(Debug, Clone)]
enum Step {
    Put(i64, usize),
    Remove(i64),
    Fill(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200_i64, any::<usize>()).prop_map(|(id, seed)| Step::Put(id, seed)),
        2 => (1..200_i64).prop_map(Step::Remove),
        1 => (1..900_usize).prop_map(Step::Fill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_table_says_what_a_plain_list_says(steps in prop::collection::vec(step(), 1..60)) {
        let (mut table, mut objects) = (Table::default(), BTreeMap::new());
        let mut next = 1000;
        for step in steps {
            match step {
                Step::Put(id, seed) => {
                    table.put(&SAMPLE, sample(id, seed));
                    objects.insert(id, sample(id, seed));
                }
                Step::Remove(id) => {
                    table.remove(&SAMPLE, id);
                    objects.remove(&id);
                }
                Step::Fill(count) => {
                    let records: Vec<_> = (0..count)
                        .map(|n| sample(next + n as i64, n * 7 + count))
                        .collect();
                    next += count as i64;
                    objects.extend(records.iter().map(|record| (record.id, record.clone())));
                    table.fill(&SAMPLE, records);
                }
            }
        }
        agree(&table, &objects);
    }
}

#[test]
fn a_table_that_grows_and_shrinks_one_by_one_stays_in_order() {
    let (mut table, mut objects) = (Table::default(), BTreeMap::new());
    for n in 0..5000 {
        let id = n * 7919 % 5003 + 1;
        table.put(&SAMPLE, sample(id, n as usize * 31));
        objects.insert(id, sample(id, n as usize * 31));
    }
    agree(&table, &objects);
    let before = table.clone();
    for n in 0..4900 {
        let id = n * 7919 % 5003 + 1;
        table.remove(&SAMPLE, id);
    }
    let mut left = objects.clone();
    left.retain(|id, _| table.get(*id).is_some());
    assert_eq!(left.len(), 100);
    agree(&table, &left);
    // What it came from is what it was.
    agree(&before, &objects);
}

#[test]
fn a_change_copies_a_few_chunks_however_many_there_are() {
    let mut table = Table::default();
    table.fill(&SAMPLE, (1..=20_000).map(|id| sample(id, id as usize * 31)));
    let before = table.clone();
    table.put(&SAMPLE, contact(77, "Zoë", "elsewhere", "4711"));
    assert_eq!(table.slab.apart(&before.slab), 1);
    assert_eq!(table.by_id.apart(&before.by_id), 0);
    let orders = table.sorted.iter().chain(&table.indexes);
    let others = before.sorted.iter().chain(&before.indexes);
    for ((name, order), (_, other)) in orders.zip(others) {
        // The old key's run and the new one's, and one that was split off.
        assert!(order.apart(other) <= 3, "{name}: {}", order.apart(other));
    }
    table.put(&SAMPLE, sample(20_001, 5));
    table.remove(&SAMPLE, 300);
    assert!(table.slab.apart(&before.slab) <= 3);
    assert!(table.by_id.apart(&before.by_id) <= 3);
}
