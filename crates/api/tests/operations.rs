//! The operations: what they give, and that nothing that is sent breaks them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{PATIENCE, Pbx};
use serde_json::{Map, Value, json};
use store::{Batch, CdrRow};
use tokio::time::timeout;
use wire::call::CallQueryRequest;
use wire::cdr::CdrSearchRequest;
use wire::contract::HttpMethod;

fn record(number: i64) -> CdrRow {
    CdrRow {
        new_id: format!("0000abcd-{number:08x}"),
        uid: format!("20260921141320{number:05X}"),
        call_id: format!("1790000000.{number}"),
        time_start: 1_790_000_000 + number,
        call_from_number: "1000".into(),
        call_to_number: format!("{}", 1001 + number % 2),
        duration: number,
        disposition: if number % 2 == 0 {
            "ANSWERED"
        } else {
            "NO ANSWER"
        }
        .into(),
        call_type: "Internal".into(),
        ..CdrRow::default()
    }
}

#[tokio::test]
async fn call_records_are_found_in_both_time_dialects_and_paged() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let batch = Batch {
        records: (0..450).map(record).collect(),
        ..Batch::default()
    };
    pbx.store.journal().submit(batch).unwrap().await.unwrap();
    let total = async |path: &str, query: &[(&str, &str)]| {
        let answer = pbx.get(path, token, query).await;
        assert_eq!(answer["errcode"], 0, "{answer}");
        answer["total_number"].as_i64().unwrap()
    };
    assert_eq!(total("cdr/list", &[]).await, 450);
    assert_eq!(total("cdr/list", &[("from", "legacy")]).await, 0);
    let unix = [("start_time", "1790000010"), ("end_time", "1790000019")];
    assert_eq!(total("cdr/search", &unix).await, 10);
    let shown = [
        ("start_time", "2026/09/21 14:13:30"),
        ("end_time", "2026/09/21 14:13:39"),
    ];
    assert_eq!(total("cdr/search", &shown).await, 10);
    assert_eq!(
        total("cdr/search", &[("start_time", "2026-09-21T14:13:30")]).await,
        0
    );
    assert_eq!(
        total(
            "cdr/search",
            &[("status", "NO ANSWER"), ("call_to", "1002")]
        )
        .await,
        225
    );
    assert_eq!(total("cdr/search", &[("call_to", "100")]).await, 0);
    assert_eq!(total("cdr/search", &[("did", "5550100:trunk")]).await, 0);
    let wrong = pbx
        .get("cdr/search", token, &[("status", "answered")])
        .await;
    assert_eq!(wrong["errcode"], 40002);
    let newest = [
        ("sort_by", "time"),
        ("order_by", "desc"),
        ("page_size", "1"),
    ];
    let newest = pbx.get("cdr/list", token, &newest).await;
    assert_eq!(newest["data"][0]["timestamp"], 1_790_000_449);
    let oldest = pbx.get("cdr/list", token, &[("page_size", "1")]).await;
    assert_eq!(oldest["data"][0]["time"], "2026/09/21 14:13:20");
    assert_eq!(oldest["data"][0].get("duration"), None);

    let client = pbx.client();
    let request = CdrSearchRequest {
        call_from: Some("1000".into()),
        ..CdrSearchRequest::default()
    };
    let rows = client.cdr().search_all(&request).collect().await.unwrap();
    let times: Vec<i64> = rows.iter().map(|row| row.timestamp.unwrap()).collect();
    assert_eq!(times, (1_790_000_000..1_790_000_450).collect::<Vec<_>>());
    pbx.stop().await;
}

