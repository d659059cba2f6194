//! The tables against the contract's own summary and against themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use strowger_wire::contract::{self, Kind, Member, OPERATIONS, TYPES};
use strowger_wire::{DuplicateField, Envelope, ErrCode, InvalidParam, validate_patch};

const SUMMARY: &str = include_str!("../../../contract/summary.yaml");

/// Version and path of each row.
fn summary() -> BTreeSet<(String, String)> {
    let summary: Value = serde_norway::from_str(SUMMARY).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let areas = summary["areas"].as_array().unwrap();
    areas
        .iter()
        .flat_map(|area| area["operations"].as_array().unwrap())
        .map(|row| (text(&row["version"]), text(&row["path"])))
        .collect()
}

#[test]
fn every_operation_of_the_summary_has_a_row_and_no_other_has() {
    let rows: BTreeSet<(String, String)> = OPERATIONS
        .iter()
        .map(|row| (row.version.to_owned(), row.path.to_owned()))
        .collect();
    assert_eq!(rows.len(), 359);
    let summary = summary();
    let odd: Vec<_> = rows.symmetric_difference(&summary).collect();
    assert!(odd.is_empty(), "{odd:?}");
    for (version, path) in &rows {
        let found = contract::operation(version, path).unwrap();
        assert_eq!(
            (found.version, found.path),
            (version.as_str(), path.as_str())
        );
    }
    assert!(contract::operation("v2.0", "extension/list").is_none());
}

#[test]
fn every_event_that_an_operation_names_has_a_row() {
    for operation in OPERATIONS {
        for id in operation.events {
            assert!(contract::event(*id).is_some(), "{} {id}", operation.path);
        }
    }
    assert_eq!(TYPES.len(), 193);
    assert_eq!(contract::named_type("CallInfo").unwrap().area, "call");
}

#[test]
fn every_default_of_a_request_is_a_value_that_the_request_takes() {
    for operation in OPERATIONS {
        for member in operation.request {
            if let Some(default) = member.default {
                let params = Map::from_iter([(member.name.to_owned(), Value::from(default))]);
                let checked = validate_patch(operation, &params);
                let missing_only = checked
                    .as_ref()
                    .err()
                    .is_none_or(|faults| faults.iter().all(|fault| fault.field != member.name));
                assert!(
                    missing_only,
                    "{} {}: {checked:?}",
                    operation.path, member.name
                );
            }
        }
    }
}

/// A value of a member's kind, nested types filled once.
fn sample(member: &Member, depth: usize) -> Value {
    if let Some(value) = member.values.first() {
        return Value::from(*value);
    }
    let object = |members: &'static [Member]| {
        let filled = |member: &Member| (member.name.to_owned(), sample(member, depth + 1));
        Value::Object(if depth < 4 {
            members.iter().map(filled).collect()
        } else {
            Map::new()
        })
    };
    match member.kind {
        Kind::String | Kind::File | Kind::NumberOrText => json!("1"),
        Kind::Integer => json!(member.min.unwrap_or(1)),
        Kind::Number => json!(1.5),
        Kind::Boolean => json!(true),
        Kind::Object => json!({"any": 1}),
        Kind::Strings => json!(["1"]),
        Kind::Integers => json!([1]),
        Kind::Objects => json!([{"any": 1}]),
        Kind::Named(named) => object(named.members),
        Kind::NamedList(named) => json!([object(named.members)]),
    }
}

/// Reads a filled object as `T` and writes it again.
fn kept<T: serde::Serialize + serde::de::DeserializeOwned>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

#[test]
fn a_type_reads_and_writes_every_member_of_its_row() {
    let filled = |path: &str| -> Value {
        let operation = contract::operation("v1.0", path).unwrap();
        operation
            .response
            .iter()
            .map(|member| (member.name.to_owned(), sample(member, 0)))
            .collect()
    };
    let value = filled("extension/get");
    assert_eq!(
        kept::<strowger_wire::extension::ExtensionGetResponse>(&value),
        value
    );
    let value = filled("call/query");
    assert_eq!(
        kept::<strowger_wire::call::CallQueryResponse>(&value),
        value
    );
    let value = filled("cdr/search");
    assert_eq!(kept::<strowger_wire::cdr::CdrSearchResponse>(&value), value);
    let value = filled("trunk/get");
    assert_eq!(
        kept::<strowger_wire::trunk::TrunkGetResponse>(&value),
        value
    );
}

#[test]
fn an_answer_is_an_envelope_with_the_members_beside_it() {
    let payload = match json!({"total_number": 1, "data": [{"id": 1}]}) {
        Value::Object(payload) => payload,
        _ => Map::new(),
    };
    let answer = Envelope::ok(payload);
    let text = serde_json::to_string(&answer).unwrap();
    assert_eq!(
        text,
        r#"{"errcode":0,"errmsg":"SUCCESS","total_number":1,"data":[{"id":1}]}"#
    );
    assert_eq!(serde_json::from_str::<Envelope>(&text).unwrap(), answer);

    let refused = Envelope::invalid(vec![InvalidParam {
        field: "number".into(),
        value: None,
        validation_type: Some("required".into()),
    }]);
    let text = serde_json::to_string(&refused).unwrap();
    assert_eq!(
        text,
        r#"{"errcode":40002,"errmsg":"PARAMETER ERROR","invalid_param_list":[{"field":"number","validation_type":"required"}]}"#
    );
    assert_eq!(serde_json::from_str::<Envelope>(&text).unwrap(), refused);

    let taken = Envelope::duplicate(
        vec![DuplicateField {
            field: "number".into(),
            value: "1000".into(),
            external_source: "extension".into(),
            external_source_name: "1000".into(),
        }],
        "The number is taken.",
    );
    let text = serde_json::to_string(&taken).unwrap();
    assert_eq!(serde_json::from_str::<Envelope>(&text).unwrap(), taken);
    assert!(!taken.is_ok());
}

#[test]
fn codes_are_told_in_the_guide_s_spelling() {
    assert_eq!(ErrCode::ALL.len(), 34);
    for code in ErrCode::ALL {
        assert_eq!(ErrCode::from_code(code.code()), Some(*code));
    }
    assert_eq!(ErrCode::ChannelIdNotFound.code(), 70130);
    assert_eq!(ErrCode::ChannelIdNotFound.message(), "CAHNNEL ID NOT FOUND");
    assert_eq!(ErrCode::from_code(12345), None);
}
