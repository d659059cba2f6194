//! What a request asks for: its parameters out of query or body, nothing
//! thought about them yet. Whatever comes in, it is an object or a failure.

use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, Uri, header};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::time::timeout;
use wire::{ErrCode, rule};

use crate::failure::Failure;
use crate::limits::{BODY_TIMEOUT, MAX_QUERY_PARAMS};

/// The name of the parameter that carries the token.
pub const ACCESS_TOKEN: &str = "access_token";

/// What `invalid_param_list` calls a body.
const BODY: &str = "body";

/// The parameters of a query string. A name that comes twice has its last
/// value, as in a JSON object.
pub fn query(uri: &Uri) -> Result<Map<String, Value>, Failure> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Failure::Syntax("query", error.body_text()))?;
    if pairs.len() > MAX_QUERY_PARAMS {
        return Err(Failure::member("query", None, rule::MAX));
    }
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect())
}

/// The token of a request: the query's, as the contract has it, or else a
/// bearer's, which our own tools send so that it stays out of other logs.
pub fn token(query: &mut Map<String, Value>, headers: &HeaderMap) -> Option<String> {
    if let Some(Value::String(token)) = query.shift_remove(ACCESS_TOKEN)
        && !token.trim().is_empty()
    {
        return Some(token);
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// The object in a body. The type it claims to have is not asked for: clients
/// that leave the header out, or send another, exist.
pub async fn body(body: Body, bound: usize) -> Result<Map<String, Value>, Failure> {
    let bytes = timeout(BODY_TIMEOUT, read(body, bound))
        .await
        .map_err(|_| Failure::Syntax(BODY, "it did not come in time".into()))??;
    // Some write a byte order mark where JSON has none.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::Syntax(BODY, "it is no object".into())),
        Err(error) => Err(Failure::Syntax(BODY, error.to_string())),
    }
}

async fn read(body: Body, bound: usize) -> Result<Vec<u8>, Failure> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Failure::Syntax(BODY, "it did not come whole".into()))?;
        if bytes.len().saturating_add(chunk.len()) > bound {
            // The rest is read, for its sender's sake, behind the answer.
            return Err(Failure::Code(ErrCode::FileSizeExceeded));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_BODY_BYTES;

    fn params(uri: &str) -> Map<String, Value> {
        query(&uri.parse().unwrap()).unwrap()
    }

    fn code<T>(result: Result<T, Failure>) -> i32 {
        result.err().unwrap().envelope().errcode
    }

    #[test]
    fn a_query_is_text_by_name_whatever_is_in_it() {
        let read = params("/x?a=1&b=%20two+words&a=2&c&%FF=%FF&=");
        assert_eq!(read["a"], "2");
        assert_eq!(read["b"], " two words");
        assert_eq!(read["c"], "");
        let many = "/x?".to_owned() + &"a=1&".repeat(MAX_QUERY_PARAMS + 1);
        assert_eq!(code(query(&many.parse().unwrap())), 40002);
    }

    #[test]
    fn the_token_is_the_querys_or_the_bearers() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "bearer two".parse().unwrap());
        let mut query = params("/x?access_token=one&id=3");
        assert_eq!(token(&mut query, &headers).as_deref(), Some("one"));
        assert_eq!(query.len(), 1);
        assert_eq!(token(&mut query, &headers).as_deref(), Some("two"));
        let mut blank = params("/x?access_token=&id=3");
        assert_eq!(token(&mut blank, &headers).as_deref(), Some("two"));
        headers.insert(header::AUTHORIZATION, "Basic dHdv".parse().unwrap());
        assert_eq!(token(&mut query, &headers), None);
    }

    #[tokio::test]
    async fn a_body_is_an_object_or_a_syntax_error() {
        assert_eq!(
            body(Body::from(r#"{"a":1}"#), MAX_BODY_BYTES)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            body(Body::from(" \n"), MAX_BODY_BYTES).await.unwrap().len(),
            0
        );
        let deep = "[".repeat(100_000);
        for broken in [
            "{",
            "[]",
            "1",
            "\u{0}",
            r#"{"a":1e999}"#,
            "{\"a\":\"\u{7f}",
            &deep,
        ] {
            assert_eq!(
                code(body(Body::from(broken.to_owned()), MAX_BODY_BYTES).await),
                40001,
                "{broken:.20}"
            );
        }
        assert_eq!(
            code(body(Body::from(vec![0xff, 0xfe]), MAX_BODY_BYTES).await),
            40001
        );
    }

    #[tokio::test]
    async fn a_body_over_the_bound_is_told_so() {
        let long = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES));
        assert_eq!(code(body(Body::from(long), MAX_BODY_BYTES).await), 40004);
    }
}
