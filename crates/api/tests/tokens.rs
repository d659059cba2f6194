//! Tokens: how many, how long, and who gets none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{CLIENT_ID, CLIENT_SECRET, Pbx};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};

#[tokio::test]
async fn eight_tokens_are_valid_and_the_ninth_waits_for_a_place() {
    let pbx = Pbx::start().await;
    let mut pairs = Vec::new();
    for _ in 0..8 {
        let pair = pbx.log_in().await;
        assert_eq!(pair["errcode"], 0);
        assert_eq!(pair["access_token_expire_time"], 1800);
        assert_eq!(pair["refresh_token_expire_time"], 86400);
        pairs.push(pair);
    }
    assert_eq!(pbx.log_in().await["errcode"], 60002);
    let refresh = |token: &Value| {
        let request = pbx.http.post(pbx.path("refresh_token"));
        Pbx::answer(request.json(&json!({"refresh_token": token})))
    };
    // A refresh takes no further place, and spends the tokens it replaces.
    let fresh = refresh(&pairs[0]["refresh_token"]).await;
    assert_eq!(fresh["errcode"], 0);
    assert_eq!(refresh(&pairs[0]["refresh_token"]).await["errcode"], 10004);
    let old = pairs[0]["access_token"].as_str().unwrap();
    assert_eq!(pbx.get("extension/list", old, &[]).await["errcode"], 10004);
    let new = fresh["access_token"].as_str().unwrap();
    assert_eq!(pbx.get("extension/list", new, &[]).await["errcode"], 0);
    // A revoked one frees its place and is void, its refresh token too.
    assert_eq!(pbx.get("del_token", new, &[]).await["errcode"], 0);
    assert_eq!(pbx.get("extension/list", new, &[]).await["errcode"], 10004);
    assert_eq!(refresh(&fresh["refresh_token"]).await["errcode"], 10004);
    assert_eq!(pbx.log_in().await["errcode"], 0);
    pbx.stop().await;
}

#[tokio::test]
async fn tokens_are_valid_across_a_restart() {
    let pbx = Pbx::start().await;
    let pair = pbx.log_in().await;
    let revoked = pbx.token().await;
    pbx.get("del_token", &revoked, &[]).await;
    let pbx = pbx.restart().await;
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(pbx.get("extension/list", token, &[]).await["errcode"], 0);
    assert_eq!(
        pbx.get("extension/list", &revoked, &[]).await["errcode"],
        10004
    );
    let body = json!({"refresh_token": pair["refresh_token"]});
    let fresh = Pbx::answer(pbx.http.post(pbx.path("refresh_token")).json(&body)).await;
    assert_eq!(fresh["errcode"], 0);
    pbx.stop().await;
}

#[tokio::test]
async fn a_bearer_is_as_good_as_a_query() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let request = pbx
        .http
        .get(pbx.path("system/information"))
        .bearer_auth(&token);
    let answer = Pbx::answer(request).await;
    assert_eq!(answer["data"]["firmware_version"], "83.22.0.0");
    assert_eq!(answer["data"]["sn"], "363A12345678");
    assert_eq!(answer["data"]["system_date_format"], "YYYY/MM/DD");
    let with_a_blank = format!("{}?access_token=", pbx.path("system/information"));
    let request = pbx.http.get(with_a_blank).bearer_auth(&token);
    assert_eq!(Pbx::answer(request).await["errcode"], 0);
    let request = pbx.http.get(pbx.path("del_token")).bearer_auth(&token);
    assert_eq!(Pbx::answer(request).await["errcode"], 0);
    assert_eq!(
        pbx.get("system/information", &token, &[]).await["errcode"],
        10004
    );
    pbx.stop().await;
}

#[tokio::test]
async fn five_wrong_logins_in_a_row_block_the_address_and_others_forget_them() {
    let pbx = Pbx::start().await;
    let log_in = |body: Value| Pbx::answer(pbx.http.post(pbx.path("get_token")).json(&body));
    let wrong = || log_in(json!({"username": CLIENT_ID, "password": "guess"}));
    for _ in 0..4 {
        let answer = wrong().await;
        assert_eq!(
            (&answer["errcode"], &answer["errmsg"]),
            (&json!(-1), &json!("FAILURE"))
        );
        let entry = json!([{"field": "username or password", "value": "error"}]);
        assert_eq!(answer["invalid_param_list"], entry);
    }
    let other_names = json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "username": null,
    });
    assert_eq!(log_in(other_names.clone()).await["errcode"], 0);
    // A missing one is no guess.
    let missing = log_in(json!({"username": CLIENT_ID})).await;
    let entry = json!([{"field": "password", "validation_type": "required"}]);
    assert_eq!(
        (&missing["errcode"], &missing["invalid_param_list"]),
        (&json!(40002), &entry)
    );
    for _ in 0..5 {
        assert_eq!(wrong().await["errcode"], -1);
    }
    let blocked = log_in(other_names).await;
    assert_eq!(blocked["errcode"], 70004);
    assert!(blocked["block_expire_time"].as_i64().unwrap() > 1_700_000_000);
    pbx.stop().await;
}

