//! A PBX of a few lines: it answers each request as a test tells it to, and
//! writes down what it was asked. Raw HTTP, one connection a request, as the
//! vendor's box does it.
#![allow(dead_code)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use strowger_client::{Client, ClientBuilder, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// After `openapi/v1.0/`, or the whole path of others.
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> usize {
        self.query(name).parse().unwrap()
    }
}

/// What goes back.
pub enum Reply {
    Json(Value),
    /// Head and body as they are; then the connection is closed.
    Raw(Vec<u8>),
}

impl Reply {
    pub fn refused(errcode: i64, errmsg: &str) -> Self {
        Self::Json(json!({"errcode": errcode, "errmsg": errmsg}))
    }
}

/// A running one.
pub struct Pbx {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Pbx {
    /// `answer` has every request but those for tokens, which are given out
    /// in turn: `access-1`, `access-2` …
    pub async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let seen = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), answer.clone()));
            }
        });
        Self { url, asked }
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub fn builder(&self) -> ClientBuilder {
        Client::builder(&self.url).credentials("id", "secret")
    }

    /// Paths in the order in which they were asked for.
    pub fn paths(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|one| one.path.clone()).collect()
    }

    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|one| one.path == path)
            .cloned()
            .collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<impl Fn(&Asked) -> Reply>,
) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let nth = {
        let mut seen = seen.lock().unwrap();
        seen.push(asked.clone());
        let tokens = |one: &&Asked| matches!(&*one.path, "get_token" | "refresh_token");
        seen.iter().filter(tokens).count()
    };
    let reply = match &*asked.path {
        "get_token" | "refresh_token" => match answer(&asked) {
            Reply::Json(Value::Null) => Reply::Json(json!({
                "errcode": 0, "errmsg": "SUCCESS",
                "access_token": format!("access-{nth}"), "refresh_token": format!("refresh-{nth}"),
                "access_token_expire_time": 1800, "refresh_token_expire_time": 86400,
            })),
            other => other,
        },
        _ => answer(&asked),
    };
    let bytes = match reply {
        Reply::Json(value) => {
            let body = value.to_string();
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .into_bytes()
        }
        Reply::Raw(bytes) => bytes,
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Some(Asked {
        method,
        path: path.trim_start_matches("/openapi/v1.0/").to_owned(),
        query,
        headers,
        body: String::from_utf8_lossy(&bytes[head + 4..]).into_owned(),
    })
}
