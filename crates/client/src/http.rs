//! Requests and their answers: the envelope is opened here, and nowhere else.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::builder::ClientBuilder;
use crate::error::{Error, Refusal};
use crate::token::{self, Credentials, Grant, Step};

/// The longest answer taken: a page of 10,000 call records has a tenth of it.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// `TOKEN EXPIRED`
pub(crate) const TOKEN_EXPIRED: i64 = 10004;
/// Codes by which a PBX says that a refresh token is of no use.
const VOID: [i64; 3] = [TOKEN_EXPIRED, -1, 40002];
/// Success in part, and accepted with the result to come.
const GOOD_CODES: [i64; 3] = [0, 1, 2];

/// How the parameters of an operation travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// In the query string.
    Get,
    /// As a JSON object in the body.
    Post,
}

/// A client of one PBX. Cheap to clone; clones share tokens and connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    http: reqwest::Client,
    base: Url,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) user_agent: String,
    credentials: Credentials,
    grant: Mutex<Option<Grant>>,
    /// Bumped by each `close`: event streams of before end.
    pub(crate) closings: watch::Sender<u64>,
}

impl Client {
    /// Begins a client for the PBX at this address, such as
    /// `https://pbx.example:8088`.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url)
    }

    pub(crate) fn new(
        http: reqwest::Client,
        base: Url,
        tls: Arc<rustls::ClientConfig>,
        user_agent: String,
        credentials: Credentials,
    ) -> Self {
        let grant = Mutex::new(None);
        let closings = watch::Sender::new(0);
        Self {
            inner: Arc::new(Inner {
                http,
                base,
                tls,
                user_agent,
                credentials,
                grant,
                closings,
            }),
        }
    }

    /// One operation of the contract by version (`v1.0`) and path
    /// (`extension/list`). `params` is an object, or null for none; whether it
    /// travels as query or as body the contract knows. Gives the whole answer;
    /// an `errcode` that says no is an [`Error::Refused`].
    pub async fn call(&self, version: &str, path: &str, params: Value) -> Result<Value, Error> {
        let method = match wire::contract::operation(version, path) {
            Some(operation) if operation.method == wire::contract::HttpMethod::Post => Method::Post,
            _ => Method::Get,
        };
        self.call_with(method, version, path, params).await
    }

    /// As [`Self::call`], for a path that the contract does not know.
    pub async fn call_with(
        &self,
        method: Method,
        version: &str,
        path: &str,
        params: Value,
    ) -> Result<Value, Error> {
        let params = object(params)?;
        let token = self.token().await?;
        match self
            .send(method, version, path, &params, Some(&token))
            .await
        {
            Err(error) if error.errcode() == Some(TOKEN_EXPIRED) => {
                let token = self.token_instead_of(&token).await?;
                self.send(method, version, path, &params, Some(&token))
                    .await
            }
            other => other,
        }
        .map(Value::Object)
    }

    /// One operation with types, such as `wire`'s request and answer of it.
    pub async fn request<Q, A>(&self, version: &str, path: &str, request: &Q) -> Result<A, Error>
    where
        Q: Serialize + ?Sized,
        A: DeserializeOwned,
    {
        let params =
            serde_json::to_value(request).map_err(|error| Error::Request(error.to_string()))?;
        let answer = self.call(version, path, params).await?;
        serde_json::from_value(answer).map_err(|error| malformed(path, &error))
    }

    /// Gives the token back, so that its place is free at once. Event streams
    /// that are open end; a later request logs in anew.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.closings.send_modify(|count| *count += 1);
        let Some(grant) = self.inner.grant.lock().await.take() else {
            return Ok(());
        };
        match self
            .send(
                Method::Get,
                "v1.0",
                "del_token",
                &Map::new(),
                Some(&grant.access),
            )
            .await
        {
            // It is gone already.
            Err(error) if error.errcode() == Some(TOKEN_EXPIRED) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// A valid access token, for what this client has no method for.
    pub async fn token(&self) -> Result<String, Error> {
        self.valid_token(None).await
    }

    /// Another token than this one, which the PBX refused.
    pub(crate) async fn token_instead_of(&self, refused: &str) -> Result<String, Error> {
        self.valid_token(Some(refused.to_owned())).await
    }

    /// On a task of its own: a caller that gives up half way must not leave a
    /// pair in hand that the PBX has already replaced by another.
    async fn valid_token(&self, refused: Option<String>) -> Result<String, Error> {
        let client = self.clone();
        let taken = tokio::spawn(async move {
            let mut grant = client.inner.grant.lock().await;
            let now = Instant::now();
            let step = match (refused, grant.as_ref()) {
                (None, current) => token::before_request(current, now),
                // Somebody else was faster.
                (Some(refused), Some(current)) if current.access != refused => Step::Use,
                (Some(_), current) => token::after_refusal(current, now),
            };
            client.take(step, &mut grant).await
        });
        taken
            .await
            .unwrap_or_else(|error| Err(Error::Request(error.to_string())))
    }

    async fn take(&self, step: Step, held: &mut Option<Grant>) -> Result<String, Error> {
        let current = match (step, held.as_ref()) {
            (Step::Use, Some(grant)) => return Ok(grant.access.clone()),
            (Step::Refresh, Some(grant)) => Some(grant.refresh.clone()),
            _ => None,
        };
        if let Some(refresh) = current {
            match self
                .obtain("refresh_token", &[("refresh_token", &refresh)])
                .await
            {
                Ok(grant) => return Ok(held.insert(grant).access.clone()),
                // Spent or revoked: what is left is to log in. Any other
                // refusal says nothing of the pair, which keeps its place.
                Err(error) if error.errcode().is_some_and(|code| VOID.contains(&code)) => {
                    *held = None;
                }
                Err(error) => return Err(error),
            }
        }
        let Credentials { id, secret } = &self.inner.credentials;
        let grant = self
            .obtain("get_token", &[("username", id), ("password", secret)])
            .await?;
        Ok(held.insert(grant).access.clone())
    }

    async fn obtain(&self, path: &str, members: &[(&str, &str)]) -> Result<Grant, Error> {
        let params = members
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let asked = Instant::now();
        let answer = self.send(Method::Post, "v1.0", path, &params, None).await?;
        Grant::from_answer(&answer, asked)
    }

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

    async fn send(
        &self,
        method: Method,
        version: &str,
        path: &str,
        params: &Map<String, Value>,
        token: Option<&str>,
    ) -> Result<Map<String, Value>, Error> {
        let mut url = self.url(version, path, token);
        let request = match method {
            Method::Post => self.inner.http.post(url).json(params),
            Method::Get => {
                if !params.is_empty() {
                    let pairs = params.iter().map(|(name, value)| (name, query_text(value)));
                    url.query_pairs_mut().extend_pairs(pairs);
                }
                self.inner.http.get(url)
            }
        };
        let mut response = request.send().await?;
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
    let errmsg = answer
        .get("errmsg")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Err(Error::Refused(Box::new(Refusal {
        operation: path.into(),
        errcode,
        errmsg,
        answer,
    })))
}

pub(crate) fn malformed(path: &str, error: &serde_json::Error) -> Error {
    Error::Malformed {
        operation: path.into(),
        reason: error.to_string(),
    }
}

/// Null members say nothing on this API: they are left out.
fn object(params: Value) -> Result<Map<String, Value>, Error> {
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

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.base.as_str())
            .finish_non_exhaustive()
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
    fn lists_in_a_query_are_joined_and_nulls_left_out() {
        assert_eq!(query_text(&json!([1, "2", true])), "1,2,true");
        assert_eq!(object(json!({"a": null, "b": 1})).unwrap().len(), 1);
        assert!(object(json!([1])).is_err());
    }
}
