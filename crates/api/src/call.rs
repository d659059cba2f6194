//! `call/*`: live calls, as inputs to the exchange.

use exchange::{CallKind, DialRequest, Selector};
use wire::Envelope;
use wire::call::{CallDialResponse, CallHangupResponse, CallQueryResponse};
use wire::rule;

use crate::failure::{Failure, exactly_one};
use crate::operations::{Answer, Call};

/// The longest number, channel or call id that is looked at.
const MAX_NAME_CHARS: usize = 128;

/// Rings the caller's phone, then calls the callee.
pub async fn dial(call: Call) -> Answer {
    let request = DialRequest {
        caller: named(&call, "caller")?.ok_or_else(|| required("caller"))?,
        callee: named(&call, "callee")?.ok_or_else(|| required("callee"))?,
        dial_permission: named(&call, "dial_permission")?,
        auto_answer: call.text("auto_answer") == Some("yes"),
    };
    let call_id = call.app.handle.dial(request).await?;
    envelope(&CallDialResponse {
        call_id: Some(call_id.to_string()),
    })
}

/// The live calls that one of three selectors names. Applications are about
/// that send none of them (`from=1000`) and read the first call of the answer:
/// they get all.
pub async fn query(call: Call) -> Answer {
    let selectors = [
        named(&call, "call_id")?.map(Selector::Call),
        call.text("type").and_then(kind).map(Selector::Kind),
        named(&call, "extension")?.map(Selector::Extension),
    ];
    let given = selectors.iter().flatten().count();
    let selector = match (given, selectors.into_iter().flatten().next()) {
        (1, Some(selector)) => selector,
        (0, _) => Selector::All,
        _ => return Err(exactly_one(&["call_id", "type", "extension"], given)),
    };
    let calls = call.app.handle.calls(selector).await?;
    envelope(&CallQueryResponse { data: Some(calls) })
}

/// Hangs up one leg.
pub async fn hangup(call: Call) -> Answer {
    match (named(&call, "channel_id")?, named(&call, "paging_number")?) {
        (Some(channel_id), None) => {
            let call_id = call.app.handle.hangup(&channel_id).await?;
            envelope(&CallHangupResponse {
                call_id: Some(call_id.to_string()),
            })
        }
        // There are no paging groups, so none has this number.
        (None, Some(number)) => Err(Failure::unknown("paging_number", &number)),
        (channel_id, _) => {
            let given = if channel_id.is_some() { 2 } else { 0 };
            Err(exactly_one(&["channel_id", "paging_number"], given))
        }
    }
}

fn named(call: &Call, name: &str) -> Result<Option<String>, Failure> {
    match call.text(name).map(str::trim) {
        Some(text) if text.chars().count() > MAX_NAME_CHARS => {
            Err(Failure::member(name, None, rule::MAX_LEN))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

fn required(name: &str) -> Failure {
    Failure::member(name, None, rule::REQUIRED)
}

fn kind(word: &str) -> Option<CallKind> {
    match word {
        "inbound" => Some(CallKind::Inbound),
        "outbound" => Some(CallKind::Outbound),
        "internal" => Some(CallKind::Internal),
        _ => None,
    }
}

fn envelope<T: serde::Serialize>(answer: &T) -> Answer {
    Envelope::of(answer).map_err(|error| Failure::Internal(error.to_string()))
}
