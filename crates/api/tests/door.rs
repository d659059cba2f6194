//! The door: what is refused, how, and in which order; tokens and their limits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{CLIENT_ID, CLIENT_SECRET, PATIENCE, Pbx, extension};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

#[tokio::test]
async fn whatever_is_asked_the_answer_is_200_and_an_envelope() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let url = |path: &str| format!("{}{path}", pbx.url);
    let with = |path: &str| format!("{}?access_token={token}", pbx.path(path));
    let http = &pbx.http;
    let long = "x".repeat(2 << 20);
    let cases = [
        ("no such path", http.get(url("/")), 10001),
        ("a path outside", http.get(url("/admin")), 10001),
        (
            "no such operation",
            http.get(with("extension/lists")),
            10001,
        ),
        (
            "no such version",
            http.get(url("/openapi/v9.9/extension/list")),
            10001,
        ),
        (
            "a v1.0 path under v2.0",
            http.get(url("/openapi/v2.0/extension/list")),
            10001,
        ),
        (
            "POST to a GET",
            http.post(with("extension/list")).json(&json!({})),
            10001,
        ),
        ("GET to a POST", http.get(with("call/dial")), 10001),
        ("DELETE", http.delete(with("extension/list")), 10001),
        ("no token", http.get(pbx.path("extension/list")), 10004),
        (
            "a made-up token",
            http.get(format!("{}?access_token=x", pbx.path("extension/list"))),
            10004,
        ),
        ("not built yet", http.get(with("queue/list")), 10009),
        (
            "not built yet, no token",
            http.get(pbx.path("queue/list")),
            10004,
        ),
        (
            "a broken body",
            http.post(with("call/dial")).body("{"),
            40001,
        ),
        (
            "a list for a body",
            http.post(with("call/dial")).body("[1]"),
            40001,
        ),
        ("no body", http.post(with("call/dial")), 40002),
        (
            "a wrong type",
            http.post(with("call/dial"))
                .json(&json!({"caller": [], "callee": "1"})),
            40002,
        ),
        (
            "a body too long",
            http.post(with("call/dial")).body(long),
            40004,
        ),
        ("no id", http.get(with("extension/get")), 40002),
        (
            "no number",
            http.get(format!("{}&id=x", with("extension/get"))),
            40002,
        ),
        (
            "nobody's id",
            http.get(format!("{}&id=99", with("extension/get"))),
            60001,
        ),
        (
            "a broken query",
            http.get(format!("{}&%FF=%F0%28&&=&id", with("system/information"))),
            0,
        ),
        (
            "a socket without upgrade",
            http.get(with("subscribe")),
            10001,
        ),
        (
            "a socket without token",
            http.get(pbx.path("subscribe")),
            10004,
        ),
        (
            "a blank User-Agent",
            http.get(with("extension/list")).header("user-agent", " "),
            10005,
        ),
        ("all is well", http.get(with("extension/list")), 0),
    ];
    for (what, request, errcode) in cases {
        assert_eq!(Pbx::answer(request).await["errcode"], errcode, "{what}");
    }
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
    let request = pbx.http.get(pbx.path("del_token")).bearer_auth(&token);
    assert_eq!(Pbx::answer(request).await["errcode"], 0);
    assert_eq!(
        pbx.get("system/information", &token, &[]).await["errcode"],
        10004
    );
    pbx.stop().await;
}

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
    let other_names = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET});
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
async fn an_extension_lives_from_create_to_delete() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let id = pbx.extension(token, "1000").await.to_string();
    let again = pbx.post("extension/create", token, extension("1000")).await;
    assert_eq!(again["errcode"], 40003, "{again}");
    assert_eq!(
        again["duplicate_field_list"][0]["field"], "number",
        "{again}"
    );
    pbx.extension(token, "1001").await;
    let list = pbx
        .get(
            "extension/list",
            token,
            &[("page_size", "1"), ("page", "2")],
        )
        .await;
    assert_eq!(
        (&list["total_number"], &list["data"][0]["number"]),
        (&json!(2), &json!("1001"))
    );
    let phone = &list["data"][0]["online_status"]["sip_phone"];
    assert_eq!(
        phone,
        &json!({"status": 0, "ext_dev_type": "sip"}),
        "{list}"
    );
    let found = pbx
        .get("extension/search", token, &[("search_value", "1000")])
        .await;
    assert_eq!(found["total_number"], 1, "{found}");
    let change = json!({"id": id, "first_name": "Ann"});
    assert_eq!(
        pbx.post("extension/update", token, change).await["errcode"],
        0
    );
    let got = pbx.get("extension/get", token, &[("id", &id)]).await;
    assert_eq!(
        (&got["data"]["first_name"], &got["data"]["reg_name"]),
        (&json!("Ann"), &json!("reg1000"))
    );
    assert!(!got.to_string().contains("Abcdefgh17"), "a secret went out");
    let monitor = json!({"ext_monitor_list": [{"ext_id": id, "enb_call_status": 1}]});
    assert_eq!(
        pbx.post("extension_status_monitor/update", token, monitor)
            .await["errcode"],
        0
    );
    let monitors = pbx.get("extension_status_monitor/list", token, &[]).await;
    assert_eq!(monitors["total_number"], 2, "{monitors}");
    assert_eq!(monitors["data"][0]["enb_call_status"], 1, "{monitors}");
    assert_eq!(monitors["data"][0]["enb_register_status"], 0, "{monitors}");
    assert_eq!(
        pbx.get("extension/delete", token, &[("id", &id)]).await["errcode"],
        0
    );
    assert_eq!(
        pbx.get("extension/get", token, &[("id", &id)]).await["errcode"],
        60001
    );
    pbx.stop().await;
}

#[tokio::test]
async fn over_tls_the_self_made_certificate_is_believed_only_where_it_is_asked_for() {
    let pbx = Pbx::start().await;
    let tls = api::tls::load_or_make(&pbx.dir.0).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = api::ApiConfig {
        http: None,
        https: Some((listener, tls)),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        extra: None,
    };
    let serving = api::serve(config, pbx.handle.clone()).await.unwrap();
    let url = format!("https://{}", serving.https.unwrap());
    let builder = client::Client::builder(&url).credentials(CLIENT_ID, CLIENT_SECRET);
    let strict = builder.clone().build().unwrap();
    let refused = strict.system_information().await;
    assert!(
        matches!(refused, Err(client::Error::Unreachable(_))),
        "{refused:?}"
    );
    let pem = std::fs::read(pbx.dir.0.join(api::tls::CERTIFICATE_FILE)).unwrap();
    let der = CertificateDer::from_pem_slice(&pem).unwrap();
    for client in [
        builder
            .clone()
            .danger_accept_invalid_certs(true)
            .build()
            .unwrap(),
        builder.root_certificate(der.to_vec()).build().unwrap(),
    ] {
        let mut events = client.events(&[30022]).await.unwrap();
        let id = client
            .call("v1.0", "extension/create", extension("1000"))
            .await
            .unwrap()["id"]
            .clone();
        let told = tokio::time::timeout(PATIENCE, events.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(told.msg["option"], "CREATE");
        client.extension_delete(id.as_i64().unwrap()).await.unwrap();
        client.close().await.unwrap();
        assert!(events.next().await.is_none_or(|event| event.is_ok()));
    }
    serving.stop().await;
    pbx.stop().await;
}
