//! What of `extension/*` is more than the settings mechanism: the live state
//! that is joined to the rows of a list, and a secret in plain.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Map, Value, json};
use wire::Envelope;
use wire::extension::ExtensionGetpasswordResponse;

use crate::door::App;
use crate::failure::Failure;
use crate::operations::{Answer, Call};

/// The kind that has a live state.
const KIND: &str = "extension";

/// Puts each row's `online_status` as it is now into a page of extensions.
pub fn join_live(app: &App, kind: &str, answer: &mut Map<String, Value>) {
    if kind != KIND {
        return;
    }
    let snapshot = app.handle.settings().snapshot();
    let rows = answer.get_mut("data").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten() {
        let number = row
            .get("number")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let devices: Vec<String> = match snapshot.extension_by_number(number) {
            Some(extension) => {
                let registered = app.handle.registrations(&extension.number);
                registered.into_iter().map(|device| device.ip).collect()
            }
            None => Vec::new(),
        };
        if let Some(row) = row.as_object_mut() {
            row.insert("online_status".into(), online_status(&devices));
        }
    }
}

/// The SIP password or the voicemail PIN, in Base64; empty where it is not set.
pub async fn getpassword(call: Call) -> Answer {
    let id = call.number("id").unwrap_or(0);
    let which = call.text("type").unwrap_or_default();
    let secret = call.app.handle.settings().reveal(KIND, id, which)?;
    let answer = ExtensionGetpasswordResponse {
        password: Some(BASE64_STANDARD.encode(secret.expose())),
    };
    Envelope::of(&answer).map_err(|error| Failure::Internal(error.to_string()))
}

/// Where an extension is on line: its SIP devices by address. There are no
/// Linkus clients, so none is on line.
fn online_status(devices: &[String]) -> Value {
    let mut phone = json!({"status": i64::from(!devices.is_empty()), "ext_dev_type": "sip"});
    if let (false, Some(phone)) = (devices.is_empty(), phone.as_object_mut()) {
        let list = devices
            .iter()
            .map(|ip| json!({"status": 1, "ip": ip}))
            .collect();
        phone.insert("status_list".into(), Value::Array(list));
    }
    json!({
        "sip_phone": phone,
        "linkus_desktop": {"status": 0, "ext_dev_type": "linkusdesktop"},
        "linkus_mobile": {"status": 0, "ext_dev_type": "linkusmobile"},
        "linkus_web": {"status": 0, "ext_dev_type": "linkusweb"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_listed_only_where_there_are_any() {
        let off = online_status(&[]);
        assert_eq!(
            off["sip_phone"],
            json!({"status": 0, "ext_dev_type": "sip"})
        );
        let on = online_status(&["192.0.2.1".into(), "192.0.2.2".into()]);
        assert_eq!(on["sip_phone"]["status"], 1);
        assert_eq!(
            on["sip_phone"]["status_list"][1],
            json!({"status": 1, "ip": "192.0.2.2"})
        );
        assert_eq!(on["linkus_mobile"]["status"], 0);
    }
}
