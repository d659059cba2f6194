//! The kind `extensiongroup`, and that a group's members and an extension's
//! groups are one truth.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::{Value, json};
use settings::Settings;
use support::{Dir, ask, create, faults, get, told, try_ask};

async fn group(settings: &Settings, name: &str, members: Value) -> i64 {
    let request = json!({"name": name, "member_select": "sel_specific", "members": members});
    ask(settings, "extensiongroup/create", request).await["id"]
        .as_i64()
        .unwrap()
}

/// The ids and user types of a group's members, as `get` answers them.
async fn members_of(settings: &Settings, id: i64) -> Vec<(i64, String)> {
    let detail = ask(settings, "extensiongroup/get", json!({"id": id})).await["data"].clone();
    let rows = detail["members"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            let user_type = row["user_type"].as_str().unwrap().to_owned();
            (row["ext_id"].as_i64().unwrap(), user_type)
        })
        .collect()
}

/// An extension's groups, as `get` answers them: id and user type.
fn groups_of(settings: &Settings, id: i64) -> Vec<(String, String)> {
    let detail = get(settings, id);
    let rows = detail["group_list"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(&row["value"]), text(&row["user_type"])))
        .collect()
}

fn pair(id: i64, user_type: &str) -> (String, String) {
    (id.to_string(), user_type.to_owned())
}

#[tokio::test]
async fn a_group_of_all_extensions_exists_from_the_start_and_stays_deleted() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let list = ask(&settings, "extensiongroup/list", json!({})).await;
    assert_eq!(
        list["data"],
        json!([{"id": 1, "name": "Default_All_Extensions", "member_select": "sel_all_ext", "total_extensions": 1}])
    );
    assert_eq!(members_of(&settings, 1).await, [(ada, "user".to_owned())]);
    assert_eq!(groups_of(&settings, ada), [pair(1, "user")]);
    ask(&settings, "extensiongroup/delete", json!({"id": 1})).await;
    assert_eq!(groups_of(&settings, ada), []);
    store.close().await;
    let (_store, settings) = dir.open().await;
    let list = ask(&settings, "extensiongroup/list", json!({})).await;
    assert_eq!(list["total_number"], 0);
}

#[tokio::test]
async fn a_groups_members_and_an_extensions_groups_are_one_truth() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let bob = create(&settings, "1001", json!({})).await;
    let sales = group(
        &settings,
        "Sales",
        json!([{"ext_id": ada, "user_type": "manager"}, {"id": bob}]),
    )
    .await;
    assert_eq!(
        groups_of(&settings, ada),
        [pair(1, "user"), pair(sales, "manager")]
    );
    // From the extension's side: one is left, another is entered.
    let help = group(&settings, "Help", json!([{"value": bob.to_string()}])).await;
    let lists = json!([{"value": help.to_string(), "user_type": "manager"}]);
    ask(
        &settings,
        "extension/update",
        json!({"id": ada, "group_list": lists}),
    )
    .await;
    assert_eq!(members_of(&settings, sales).await, [(bob, "user".into())]);
    assert_eq!(
        members_of(&settings, help).await,
        [(bob, "user".into()), (ada, "manager".into())]
    );
    // What is not sent stays, and what was read can be sent back.
    ask(
        &settings,
        "extension/update",
        json!({"id": ada, "title": "x"}),
    )
    .await;
    let read = get(&settings, ada);
    let revision = |group: i64| {
        let group = settings.snapshot().record("extensiongroup", group);
        group.unwrap().revision
    };
    let before = [revision(1), revision(sales), revision(help)];
    ask(&settings, "extension/update", Value::Object(read.clone())).await;
    assert_eq!(get(&settings, ada), read);
    assert_eq!([revision(1), revision(sales), revision(help)], before);
    assert_eq!(
        groups_of(&settings, ada),
        [pair(1, "user"), pair(help, "manager")]
    );
    // A new extension enters as it is made.
    let eve = create(&settings, "1002", json!({"group_list": [{"id": sales}]})).await;
    assert_eq!(
        members_of(&settings, sales).await,
        [(bob, "user".into()), (eve, "user".into())]
    );
    let list = ask(
        &settings,
        "extensiongroup/search",
        json!({"search_value": "sal"}),
    )
    .await;
    assert_eq!(list["data"][0]["total_extensions"], 2);
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(
        groups_of(&settings, ada),
        [pair(1, "user"), pair(help, "manager")]
    );
    assert_eq!(groups_of(&settings, eve).last(), Some(&pair(sales, "user")));
}

