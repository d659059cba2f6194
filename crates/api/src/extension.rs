//! What of `extension/*` is more than the settings mechanism: the live state
//! that is joined to the rows of a list, and a secret in plain.

use base64::prelude::{BASE64_STANDARD, Engine};
use exchange::Registered;
use wire::Envelope;
use wire::extension::ExtensionGetpasswordResponse;

use crate::failure::Failure;
use crate::operations::{Answer, Call};

/// The kind that has a live state.
const KIND: &str = "extension";

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

/// Writes where an extension is on line, `online_status`: its SIP devices by
/// address. There are no Linkus clients, so none is on line. A page may have ten
/// thousand of them, so that it is text at once.
pub fn write_online_status(devices: &[Registered], text: &mut Vec<u8>) {
    let status = if devices.is_empty() { b'0' } else { b'1' };
    text.extend_from_slice(br#"{"sip_phone":{"status":"#);
    text.push(status);
    text.extend_from_slice(br#","ext_dev_type":"sip""#);
    for (place, device) in devices.iter().enumerate() {
        let before: &[u8] = match place {
            0 => br#","status_list":["#,
            _ => b",",
        };
        text.extend_from_slice(before);
        // An address: digits, letters, dots and colons.
        text.extend_from_slice(br#"{"status":1,"ip":""#);
        text.extend_from_slice(device.ip.as_bytes());
        text.extend_from_slice(br#""}"#);
    }
    if !devices.is_empty() {
        text.push(b']');
    }
    text.extend_from_slice(
        concat!(
            r#"},"linkus_desktop":{"status":0,"ext_dev_type":"linkusdesktop"},"#,
            r#""linkus_mobile":{"status":0,"ext_dev_type":"linkusmobile"},"#,
            r#""linkus_web":{"status":0,"ext_dev_type":"linkusweb"}}"#,
        )
        .as_bytes(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn online_status(addresses: &[&str]) -> Value {
        let devices: Vec<Registered> = addresses
            .iter()
            .map(|ip| Registered {
                ip: (*ip).to_owned(),
                port: 5060,
                user_agent: String::new(),
            })
            .collect();
        let mut text = Vec::new();
        write_online_status(&devices, &mut text);
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn devices_are_listed_only_where_there_are_any() {
        let off = online_status(&[]);
        assert_eq!(
            off["sip_phone"],
            json!({"status": 0, "ext_dev_type": "sip"})
        );
        let on = online_status(&["192.0.2.1", "2001:db8::2"]);
        assert_eq!(
            on["sip_phone"],
            json!({
                "status": 1,
                "ext_dev_type": "sip",
                "status_list": [
                    {"status": 1, "ip": "192.0.2.1"},
                    {"status": 1, "ip": "2001:db8::2"},
                ],
            })
        );
        for (member, kind) in [
            ("linkus_desktop", "linkusdesktop"),
            ("linkus_mobile", "linkusmobile"),
            ("linkus_web", "linkusweb"),
        ] {
            assert_eq!(on[member], json!({"status": 0, "ext_dev_type": kind}));
        }
    }
}
