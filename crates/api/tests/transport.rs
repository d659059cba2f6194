//! HTTP itself: whatever is written on the wire is answered 200 with JSON, in
//! HTTP/1.1 with one connection for many requests, and in HTTP/2.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{CLIENT_ID, CLIENT_SECRET, PATIENCE, Pbx, Rules};
use futures_util::stream::unfold;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection on which requests are written byte by byte.
struct Wire(BufReader<TcpStream>);

struct Written {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Written {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn envelope(&self) -> Value {
        assert_eq!(self.status, "HTTP/1.1 200 OK");
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Wire {
    async fn open(pbx: &Pbx) -> Self {
        let address = pbx.url.trim_start_matches("http://");
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        timeout(PATIENCE, read)
            .await
            .expect("a line in time")
            .unwrap();
        line.trim_end().to_owned()
    }

    /// The next answer; `bodiless` as HEAD's are.
    async fn read(&mut self, bodiless: bool) -> Written {
        let status = self.line().await;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut written = Written {
            status,
            headers,
            body: Vec::new(),
        };
        if !bodiless {
            let length = written.header("content-length").unwrap().parse().unwrap();
            written.body.resize(length, 0);
            let read = self.0.read_exact(&mut written.body);
            timeout(PATIENCE, read)
                .await
                .expect("a body in time")
                .unwrap();
        }
        written
    }
}

fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: pbx\r\nUser-Agent: OpenAPI\r\n{more}\r\n")
}

fn post(target: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}\r\n{more}", body.len());
    [head("POST", target, &length).as_bytes(), body].concat()
}

#[tokio::test]
async fn one_connection_serves_request_after_request_also_after_a_bad_one() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let at = |path: &str| format!("/openapi/v1.0/{path}?access_token={token}");
    let mut wire = Wire::open(&pbx).await;
    let ask = async |wire: &mut Wire, bytes: Vec<u8>| {
        wire.write(bytes).await;
        let written = wire.read(false).await;
        assert_ne!(written.header("connection"), Some("close"));
        written.envelope()["errcode"].clone()
    };
    let list = || head("GET", &at("extension/list"), "").into_bytes();
    assert_eq!(ask(&mut wire, list()).await, 0);
    assert_eq!(
        ask(&mut wire, post(&at("call/dial"), "", b"{")).await,
        40001
    );
    assert_eq!(
        ask(&mut wire, post("/nowhere", "", b"{\"a\":1}")).await,
        10001
    );
    assert_eq!(
        ask(&mut wire, post(&at("extension/list"), "", b"x")).await,
        10001
    );
    let long = vec![b' '; api::limits::MAX_BODY_BYTES + 1];
    assert_eq!(
        ask(&mut wire, post(&at("call/dial"), "", &long)).await,
        40004
    );
    // A body where none is asked for is passed over.
    let with_body = head("GET", &at("extension/list"), "Content-Length: 5\r\n") + "hello";
    assert_eq!(ask(&mut wire, with_body.into_bytes()).await, 0);
    let chunked =
        head("POST", &at("call/dial"), "Transfer-Encoding: chunked\r\n") + "2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(ask(&mut wire, chunked.into_bytes()).await, 40002);
    // Two requests at once are answered in their order.
    wire.write([list(), head("GET", "/nowhere", "").into_bytes()].concat())
        .await;
    assert_eq!(wire.read(false).await.envelope()["errcode"], 0);
    assert_eq!(wire.read(false).await.envelope()["errcode"], 10001);
    // Who waits to be told to go on is told.
    let expect = "Content-Length: 2\r\nExpect: 100-continue\r\n";
    wire.write(head("POST", &at("call/dial"), expect)).await;
    assert_eq!(wire.line().await, "HTTP/1.1 100 Continue");
    assert_eq!(wire.line().await, "");
    wire.write("{}").await;
    assert_eq!(wire.read(false).await.envelope()["errcode"], 40002);
    wire.write(head("GET", &at("extension/list"), "Connection: close\r\n"))
        .await;
    assert_eq!(wire.read(false).await.envelope()["errcode"], 0);
    assert_eq!(wire.0.read(&mut [0]).await.unwrap(), 0);
    pbx.stop().await;
}

