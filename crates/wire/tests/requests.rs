//! Requests: what validation takes, what it refuses, and what comes out of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Map, Value, json};
use strowger_wire::{InvalidParam, Operation, contract, rule, validate, validate_patch};

fn operation(path: &str) -> &'static Operation {
    contract::operation("v1.0", path).unwrap()
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

fn taken(path: &str, params: Value) -> Value {
    Value::Object(validate(operation(path), &members(params)).unwrap())
}

/// Field and rule of each fault.
fn faults(path: &str, params: Value) -> Vec<(String, String)> {
    pairs(validate(operation(path), &members(params)).unwrap_err())
}

fn pairs(faults: Vec<InvalidParam>) -> Vec<(String, String)> {
    faults
        .into_iter()
        .map(|fault| (fault.field, fault.validation_type.unwrap()))
        .collect()
}

fn pair(field: &str, rule: &str) -> (String, String) {
    (field.into(), rule.into())
}

fn extension() -> Value {
    json!({
        "type": "SIP", "number": "1000", "user_password": "Secret-12345", "reg_name": "r1000",
        "reg_password": "Reg-pass-1", "concurrent_registrations": 1, "presence_status": "available",
    })
}

fn extension_with(member: &str, value: Value) -> Value {
    let mut extension = extension();
    extension[member] = value;
    extension
}

#[test]
fn numbers_come_as_text_and_leave_as_numbers() {
    assert_eq!(
        taken("extension/list", json!({"page": "2", "page_size": " 50 "})),
        json!({"page": 2, "page_size": 50})
    );
    let made = taken(
        "extension/create",
        extension_with("concurrent_registrations", json!("5")),
    );
    assert_eq!(made["concurrent_registrations"], json!(5));
    let made = taken("extension/create", extension_with("enb_vm", json!(true)));
    assert_eq!(made["enb_vm"], json!(1));
    // A truth value is a number only where the number is a flag.
    for wrong in [true, false] {
        assert_eq!(
            faults("extension/get", json!({ "id": wrong })),
            [pair("id", rule::TYPE)]
        );
        assert_eq!(
            faults(
                "extension/create",
                extension_with("concurrent_registrations", json!(wrong))
            ),
            [pair("concurrent_registrations", rule::TYPE)]
        );
    }
    // A text that looks like a number stays the text it is; one sent as a number becomes one.
    let made = taken("extension/create", extension_with("number", json!(1000)));
    assert_eq!(made["number"], json!("1000"));
}

#[test]
fn what_is_null_or_unknown_is_no_fault() {
    let made = taken(
        "call/dial",
        json!({"caller": "1000", "callee": "1001", "auto_answer": null, "later": {"a": [1]}}),
    );
    assert_eq!(
        made,
        json!({"caller": "1000", "callee": "1001", "later": {"a": [1]}})
    );
    assert_eq!(
        taken("extension/list", json!({"page": "", "sort_by": ""})),
        json!({})
    );
}

#[test]
fn a_member_with_two_names_comes_by_either_and_by_its_own_where_both_say_something() {
    let own = json!({"username": "an id", "password": "a secret"});
    for sent in [
        json!({"client_id": "an id", "client_secret": "a secret"}),
        json!({"client_id": "an id", "username": null, "password": "a secret"}),
        json!({"client_id": "no", "username": "an id", "client_secret": null, "password": "a secret"}),
    ] {
        assert_eq!(taken("get_token", sent), own);
    }
    assert_eq!(
        faults("get_token", json!({"username": null, "client_id": "an id"})),
        [pair("password", rule::REQUIRED)]
    );
}

#[test]
fn every_missing_member_is_named() {
    assert_eq!(
        faults("call/dial", json!({"caller": null})),
        [
            pair("caller", rule::REQUIRED),
            pair("callee", rule::REQUIRED)
        ]
    );
    assert_eq!(
        faults("extension/get", json!({"id": ""})),
        [pair("id", rule::REQUIRED)]
    );
}

#[test]
fn kinds_sets_and_bounds_are_held() {
    let cases = [
        ("concurrent_registrations", json!("many"), rule::TYPE),
        ("concurrent_registrations", json!(1.5), rule::TYPE),
        ("concurrent_registrations", json!([1]), rule::TYPE),
        ("concurrent_registrations", json!(0), rule::MIN),
        ("concurrent_registrations", json!("6"), rule::MAX),
        ("enb_vm", json!(2), rule::ENUM),
        ("presence_status", json!("asleep"), rule::ENUM),
        ("presence_status", json!("Available"), rule::ENUM),
        ("presence_status", json!(""), rule::ENUM),
        ("number", json!("123456789"), rule::MAX_LEN),
        ("number", json!({}), rule::TYPE),
        ("organization_list", json!("none"), rule::TYPE),
    ];
    for (member, value, rule) in cases {
        let params = extension_with(member, value.clone());
        assert_eq!(
            faults("extension/create", params),
            [pair(member, rule)],
            "{member} = {value}"
        );
    }
}

