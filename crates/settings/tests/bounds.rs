//! What one answer may hold, however it is asked for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::{Value, json};
use settings::Settings;
use store::{Batch, Object, ObjectChange, Store};
use support::{Dir, ask, faults, try_ask};

/// Values in the lists of one answer.
const MOST: usize = 300_000;
const EXTENSIONS: i64 = 2_000;
/// Groups of all extensions: each shows three members of each.
const GROUPS: i64 = 60;
/// Departments one below the other; all extensions are in the last one.
const LAYERS: i64 = 19;

fn row(kind: &str, id: i64, doc: Value) -> ObjectChange {
    ObjectChange::Put {
        object: Object {
            kind: kind.into(),
            id,
            revision: 1,
            doc: doc.to_string(),
            secret: None,
        },
        keys: Vec::new(),
        freed: Vec::new(),
        refs: Vec::new(),
        gone: Vec::new(),
    }
}

/// A large PBX, written as rows.
async fn large(dir: &Dir) -> (Store, Settings) {
    let (store, _settings) = dir.open().await;
    store.close().await;
    let store = dir.store().await;
    let last = 1 + LAYERS;
    let extensions = (1..=EXTENSIONS).map(|id| {
        let doc = json!({"number": (10_000 + id).to_string(), "first_name": "A",
            "reg_name": format!("p{id}"), "organization_list": [last]});
        row("extension", id, doc)
    });
    let groups = (2..=GROUPS + 1).map(|id| {
        let doc = json!({"name": format!("g{id}"), "member_select": "sel_all_ext", "members": []});
        row("extensiongroup", id, doc)
    });
    let departments = (2..=last).map(|id| {
        let doc = json!({"name": format!("d{id}"), "parent_id": id - 1, "order": 1});
        row("organization", id, doc)
    });
    let batch = Batch {
        objects: extensions.chain(groups).chain(departments).collect(),
        ..Batch::default()
    };
    store.write(batch).await.unwrap();
    store.close().await;
    dir.open().await
}

fn joined(ids: impl Iterator<Item = i64>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    ids.join(",")
}

/// The lengths of all lists of extensions, and whether each row counts all.
fn lists(row: &Value, sum: &mut usize) {
    *sum += row["ext_list"].as_array().unwrap().len();
    assert_eq!(row["ext_number"], EXTENSIONS);
    for child in row["children"].as_array().unwrap() {
        lists(child, sum);
    }
}

#[tokio::test]
async fn an_answer_is_bounded_by_what_it_holds_and_has_each_object_once() {
    let dir = Dir::new();
    let (_store, settings) = large(&dir).await;
    let query = |kind: &str, ids: String| {
        let path = format!("{kind}/query");
        let settings = settings.clone();
        async move { try_ask(&settings, &path, json!({"ids": ids})).await }
    };
    // An id that is repeated is one id.
    let again = joined((0..5_000).map(|n| 2 + n % 2));
    let answer = query("extensiongroup", again).await.unwrap();
    let groups = answer["data"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!((&groups[0]["id"], &groups[1]["id"]), (&json!(2), &json!(3)));
    // As many as there is room for, and not one more.
    let fit = i64::try_from(MOST).unwrap() / (3 * EXTENSIONS);
    let answer = query("extensiongroup", joined(2..2 + fit)).await.unwrap();
    let last = answer["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        last["members"].as_array().unwrap().len(),
        usize::try_from(EXTENSIONS).unwrap()
    );
    let more = query("extensiongroup", joined(2..3 + fit)).await;
    assert_eq!(faults(more), [("ids".into(), "max".into())]);
    let all = query("extension", joined(1..=EXTENSIONS)).await;
    assert_eq!(faults(all), [("ids".into(), "max".into())]);
    // Departments that stand below each of those found are counted each time.
    let search = json!({"search_value": "d", "is_all": 1});
    let found = ask(&settings, "organization/search", search).await;
    let mut sum = 0;
    for row in found["organization_list"].as_array().unwrap() {
        lists(row, &mut sum);
    }
    assert_eq!(sum, MOST);
}

#[tokio::test]
async fn a_query_that_names_nothing_lacks_its_ids() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    for kind in [
        "extension",
        "extensiongroup",
        "organization",
        "company_contact",
        "phonebook",
    ] {
        for ids in [json!({}), json!({"ids": ""}), json!({"ids": " , "})] {
            let answer = try_ask(&settings, &format!("{kind}/query"), ids.clone()).await;
            assert_eq!(
                faults(answer),
                [("ids".into(), "required".into())],
                "{kind} {ids}"
            );
        }
        let gone = try_ask(&settings, &format!("{kind}/query"), json!({"ids": "77"})).await;
        assert_eq!(gone.unwrap_err().code().code(), 60001, "{kind}");
        let delete = try_ask(&settings, &format!("{kind}/delete"), json!({"id": 77})).await;
        assert_eq!(
            faults(delete),
            [("id".into(), "not_found".into())],
            "{kind}"
        );
    }
}
