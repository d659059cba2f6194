//! The kind `organization`: a tree that stays one, and who is in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::{Value, json};
use settings::{Features, HashCost, Options, Settings};
use support::{Dir, ask, create, faults, get, told, try_ask};

async fn department(settings: &Settings, name: &str, parent: i64) -> i64 {
    let request = json!({"name": name, "parent_id": parent});
    ask(settings, "organization/create", request).await["id"]
        .as_i64()
        .unwrap()
}

async fn tree(settings: &Settings, is_all: i64) -> Value {
    ask(settings, "organization/list", json!({"is_all": is_all})).await["organization_list"].clone()
}

#[tokio::test]
async fn the_tree_hangs_under_a_root_that_is_there_from_the_start() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let sales = department(&settings, "Sales", 1).await;
    let help = department(&settings, "Help", 1).await;
    let north = department(&settings, "North", sales).await;
    let ada = create(
        &settings,
        "1000",
        json!({"organization_list": [{"value": north.to_string()}]}),
    )
    .await;
    let bob = create(
        &settings,
        "1001",
        json!({"organization_list": [{"id": sales}, {"value": help}]}),
    )
    .await;
    let expected = json!([{
        "id": 1, "name": "Strowger", "parent_id": 0, "order": 1, "ext_number": 2,
        "children": [
            {"id": sales, "name": "Sales", "parent_id": 1, "order": 1, "ext_number": 2,
             "children": [{"id": north, "name": "North", "parent_id": sales, "order": 1,
                           "ext_number": 1, "children": [], "ext_list": [ada]}],
             "ext_list": [ada, bob]},
            {"id": help, "name": "Help", "parent_id": 1, "order": 2, "ext_number": 1,
             "children": [], "ext_list": [bob]},
        ],
        "ext_list": [ada, bob],
    }]);
    assert_eq!(tree(&settings, 1).await, expected);
    assert_eq!(tree(&settings, 0).await[0]["ext_number"], 2);
    assert!(tree(&settings, 0).await[0].get("ext_list").is_none());
    assert!(tree(&settings, 2).await[0].get("ext_number").is_none());
    let info = ask(&settings, "organization/get", json!({"id": north})).await;
    assert_eq!(
        info["organization_info"],
        json!({"id": north, "name": "North", "parent_id": sales, "order": 1})
    );
    // `id` is an alias of `ids` here.
    let both = ask(
        &settings,
        "organization/query",
        json!({"id": format!("{help},{north}")}),
    )
    .await;
    assert_eq!(
        (&both["data"][0]["name"], &both["data"][1]["name"]),
        (&json!("Help"), &json!("North"))
    );
    let found = ask(
        &settings,
        "organization/search",
        json!({"search_value": "SAL", "is_all": 2}),
    )
    .await;
    assert_eq!(
        found["organization_list"][0]["children"][0]["name"],
        "North"
    );
    assert_eq!(found["organization_list"].as_array().unwrap().len(), 1);
    let rows = &get(&settings, bob)["organization_list"];
    assert_eq!(
        rows[0],
        json!({"value": sales.to_string(), "text": "Sales", "text2": "", "type": "organization"})
    );
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(tree(&settings, 1).await, expected);
}

#[tokio::test]
async fn it_stays_a_tree() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let sales = department(&settings, "Sales", 1).await;
    let north = department(&settings, "North", sales).await;
    let city = department(&settings, "City", north).await;
    let update = |params: Value| try_ask(&settings, "organization/update", params);
    for (params, field, rule) in [
        (
            json!({"id": sales, "parent_id": city}),
            "parent_id",
            "cycle",
        ),
        (
            json!({"id": sales, "parent_id": sales}),
            "parent_id",
            "cycle",
        ),
        (
            json!({"id": sales, "parent_id": 99}),
            "parent_id",
            "not_found",
        ),
        (
            json!({"id": sales, "parent_id": 0}),
            "parent_id",
            "not_found",
        ),
        (json!({"id": sales, "name": " "}), "name", "required"),
        (json!({"id": 1, "name": "x"}), "id", "read_only"),
        (json!({"id": 1, "parent_id": sales}), "id", "read_only"),
    ] {
        assert_eq!(
            faults(update(params).await),
            [(field.to_owned(), rule.to_owned())]
        );
    }
    let root = try_ask(&settings, "organization/delete", json!({"id": 1})).await;
    assert_eq!(faults(root), [("id".into(), "read_only".into())]);
    // What is below another goes first.
    let parent = try_ask(&settings, "organization/delete", json!({"id": sales})).await;
    assert_eq!(parent.unwrap_err().code().code(), 70091);
    // One that moves takes what is below with it and comes last.
    let help = department(&settings, "Help", 1).await;
    department(&settings, "Inner", help).await;
    update(json!({"id": north, "parent_id": help}))
        .await
        .unwrap();
    let moved = ask(&settings, "organization/get", json!({"id": north})).await;
    assert_eq!(moved["organization_info"]["order"], 2);
    update(json!({"id": north, "name": "South"})).await.unwrap();
    let renamed = ask(&settings, "organization/get", json!({"id": north})).await;
    assert_eq!(
        renamed["organization_info"],
        json!({"id": north, "name": "South", "parent_id": help, "order": 2})
    );
    ask(&settings, "organization/delete", json!({"id": sales})).await;
    // No deeper than the vendor's.
    let mut parent = city;
    let mut made = 0;
    let error = loop {
        match try_ask(
            &settings,
            "organization/create",
            json!({"name": "x", "parent_id": parent}),
        )
        .await
        {
            Ok(answer) => parent = answer["id"].as_i64().unwrap(),
            Err(error) => break error,
        }
        made += 1;
    };
    assert_eq!((error.code().code(), made), (60002, 16));
    let deep =
        update(json!({"id": help, "parent_id": department(&settings, "New", 1).await})).await;
    assert_eq!(deep.unwrap_err().code().code(), 60002);
}

