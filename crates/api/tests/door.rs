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
use serde_json::json;

#[tokio::test]
async fn whatever_is_asked_the_answer_is_200_and_an_envelope() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let url = |path: &str| format!("{}{path}", pbx.url);
    let with = |path: &str| format!("{}?access_token={token}", pbx.path(path));
    let http = &pbx.http;
    let long = "x".repeat(2 << 20);
    let cases = [
        ("no such path", http.get(url("/nowhere")), 10001),
        ("a page, but not asked for", http.post(url("/docs")), 10001),
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
            40002,
        ),
        ("all is well", http.get(with("extension/list")), 0),
    ];
    for (what, request, errcode) in cases {
        assert_eq!(Pbx::answer(request).await["errcode"], errcode, "{what}");
    }
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
        https: Some((listener, tls)),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        ..api::ApiConfig::default()
    };
    let serving = api::serve(config, pbx.handle.clone()).await.unwrap();
    let url = format!("https://{}", serving.https.unwrap());
    let builder = client::Client::builder(&url).credentials(CLIENT_ID, CLIENT_SECRET);
    let strict = builder.clone().build().unwrap();
    let refused = strict.system().information().await;
    assert!(
        matches!(refused, Err(client::Error::Certificate(_))),
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
            .ask("v1.0", "extension/create", extension("1000"))
            .await
            .unwrap()["id"]
            .clone();
        let told = tokio::time::timeout(PATIENCE, events.next_event())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(told.msg["option"], "CREATE");
        client
            .ask("v1.0", "extension/delete", json!({"id": id}))
            .await
            .unwrap();
        client.close().await.unwrap();
        assert!(events.next().await.is_none_or(|event| event.is_ok()));
    }
    serving.stop().await;
    pbx.stop().await;
}
