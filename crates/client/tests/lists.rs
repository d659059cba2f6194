//! Lists: every row once, whatever size the PBX's pages have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod pbx;

use pbx::{Asked, Pbx, Reply};
use strowger_client::wire::extension::ExtensionListRequest;
use strowger_client::{Error, Value, json};

const TOTAL: usize = 450;

/// A list of 450 rows by a PBX whose pages hold no more than `most`.
fn list(asked: &Asked, most: usize) -> Reply {
    if asked.path != "extension/list" {
        return Reply::Json(Value::Null);
    }
    let size = asked.number("page_size").min(most);
    let first = (asked.number("page") - 1) * size;
    let rows: Vec<Value> = (first..TOTAL.min(first + size))
        .map(|id| json!({"id": id.to_string(), "number": (1000 + id).to_string()}))
        .collect();
    Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS", "total_number": TOTAL, "data": rows}))
}

async fn ids(pbx: &Pbx, request: &ExtensionListRequest) -> Vec<i64> {
    let client = pbx.client();
    let rows = client
        .extension()
        .list_all(request)
        .collect()
        .await
        .unwrap();
    rows.into_iter().map(|row| row.id.unwrap()).collect()
}

#[tokio::test]
async fn all_pages_make_one_stream_with_each_row_once() {
    let pbx = Pbx::start(|asked| list(asked, usize::MAX)).await;
    let all: Vec<i64> = (0..TOTAL as i64).collect();
    assert_eq!(ids(&pbx, &ExtensionListRequest::default()).await, all);
    assert_eq!(pbx.asked("extension/list").len(), 3, "200, 200, 50");
}

#[tokio::test]
async fn a_pbx_with_smaller_pages_than_asked_for_gives_all_rows_too() {
    let pbx = Pbx::start(|asked| list(asked, 100)).await;
    let all: Vec<i64> = (0..TOTAL as i64).collect();
    assert_eq!(ids(&pbx, &ExtensionListRequest::default()).await, all);
}

#[tokio::test]
async fn the_page_size_of_the_request_is_taken() {
    let pbx = Pbx::start(|asked| list(asked, usize::MAX)).await;
    let request = ExtensionListRequest {
        page_size: Some(300),
        ..Default::default()
    };
    assert_eq!(ids(&pbx, &request).await.len(), TOTAL);
    assert_eq!(pbx.asked("extension/list").len(), 2);
}

#[tokio::test]
async fn a_refused_page_is_the_end_of_the_stream() {
    let pbx = Pbx::start(|asked| match &*asked.path {
        "extension/list" if asked.number("page") == 2 => Reply::refused(10005, "ACCESS DENIED"),
        _ => list(asked, usize::MAX),
    })
    .await;
    let client = pbx.client();
    let mut rows = client
        .extension()
        .list_all(&ExtensionListRequest::default());
    let mut seen = 0;
    let error = loop {
        match rows.next().await.expect("an error before the end") {
            Ok(_) => seen += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(seen, 200);
    assert!(matches!(error, Error::Refused(refusal) if refusal.errcode == 10005));
    assert!(rows.next().await.is_none());
}

#[tokio::test]
async fn records_of_version_2_are_read_whether_their_ids_are_numbers_or_texts() {
    let pbx = Pbx::start(|asked| match &*asked.path {
        "/openapi/v2.0/cdr/list" => Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS",
            "total_number": 2, "data": [{"id": "5f2c0001-0000a1b2", "uid": "1"}, {"id": 7}]})),
        "/openapi/v2.0/cdr/detail" => Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS",
            "data": {"basic": {"id": "5f2c0001-0000a1b2"}}})),
        _ => Reply::Json(Value::Null),
    })
    .await;
    let client = pbx.client();
    let page = client.cdr().list_v2(&Default::default()).await.unwrap();
    let ids: Vec<String> = page
        .data
        .unwrap()
        .into_iter()
        .map(|row| row.id.unwrap().to_string())
        .collect();
    assert_eq!(ids, ["5f2c0001-0000a1b2", "7"]);
    let detail = client.cdr().detail_v2(&Default::default()).await.unwrap();
    let basic = detail.data.unwrap().basic.unwrap();
    assert_eq!(basic.id, Some("5f2c0001-0000a1b2".into()));
}