#[tokio::test]
async fn a_token_that_ran_out_frees_its_place_and_is_refreshed_only_where_there_is_one() {
    let pbx = Pbx::start().await;
    let mut pairs = Vec::new();
    for _ in 0..8 {
        pairs.push(pbx.log_in().await);
    }
    pbx.age(&pairs[0]["access_token"], -1, 100).await;
    pbx.age(&pairs[1]["access_token"], -1, -1).await;
    let pbx = pbx.restart().await;
    let refresh = |pair: &Value| {
        let body = json!({"refresh_token": pair["refresh_token"]});
        Pbx::answer(pbx.http.post(pbx.path("refresh_token")).json(&body))
    };
    let list = async |pair: &Value| {
        let token = pair["access_token"].as_str().unwrap();
        pbx.get("extension/list", token, &[]).await
    };
    let expired = json!({"errcode": 10004, "errmsg": "TOKEN EXPIRED"});
    assert_eq!(list(&pairs[0]).await, expired);
    assert_eq!(list(&pairs[2]).await["errcode"], 0);
    // Its refresh token is a day old too.
    assert_eq!(refresh(&pairs[1]).await, expired);
    // Two places are free, and taken by others before it comes back.
    for _ in 0..2 {
        assert_eq!(pbx.log_in().await["errcode"], 0);
    }
    let full = json!({"errcode": 60002, "errmsg": "MAX LIMITATION EXCEEDED"});
    assert_eq!(pbx.log_in().await, full);
    assert_eq!(refresh(&pairs[0]).await, full);
    // Those that have a place keep it.
    assert_eq!(refresh(&pairs[2]).await["errcode"], 0);
    let other = pairs[3]["access_token"].as_str().unwrap();
    assert_eq!(pbx.get("del_token", other, &[]).await["errcode"], 0);
    let fresh = refresh(&pairs[0]).await;
    assert_eq!(list(&fresh).await["errcode"], 0);
    assert_eq!(pbx.log_in().await, full);
    pbx.stop().await;
}

#[tokio::test]
async fn the_operations_on_tokens_refuse_what_is_none() {
    let pbx = Pbx::start().await;
    let expired = json!({"errcode": 10004, "errmsg": "TOKEN EXPIRED"});
    assert_eq!(pbx.get("del_token", "made up", &[]).await, expired);
    let without = pbx.http.get(pbx.path("del_token"));
    assert_eq!(Pbx::answer(without).await, expired);
    let refresh = |body: Value| Pbx::answer(pbx.http.post(pbx.path("refresh_token")).json(&body));
    let missing = json!([{"field": "refresh_token", "validation_type": "required"}]);
    assert_eq!(refresh(json!({})).await["invalid_param_list"], missing);
    assert_eq!(refresh(json!({"refresh_token": ""})).await, expired);
    // An access token is no refresh token, and the other way round.
    let pair = pbx.log_in().await;
    let swapped = json!({"refresh_token": pair["access_token"]});
    assert_eq!(refresh(swapped).await, expired);
    let swapped = pair["refresh_token"].as_str().unwrap();
    assert_eq!(pbx.get("extension/list", swapped, &[]).await, expired);
    // A secret is compared as it is sent, not as a digest of it.
    let digest = json!({"username": CLIENT_ID, "password": "9e107d9d372bb6826bd81d3542a419d6"});
    let request = pbx.http.post(pbx.path("get_token")).json(&digest);
    assert_eq!(Pbx::answer(request).await["errcode"], -1);
    pbx.stop().await;
}

