//! What is taken is kept, and can be read again after a restart.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Pbx, extension};
use serde_json::json;

#[tokio::test]
async fn what_is_nested_as_deep_as_it_goes_does_not_keep_the_exchange_from_starting() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let mut number = 2000;
    let mut taken = 0;
    for depth in [
        1, 60, 100, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 200,
    ] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let entry = format!(r#"[{{"status":"available","unknown":{deep}}}]"#);
        for list in [
            json!(entry),
            serde_json::from_str(&entry).unwrap_or_default(),
        ] {
            number += 1;
            let mut body = extension(&number.to_string());
            body["presence_list"] = list;
            let answer = pbx.post("extension/create", &token, body).await;
            let errcode = answer["errcode"].as_i64().unwrap();
            assert!([0, 40001, 40002].contains(&errcode), "{depth} {answer}");
            taken += i32::from(errcode == 0);
        }
    }
    assert!(taken > 10, "{taken}");
    let pbx = pbx.restart().await;
    let list = pbx.get("extension/list", &token, &[]).await;
    assert_eq!(list["total_number"], taken, "{list}");
    pbx.stop().await;
}