#[test]
fn objects_in_lists_are_checked_and_their_numbers_made_numbers() {
    let rows = json!([
        {"status": "available", "ring_timeout": "30"},
        {"status": "away", "ring_timeout": 4},
        {"ring_timeout": "soon"},
    ]);
    assert_eq!(
        faults("extension/create", extension_with("presence_list", rows)),
        [
            pair("presence_list[1].ring_timeout", rule::MIN),
            pair("presence_list[2].ring_timeout", rule::TYPE),
            pair("presence_list[2].status", rule::REQUIRED),
        ]
    );
    let rows = json!([{"status": "available", "ring_timeout": "30"}]);
    let made = taken("extension/create", extension_with("presence_list", rows));
    assert_eq!(made["presence_list"][0]["ring_timeout"], json!(30));
}

#[test]
fn each_part_of_a_joined_text_is_held_to_the_set() {
    let member = contract::OPERATIONS
        .iter()
        .flat_map(|operation| {
            operation
                .request
                .iter()
                .map(move |member| (operation, member))
        })
        .find(|(_, member)| member.separator.is_some() && !member.values.is_empty());
    if let Some((operation, member)) = member {
        let check = |text: &str| {
            let params = members(json!({ member.name: text }));
            validate_patch(operation, &params)
        };
        let good: Vec<String> = member.values[..2]
            .iter()
            .map(|value| Value::from(*value).as_str().unwrap().to_owned())
            .collect();
        let sign = member.separator.unwrap();
        assert!(check(&good.join(&sign.to_string())).is_ok());
        let bad = format!("{}{sign}nonsense", good[0]);
        assert_eq!(
            pairs(check(&bad).unwrap_err()),
            [pair(member.name, rule::ENUM)]
        );
    }
}

#[test]
fn a_patch_must_say_which_object_and_nothing_else() {
    let update = operation("extension/update");
    let made = validate_patch(update, &members(json!({"id": "7", "title": "Dr"}))).unwrap();
    assert_eq!(Value::Object(made), json!({"id": 7, "title": "Dr"}));
    let faults = validate_patch(update, &members(json!({"title": "Dr"}))).unwrap_err();
    assert_eq!(pairs(faults), [pair("id", rule::REQUIRED)]);
    let create = operation("extension/create");
    assert!(validate_patch(create, &members(json!({"title": "Dr"}))).is_ok());
}

#[test]
fn secrets_do_not_come_back_and_the_list_of_faults_ends() {
    let secret = "x".repeat(64);
    let faults = validate(
        operation("extension/create"),
        &members(extension_with("reg_password", json!(secret))),
    )
    .unwrap_err();
    assert_eq!(faults[0].field, "reg_password");
    assert_eq!(faults[0].value, None);
    let rows: Vec<Value> = (0..1_000).map(|_| json!({"status": "?"})).collect();
    let faults = validate(
        operation("extension/create"),
        &members(extension_with("presence_list", json!(rows))),
    )
    .unwrap_err();
    assert_eq!(faults.len(), strowger_wire::MAX_INVALID_PARAMS);
}

#[test]
fn a_checked_request_reads_as_the_operation_s_type() {
    let checked = taken(
        "extension/create",
        extension_with("presence_list", json!([{"status": "away"}])),
    );
    let request: strowger_wire::extension::ExtensionCreateRequest =
        serde_json::from_value(checked).unwrap();
    assert_eq!(request.number.as_deref(), Some("1000"));
    assert_eq!(request.concurrent_registrations, Some(1));
    let closed =
        serde_json::from_value::<strowger_wire::call::CallListenRequest>(json!({"type": "spy"}));
    assert!(closed.is_err(), "a request's set is closed");
    let query: strowger_wire::extension::ExtensionQueryRequest =
        serde_json::from_value(json!({"ids": "1, 2,3"})).unwrap();
    assert_eq!(query.ids.as_ref().unwrap().0, ["1", "2", "3"]);
    assert_eq!(serde_json::to_string(&query).unwrap(), r#"{"ids":"1,2,3"}"#);
}
