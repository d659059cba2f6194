//! The few API requests that the bench needs, over plain HTTP/1.1: one
//! connection a request, as the P-Series documents it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::{BenchError, Tried as _};

/// An answer that takes longer has failed.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// A longer answer has failed.
const ANSWER_MAX: u64 = 1 << 20;

/// The API with a token.
pub struct Api {
    address: SocketAddr,
    token: String,
}

impl Api {
    /// Gets a token.
    pub fn login(address: SocketAddr, id: &str, secret: &str) -> Result<Self, BenchError> {
        let body = json!({"username": id, "password": secret});
        let answer = post(address, "get_token", "/openapi/v1.0/get_token", &body)?;
        let token = answer
            .get("access_token")
            .and_then(Value::as_str)
            .unwrap_or("");
        Ok(Self {
            address,
            token: token.to_owned(),
        })
    }

    /// Posts to an operation and expects errcode 0.
    pub fn post(&self, operation: &str, body: &Value) -> Result<Map<String, Value>, BenchError> {
        let token = &self.token;
        let path = format!("/openapi/v1.0/{operation}?access_token={token}");
        post(self.address, operation, &path, body)
    }
}

fn post(
    address: SocketAddr,
    operation: &str,
    path: &str,
    body: &Value,
) -> Result<Map<String, Value>, BenchError> {
    let said = |said: String| BenchError::Api {
        path: operation.to_owned(),
        said,
    };
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: OpenAPI\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let what = || format!("API at {address}");
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME).tried(what)?;
    stream.set_read_timeout(Some(ANSWER_TIME)).tried(what)?;
    stream.write_all(request.as_bytes()).tried(what)?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_MAX)
        .read_to_end(&mut answer)
        .tried(what)?;
    let text = String::from_utf8_lossy(&answer);
    let body = body_of(&text).ok_or_else(|| said("no HTTP answer".to_owned()))?;
    let value: Value = serde_json::from_str(&body).map_err(|_| said(text.to_string()))?;
    match value {
        Value::Object(map) if map.get("errcode") == Some(&json!(0)) => Ok(map),
        other => Err(said(other.to_string())),
    }
}

/// The body of an answer that was read to the connection's end, with chunks
/// joined.
fn body_of(answer: &str) -> Option<String> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let chunked = head
        .lines()
        .any(|line| line.to_ascii_lowercase().replace(' ', "") == "transfer-encoding:chunked");
    if !chunked {
        return Some(body.to_owned());
    }
    let mut joined = String::new();
    let mut rest = body;
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(joined);
        }
        joined.push_str(after.get(..size)?);
        rest = after.get(size..)?.trim_start_matches("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        assert_eq!(body_of(answer).unwrap(), "{\"a\":1}");
        assert_eq!(body_of("HTTP/1.1 200 OK\r\n\r\n{}").unwrap(), "{}");
    }
}
