//! One request and its answer: how parameters travel, and the envelope, which
//! is opened here and nowhere else. Nothing is repeated here.

use std::fmt;

pub(crate) use crate::client::Inner;
use bytes::Bytes;
use reqwest::Url;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::{Error, Refusal};

/// The longest answer taken: a page of 10,000 call records has a tenth of it.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// `TOKEN EXPIRED`
pub(crate) const TOKEN_EXPIRED: i64 = 10004;
/// `PARTIAL SUCCESS`
const PARTIAL_SUCCESS: i64 = 1;
/// Success in part, and accepted with the result to come.
const GOOD_CODES: [i64; 3] = [0, PARTIAL_SUCCESS, 2];

/// How the parameters of an operation travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// In the query string.
    Get,
    /// As a JSON object in the body.
    Post,
}

/// A file to send: an audio prompt, a certificate.
#[derive(Clone)]
#[non_exhaustive]
pub struct Upload {
    /// Its name, with the ending by which the PBX knows its kind.
    pub name: String,
    /// What is in it.
    pub content: Bytes,
}

impl Upload {
    /// A file of this name and content.
    pub fn new(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            content: content.into(),
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({:?}, {} bytes)", self.name, self.content.len())
    }
}

impl Client {
    /// The URL of an operation, with the token where it takes one.
    pub(crate) fn url(&self, version: &str, path: &str, token: Option<&str>) -> Url {
        let mut url = self.inner.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .push("openapi")
                .push(version)
                .extend(path.split('/'));
        }
        if let Some(token) = token {
            url.query_pairs_mut().append_pair("access_token", token);
        }
        url
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        version: &str,
        path: &str,
        params: &Map<String, Value>,
        files: &[(&str, Upload)],
        token: Option<&str>,
    ) -> Result<Map<String, Value>, Error> {
        let mut url = self.url(version, path, token);
        let request = match method {
            Method::Post if !files.is_empty() => {
                self.inner.http.post(url).multipart(form(params, files))
            }
            Method::Post => self.inner.http.post(url).json(params),
            Method::Get => {
                if !params.is_empty() {
                    let pairs = params.iter().map(|(name, value)| (name, query_text(value)));
                    url.query_pairs_mut().extend_pairs(pairs);
                }
                self.inner.http.get(url)
            }
        };
        let request = request.timeout(self.inner.timeout);
        let mut response = request.send().await.map_err(|error| self.fault(error))?;
        if !response.status().is_success() {
            return Err(Error::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Error::TooLong(MAX_ANSWER_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        opened(path, &body)
    }

    /// What went wrong, with the certificate where it was that.
    pub(crate) fn fault(&self, error: impl Into<Error>) -> Error {
        let error = error.into();
        match (self.inner.refused.take(), &error) {
            (Some(fingerprint), Error::Unreachable(_) | Error::Socket(_)) => {
                Error::Certificate(fingerprint)
            }
            _ => error,
        }
    }
}

fn form(params: &Map<String, Value>, files: &[(&str, Upload)]) -> Form {
    let mut form = Form::new();
    for (name, value) in params {
        form = form.text(name.clone(), query_text(value));
    }
    for (member, file) in files {
        // A stream with a length: the content is shared, not copied.
        let length = file.content.len() as u64;
        let part = Part::stream_with_length(file.content.clone(), length);
        form = form.part((*member).to_owned(), part.file_name(file.name.clone()));
    }
    form
}

/// The answer in an envelope, if its code says yes.
pub(crate) fn opened(path: &str, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let answer: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| malformed(path, &error))?;
    let Some(errcode) = answer.get("errcode").and_then(Value::as_i64) else {
        return Err(Error::Malformed {
            operation: path.into(),
            reason: "no errcode".into(),
        });
    };
    if GOOD_CODES.contains(&errcode) {
        return Ok(answer);
    }
    Err(Error::Refused(Box::new(refusal(path, answer))))
}

/// The answer, unless it tells of success in part.
pub(crate) fn whole(path: &str, answer: Value) -> Result<Value, Error> {
    match answer {
        Value::Object(answer)
            if answer.get("errcode").and_then(Value::as_i64) == Some(PARTIAL_SUCCESS) =>
        {
            Err(Error::Partial(Box::new(refusal(path, answer))))
        }
        other => Ok(other),
    }
}

fn refusal(path: &str, answer: Map<String, Value>) -> Refusal {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    Refusal {
        operation: path.into(),
        errcode: answer
            .get("errcode")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        errmsg: text("errmsg").unwrap_or_default().to_owned(),
        answer,
    }
}

pub(crate) fn malformed(path: &str, error: &serde_json::Error) -> Error {
    Error::Malformed {
        operation: path.into(),
        reason: error.to_string(),
    }
}

/// Null members say nothing on this API: they are left out.
pub(crate) fn object(params: Value) -> Result<Map<String, Value>, Error> {
    match params {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect()),
        other => Err(Error::Request(other.to_string())),
    }
}

/// A value in a query string: text as it is, a list joined by commas.
fn query_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(query_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_keeps_what_the_pbx_said() {
        let body = br#"{"errcode":40002,"errmsg":"PARAMETER ERROR",
            "invalid_param_list":[{"field":"caller","validation_type":"required"}]}"#;
        let Err(Error::Refused(refusal)) = opened("call/dial", body) else {
            panic!()
        };
        assert_eq!(refusal.invalid_fields(), ["caller"]);
        assert_eq!(
            refusal.to_string(),
            "call/dial: 40002 PARAMETER ERROR (caller)"
        );
    }

    #[test]
    fn a_base_url_may_have_a_path_of_its_own() {
        let client = Client::builder("https://proxy.example/pbx/")
            .build()
            .unwrap();
        let url = client.url("v1.0", "extension/list", Some("a b"));
        let expected = "https://proxy.example/pbx/openapi/v1.0/extension/list?access_token=a+b";
        assert_eq!(url.as_str(), expected);
    }

    #[test]
    fn only_http_addresses_are_taken_and_no_secret_is_shown() {
        for address in ["pbx.example", "ftp://pbx.example", ""] {
            assert!(matches!(
                Client::builder(address).build(),
                Err(Error::BaseUrl(_))
            ));
        }
        let builder = Client::builder("http://pbx.example").credentials("id", "hidden");
        assert!(!format!("{builder:?} {:?}", builder.clone().build().unwrap()).contains("hidden"));
    }

    #[test]
    fn a_user_agent_that_no_header_holds_is_said_so() {
        let builder = Client::builder("http://pbx.example").user_agent("two\nlines");
        assert!(matches!(builder.build(), Err(Error::UserAgent(_))));
    }

    #[test]
    fn lists_in_a_query_are_joined_and_nulls_left_out() {
        assert_eq!(query_text(&json!([1, "2", true])), "1,2,true");
        assert_eq!(object(json!({"a": null, "b": 1})).unwrap().len(), 1);
        assert!(object(json!([1])).is_err());
    }
}
