//! A client of one PBX: what it holds, how it asks, how it comes by a token.
//! `http` puts a request on the wire and opens the answer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, watch};

use crate::builder::ClientBuilder;
use crate::error::Error;
use crate::http::{Method, TOKEN_EXPIRED, Upload, malformed, object};
use crate::tls::Refused;
use crate::token::{Credentials, Grant};
use crate::token_file::TokenFile;

/// The version of the paths that care for tokens.
const V1: &str = "v1.0";

/// A client of one PBX. Cheap to clone; clones share tokens and connections.
///
/// Each operation of the contract has a method with its types, grouped by the
/// first part of its path: `extension/list` is `pbx.extension().list(…)`. See
/// [`ops`](crate::ops).
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub http: reqwest::Client,
    pub base: Url,
    /// For a request and its answer; a download has no end that is known.
    pub timeout: Duration,
    pub tls: Arc<rustls::ClientConfig>,
    /// What `tls` refused last.
    pub refused: Refused,
    pub user_agent: String,
    pub credentials: Credentials,
    pub grant: Mutex<Option<Grant>>,
    pub token_file: Option<TokenFile>,
    /// Bumped by each `close`: event streams of before end.
    pub closings: watch::Sender<u64>,
}

/// Codes by which a PBX says that a refresh token is of no use.
const VOID: [i64; 3] = [TOKEN_EXPIRED, -1, 40002];

/// How long the tokens in hand are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenLife {
    /// When the access token ends; the client refreshes it some time before.
    pub access_until: SystemTime,
    /// When the refresh token ends: then the client logs in anew.
    pub refresh_until: SystemTime,
}

impl Client {
    /// Begins a client for the PBX at this address, such as
    /// `https://pbx.example:8088`.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The address of the PBX, as the builder was told it.
    pub fn base_url(&self) -> &str {
        self.inner.base.as_str()
    }

