//! The event socket: how it is opened. What then happens is in `socket`, what
//! an application may say on it in `spoken`.

mod socket;
mod spoken;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::request::Parts;
use axum::response::Response;
use wire::ErrCode;

use crate::door::{App, granted};
use crate::failure::Failure;
use crate::limits::MAX_FRAME_BYTES;
use crate::request;

/// Turns a request into an event socket, where token and places allow it.
pub async fn open(app: Arc<App>, mut parts: Parts, from: IpAddr) -> Result<Response, Failure> {
    let mut query = request::query(&parts.uri)?;
    let token = request::token(&mut query, &parts.headers);
    let grant = granted(&app, token.as_deref())?;
    // Without an upgrade there is nothing at this path.
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| Failure::Code(ErrCode::InterfaceNotExisted))?;
    let place = app
        .sockets
        .clone()
        .try_acquire_owned()
        .map_err(|_| Failure::Code(ErrCode::MaxLimitationExceeded))?;
    let upgrade = upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES);
    Ok(upgrade.on_upgrade(move |stream| async move {
        tracing::debug!(%from, "event socket opened");
        let reason = socket::Socket::new(&app, grant, stream).run().await;
        tracing::debug!(%from, ?reason, "event socket closed");
        drop(place);
    }))
}
