//! Who may ask at all: permitted addresses, request rate, User-Agent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Instant;

use common::{CLIENT_ID, CLIENT_SECRET, PATIENCE, Pbx, Rules, http_from};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// What a WebSocket handshake is answered that is not taken.
async fn refused_socket(pbx: &Pbx, token: &str) -> Value {
    let url = pbx
        .path(&format!("subscribe?access_token={token}"))
        .replace("http:", "ws:");
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("user-agent", "OpenAPI".parse().unwrap());
    match tokio_tungstenite::connect_async(request).await {
        Err(tungstenite::Error::Http(response)) => {
            assert_eq!(response.status().as_u16(), 200);
            assert_eq!(response.headers()["content-type"], "application/json");
            let length = response.headers()["content-length"].to_str().unwrap();
            json!({"length": length, "body": response.body().as_deref().map(String::from_utf8_lossy)})
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_that_is_not_permitted_gets_nothing_at_all() {
    let rules = Rules {
        permitted: vec!["127.0.0.2", "10.0.0.0/8", "2001:db8::/32"],
        ..Rules::default()
    };
    let pbx = Pbx::start_with(rules).await;
    let permitted = http_from("127.0.0.2");
    let body = json!({"username": CLIENT_ID, "password": CLIENT_SECRET});
    let pair = Pbx::answer(permitted.post(pbx.path("get_token")).json(&body)).await;
    let token = pair["access_token"].as_str().unwrap();
    let list = format!("{}?access_token={token}", pbx.path("extension/list"));
    assert_eq!(Pbx::answer(permitted.get(&list)).await["errcode"], 0);

    let forbidden = json!({"errcode": 70087, "errmsg": "IP FORBIDDEN"});
    let outside = [
        pbx.http.post(pbx.path("get_token")).json(&body),
        pbx.http.get(&list),
        pbx.http.get(&list).header("user-agent", " "),
        pbx.http.get(pbx.path("subscribe")),
        pbx.http.get(format!("{}/", pbx.url)),
        pbx.http.get(format!("{}/openapi.json", pbx.url)),
        pbx.http
            .get(format!("{}/api/download/x?access_token={token}", pbx.url)),
    ];
    for request in outside {
        assert_eq!(Pbx::answer(request).await, forbidden);
    }
    let handshake = refused_socket(&pbx, token).await;
    let length = forbidden.to_string().len().to_string();
    assert_eq!(handshake["length"], length, "{handshake}");
    let metrics = pbx.http.get(format!("{}/metrics", pbx.url));
    assert_eq!(Pbx::answer(metrics).await, forbidden);
    let metrics = permitted.get(format!("{}/metrics", pbx.url)).send().await;
    assert_eq!(metrics.unwrap().text().await.unwrap(), "some metrics");
    // Nor are its guesses counted: a block is for those who may ask.
    assert!(pbx.blocklist().list().is_empty());
    pbx.stop().await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_so_and_comes_in_again() {
    const BOUND: u32 = 10;
    let rules = Rules {
        requests_per_second: Some(BOUND),
        ..Rules::default()
    };
    let pbx = Pbx::start_with(rules).await;
    let token = pbx.token().await;
    let list = async || pbx.get("extension/list", &token, &[]).await;
    let started = Instant::now();
    let mut admitted = 1;
    let refused = loop {
        let answer = list().await;
        if answer["errcode"] != 0 {
            break answer;
        }
        admitted += 1;
        assert!(
            started.elapsed() < PATIENCE,
            "{admitted} requests and no end"
        );
    };
    let most = f64::from(BOUND) * (1.0 + started.elapsed().as_secs_f64());
    assert!(
        admitted >= BOUND && f64::from(admitted) <= most + 1.0,
        "{admitted} of {most}"
    );
    let expected = json!({
        "errcode": 60002, "errmsg": "MAX LIMITATION EXCEEDED",
        "submsg": "More than 10 requests a second from one address.",
    });
    assert_eq!(refused, expected);
    // Another address has a bound of its own.
    let other = http_from("127.0.0.2");
    let request = other.get(format!(
        "{}?access_token={token}",
        pbx.path("extension/list")
    ));
    assert_eq!(Pbx::answer(request).await["errcode"], 0);
    // Whatever is asked counts.
    let metrics = pbx.http.get(format!("{}/metrics", pbx.url));
    while list().await["errcode"] == 0 {}
    assert_eq!(Pbx::answer(metrics).await["errcode"], 60002);
    // A place comes back soon, and without a punishment.
    let asked = Instant::now();
    while list().await["errcode"] != 0 {
        assert!(asked.elapsed() < PATIENCE);
    }
    pbx.stop().await;
}

#[tokio::test]
async fn without_a_bound_many_requests_are_as_good_as_one() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    for _ in 0..300 {
        assert_eq!(pbx.get("extension/list", &token, &[]).await["errcode"], 0);
    }
    pbx.stop().await;
}

#[tokio::test]
async fn who_does_not_say_who_asks_is_told_what_is_missing() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let list = format!("{}?access_token={token}", pbx.path("extension/list"));
    let answer = Pbx::answer(pbx.http.get(list).header("user-agent", "")).await;
    let missing = json!([{"field": "User-Agent", "validation_type": "required"}]);
    assert_eq!(answer["errcode"], 40002, "{answer}");
    assert_eq!(answer["invalid_param_list"], missing);
    pbx.stop().await;
}

#[tokio::test]
async fn an_address_is_permitted_however_it_is_written() {
    let rules = Rules {
        permitted: vec!["::ffff:127.0.0.1"],
        ..Rules::default()
    };
    let pbx = Pbx::start_with(rules).await;
    assert_eq!(pbx.log_in().await["errcode"], 0);
    let other = http_from("127.0.0.2").get(pbx.path("extension/list"));
    assert_eq!(Pbx::answer(other).await["errcode"], 70087);
    pbx.stop().await;
}

/// Opens a connection from an address of this machine; whether it is still open
/// once the far end has looked at it.
async fn held(pbx: &Pbx, from: &str, held: &mut Vec<TcpStream>) -> bool {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let address = pbx.url.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let open = stream
        .write_all(b"GET /nowhere HTTP/1.1\r\nUser-Agent: x\r\n\r\n")
        .await
        .is_ok()
        && matches!(
            tokio::time::timeout(PATIENCE, stream.read(&mut [0; 64])).await,
            Ok(Ok(1..))
        );
    held.push(stream);
    open
}

#[tokio::test]
async fn one_address_never_has_all_connections() {
    let pbx = Pbx::start().await;
    let mut open = Vec::new();
    let mut places = 0;
    while held(&pbx, "127.0.0.1", &mut open).await {
        places += 1;
    }
    assert_eq!(places, api::limits::MAX_CONNECTIONS_PER_ADDRESS);
    assert!(held(&pbx, "127.0.0.2", &mut open).await);
    // A place is free again when its connection goes.
    open.truncate(places - 1);
    let again = async { while !held(&pbx, "127.0.0.1", &mut Vec::new()).await {} };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    pbx.stop().await;
}

#[tokio::test]
async fn who_is_not_permitted_takes_no_place_of_those_who_are() {
    let rules = Rules {
        permitted: vec!["127.0.0.2"],
        ..Rules::default()
    };
    let pbx = Pbx::start_with(rules).await;
    let mut open = Vec::new();
    let mut places = 0;
    while held(&pbx, "127.0.0.1", &mut open).await {
        places += 1;
    }
    assert_eq!(places, api::limits::MAX_FORBIDDEN_CONNECTIONS);
    assert!(held(&pbx, "127.0.0.2", &mut open).await);
    // And it does not keep those for long that it has.
    let mut first = open.swap_remove(0);
    let mut rest = Vec::new();
    let ended = first.read_to_end(&mut rest);
    let _ = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    pbx.stop().await;
}
