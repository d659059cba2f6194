//! Whatever is made, changed and deleted in whatever order, what refers to one
//! another says the same from both sides, before and after a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use settings::Settings;
use support::{Dir, ask, extension, try_ask};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// Some of those, each once, or somebody who does not exist.
    fn some(&mut self, of: &[i64]) -> BTreeSet<i64> {
        let mut some: BTreeSet<i64> = of.iter().copied().filter(|_| self.roll(3) == 0).collect();
        if self.roll(20) == 0 {
            some.insert(99_999);
        }
        some
    }

    fn one(&mut self, of: &[i64]) -> i64 {
        match of.len() {
            0 => 99_999,
            count => of[self.roll(count)],
        }
    }
}

/// What `list` or `search` answers: ids of rows.
async fn ids(settings: &Settings, kind: &str) -> Vec<i64> {
    let search = format!("{kind}/search");
    let answer = ask(settings, &search, json!({})).await;
    let rows = answer.values().find_map(Value::as_array).unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn details(settings: &Settings, kind: &str) -> Vec<Value> {
    let ids = ids(settings, kind).await;
    if ids.is_empty() {
        return Vec::new();
    }
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let query = format!("{kind}/query");
    let answer = ask(settings, &query, json!({"ids": ids.join(",")})).await;
    answer["data"].as_array().unwrap().clone()
}

fn id(row: &Value, member: &str) -> i64 {
    let value = &row[member];
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("{member} of {row}"))
}

/// All objects as they are read, after a look at whether they agree.
async fn agreed(settings: &Settings) -> Vec<Value> {
    let extensions = details(settings, "extension").await;
    let groups = details(settings, "extensiongroup").await;
    let organizations = details(settings, "organization").await;
    let all: BTreeSet<i64> = extensions.iter().map(|row| id(row, "id")).collect();
    let mut of_group: BTreeMap<i64, BTreeSet<(i64, String)>> = BTreeMap::new();
    let mut of_organization: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for row in &extensions {
        for group in row["group_list"].as_array().unwrap() {
            let user_type = group["user_type"].as_str().unwrap().to_owned();
            let entry = of_group.entry(id(group, "value")).or_default();
            entry.insert((id(row, "id"), user_type));
        }
        for organization in row["organization_list"].as_array().unwrap() {
            let entry = of_organization
                .entry(id(organization, "value"))
                .or_default();
            entry.insert(id(row, "id"));
        }
    }
    for group in &groups {
        let members: BTreeSet<(i64, String)> = group["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (
                    id(row, "ext_id"),
                    row["user_type"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let seen = of_group.remove(&id(group, "id")).unwrap_or_default();
        assert_eq!(members, seen, "{group}");
        if group["member_select"] == "sel_all_ext" {
            assert_eq!(members.len(), all.len());
        }
    }
    assert!(of_group.is_empty(), "{of_group:?}");
    let list = json!({"is_all": 1});
    let tree = ask(settings, "organization/list", list).await["organization_list"].clone();
    let mut walked = 0;
    walk(&tree[0], &mut of_organization, &mut walked);
    assert_eq!(walked, organizations.len());
    assert!(of_organization.is_empty(), "{of_organization:?}");
    [extensions, groups, organizations, vec![tree]].concat()
}

/// The extensions of a department and below, which it says itself.
fn walk(row: &Value, own: &mut BTreeMap<i64, BTreeSet<i64>>, walked: &mut usize) -> BTreeSet<i64> {
    *walked += 1;
    let mut included = own.remove(&id(row, "id")).unwrap_or_default();
    for (child, order) in row["children"].as_array().unwrap().iter().zip(1..) {
        assert_eq!(
            (&child["parent_id"], &child["order"]),
            (&row["id"], &json!(order))
        );
        included.extend(walk(child, own, walked));
    }
    let told: BTreeSet<i64> = row["ext_list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_i64().unwrap())
        .collect();
    assert_eq!(told, included, "{row}");
    assert_eq!(row["ext_number"], included.len());
    included
}

async fn step(settings: &Settings, dice: &mut Dice, n: usize) -> bool {
    let extensions = ids(settings, "extension").await;
    let groups = ids(settings, "extensiongroup").await;
    let organizations = ids(settings, "organization").await;
    let rows = |ids: BTreeSet<i64>| -> Vec<Value> {
        ids.iter()
            .map(|id| json!({"value": id.to_string()}))
            .collect()
    };
    let types = ["user", "manager", "custom"];
    let user_type = types[dice.roll(3)];
    let members = |ids: BTreeSet<i64>| -> Vec<Value> {
        ids.iter()
            .map(|id| json!({"ext_id": id, "user_type": user_type}))
            .collect()
    };
    let select = ["sel_all_ext", "sel_specific"][dice.roll(2)];
    let (path, params) = match dice.roll(12) {
        0..3 => {
            let lists = json!({
                "group_list": rows(dice.some(&groups)),
                "organization_list": rows(dice.some(&organizations)),
            });
            let request = extension(&(2000 + n).to_string(), lists);
            ("extension/create", Value::Object(request))
        }
        3 => (
            "extension/update",
            json!({"id": dice.one(&extensions), "group_list": rows(dice.some(&groups))}),
        ),
        4 => (
            "extension/update",
            json!({"id": dice.one(&extensions), "organization_list": rows(dice.some(&organizations))}),
        ),
        5 => ("extension/delete", json!({"id": dice.one(&extensions)})),
        6 => (
            "extensiongroup/create",
            json!({"name": format!("g{n}"), "member_select": select, "members": members(dice.some(&extensions))}),
        ),
        7 => (
            "extensiongroup/update",
            json!({"id": dice.one(&groups), "member_select": select, "members": members(dice.some(&extensions))}),
        ),
        8 if dice.roll(2) == 0 => ("extensiongroup/delete", json!({"id": dice.one(&groups)})),
        8 | 9 => (
            "organization/create",
            json!({"name": format!("o{n}"), "parent_id": dice.one(&organizations)}),
        ),
        10 => (
            "organization/update",
            json!({"id": dice.one(&organizations), "parent_id": dice.one(&organizations)}),
        ),
        _ => (
            "organization/delete",
            json!({"id": dice.one(&organizations)}),
        ),
    };
    match try_ask(settings, path, params).await {
        Ok(_) => true,
        Err(error) => {
            let code = error.code().code();
            assert!(
                [40002, 60001, 60002, 70091].contains(&code),
                "{path}: {error:?}"
            );
            false
        }
    }
}

#[tokio::test]
async fn both_sides_agree_whatever_was_done_and_a_restart_changes_nothing() {
    let dir = Dir::new();
    for seed in 1..=3 {
        let mut dice = Dice(seed);
        let (store, settings) = dir.open().await;
        let mut done = 0;
        for n in 0..150 {
            let place = usize::try_from(seed).unwrap() * 1000 + n;
            done += usize::from(step(&settings, &mut dice, place).await);
            // Each look reads all there is.
            if n % 5 == 0 {
                agreed(&settings).await;
            }
        }
        assert!(done > 60, "{done}");
        let before = agreed(&settings).await;
        store.close().await;
        let (store, settings) = dir.open().await;
        assert_eq!(agreed(&settings).await, before);
        store.close().await;
    }
}