#[tokio::test]
async fn a_deleted_extension_leaves_its_groups() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let bob = create(&settings, "1001", json!({})).await;
    let sales = group(
        &settings,
        "Sales",
        json!([{"ext_id": ada}, {"ext_id": bob}]),
    )
    .await;
    let help = group(
        &settings,
        "Help",
        json!([{"ext_id": ada, "user_type": "manager"}]),
    )
    .await;
    let mut events = store.journal().subscribe();
    ask(&settings, "extension/delete", json!({"id": ada})).await;
    assert_eq!(
        told(&mut events),
        [(30022, json!({"ext_number": "1000", "option": "DELETE"}))]
    );
    assert_eq!(members_of(&settings, sales).await, [(bob, "user".into())]);
    assert_eq!(members_of(&settings, help).await, []);
    // The group goes on; its flags can still be changed.
    ask(
        &settings,
        "extensiongroup/update",
        json!({"id": help, "mgr_enb_monitor": 0}),
    )
    .await;
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(members_of(&settings, sales).await, [(bob, "user".into())]);
}

#[tokio::test]
async fn what_names_nobody_is_refused_by_its_place() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let wrong = |members: Value| {
        let request = json!({"name": "x", "member_select": "sel_specific", "members": members});
        try_ask(&settings, "extensiongroup/create", request)
    };
    for (members, field, rule) in [
        (
            json!([{"ext_id": ada}, {"ext_id": 99}]),
            "members[1].ext_id",
            "not_found",
        ),
        (
            json!([{"ext_id": ada}, {"ext_id": ada}]),
            "members[1].ext_id",
            "duplicate",
        ),
        (json!([{"name": "Ada"}]), "members[0].ext_id", "required"),
        (
            json!([{"ext_id": ada, "user_type": "king"}]),
            "members[0].user_type",
            "enum",
        ),
        (json!([]), "members", "required"),
        (json!(null), "members", "required"),
    ] {
        assert_eq!(
            faults(wrong(members).await),
            [(field.to_owned(), rule.to_owned())]
        );
    }
    for (list, field, rule) in [
        (json!([{"value": "77"}]), "group_list[0].value", "not_found"),
        (
            json!([{"value": "1"}, {"id": 1}]),
            "group_list[1].value",
            "duplicate",
        ),
        (
            json!([{"text": "Sales"}]),
            "group_list[0].value",
            "required",
        ),
        (
            json!([{"value": "1", "user_type": "king"}]),
            "group_list[0].user_type",
            "enum",
        ),
    ] {
        let request = json!({"id": ada, "group_list": list});
        assert_eq!(
            faults(try_ask(&settings, "extension/update", request).await),
            [(field.to_owned(), rule.to_owned())]
        );
    }
    let twice = json!({"name": "Default_All_Extensions", "member_select": "sel_all_ext"});
    let error = try_ask(&settings, "extensiongroup/create", twice)
        .await
        .unwrap_err();
    assert_eq!(error.code().code(), 40003);
}

