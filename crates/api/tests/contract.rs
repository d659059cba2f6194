//! The contract, walked: every operation that works, with a good call and with
//! every way in which a request can break its table; every operation that does
//! not; every event that is sent. What is expected is read from the contract's
//! tables, not from the code that answers.
//!
//! A new kind or operation needs one thing here: its good call, in
//! `contract/fixtures.rs`. A new event needs what sets it off, in
//! `contract/events.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;
#[path = "contract/conforms.rs"]
mod conforms;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/faults.rs"]
mod faults;
#[path = "contract/fixtures.rs"]
mod fixtures;
#[path = "../../exchange/tests/common/smtp.rs"]
mod smtp;
#[path = "contract/world.rs"]
mod world;

use faults::Fault;
use serde_json::{Map, Value, json};
use wire::Operation;
use wire::contract::OPERATIONS;
use world::World;

/// The operations that work.
fn implemented() -> impl Iterator<Item = &'static Operation> {
    let find = |(version, path): &(&str, &str)| wire::contract::operation(version, path).unwrap();
    api::IMPLEMENTED.iter().map(find)
}

fn name(operation: &Operation) -> String {
    format!("{}/{}", operation.version, operation.path)
}

/// What a request must not be told of: faults are gathered, so that a run shows
/// all of them.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn add(&mut self, operation: &Operation, what: &str, answer: &Value) {
        let answer = answer.to_string();
        self.0
            .push(format!("{} {what}: {answer:.300}", name(operation)));
    }

    fn none(self) {
        let count = self.0.len();
        let shown: Vec<_> = self.0.into_iter().take(40).collect();
        assert!(shown.is_empty(), "{count} complaints\n{}", shown.join("\n"));
    }
}

#[tokio::test]
async fn a_good_call_of_every_operation_succeeds_and_answers_what_the_contract_says() {
    let world = World::open().await;
    let mut complaints = Complaints::default();
    for operation in implemented() {
        let answer = world.good_call(operation, |_| {}).await;
        if answer["errcode"] != 0 {
            complaints.add(operation, "a good call", &answer);
        }
        for fault in conforms::answer(operation, &answer) {
            complaints.add(operation, &fault, &answer);
        }
    }
    complaints.none();
    world.close().await;
}

#[tokio::test]
async fn what_an_update_sends_is_what_get_gives() {
    let world = World::open().await;
    for fixture in fixtures::KINDS {
        let id = world.object(fixture).await;
        let (member, value) = (fixture.change)();
        let operation = |verb: &str| {
            let path = format!("{}/{verb}", fixture.kind);
            wire::contract::operation("v1.0", &path).unwrap()
        };
        let mut change = Map::from_iter([("id".to_owned(), json!(id))]);
        change.insert(member.to_owned(), value.clone());
        let answer = world.send(operation("update"), &change).await;
        assert_eq!(answer["errcode"], 0, "{} {answer}", fixture.kind);
        let get = Map::from_iter([("id".to_owned(), json!(id))]);
        let answer = world.send(operation("get"), &get).await;
        // Mostly `data`; some have a name of their own for it.
        let object = answer
            .as_object()
            .unwrap()
            .values()
            .find(|value| value.is_object());
        assert_eq!(object.unwrap()[member], value, "{} {answer}", fixture.kind);
    }
    world.close().await;
}

#[tokio::test]
async fn a_request_that_breaks_its_table_is_told_which_member_and_how() {
    let world = World::open().await;
    let mut complaints = Complaints::default();
    let mut asked = 0;
    for operation in implemented() {
        let good = world.good(operation).await;
        for fault in faults::of(operation, &good) {
            let answer = world.send(operation, &fault.params).await;
            asked += 1;
            if !is_told(&fault, &answer) {
                let wanted = format!(
                    "{} is to be told as {:?} {:?}",
                    fault.what, fault.field, fault.rule
                );
                complaints.add(operation, &wanted, &answer);
            }
        }
        world.forget(operation, &good).await;
    }
    complaints.none();
    assert!(asked > 1500, "only {asked} requests");
    world.close().await;
}