#[tokio::test]
async fn each_change_is_told_and_one_of_members_names_all_above() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let mut events = store.journal().subscribe();
    let changed = |ids: &[i64], action: &str| {
        (
            30006,
            json!({"id_list": ids, "action": action, "sn": "SN1"}),
        )
    };
    let sales = department(&settings, "Sales", 1).await;
    let north = department(&settings, "North", sales).await;
    assert_eq!(
        told(&mut events),
        [changed(&[sales], "create"), changed(&[north], "create")]
    );
    ask(
        &settings,
        "organization/update",
        json!({"id": north, "name": "South"}),
    )
    .await;
    assert_eq!(told(&mut events), [changed(&[north], "update")]);
    let updated =
        |number: &str, option: &str| (30022, json!({"ext_number": number, "option": option}));
    let ada = create(
        &settings,
        "1000",
        json!({"organization_list": [{"value": north.to_string()}]}),
    )
    .await;
    assert_eq!(
        told(&mut events),
        [
            updated("1000", "CREATE"),
            changed(&[1, sales, north], "update_extension")
        ]
    );
    ask(
        &settings,
        "extension/update",
        json!({"id": ada, "title": "x"}),
    )
    .await;
    assert_eq!(told(&mut events), [updated("1000", "UPDATE")]);
    let bob = create(&settings, "1001", json!({})).await;
    ask(
        &settings,
        "extension/update",
        json!({"id": bob, "organization_list": [{"value": north.to_string()}]}),
    )
    .await;
    told(&mut events);
    // Its members leave a department that goes, in the same change.
    ask(&settings, "organization/delete", json!({"id": north})).await;
    assert_eq!(
        told(&mut events),
        [
            updated("1000", "UPDATE"),
            changed(&[1, sales, north], "update_extension"),
            updated("1001", "UPDATE"),
            changed(&[north], "delete"),
        ]
    );
    assert_eq!(get(&settings, ada)["organization_list"], json!([]));
    ask(
        &settings,
        "extension/update",
        json!({"id": ada, "organization_list": [{"value": sales.to_string()}]}),
    )
    .await;
    told(&mut events);
    ask(&settings, "extension/delete", json!({"id": ada})).await;
    assert_eq!(
        told(&mut events),
        [
            updated("1000", "DELETE"),
            changed(&[1, sales], "update_extension")
        ]
    );
    assert_eq!(tree(&settings, 1).await[0]["ext_list"], json!([]));
}

#[tokio::test]
async fn switched_off_it_says_so_everywhere_and_the_switch_is_told_once() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let sales = department(&settings, "Sales", 1).await;
    let ada = create(
        &settings,
        "1000",
        json!({"organization_list": [{"value": sales.to_string()}]}),
    )
    .await;
    store.close().await;
    let open = async |organization: bool| {
        let store = dir.store().await;
        let events = store.journal().subscribe();
        let options = Options {
            serial: "SN1".into(),
            hash_cost: HashCost { memory_kib: 64 },
            features: Features {
                organization,
                ..Features::default()
            },
            ..Options::default()
        };
        let settings = Settings::open_with(store.clone(), &dir.key_file(), options)
            .await
            .unwrap();
        (store, settings, events)
    };
    let (store, settings, mut events) = open(false).await;
    assert_eq!(
        told(&mut events),
        [(
            30005,
            json!({"org_status": 0, "show_root_org": 1, "sn": "SN1"})
        )]
    );
    let read = json!({"id": sales, "ids": "1", "name": "x", "parent_id": 1});
    for verb in [
        "list", "search", "get", "query", "create", "update", "delete",
    ] {
        let answer = try_ask(&settings, &format!("organization/{verb}"), read.clone()).await;
        assert_eq!(answer.unwrap_err().code().code(), 70120, "{verb}");
    }
    // Who is in a department stays there; nobody else enters.
    let mut back = get(&settings, ada);
    back.insert("title".into(), "x".into());
    ask(&settings, "extension/update", Value::Object(back)).await;
    let enter = support::extension(
        "1001",
        json!({"organization_list": [{"value": sales.to_string()}]}),
    );
    let refused = settings.create("extension", enter).await;
    assert_eq!(refused.unwrap_err().code().code(), 70120);
    // To leave all is as forbidden as to leave one.
    told(&mut events);
    let leave = json!({"id": ada, "organization_list": []});
    let refused = try_ask(&settings, "extension/update", leave).await;
    assert_eq!(refused.unwrap_err().code().code(), 70120);
    assert_eq!(told(&mut events), []);
    create(&settings, "1002", json!({"organization_list": []})).await;
    store.close().await;
    let (store, _settings, mut events) = open(false).await;
    assert_eq!(told(&mut events), []);
    store.close().await;
    let (_store, settings, mut events) = open(true).await;
    assert_eq!(told(&mut events)[0].1["org_status"], 1);
    assert_eq!(tree(&settings, 1).await[0]["ext_list"], json!([ada]));
}