    /// One operation by version (`v1.0`) and path (`extension/list`), without
    /// types. `params` is an object, or null for none; whether it travels as
    /// query or as body the contract knows. Gives the whole answer; an
    /// `errcode` that says no is an [`Error::Refused`].
    ///
    /// ```no_run
    /// # async fn example(pbx: strowger_client::Client) -> Result<(), strowger_client::Error> {
    /// use strowger_client::json;
    /// let answer = pbx.ask("v1.0", "extension/get", json!({"id": 7})).await?;
    /// println!("{}", answer["data"]["number"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ask(&self, version: &str, path: &str, params: Value) -> Result<Value, Error> {
        let method = match wire::contract::operation(version, path) {
            Some(operation) if operation.method == wire::contract::HttpMethod::Post => Method::Post,
            _ => Method::Get,
        };
        self.ask_with(method, version, path, params, &[]).await
    }

    /// As [`Self::ask`], for a path that the contract does not know, or with
    /// files: then it is a POST in parts, each file under its member's name.
    pub async fn ask_with(
        &self,
        method: Method,
        version: &str,
        path: &str,
        params: Value,
        files: &[(&str, Upload)],
    ) -> Result<Value, Error> {
        let params = object(params)?;
        let token = self.token().await?;
        let first = self.send(method, version, path, &params, files, Some(&token));
        match first.await {
            // The PBX says with it that nothing was done.
            Err(error) if error.errcode() == Some(TOKEN_EXPIRED) => {
                let token = self.token_instead_of(&token).await?;
                self.send(method, version, path, &params, files, Some(&token))
                    .await
            }
            other => other,
        }
        .map(Value::Object)
    }

    /// One operation with types, such as `wire`'s request and answer of it.
    /// Success in part is an [`Error::Partial`].
    pub async fn request<Q, A>(&self, version: &str, path: &str, request: &Q) -> Result<A, Error>
    where
        Q: Serialize + ?Sized,
        A: DeserializeOwned,
    {
        let answer = self.ask(version, path, members(request)?).await?;
        read(path, answer)
    }

    pub(crate) async fn post_files<Q, A>(
        &self,
        version: &str,
        path: &str,
        request: &Q,
        files: &[(&str, Upload)],
    ) -> Result<A, Error>
    where
        Q: Serialize + ?Sized,
        A: DeserializeOwned,
    {
        let params = members(request)?;
        let answer = self
            .ask_with(Method::Post, version, path, params, files)
            .await?;
        read(path, answer)
    }

    /// Gives the token back, so that its place is free at once. Event streams
    /// that are open end; a later request logs in anew. Where the PBX does not
    /// say that it has it, the token is kept, so that this can be tried again.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.closings.send_modify(|count| *count += 1);
        let mut memory = self.inner.grant.lock().await;
        let mut held = match &self.inner.token_file {
            Some(file) => Some(file.hold().await?),
            None => None,
        };
        let kept = held.as_mut().and_then(|held| held.read(&self.owner()));
        if let Some(grant) = kept.or_else(|| memory.clone())
            && SystemTime::now() < grant.valid_until
        {
            self.give_back(&grant).await?;
        }
        // Not before: who forgets it can't give it back any more.
        *memory = None;
        match &mut held {
            Some(held) => held.clear(),
            None => Ok(()),
        }
    }

    async fn give_back(&self, grant: &Grant) -> Result<(), Error> {
        let nothing = Map::new();
        let token = Some(grant.access.as_str());
        let gone = self.send(Method::Get, V1, "del_token", &nothing, &[], token);
        match gone.await {
            // It is gone already.
            Err(error) if error.errcode() == Some(TOKEN_EXPIRED) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// A valid access token, for what this client has no method for.
    pub async fn token(&self) -> Result<String, Error> {
        if let Some(grant) = &*self.inner.grant.lock().await
            && grant.is_fresh(SystemTime::now())
        {
            return Ok(grant.access.clone());
        }
        self.valid_token(None).await
    }

    /// How long the tokens in hand are good; `None` when there are none. Asks
    /// nobody.
    pub async fn token_life(&self) -> Result<Option<TokenLife>, Error> {
        let mut memory = self.inner.grant.lock().await;
        if let (None, Some(file)) = (&*memory, &self.inner.token_file) {
            *memory = file.hold().await?.read(&self.owner());
        }
        Ok(memory.as_ref().map(|grant| TokenLife {
            access_until: grant.valid_until,
            refresh_until: grant.refresh_until,
        }))
    }

    /// Takes a new pair of tokens in the place of the one in hand.
    pub async fn refresh_token(&self) -> Result<(), Error> {
        let held = {
            let mut memory = self.inner.grant.lock().await;
            if let (None, Some(file)) = (&*memory, &self.inner.token_file) {
                *memory = file.hold().await?.read(&self.owner());
            }
            memory.as_ref().map(|grant| grant.access.clone())
        };
        self.valid_token(held).await.map(|_| ())
    }

    /// Another token than this one, which the PBX refused.
    pub(crate) async fn token_instead_of(&self, refused: &str) -> Result<String, Error> {
        self.valid_token(Some(refused.to_owned())).await
    }

    /// On a task of its own: a caller that gives up half way must not leave a pair in hand that the PBX has
    /// already replaced by another.
    async fn valid_token(&self, refused: Option<String>) -> Result<String, Error> {
        let client = self.clone();
        let closings = *self.inner.closings.borrow();
        let taken = tokio::spawn(async move {
            let mut memory = client.inner.grant.lock().await;
            // Closed meanwhile: nobody may be left to give a new place back.
            if *client.inner.closings.borrow() != closings {
                return Err(Error::Closed);
            }
            match (&*memory, &refused) {
                (Some(grant), None) if grant.is_fresh(SystemTime::now()) => {
                    Ok(grant.access.clone())
                }
                // Somebody else was faster.
                (Some(grant), Some(refused)) if grant.access != *refused => {
                    Ok(grant.access.clone())
                }
                _ => client.renew(&mut memory, refused.as_deref()).await,
            }
        });
        taken
            .await
            .unwrap_or_else(|error| Err(Error::Request(error.to_string())))
    }

    /// A fresh pair into memory and file. Where another process has put one
    /// there meanwhile, that is it.
    async fn renew(
        &self,
        memory: &mut Option<Grant>,
        refused: Option<&str>,
    ) -> Result<String, Error> {
        let Some(file) = &self.inner.token_file else {
            let grant = self.refreshed(memory.as_ref()).await?;
            return Ok(memory.insert(grant).access.clone());
        };
        let owner = self.owner();
        let mut held = file.hold().await?;
        if let Some(kept) = held.read(&owner) {
            let other = refused.is_none_or(|refused| refused != kept.access);
            let fresh = other && kept.is_fresh(SystemTime::now());
            let kept = memory.insert(kept);
            if fresh {
                return Ok(kept.access.clone());
            }
        }
        let grant = self.refreshed(memory.as_ref()).await?;
        held.write(&owner, &grant)?;
        Ok(memory.insert(grant).access.clone())
    }

    /// A pair in exchange for this one, or by a login.
    async fn refreshed(&self, spent: Option<&Grant>) -> Result<Grant, Error> {
        if let Some(spent) = spent.filter(|grant| grant.can_refresh(SystemTime::now())) {
            let asked = [("refresh_token", spent.refresh.as_str())];
            match self.obtain("refresh_token", &asked).await {
                // Spent or revoked: what is left is to log in. Any other
                // refusal says nothing of the pair, which keeps its place.
                Err(error) if error.errcode().is_some_and(|code| VOID.contains(&code)) => {}
                other => return other,
            }
        }
        let Credentials { id, secret } = &self.inner.credentials;
        self.obtain("get_token", &[("username", id), ("password", secret)])
            .await
    }

    async fn obtain(&self, path: &str, members: &[(&str, &str)]) -> Result<Grant, Error> {
        let params = members
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let asked = SystemTime::now();
        let answer = self
            .send(Method::Post, V1, path, &params, &[], None)
            .await?;
        Grant::from_answer(&answer, asked)
    }

    /// Whose tokens a file has: another PBX's or application's are not ours.
    fn owner(&self) -> String {
        format!("{} {}", self.inner.base, self.inner.credentials.id)
    }
}

fn members<Q: Serialize + ?Sized>(request: &Q) -> Result<Value, Error> {
    serde_json::to_value(request).map_err(|error| Error::Request(error.to_string()))
}

fn read<A: DeserializeOwned>(path: &str, answer: Value) -> Result<A, Error> {
    let answer = crate::http::whole(path, answer)?;
    serde_json::from_value(answer).map_err(|error| malformed(path, &error))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.base.as_str())
            .finish_non_exhaustive()
    }
}