#[tokio::test]
async fn a_block_is_of_one_address_and_of_logins_only_until_it_is_lifted() {
    let pbx = Pbx::start().await;
    let pair = pbx.log_in().await;
    let wrong = json!({"username": CLIENT_ID, "password": "guess"});
    for _ in 0..5 {
        let request = pbx.http.post(pbx.path("get_token")).json(&wrong);
        assert_eq!(Pbx::answer(request).await["errcode"], -1);
    }
    let now = jiff::Timestamp::now().as_second();
    let blocked = pbx.log_in().await;
    assert_eq!(
        (&blocked["errcode"], &blocked["errmsg"]),
        (&json!(70004), &json!("ACCOUNT IP BLOCKED"))
    );
    let until = blocked["block_expire_time"].as_i64().unwrap();
    assert!((now + 590..=now + 600).contains(&until), "{now} {until}");
    let refresh = json!({"refresh_token": pair["refresh_token"]});
    let request = pbx.http.post(pbx.path("refresh_token")).json(&refresh);
    assert_eq!(Pbx::answer(request).await["errcode"], 70004);
    // Who is in stays in.
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(pbx.get("extension/list", token, &[]).await["errcode"], 0);
    // Another address is not meant.
    let other = common::http_from("127.0.0.2");
    let body = json!({"username": CLIENT_ID, "password": CLIENT_SECRET});
    let request = || other.post(pbx.path("get_token")).json(&body);
    assert_eq!(Pbx::answer(request()).await["errcode"], 0);

    let localhost = "127.0.0.1".parse().unwrap();
    assert_eq!(pbx.blocklist().list(), [(localhost, until)]);
    let elsewhere = "127.0.0.2".parse().unwrap();
    assert!(pbx.blocklist().unblock(Some(elsewhere)).is_empty());
    assert_eq!(pbx.log_in().await["errcode"], 70004);
    assert_eq!(pbx.blocklist().unblock(Some(localhost)), [localhost]);
    assert_eq!(pbx.log_in().await["errcode"], 0);
    assert!(pbx.blocklist().list().is_empty());
    pbx.stop().await;
}

#[tokio::test]
async fn a_block_outlives_a_restart_and_so_does_its_end() {
    let pbx = Pbx::start().await;
    let wrong = json!({"username": CLIENT_ID, "password": "guess"});
    for _ in 0..5 {
        let request = pbx.http.post(pbx.path("get_token")).json(&wrong);
        assert_eq!(Pbx::answer(request).await["errcode"], -1);
    }
    let until = pbx.log_in().await["block_expire_time"].clone();
    let pbx = pbx.restart().await;
    let blocked = pbx.log_in().await;
    assert_eq!(blocked["errcode"], 70004, "{blocked}");
    assert_eq!(blocked["block_expire_time"], until);
    pbx.blocklist().unblock(None);
    let pbx = pbx.restart().await;
    assert_eq!(pbx.log_in().await["errcode"], 0);
    pbx.stop().await;
}

#[tokio::test]
async fn a_token_is_void_at_once_and_revoked_with_success_only_when_that_is_kept() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let mut other = SqliteConnectOptions::new()
        .filename(pbx.dir.0.join("strowger.db"))
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let revoking = pbx.get("del_token", &token, &[]);
    let void = async { while pbx.get("extension/list", &token, &[]).await["errcode"] != 10004 {} };
    let (revoked, ()) = tokio::join!(revoking, void);
    assert_eq!(revoked["errcode"], -2, "{revoked}");
    other.execute("ROLLBACK").await.unwrap();
    // It is tried until it is kept: a restart does not bring the token back.
    let pbx = pbx.restart().await;
    assert_eq!(
        pbx.get("extension/list", &token, &[]).await["errcode"],
        10004
    );
    // And what was answered with success is in the database by then.
    let token = pbx.token().await;
    let hash = store::TokenHash::of(&token);
    assert!(pbx.store.token_by_access(&hash).await.unwrap().is_some());
    assert_eq!(pbx.get("del_token", &token, &[]).await["errcode"], 0);
    assert!(pbx.store.token_by_access(&hash).await.unwrap().is_none());
    pbx.stop().await;
}

#[tokio::test]
async fn eight_places_are_eight_however_many_ask_at_once() {
    let pbx = Pbx::start().await;
    let all = futures_util::future::join_all((0..30).map(|_| pbx.log_in())).await;
    let count = |answers: &[Value], errcode: i64| {
        let with = answers.iter().filter(|answer| answer["errcode"] == errcode);
        with.count()
    };
    assert_eq!((count(&all, 0), count(&all, 60002)), (8, 22));
    // Of many who bring the same refresh token one gets the new pair.
    let pair = all.iter().find(|answer| answer["errcode"] == 0).unwrap();
    let body = json!({"refresh_token": pair["refresh_token"]});
    let refresh = || Pbx::answer(pbx.http.post(pbx.path("refresh_token")).json(&body));
    let all = futures_util::future::join_all((0..30).map(|_| refresh())).await;
    assert_eq!((count(&all, 0), count(&all, 10004)), (1, 29));
    assert_eq!(pbx.log_in().await["errcode"], 60002);
    pbx.stop().await;
}
