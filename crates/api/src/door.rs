//! The way of a request that was let in: path, token, parameters, operation,
//! envelope. Whatever comes in, HTTP says 200 and the envelope says the rest;
//! the crate's page has the order in which a request is refused.
//!
//! An operation runs in a task of its own: a client that hangs up half way
//! does not leave a change half done, and a panic in it ends that request only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use exchange::Handle;
use tokio::sync::{Semaphore, watch};
use wire::contract::HttpMethod;
use wire::{Envelope, ErrCode, Operation};

use crate::download::{self, Shelf};
use crate::failure::Failure;
use crate::limits::{MAX_BODY_BYTES, MAX_LOGIN_BODY_BYTES, MAX_SOCKETS};
use crate::operations::{Call, handler};
use crate::token::Tokens;
use crate::{pages, request, subscribe};

/// What the operations work on.
pub struct App {
    /// The running exchange.
    pub handle: Handle,
    /// Who may come in.
    pub tokens: Tokens,
    /// Files made to be fetched.
    pub shelf: Shelf,
    /// A place for each event socket.
    pub sockets: Arc<Semaphore>,
    /// Turns true when the exchange goes down.
    pub stopping: watch::Receiver<bool>,
}

impl App {
    /// For a running exchange.
    pub fn new(
        handle: Handle,
        tokens: Tokens,
        shelf: Shelf,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            handle,
            tokens,
            shelf,
            sockets: Arc::new(Semaphore::new(MAX_SOCKETS)),
            stopping,
        })
    }
}

/// Paths that take no token.
const WITHOUT_TOKEN: [&str; 3] = ["get_token", "refresh_token", "wizard/initial_setup"];
/// The path of the event socket, which is no operation.
pub const SUBSCRIBE_PATH: &str = "/openapi/v1.0/subscribe";

/// Takes any request and answers it.
pub async fn enter(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let from = peer.ip().to_canonical();
    let place = place(parts.uri.path());
    let operation = place.and_then(|(version, path)| wire::contract::operation(version, path));
    if parts.uri.path() == SUBSCRIBE_PATH {
        return match subscribe::open(app, parts, from).await {
            Ok(response) => response,
            Err(failure) => respond(&failure.envelope()),
        };
    }
    if parts.uri.path().starts_with(download::PREFIX) {
        return download::serve(&app, &parts).await;
    }
    if operation.is_none()
        && let Some(page) = pages::page(&parts)
    {
        return page;
    }
    let answer = serve(app, operation, parts, body, from).await;
    let envelope = answer.unwrap_or_else(Failure::envelope);
    count(operation, &envelope);
    respond(&envelope)
}

async fn serve(
    app: Arc<App>,
    operation: Option<&'static Operation>,
    parts: Parts,
    body: Body,
    from: IpAddr,
) -> Result<Envelope, Failure> {
    let operation = operation
        .filter(|operation| method(operation) == parts.method)
        .ok_or(Failure::Code(ErrCode::InterfaceNotExisted))?;
    let mut query = request::query(&parts.uri)?;
    let token = request::token(&mut query, &parts.headers);
    let (grant, bound) = if WITHOUT_TOKEN.contains(&operation.path) {
        (None, MAX_LOGIN_BODY_BYTES)
    } else {
        (Some(granted(&app, token.as_deref())?), MAX_BODY_BYTES)
    };
    let handler = handler(operation.version, operation.path).ok_or(Failure::NotBuilt)?;
    let mut params = match operation.method {
        HttpMethod::Get => query,
        HttpMethod::Post => request::body(body, bound).await?,
    };
    // The contract lists the token among its parameters.
    if operation.path == "del_token" {
        params.insert(request::ACCESS_TOKEN.into(), token.into());
    }
    let params = wire::validate(operation, &params).map_err(Failure::Invalid)?;
    let call = Call {
        app,
        operation,
        params,
        grant,
        from,
    };
    tokio::spawn(handler(call))
        .await
        .map_err(|error| Failure::Internal(error.to_string()))?
}

/// The grant of a token, or that it has none.
pub fn granted(app: &App, token: Option<&str>) -> Result<crate::token::GrantId, Failure> {
    token
        .and_then(|token| app.tokens.check(token))
        .ok_or(Failure::Code(ErrCode::TokenExpired))
}

/// Version and path below `/openapi/`.
fn place(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/openapi/")?.split_once('/')
}

fn method(operation: &Operation) -> Method {
    match operation.method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
    }
}

/// An envelope as HTTP carries it.
pub fn respond(envelope: &Envelope) -> Response {
    // An envelope is texts, numbers and JSON: writing it can't fail.
    let body = envelope.to_json().unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], body).into_response()
}

fn count(operation: Option<&Operation>, envelope: &Envelope) {
    let path = operation.map_or("unknown", |operation| operation.path);
    let errcode = envelope.errcode.to_string();
    tracing::debug!(path, errcode, "request");
    metrics::counter!("strowger_api_requests_total", "path" => path, "errcode" => errcode)
        .increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_path_are_split_behind_the_prefix() {
        assert_eq!(
            place("/openapi/v1.0/call/dial"),
            Some(("v1.0", "call/dial"))
        );
        assert_eq!(place("/openapi/v1.0"), None);
        assert_eq!(place("/api/v1.0/call/dial"), None);
        assert_eq!(place("//openapi/v1.0/x"), None);
    }
}
