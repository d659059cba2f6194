//! What it costs to create extensions one by one where all of them enter one
//! group, beside those that enter none: for each thousand the milliseconds a
//! create took. A group is one document, so that the former grows with its
//! members: `cargo run --release -p settings --example group_growth [count]`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Instant;

use serde_json::{Map, Value, json};
use settings::{Options, Settings};
use store::{Store, StoreOptions};

/// Creates between two lines.
const STEP: usize = 1_000;

#[tokio::main]
async fn main() {
    let count = std::env::args()
        .nth(1)
        .map_or(10_000, |count| count.parse().expect("a number"));
    for grouped in [false, true] {
        run(count, grouped).await;
    }
}

async fn run(count: usize, grouped: bool) {
    let dir = std::env::temp_dir().join(format!("create-speed-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let url = format!("sqlite:{}", dir.join("pbx.db").display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let settings = Settings::open_with(store.clone(), &dir.join("key"), Options::default())
        .await
        .unwrap();
    let first = settings
        .create("extension", extension(9_999_999, &json!([])))
        .await
        .unwrap();
    let group = settings
        .create(
            "extensiongroup",
            members(json!({
                "name": "one", "member_select": "sel_specific",
                "members": [{"ext_id": first["id"]}],
            })),
        )
        .await
        .unwrap();
    let groups = if grouped {
        json!([{"value": group["id"].to_string()}])
    } else {
        json!([])
    };
    println!(
        "{}",
        if grouped {
            "all in one group"
        } else {
            "in no group"
        }
    );
    let mut start = Instant::now();
    for number in 1..=count {
        settings
            .create("extension", extension(1_000_000 + number, &groups))
            .await
            .unwrap();
        if number % STEP == 0 {
            let each = start.elapsed().as_secs_f64() * 1e3 / STEP as f64;
            println!("{number:>7}: {each:.2} ms each");
            start = Instant::now();
        }
    }
    store.close().await;
    std::fs::remove_dir_all(&dir).unwrap();
}

fn extension(number: usize, groups: &Value) -> Map<String, Value> {
    members(json!({
        "type": "SIP", "number": number, "first_name": "Ada", "user_password": "Passw0rdAB",
        "reg_name": format!("phone{number}"), "reg_password": "s3cret-one",
        "concurrent_registrations": 1, "presence_status": "available", "group_list": groups,
    }))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}
