//! Questions that several tests ask of events and records.

use serde_json::Value;

use crate::api::Api;
use crate::events::Event;

/// The `member_status` of an extension's leg in each 30011 of a call, in
/// order, without repetitions.
pub fn statuses(events: &[Event], call_id: &str, number: &str) -> Vec<String> {
    let mut found: Vec<String> = events
        .iter()
        .filter(|event| event.id == 30011 && event.call_id() == call_id)
        .filter_map(|event| event.msg["members"].as_array())
        .flatten()
        .filter(|member| member["extension"]["number"] == number)
        .filter_map(|member| member["extension"]["member_status"].as_str())
        .map(ToOwned::to_owned)
        .collect();
    found.dedup();
    found
}

/// The reason of a call's 30015, `None` where there was none.
pub fn failure_of(events: &[Event], call_id: &str) -> Option<String> {
    let reasons: Vec<_> = events
        .iter()
        .filter(|event| event.id == 30015 && event.call_id() == call_id)
        .map(|event| event.msg["reason"].as_str().unwrap_or("").to_owned())
        .collect();
    assert!(reasons.len() <= 1, "more than one 30015: {reasons:?}");
    reasons.into_iter().next()
}

/// The records of calls between two numbers.
pub async fn record_of(api: &Api, from: &str, to: &str) -> Vec<Value> {
    let records = api.records().await;
    records
        .into_iter()
        .filter(|row| row["call_from_number"] == from && row["call_to_number"] == to)
        .collect()
}

/// The one record of a call between two numbers.
pub async fn one_record(api: &Api, from: &str, to: &str) -> Value {
    let mut rows = record_of(api, from, to).await;
    assert_eq!(rows.len(), 1, "records of {from} to {to}: {rows:#?}");
    rows.remove(0)
}