#[tokio::test]
async fn rights_begin_as_the_vendors_and_any_of_the_family_is_kept() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let id = group(&settings, "Sales", json!([{"ext_id": ada}])).await;
    let detail = |id: i64| {
        let answer = settings.get("extensiongroup", support::members(json!({"id": id})));
        answer.unwrap()["data"].clone()
    };
    let read = detail(id);
    assert_eq!(
        (&read["mgr_enb_monitor"], &read["user_enb_monitor"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(read["mgr_enb_office_time_switch"], 0);
    let change =
        json!({"id": id, "mgr_enb_monitor": "0", "mgr_enb_to_come": "1", "user_enb_call_conn": 1});
    ask(&settings, "extensiongroup/update", change).await;
    let read = detail(id);
    assert_eq!(
        (&read["mgr_enb_monitor"], &read["mgr_enb_to_come"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        (&read["user_enb_call_conn"], &read["mgr_enb_call_park"]),
        (&json!(1), &json!(1))
    );
    let wrong = json!({"id": id, "mgr_enb_to_come": 7});
    assert_eq!(
        faults(try_ask(&settings, "extensiongroup/update", wrong).await),
        [("mgr_enb_to_come".into(), "enum".into())]
    );
}

#[tokio::test]
async fn flags_that_nobody_knows_are_bounded_in_number_and_name() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let id = group(&settings, "Sales", json!([{"ext_id": ada}])).await;
    let send = |flags: Value| {
        let mut request = support::members(flags);
        request.insert("id".into(), id.into());
        try_ask(&settings, "extensiongroup/update", Value::Object(request))
    };
    // Each request by itself has few enough.
    for round in 0..4 {
        let flags = (0..16).map(|n| (format!("user_enb_z{round}_{n}"), json!(1)));
        send(Value::Object(flags.collect())).await.unwrap();
    }
    let more = faults(send(json!({"mgr_enb_one_more": 1})).await);
    assert_eq!(more, [("mgr_enb_one_more".into(), "max".into())]);
    // Those that are there can be changed, and all that the contract has.
    let known = json!({"user_enb_z0_0": 0, "mgr_enb_monitor": "0", "mgr_enb_call_park": null});
    send(known).await.unwrap();
    // A name as theirs, a value as theirs.
    let long = format!("mgr_enb_{}", "x".repeat(57));
    for name in ["mgr_enb_ü", "user_enb_A", "user_enb_a b", &long] {
        let wrong = faults(send(json!({name: 1})).await);
        assert_eq!(wrong[0].1, "format", "{name}");
        assert!(wrong[0].0.len() <= 66);
    }
    for value in [json!(2), json!("yes"), json!([1])] {
        let wrong = faults(send(json!({"user_enb_z0_1": value})).await);
        assert_eq!(wrong, [("user_enb_z0_1".into(), "enum".into())]);
    }
    for (value, flag) in [(json!(false), 0), (json!("1"), 1), (json!(0.0), 0)] {
        send(json!({"user_enb_z0_1": value})).await.unwrap();
        let detail = ask(&settings, "extensiongroup/get", json!({"id": id})).await;
        assert_eq!(detail["data"]["user_enb_z0_1"], flag);
    }
}

#[tokio::test]
async fn a_row_of_groups_is_read_as_numbers_and_blanks_are_elsewhere() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let ada = create(&settings, "1000", json!({})).await;
    let members = json!([{"ext_id": ada, "user_type": "manager"}]);
    let sales = group(&settings, "Sales", members).await;
    let send = |row: Value| {
        let request = json!({"id": ada, "group_list": [row]});
        try_ask(&settings, "extension/update", request)
    };
    // What says nothing of the user type leaves it as it is.
    for row in [
        json!({"value": sales}),
        json!({"value": sales, "user_type": null}),
        json!({"value": sales, "user_type": ""}),
        json!({"value": 2.0}),
        json!({"value": null, "id": 2}),
        json!({"value": " ", "id": "2"}),
    ] {
        send(row.clone()).await.unwrap();
        let groups = groups_of(&settings, ada);
        assert_eq!(groups, [pair(1, "user"), pair(sales, "manager")], "{row}");
    }
    assert!(send(json!({"value": 2.5})).await.is_err());
    // Who enters without one is a user.
    let bob = create(
        &settings,
        "1001",
        json!({"group_list": [{"value": sales, "user_type": ""}]}),
    )
    .await;
    assert_eq!(
        groups_of(&settings, bob),
        [pair(1, "user"), pair(sales, "user")]
    );
}
