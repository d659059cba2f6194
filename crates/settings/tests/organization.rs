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
    store.close().await;
    let (store, _settings, mut events) = open(false).await;
    assert_eq!(told(&mut events), []);
    store.close().await;
    let (_store, settings, mut events) = open(true).await;
    assert_eq!(told(&mut events)[0].1["org_status"], 1);
    assert_eq!(tree(&settings, 1).await[0]["ext_list"], json!([ada]));
}
