//! `system/get_menuoptions`: ids and names that a form can choose from. A menu
//! of what does not exist here answers 10009.

use jiff::Timestamp;
use jiff::tz;
use serde_json::{Value, json};
use wire::Envelope;

use crate::failure::Failure;
use crate::operations::{Answer, Call};

/// The options of one menu, all at once.
pub async fn get_menuoptions(call: Call) -> Answer {
    let options = match call.text("menu").unwrap_or_default() {
        "timezone" => zones(Timestamp::now()),
        menu => match call.app.handle.settings().menu(menu)? {
            Some(options) => options,
            None => return Err(Failure::NotBuilt),
        },
    };
    let mut answer = serde_json::Map::new();
    answer.insert("data".into(), options.into());
    Ok(Envelope::ok(answer))
}

/// The time zones of the IANA database, from west to east as they are now.
fn zones(now: Timestamp) -> Vec<Value> {
    let mut zones: Vec<(i32, String)> = tz::db()
        .available()
        .filter_map(|name| {
            let zone = tz::TimeZone::get(name.as_str()).ok()?;
            Some((zone.to_offset(now).seconds(), name.to_string()))
        })
        .collect();
    zones.sort();
    zones
        .into_iter()
        .map(
            |(offset, name)| json!({"text": format!("UTC{} {name}", clock(offset)), "value": name}),
        )
        .collect()
}

/// An offset as it is written behind UTC.
fn clock(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_their_offset_and_their_identifier() {
        let winter = "2026-01-15T12:00:00Z".parse().unwrap();
        let zones = zones(winter);
        let has = |text: &str, value: &str| zones.contains(&json!({"text": text, "value": value}));
        assert!(has("UTC+01:00 Europe/Berlin", "Europe/Berlin"));
        assert!(has("UTC-03:30 America/St_Johns", "America/St_Johns"));
        assert!(has("UTC+07:00 Asia/Bangkok", "Asia/Bangkok"));
    }
}