fn is_told(fault: &Fault, answer: &Value) -> bool {
    let list = answer["invalid_param_list"].as_array();
    let entry = list.into_iter().flatten().find(|entry| {
        entry["field"] == fault.field.as_str() && entry["validation_type"] == fault.rule
    });
    answer["errcode"] == 40002 && answer["errmsg"] == "PARAMETER ERROR" && entry.is_some()
}

#[tokio::test]
async fn a_member_that_nobody_knows_is_passed_over() {
    let world = World::open().await;
    let mut complaints = Complaints::default();
    for operation in implemented() {
        let unknown = |params: &mut Map<String, Value>| {
            params.insert("no_such_member".into(), json!("x"));
            params.insert("another[]".into(), json!({"deep": [{}]}));
        };
        let answer = world.good_call(operation, unknown).await;
        if answer["errcode"] != 0 {
            complaints.add(operation, "an unknown member", &answer);
        }
    }
    complaints.none();
    world.close().await;
}

#[tokio::test]
async fn null_is_the_same_as_nothing() {
    let world = World::open().await;
    let mut complaints = Complaints::default();
    for operation in implemented().filter(|operation| faults::has_body(operation)) {
        let nulls = |params: &mut Map<String, Value>| {
            for member in operation.request.iter().filter(|member| !member.required) {
                params.entry(member.name).or_insert(Value::Null);
            }
        };
        let answer = world.good_call(operation, nulls).await;
        if answer["errcode"] != 0 {
            complaints.add(operation, "null for what may be left out", &answer);
        }
    }
    complaints.none();
    world.close().await;
}

#[tokio::test]
async fn of_a_member_that_comes_twice_the_last_one_counts() {
    let world = World::open().await;
    let mut complaints = Complaints::default();
    for operation in implemented() {
        let good = world.good(operation).await;
        // One that the good call has, so that both orders mean something.
        let Some(fault) = faults::of(operation, &good).into_iter().find(|fault| {
            good.contains_key(&fault.field) && fault.params.contains_key(&fault.field)
        }) else {
            world.forget(operation, &good).await;
            continue;
        };
        let wrong = (fault.field.as_str(), &fault.params[&fault.field]);
        let right = (fault.field.as_str(), &good[&fault.field]);
        let rest = good.iter().filter(|(name, _)| **name != fault.field);
        let rest: Vec<_> = rest.map(|(name, value)| (name.as_str(), value)).collect();
        let last_wrong = [vec![right], rest.clone(), vec![wrong]].concat();
        let answer = world.send_pairs(operation, &last_wrong).await;
        if !is_told(&fault, &answer) {
            complaints.add(operation, "right and then wrong", &answer);
        }
        let last_right = [vec![wrong], rest, vec![right]].concat();
        let answer = world.send_pairs(operation, &last_right).await;
        if answer["errcode"] != 0 {
            complaints.add(operation, "wrong and then right", &answer);
        }
        world.settle(&answer).await;
    }
    complaints.none();
    world.close().await;
}

#[tokio::test]
async fn an_operation_that_is_not_built_says_so_and_never_success() {
    let world = World::open().await;
    let mut missing = 0;
    for operation in OPERATIONS {
        if api::IMPLEMENTED.contains(&(operation.version, operation.path)) {
            continue;
        }
        missing += 1;
        let answer = world.send(operation, &Map::new()).await;
        assert_eq!(answer["errcode"], 10009, "{} {answer}", name(operation));
        let words = answer["errmsg"].as_str().unwrap();
        assert!(words.starts_with("OPERATION FAILED"), "{answer}");
    }
    assert_eq!(missing + api::IMPLEMENTED.len(), OPERATIONS.len());
    world.close().await;
}

#[tokio::test]
async fn every_event_that_is_sent_is_framed_as_the_contract_says() {
    let world = World::open().await;
    events::on_a_socket(&world).await;
    world.close().await;
    events::at_a_start().await;
}