#[tokio::test]
async fn every_method_is_answered_and_only_the_contracts_does_something() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let id = pbx.extension(&token, "1000").await;
    let get = format!("/openapi/v1.0/extension/get?access_token={token}&id={id}");
    let delete = format!("/openapi/v1.0/extension/delete?access_token={token}&id={id}");
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X-ANY",
    ] {
        for target in [&get, &delete] {
            let mut wire = Wire::open(&pbx).await;
            wire.write(head(method, target, "Content-Length: 0\r\n"))
                .await;
            let answer = wire.read(false).await.envelope();
            assert_eq!(answer["errcode"], 10001, "{method} {target}");
        }
    }
    for target in [
        "*",
        "/",
        "/openapi",
        "/openapi/",
        "/openapi/v1.0",
        "/openapi/v1.0/",
        "//",
    ] {
        let mut wire = Wire::open(&pbx).await;
        wire.write(head("OPTIONS", target, "")).await;
        let answer = wire.read(false).await.envelope();
        assert_eq!(answer["errcode"], 10001, "OPTIONS {target}");
    }
    // HEAD is asked in place of GET to see whether it is there: it does nothing.
    let mut wire = Wire::open(&pbx).await;
    wire.write(head("HEAD", &delete, "")).await;
    let written = wire.read(true).await;
    assert_eq!(written.status, "HTTP/1.1 200 OK");
    assert_eq!(written.header("content-type"), Some("application/json"));
    wire.write(head("GET", &get, "")).await;
    assert_eq!(wire.read(false).await.envelope()["data"]["number"], "1000");
    // As a proxy is asked.
    wire.write(head("GET", &format!("http://pbx{get}"), ""))
        .await;
    assert_eq!(wire.read(false).await.envelope()["errcode"], 0);
    let mut wire = Wire::open(&pbx).await;
    wire.write(head("CONNECT", "pbx:8080", "")).await;
    // 200 would be a tunnel.
    let written = wire.read(false).await;
    assert_eq!(written.status, "HTTP/1.1 501 Not Implemented");
    let answer: Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(answer["errcode"], 10001);
    // Who says that nothing more comes still wants to know.
    let mut wire = Wire::open(&pbx).await;
    let calls = format!("/openapi/v1.0/call/query?access_token={token}&type=internal");
    wire.write(head("GET", &calls, "").repeat(50)).await;
    wire.0.shutdown().await.unwrap();
    for _ in 0..50 {
        assert_eq!(wire.read(false).await.envelope()["errcode"], 0);
    }
    pbx.stop().await;
}

