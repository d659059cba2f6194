//! `extension/*`: the settings mechanism's seven operations on the kind
//! `extension`; what is live is joined to the rows as they are read.

use serde_json::{Map, Value, json};
use wire::Envelope;

use crate::door::App;
use crate::operations::{Answer, Call};

const KIND: &str = "extension";

/// A page of brief rows.
pub async fn list(call: Call) -> Answer {
    let answer = call.app.handle.settings().list(KIND, call.params)?;
    Ok(Envelope::ok(with_online_status(&call.app, answer)))
}

/// A page of the brief rows that hold a text.
pub async fn search(call: Call) -> Answer {
    let answer = call.app.handle.settings().search(KIND, call.params)?;
    Ok(Envelope::ok(with_online_status(&call.app, answer)))
}

/// One extension with all its settings.
pub async fn get(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app.handle.settings().get(KIND, call.params)?,
    ))
}

/// Several extensions with all their settings.
pub async fn query(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app.handle.settings().query(KIND, call.params)?,
    ))
}

/// Adds one.
pub async fn create(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app.handle.settings().create(KIND, call.params).await?,
    ))
}

/// Changes what the request names of one.
pub async fn update(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app.handle.settings().update(KIND, call.params).await?,
    ))
}

/// Removes one.
pub async fn delete(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app.handle.settings().delete(KIND, call.params).await?,
    ))
}

/// The answer with each row's `online_status` as it is now.
fn with_online_status(app: &App, mut answer: Map<String, Value>) -> Map<String, Value> {
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
    answer
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
