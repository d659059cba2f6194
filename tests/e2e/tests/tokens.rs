//! The limits on tokens and on guessing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use e2e::Server;
use serde_json::{Value, json};

#[tokio::test]
async fn ninth_token_is_refused_until_one_is_given_back() {
    let server = Server::start().await;
    let first = server.api().await;
    for _ in 1..8 {
        assert_eq!(server.get_token(None).await["errcode"], 0);
    }
    assert_eq!(server.get_token(None).await["errcode"], 60002);
    first.get("del_token", &[]).await;
    assert_eq!(server.get_token(None).await["errcode"], 0);
    let gone = first.try_get("extension/list", &[]).await;
    assert_eq!(gone["errcode"], 10004, "{gone}");
}

#[tokio::test]
async fn fifth_wrong_secret_in_a_row_blocks_the_address() {
    let server = Server::start().await;
    for _ in 0..5 {
        let answer = server.get_token(Some("wrong")).await;
        assert_eq!(answer["errcode"], -1, "{answer}");
        let told = json!([{"field": "username or password", "value": "error"}]);
        assert_eq!(answer["invalid_param_list"], told);
    }
    let answer = server.get_token(None).await;
    assert_eq!(answer["errcode"], 70004, "{answer}");
}

#[tokio::test]
async fn refresh_token_is_spent_once() {
    let server = Server::start().await;
    let api = server.api().await;
    let tokens = server.get_token(None).await;
    let body = json!({"refresh_token": tokens["refresh_token"]});
    let fresh = api.try_post("refresh_token", body.clone()).await;
    assert_eq!(fresh["errcode"], 0, "{fresh}");
    assert_ne!(fresh["refresh_token"], tokens["refresh_token"]);
    let again = api.try_post("refresh_token", body).await;
    assert_ne!(again["errcode"], Value::from(0), "{again}");
}