#[tokio::test]
async fn a_dialled_call_is_found_or_told_to_have_failed() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    pbx.extension(token, "1000").await;
    pbx.extension(token, "1001").await;
    let client = pbx.client();
    let mut events = client.events(&[30012, 30015]).await.unwrap();
    let strange = pbx
        .post(
            "call/dial",
            token,
            json!({"caller": "999", "callee": "1001"}),
        )
        .await;
    assert_eq!(strange["errcode"], 40002);
    assert_eq!(
        strange["invalid_param_list"][0]["field"], "caller",
        "{strange}"
    );
    let lent = json!({"caller": "1000", "callee": "1001", "dial_permission": "999"});
    let lent = pbx.post("call/dial", token, lent).await;
    assert_eq!(
        lent["invalid_param_list"][0]["field"], "dial_permission",
        "{lent}"
    );
    // The caller has no phone: the request is taken, the failure is told.
    let call = client.dial("1000", "1001").await.unwrap();
    let failed = timeout(PATIENCE, async {
        loop {
            let event = events.next_event().await.unwrap().unwrap();
            if event.id == 30015 {
                return event.msg;
            }
        }
    });
    assert_eq!(failed.await.unwrap()["call_id"], call.as_str());

    let two = json!({"type": "internal", "extension": "1000"});
    let answer = client.ask("v1.0", "call/query", two).await;
    assert_eq!(answer.unwrap_err().errcode(), Some(40002));
    let none = json!({"from": "1000"});
    let answer = client.ask("v1.0", "call/query", none).await.unwrap();
    assert_eq!(answer["data"], json!([]));
    let calls = CallQueryRequest {
        extension: Some("1000".into()),
        ..CallQueryRequest::default()
    };
    let calls = client.call().query(&calls).await.unwrap();
    assert_eq!(calls.data.unwrap(), []);
    assert_eq!(
        client
            .hangup("PJSIP/1000-0000002a")
            .await
            .unwrap_err()
            .errcode(),
        Some(70130)
    );
    let paging = client
        .ask("v1.0", "call/hangup", json!({"paging_number": "6000"}))
        .await;
    assert_eq!(paging.unwrap_err().errcode(), Some(40002));
    let neither = client.ask("v1.0", "call/hangup", json!({})).await;
    assert_eq!(neither.unwrap_err().errcode(), Some(40002));
    pbx.stop().await;
}

/// Values of every kind and some of no kind that anybody expects.
fn odd() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(2),
        json!(0.5),
        json!(1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("x"),
        json!("1"),
        json!("\u{0}"),
        json!("%00\r\n"),
        json!("é漢🦀"),
        json!("'; --"),
        json!("x".repeat(70_000)),
        json!([]),
        json!([[]]),
        json!([{"ext_id": 1}]),
        json!([{"ext_id": {}}]),
        json!({}),
        json!({"a": {"b": null}}),
        deep,
        json!("9".repeat(40)),
        json!("99999999999999999999"),
        json!("4294967296"),
    ]
}

#[tokio::test]
async fn whatever_is_sent_is_answered_and_never_by_a_fault_of_ours() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let id = pbx.extension(token, "1000").await;
    let mut asked = 0;
    for (version, path) in api::IMPLEMENTED {
        // Tokens have tests of their own; a wrong login would block us here.
        if path.ends_with("_token") {
            continue;
        }
        let operation = wire::contract::operation(version, path).unwrap();
        let mut bodies = vec![json!({}), json!({"no_such_member": odd()})];
        for member in operation.request.iter() {
            for value in odd() {
                let mut body = Map::new();
                for other in operation.request.iter().filter(|other| other.required) {
                    body.insert(other.name.into(), good(other.name, id));
                }
                body.insert(member.name.into(), value);
                bodies.push(Value::Object(body));
            }
        }
        for body in bodies {
            let answer = match operation.method {
                HttpMethod::Post => pbx.post(path, token, body.clone()).await,
                HttpMethod::Get => {
                    let text =
                        |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
                    let members = body.as_object().unwrap();
                    let query: Vec<(&str, String)> = members
                        .iter()
                        .map(|(name, value)| (name.as_str(), text(value)))
                        .collect();
                    if query.iter().any(|(_, value)| value.len() > 60_000) {
                        continue;
                    }
                    let query: Vec<(&str, &str)> = query
                        .iter()
                        .map(|(name, value)| (*name, value.as_str()))
                        .collect();
                    pbx.get(path, token, &query).await
                }
            };
            let code = answer["errcode"].as_i64().unwrap();
            assert!(code >= 0, "{path} {body:.200} {answer}");
            asked += 1;
        }
    }
    assert!(asked > 1000, "{asked}");
    pbx.stop().await;
}

fn good(name: &str, id: i64) -> Value {
    let mut extension = common::extension("1002");
    match name {
        "id" => json!(id),
        "ids" => json!(id.to_string()),
        "caller" | "callee" => json!("1000"),
        other => extension[other].take(),
    }
}