#[tokio::test]
async fn odd_targets_are_read_or_refused_and_never_a_fault() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let id = pbx.extension(&token, "1000").await;
    let list = format!("/openapi/v1.0/extension/list?access_token={token}");
    let get = format!("/openapi/v1.0/extension/get?access_token={token}");
    let cases = [
        // The last one of two counts.
        (format!("{get}&id=99&id={id}"), 0),
        (format!("{get}&id={id}&id=99"), 60001),
        (format!("{get}&id=%{:x}", b'0' + id as u8), 0),
        (format!("{get}&%69d={id}"), 0),
        (format!("{get}&id=%"), 40002),
        (format!("{get}&id=%zz"), 40002),
        (format!("{get}&id=%00"), 40002),
        (format!("{get}&id=+{id}+"), 0),
        (format!("{get}&id[]={id}"), 40002),
        (format!("{list}&%"), 0),
        (format!("{list}&%ff%fe=%ed%a0%80"), 0),
        (format!("{list}&&&;=;=&==="), 0),
        (format!("{list}&page=1#fragment"), 0),
        (format!("{list}?page=1"), 10004),
        (format!("{list}&access_token=x"), 10004),
        (
            format!("/openapi/v1.0/extension/list?access_token=x&access_token={token}"),
            0,
        ),
        (
            format!("/openapi/v1.0/extension%2Flist?access_token={token}"),
            10001,
        ),
        (
            format!("/openapi/v1.0/extension/list/?access_token={token}"),
            10001,
        ),
        (
            format!("/openapi/v1.0/../v1.0/extension/list?access_token={token}"),
            10001,
        ),
        (
            format!("/OPENAPI/v1.0/extension/list?access_token={token}"),
            10001,
        ),
        ("/openapi/v1.0/%2e%2e/%00".to_owned(), 10001),
        // A base address that ends with a slash, and a path that begins with one.
        (format!("/{list}"), 0),
        (
            format!("//openapi//v1.0///extension/list?access_token={token}&search_value=a//b"),
            0,
        ),
        (format!("/{get}&id={id}"), 0),
        ("//openapi/v1.0/get_token".to_owned(), 10001),
        (
            format!("{list}&{}", "a=1&".repeat(api::limits::MAX_QUERY_PARAMS)),
            40002,
        ),
        (format!("{list}&search_value={}", "x".repeat(50_000)), 0),
    ];
    let mut wire = Wire::open(&pbx).await;
    for (target, errcode) in cases {
        wire.write(head("GET", &target, "")).await;
        let answer = wire.read(false).await.envelope();
        assert_eq!(answer["errcode"], errcode, "{target:.120} {answer}");
    }
    // What some clients leave as it is.
    for raw in ["{}", "[1]", "a|b", "^", "`", "é", "漢"] {
        let mut wire = Wire::open(&pbx).await;
        wire.write(head("GET", &format!("{list}&search_value={raw}"), ""))
            .await;
        let answer = wire.read(false).await.envelope();
        assert_eq!(answer["errcode"], 0, "{raw} {answer}");
    }
    // What is no HTTP is refused as HTTP says.
    let long = "x".repeat(70_000);
    for (raw, status) in [("\"x\"", "400"), ("<x>", "400"), (&long, "431")] {
        let mut wire = Wire::open(&pbx).await;
        wire.write(head("GET", &format!("{list}&search_value={raw}"), ""))
            .await;
        let line = wire.line().await;
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status} ")),
            "{raw:.20} {line}"
        );
    }
    pbx.stop().await;
}

#[tokio::test]
async fn odd_bodies_are_an_object_or_a_syntax_error() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let target = format!("/openapi/v1.0/call/dial?access_token={token}");
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"caller":"1000","callee":"1001","x":{open}{close}}}"#)
    };
    let cases: [(&str, Vec<u8>, i64); 17] = [
        ("nothing", Vec::new(), 40002),
        ("blanks", b" \r\n\t".to_vec(), 40002),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec(), 40002),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), 40001),
        ("no UTF-8", b"{\"caller\":\"\xff\"}".to_vec(), 40001),
        (
            "a lone surrogate",
            br#"{"caller":"\ud800"}"#.to_vec(),
            40001,
        ),
        (
            "a NUL in a text",
            br#"{"caller":"\u0000","callee":"1"}"#.to_vec(),
            40002,
        ),
        ("a NUL outside", b"{\0}".to_vec(), 40001),
        ("a number too large", br#"{"caller":1e999}"#.to_vec(), 40001),
        ("not a number", br#"{"caller":NaN}"#.to_vec(), 40001),
        ("two objects", b"{}{}".to_vec(), 40001),
        ("a form", b"caller=1000&callee=1001".to_vec(), 40001),
        ("a comment", b"{/* */}".to_vec(), 40001),
        (
            "a name twice",
            br#"{"caller":"1","caller":[],"callee":"2"}"#.to_vec(),
            40002,
        ),
        ("deep", nested(120).into_bytes(), 40002),
        ("too deep", nested(200).into_bytes(), 40001),
        ("much too deep", nested(400_000).into_bytes(), 40001),
    ];
    let mut wire = Wire::open(&pbx).await;
    for (what, body, errcode) in cases {
        for kind in [
            "",
            "Content-Type: application/json\r\n",
            "Content-Type: text/plain\r\n",
        ] {
            wire.write(post(&target, kind, &body)).await;
            let answer = wire.read(false).await.envelope();
            assert_eq!(answer["errcode"], errcode, "{what} {answer}");
            let list = answer["invalid_param_list"].as_array().unwrap();
            assert!(!list.is_empty(), "{what} {answer}");
            if errcode == 40001 {
                assert_eq!(list[0]["field"], "body", "{what} {answer}");
            }
        }
    }
    pbx.stop().await;
}