#[tokio::test]
async fn a_department_that_moves_with_its_extensions_changes_those_above_it() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let sales = department(&settings, "Sales", 1).await;
    let help = department(&settings, "Help", 1).await;
    let desk = department(&settings, "Desk", help).await;
    let north = department(&settings, "North", sales).await;
    let city = department(&settings, "City", north).await;
    let mut events = store.journal().subscribe();
    let changed = |ids: &[i64], action: &str| {
        (
            30006,
            json!({"id_list": ids, "action": action, "sn": "SN1"}),
        )
    };
    let hang = async |parent: i64| {
        let request = json!({"id": north, "parent_id": parent});
        ask(&settings, "organization/update", request).await;
    };
    // Nobody is in it: nobody's extensions change.
    hang(desk).await;
    assert_eq!(told(&mut events), [changed(&[north], "update")]);
    let list = json!({"organization_list": [{"value": city}]});
    create(&settings, "1000", list).await;
    told(&mut events);
    hang(sales).await;
    assert_eq!(
        told(&mut events),
        [
            changed(&[north], "update"),
            changed(&[1, sales, help, desk], "update_extension"),
        ]
    );
    // Where it stays where it is, they stay too.
    hang(sales).await;
    assert_eq!(told(&mut events), [changed(&[north], "update")]);
}

#[tokio::test]
async fn siblings_are_sorted_by_id_where_it_is_asked_for() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let a = department(&settings, "A", 1).await;
    let b = department(&settings, "B", 1).await;
    let c = department(&settings, "C", b).await;
    // Who comes later stands behind.
    let last = json!({"id": a, "parent_id": b});
    ask(&settings, "organization/update", last).await;
    let back = json!({"id": a, "parent_id": 1});
    ask(&settings, "organization/update", back).await;
    let d = department(&settings, "D", b).await;
    let list = async |params: Value| {
        let tree = ask(&settings, "organization/list", params).await;
        let rows = tree["organization_list"][0]["children"].clone();
        let rows = rows.as_array().unwrap().clone();
        let pairs = rows
            .iter()
            .map(|row| (row["id"].as_i64(), row["order"].as_i64()));
        let pairs: Vec<_> = pairs.collect();
        let below = rows.iter().find(|row| row["id"] == b).unwrap()["children"].clone();
        let below: Vec<_> = below
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_i64())
            .collect();
        (pairs, below)
    };
    let (first, second) = ((Some(b), Some(1)), (Some(a), Some(2)));
    let below = vec![Some(c), Some(d)];
    assert_eq!(list(json!({})).await, (vec![first, second], below.clone()));
    assert_eq!(
        list(json!({"sort_by": "id"})).await,
        (vec![second, first], below.clone())
    );
    let reversed = below.into_iter().rev().collect();
    assert_eq!(
        list(json!({"sort_by": "id", "order_by": "desc"})).await,
        (vec![first, second], reversed)
    );
    // The tree is one record.
    let page = json!({"page": 2, "page_size": 1});
    let tree = ask(&settings, "organization/list", page).await;
    assert_eq!(tree["organization_list"], json!([]));
}

#[tokio::test]
async fn the_root_is_called_as_the_configuration_says_at_each_start() {
    let dir = Dir::new();
    let open = async |company: &str| {
        let store = dir.store().await;
        let events = store.journal().subscribe();
        let options = Options {
            serial: "SN1".into(),
            company: company.into(),
            hash_cost: HashCost { memory_kib: 64 },
            ..Options::default()
        };
        let settings = Settings::open_with(store.clone(), &dir.key_file(), options)
            .await
            .unwrap();
        (store, settings, events)
    };
    let renamed = (
        30006,
        json!({"id_list": [1], "action": "update", "sn": "SN1"}),
    );
    for (company, expected) in [
        ("First", vec![]),
        ("Second", vec![renamed]),
        ("Second", vec![]),
    ] {
        let (store, settings, mut events) = open(company).await;
        assert_eq!(tree(&settings, 2).await[0]["name"], company);
        assert_eq!(told(&mut events), expected);
        store.close().await;
    }
}
