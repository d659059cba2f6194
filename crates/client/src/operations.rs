//! The operations that most applications need, by name and with `wire`'s types.
//! All others can be had by [`Client::request`] and [`Client::call`].

use futures_util::Stream;
use serde_json::json;
use wire::call::{
    AutoAnswer, CallDialRequest, CallDialResponse, CallHangupRequest, CallHangupResponse, CallInfo,
    CallQueryRequest, CallQueryResponse,
};
use wire::cdr::CdrDetails;
use wire::extension::{
    ExtBasicinfo, ExtDetailInfo, ExtensionCreateRequest, ExtensionCreateResponse,
    ExtensionGetResponse,
};
use wire::system::{
    DeviceInfo, ExtensionMonitor, ExtensionStatusMonitorUpdateRequest, SystemInformationResponse,
};

use crate::{Client, Error, Value};

/// The version of all these paths.
const V1: &str = "v1.0";

impl Client {
    /// Name, model, firmware and clock of the PBX.
    pub async fn system_information(&self) -> Result<DeviceInfo, Error> {
        const PATH: &str = "system/information";
        let answer: SystemInformationResponse = self.request(V1, PATH, &json!({})).await?;
        there(PATH, "data", answer.data)
    }

    /// All extensions, as brief rows.
    pub fn extensions(&self) -> impl Stream<Item = Result<ExtBasicinfo, Error>> + use<> {
        self.rows(V1, "extension/list", json!({}))
    }

    /// One extension with all its settings, by its id (not its number).
    pub async fn extension(&self, id: i64) -> Result<ExtDetailInfo, Error> {
        const PATH: &str = "extension/get";
        let answer: ExtensionGetResponse = self.request(V1, PATH, &json!({"id": id})).await?;
        there(PATH, "data", answer.data)
    }

    /// Adds an extension; its id.
    pub async fn extension_create(&self, extension: &ExtensionCreateRequest) -> Result<i64, Error> {
        const PATH: &str = "extension/create";
        let answer: ExtensionCreateResponse = self.request(V1, PATH, extension).await?;
        there(PATH, "id", answer.id)
    }

    /// Deletes an extension by its id.
    pub async fn extension_delete(&self, id: i64) -> Result<(), Error> {
        self.call(V1, "extension/delete", json!({"id": id}))
            .await
            .map(|_| ())
    }

    /// Switches events 30007, 30008 and 30009 on or off, extension by extension.
    pub async fn extension_monitor(&self, list: Vec<ExtensionMonitor>) -> Result<(), Error> {
        let request = ExtensionStatusMonitorUpdateRequest {
            ext_monitor_list: Some(list),
        };
        let _: Value = self
            .request(V1, "extension_status_monitor/update", &request)
            .await?;
        Ok(())
    }

    /// Rings the caller's phone and, when it is picked up, calls the callee.
    /// Gives the call's id; how it goes on is told by events.
    pub async fn dial(&self, caller: &str, callee: &str) -> Result<String, Error> {
        self.dial_with(&CallDialRequest {
            caller: Some(caller.into()),
            callee: Some(callee.into()),
            ..CallDialRequest::default()
        })
        .await
    }

    /// As [`Self::dial`]; the caller's phone is asked to pick up by itself.
    pub async fn dial_auto_answer(&self, caller: &str, callee: &str) -> Result<String, Error> {
        self.dial_with(&CallDialRequest {
            caller: Some(caller.into()),
            callee: Some(callee.into()),
            auto_answer: Some(AutoAnswer::Yes),
            ..CallDialRequest::default()
        })
        .await
    }

    /// As [`Self::dial`], with every parameter.
    pub async fn dial_with(&self, request: &CallDialRequest) -> Result<String, Error> {
        const PATH: &str = "call/dial";
        let answer: CallDialResponse = self.request(V1, PATH, request).await?;
        there(PATH, "call_id", answer.call_id)
    }

    /// Hangs up one leg, by its channel; the id of the call it was in.
    pub async fn hangup(&self, channel_id: &str) -> Result<String, Error> {
        const PATH: &str = "call/hangup";
        let request = CallHangupRequest {
            channel_id: Some(channel_id.into()),
            ..CallHangupRequest::default()
        };
        let answer: CallHangupResponse = self.request(V1, PATH, &request).await?;
        there(PATH, "call_id", answer.call_id)
    }

    /// The live calls that a selector names; it must name one of `call_id`,
    /// `type`, `extension`.
    pub async fn call_query(&self, selector: &CallQueryRequest) -> Result<Vec<CallInfo>, Error> {
        let answer: CallQueryResponse = self.request(V1, "call/query", selector).await?;
        Ok(answer.data.unwrap_or_default())
    }

    /// One live call by its id, if it is there.
    pub async fn call_query_id(&self, call_id: &str) -> Result<Option<CallInfo>, Error> {
        let selector = CallQueryRequest {
            call_id: Some(call_id.into()),
            ..CallQueryRequest::default()
        };
        Ok(self.call_query(&selector).await?.into_iter().next())
    }

    /// The live calls of an extension.
    pub async fn call_query_extension(&self, number: &str) -> Result<Vec<CallInfo>, Error> {
        let selector = CallQueryRequest {
            extension: Some(number.into()),
            ..CallQueryRequest::default()
        };
        self.call_query(&selector).await
    }

    /// The call records that match, oldest first; `filter` is an object of
    /// `cdr/search`'s parameters, such as `{"call_from": "1000"}`.
    pub fn cdr_search(
        &self,
        filter: Value,
    ) -> impl Stream<Item = Result<CdrDetails, Error>> + use<> {
        self.rows(V1, "cdr/search", filter)
    }
}

fn there<T>(path: &str, member: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::Malformed {
        operation: path.into(),
        reason: format!("no {member}"),
    })
}