/// Asks over HTTP/2, several requests at once on one connection.
async fn over_http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, token: &str) {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let ask = |method: &str, path: String, body: Value| {
        let mut sender = sender.clone();
        let request = hyper::Request::builder()
            .method(method)
            .uri(format!(
                "https://pbx/openapi/v1.0/{path}access_token={token}"
            ))
            .header("user-agent", "OpenAPI")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        async move {
            let response = timeout(PATIENCE, sender.send_request(request)).await;
            let response = response.expect("an answer in time").unwrap();
            assert_eq!(response.version(), hyper::Version::HTTP_2);
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "application/json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice::<Value>(&body).unwrap()["errcode"].clone()
        }
    };
    let mut tasks = Vec::new();
    for _ in 0..100 {
        tasks.push((
            0,
            tokio::spawn(ask("GET", "extension/list?".into(), json!({}))),
        ));
        tasks.push((
            10001,
            tokio::spawn(ask("PUT", "extension/list?".into(), json!({}))),
        ));
        tasks.push((
            40002,
            tokio::spawn(ask("POST", "call/dial?".into(), json!({}))),
        ));
    }
    for (errcode, task) in tasks {
        assert_eq!(task.await.unwrap(), errcode);
    }
    drop(sender);
    timeout(PATIENCE, connection)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

/// How long an answer is waited for that must not come yet.
const NOT_YET: Duration = Duration::from_millis(150);

/// Writes a request's head and half of its body, sees that nothing is answered,
/// and writes the rest: what is answered then. The connection goes on.
async fn refused_slowly(wire: &mut Wire, method: &str, target: &str, more: &str) -> Value {
    const HALF: &[u8] = &[b' '; 10_000];
    let length = 2 * HALF.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: pbx\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    wire.write(head).await;
    wire.write(HALF).await;
    let early = timeout(NOT_YET, wire.0.fill_buf()).await;
    assert!(early.is_err(), "{method} {target} {more}: {early:?}");
    wire.write(HALF).await;
    let written = wire.read(false).await;
    assert_ne!(written.header("connection"), Some("close"));
    written.envelope()["errcode"].clone()
}

#[tokio::test]
async fn who_is_refused_before_the_body_has_come_may_send_it_and_reads_the_answer() {
    let named = "User-Agent: OpenAPI\r\n";
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let cases = [
        ("POST", "/nowhere".to_owned(), named, 10001),
        ("PUT", "/openapi/v1.0/call/dial".to_owned(), named, 10001),
        ("POST", "/openapi/v1.0/call/dial".to_owned(), named, 10004),
        (
            "POST",
            format!("/openapi/v1.0/queue/create?access_token={token}"),
            named,
            10009,
        ),
        ("POST", "/api/download/x".to_owned(), named, 10001),
    ];
    let mut wire = Wire::open(&pbx).await;
    for (method, target, more, errcode) in cases {
        let answered = refused_slowly(&mut wire, method, &target, more).await;
        assert_eq!(answered, errcode, "{method} {target}");
    }
    pbx.stop().await;
    let rules = Rules {
        permitted: vec!["192.0.2.1"],
        ..Rules::default()
    };
    let pbx = Pbx::start_with(rules).await;
    let mut wire = Wire::open(&pbx).await;
    let answered = refused_slowly(&mut wire, "POST", "/openapi/v1.0/get_token", named).await;
    assert_eq!(answered, 70087);
    pbx.stop().await;
    let rules = Rules {
        requests_per_second: Some(1),
        ..Rules::default()
    };
    let pbx = Pbx::start_with(rules).await;
    pbx.token().await;
    let mut wire = Wire::open(&pbx).await;
    let answered = refused_slowly(&mut wire, "POST", "/openapi/v1.0/get_token", named).await;
    assert_eq!(answered, 60002);
    pbx.stop().await;
}

#[tokio::test]
async fn over_http2_too_the_body_is_heard_to_its_end_before_a_refusal() {
    let pbx = Pbx::start().await;
    let address = pbx.url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut asked = Vec::new();
    for _ in 0..60 {
        let (gate, opened) = tokio::sync::oneshot::channel::<()>();
        let half = || Frame::data(Bytes::from_static(&[b' '; 500]));
        let body = unfold((0, Some(opened)), move |(sent, mut opened)| async move {
            if sent == 1 {
                opened.take()?.await.ok()?;
            }
            (sent < 2).then(|| (Ok::<_, std::io::Error>(half()), (sent + 1, opened)))
        });
        let request = hyper::Request::builder()
            .method("POST")
            .uri("https://pbx/openapi/v1.0/call/dial?access_token=x")
            .header("user-agent", "OpenAPI")
            .body(StreamBody::new(Box::pin(body)))
            .unwrap();
        let mut sender = sender.clone();
        asked.push((
            gate,
            tokio::spawn(async move { sender.send_request(request).await }),
        ));
    }
    let early = timeout(NOT_YET, &mut asked[0].1).await;
    assert!(early.is_err(), "{early:?}");
    for (gate, answer) in asked {
        gate.send(()).unwrap();
        let response = timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let envelope: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(envelope["errcode"], 10004);
    }
    drop(sender);
    timeout(PATIENCE, connection)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    pbx.stop().await;
}

#[tokio::test]
async fn http2_is_spoken_in_clear_to_who_begins_with_it() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let address = pbx.url.trim_start_matches("http://");
    over_http2(TcpStream::connect(address).await.unwrap(), &token).await;
    pbx.stop().await;
}

