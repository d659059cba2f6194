//! What most applications do by number rather than by id: a few steps around
//! the operations of [`ops`](crate::ops).

use wire::call::{CallDialRequest, CallHangupRequest, CallInfo, CallQueryRequest};
use wire::extension::{ExtBasicinfo, ExtensionSearchRequest};

use crate::Error;
use crate::client::Client;

impl Client {
    /// Rings the caller's phone and, when it is picked up, calls the callee
    /// (`call/dial`). Gives the call's id; how it goes on is told by events.
    pub async fn dial(&self, caller: &str, callee: &str) -> Result<String, Error> {
        let request = CallDialRequest {
            caller: Some(caller.into()),
            callee: Some(callee.into()),
            ..CallDialRequest::default()
        };
        there(
            "call/dial",
            "call_id",
            self.call().dial(&request).await?.call_id,
        )
    }

    /// Hangs up one leg, by its channel (`call/hangup`); the id of the call it
    /// was in.
    pub async fn hangup(&self, channel_id: &str) -> Result<String, Error> {
        let request = CallHangupRequest {
            channel_id: Some(channel_id.into()),
            ..CallHangupRequest::default()
        };
        let answer = self.call().hangup(&request).await?;
        there("call/hangup", "call_id", answer.call_id)
    }

    /// One live call by its id, if it is there (`call/query`).
    pub async fn live_call(&self, call_id: &str) -> Result<Option<CallInfo>, Error> {
        let request = CallQueryRequest {
            call_id: Some(call_id.into()),
            ..CallQueryRequest::default()
        };
        let answer = self.call().query(&request).await?;
        Ok(answer.data.unwrap_or_default().into_iter().next())
    }

    /// The extension of a number, if there is one: a search, and of what it
    /// finds the one that has exactly this number.
    pub async fn extension_by_number(&self, number: &str) -> Result<Option<ExtBasicinfo>, Error> {
        let request = ExtensionSearchRequest {
            search_value: Some(number.into()),
            ..ExtensionSearchRequest::default()
        };
        let mut rows = self.extension().search_all(&request);
        while let Some(row) = rows.next().await {
            let row = row?;
            if row.number.as_deref() == Some(number) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

fn there<T>(path: &str, member: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::Malformed {
        operation: path.into(),
        reason: format!("no {member}"),
    })
}
