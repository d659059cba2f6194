//! The filters of `cdr/*` v1.0: what a request asks for, in the store's words.
//! `None` is what no record can match.

use exchange::clock::DisplayClock;
use serde_json::Value;
use settings::Snapshot;
use store::{CdrFilter, Did};
use wire::rule;

use crate::failure::Failure;
use crate::limits::MAX_DIDS;
use crate::operations::Call;

/// The filter of `cdr/list`.
pub fn of_list(call: &Call) -> Option<CdrFilter> {
    // No record was ever made on the vendor's old firmware.
    if call.text("from") == Some("legacy") || asks_for_notes(call) {
        return None;
    }
    Some(CdrFilter {
        pin_code: text(call, "pin_code"),
        ..CdrFilter::default()
    })
}

/// The filter of `cdr/search` and `cdr/download`.
pub fn of_search(call: &Call) -> Result<Option<CdrFilter>, Failure> {
    let clock = &call.app.handle.identity().clock;
    let snapshot = call.app.handle.settings().snapshot();
    let did = call.text("did").map(dids).transpose()?;
    let (Some(start), Some(end), Some(members)) = (
        time(call.text("start_time"), clock),
        end_time(call.text("end_time"), clock),
        members(call.params.get("extension_group"), &snapshot),
    ) else {
        return Ok(None);
    };
    if asks_for_notes(call) {
        return Ok(None);
    }
    Ok(Some(CdrFilter {
        start,
        end,
        call_from: text(call, "call_from"),
        call_to: text(call, "call_to"),
        fuzzy: fuzzy(call).unwrap_or_else(|| snapshot.cdr_fuzzy()),
        members,
        status: text(call, "status"),
        call_type: None,
        pin_code: text(call, "pin_code"),
        did,
    }))
}

/// There are no call notes yet, so that no record has the one that is asked for.
fn asks_for_notes(call: &Call) -> bool {
    ["disposition_code_list", "call_note_remark"]
        .iter()
        .any(|name| call.text(name).is_some())
}

/// A time in the display format or in Unix seconds. Text in any other format
/// is no error: it matches no record, as on the vendor's PBX.
fn time(text: Option<&str>, clock: &DisplayClock) -> Option<Option<i64>> {
    let Some(text) = text else { return Some(None) };
    let unix = text.trim().parse().ok();
    unix.or_else(|| clock.parse(text)).map(Some)
}

/// The same where a span ends: an hour that the zone has twice is in it whole.
fn end_time(text: Option<&str>, clock: &DisplayClock) -> Option<Option<i64>> {
    let Some(text) = text else { return Some(None) };
    let unix = text.trim().parse().ok();
    unix.or_else(|| clock.parse_last(text)).map(Some)
}

/// The old firmware's parameter where it is sent; `cdr/download` has it as text.
fn fuzzy(call: &Call) -> Option<bool> {
    let number = call.number("enable_fuzzy_search").map(|number| number == 1);
    number.or_else(|| call.text("enable_fuzzy_search").map(|text| text == "1"))
}

/// The numbers of a group's members. A group that does not exist has none, and
/// so no record.
fn members(group: Option<&Value>, snapshot: &Snapshot) -> Option<Option<Vec<String>>> {
    match group.and_then(Value::as_i64) {
        Some(id) => snapshot.group_numbers(id).map(Some),
        None => Some(None),
    }
}

/// `number:trunk` or `name:trunk`, several with commas between. A name may have
/// a colon in it, and a trunk too: it is looked for in each way it can be read.
fn dids(text: &str) -> Result<Vec<Did>, Failure> {
    let mut dids = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|e| !e.is_empty()) {
        if !entry.contains(':') {
            dids.push(did(entry, None));
        }
        for (at, _) in entry.match_indices(':') {
            let (number, trunk) = entry.split_at(at);
            dids.push(did(number, trunk.strip_prefix(':')));
        }
        if dids.len() > MAX_DIDS {
            return Err(Failure::member("did", None, rule::MAX));
        }
    }
    Ok(dids)
}

fn did(number_or_name: &str, trunk: Option<&str>) -> Did {
    Did {
        number_or_name: number_or_name.trim().to_owned(),
        trunk: trunk.map(|trunk| trunk.trim().to_owned()),
    }
}

fn text(call: &Call, name: &str) -> Option<String> {
    call.text(name).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::clock::{DateFormat, TimeFormat};

    #[test]
    fn both_time_dialects_are_understood_and_others_match_nothing() {
        let clock = DisplayClock {
            zone: jiff::tz::TimeZone::get("Asia/Bangkok").unwrap(),
            date: DateFormat::from_name("DD/MM/YYYY").unwrap(),
            time: TimeFormat::from_name("hh:mm:ss").unwrap(),
        };
        assert_eq!(time(None, &clock), Some(None));
        let at = Some(Some(1_790_000_000));
        assert_eq!(time(Some(" 1790000000 "), &clock), at);
        assert_eq!(time(Some("21/09/2026 09:13:20 PM"), &clock), at);
        for other in [
            "2026-09-21T14:13:20Z",
            "21/09/2026 21:13:20",
            "21/09/2026",
            "today",
        ] {
            assert_eq!(time(Some(other), &clock), None, "{other}");
        }
    }

    #[test]
    fn a_did_is_a_number_or_a_name_with_a_trunk() {
        let read = |text: &str| dids(text).ok().unwrap();
        let pair = |number: &str, trunk: &str| did(number, Some(trunk));
        assert_eq!(read("5550100:telco"), [pair("5550100", "telco")]);
        assert_eq!(
            read("5550100:telco, Sales desk : mobile,"),
            [pair("5550100", "telco"), pair("Sales desk", "mobile")]
        );
        assert_eq!(read("5550100"), [did("5550100", None)]);
        assert_eq!(read("a:b:c"), [pair("a", "b:c"), pair("a:b", "c")]);
        assert!(dids(&"1:t,".repeat(MAX_DIDS + 1)).is_err());
    }
}