#[tokio::test]
async fn over_tls_the_two_choose_http2_or_http1() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let tls = api::tls::load_or_make(&pbx.dir.0).unwrap();
    let config = api::ApiConfig {
        https: Some((std::net::TcpListener::bind("127.0.0.1:0").unwrap(), tls)),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        ..api::ApiConfig::default()
    };
    let serving = api::serve(config, pbx.handle.clone()).await.unwrap();
    let address = serving.https.unwrap();
    let pem = std::fs::read(pbx.dir.0.join(api::tls::CERTIFICATE_FILE)).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let connect = async |protocols: &[&str]| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    };
    let stream = connect(&["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    over_http2(stream, &token).await;
    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = BufReader::new(connect(protocols).await);
        let target = format!("/openapi/v1.0/extension/list?access_token={token}");
        for _ in 0..2 {
            stream
                .write_all(head("GET", &target, "").as_bytes())
                .await
                .unwrap();
            let mut status = String::new();
            stream.read_line(&mut status).await.unwrap();
            assert_eq!(status.trim_end(), "HTTP/1.1 200 OK");
            let mut answer = String::new();
            while !answer.ends_with('}') {
                let byte = timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap();
                answer.push(char::from(byte));
            }
            assert!(answer.contains(r#""errcode":0"#), "{answer}");
        }
    }
    serving.stop().await;
    pbx.stop().await;
}
