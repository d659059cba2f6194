//! `cdr/*` v1.0: call records, a leg a row.

mod row;

use exchange::clock::DisplayClock;
use serde_json::{Map, Value, json};
use store::{CdrField, CdrFilter, Page, Sort};
use wire::{Envelope, rule};

use crate::failure::Failure;
use crate::limits::MAX_PAGE_SIZE;
use crate::operations::{Answer, Call};
use crate::page;

/// One page of all records.
pub async fn list(call: Call) -> Answer {
    // No record was ever made on the vendor's old firmware.
    let legacy = call.text("from") == Some("legacy");
    let filter = CdrFilter {
        pin_code: text(&call, "pin_code"),
        ..CdrFilter::default()
    };
    answer(&call, (!legacy).then_some(filter)).await
}

/// One page of the records that match.
pub async fn search(call: Call) -> Answer {
    let filter = filter(&call);
    answer(&call, filter).await
}

/// The filter of a search; `None` where nothing can match.
fn filter(call: &Call) -> Option<CdrFilter> {
    let clock = &call.app.handle.identity().clock;
    Some(CdrFilter {
        start: time(call.text("start_time"), clock)?,
        end: time(call.text("end_time"), clock)?,
        call_from: text(call, "call_from"),
        call_to: text(call, "call_to"),
        fuzzy: call.number("enable_fuzzy_search") == Some(1),
        status: text(call, "status"),
        pin_code: text(call, "pin_code"),
        ..CdrFilter::default()
    })
}

/// A time in the display format or in Unix seconds. Text in any other format
/// is no error: it matches no record, as on the vendor's PBX.
fn time(text: Option<&str>, clock: &DisplayClock) -> Option<Option<i64>> {
    let Some(text) = text else { return Some(None) };
    let unix = text.trim().parse().ok();
    unix.or_else(|| clock.parse(text)).map(Some)
}

async fn answer(call: &Call, filter: Option<CdrFilter>) -> Answer {
    let page = page::read(call, MAX_PAGE_SIZE)?;
    let sort = sort(call)?;
    // Extension groups, call notes and trunks with numbers are not there yet,
    // so that no record belongs to one that is asked for.
    let of_none = [
        "extension_group",
        "disposition_code_list",
        "call_note_remark",
        "did",
    ]
    .iter()
    .any(|name| call.params.get(*name).is_some_and(|value| value != ""));
    let (total, records) = match filter {
        Some(filter) if !of_none => {
            let page = Page::new(bounded(page.number), bounded(page.size));
            call.app
                .handle
                .store()
                .cdr_page(&filter, page, sort)
                .await?
        }
        _ => (0, Vec::new()),
    };
    let clock = &call.app.handle.identity().clock;
    let rows: Vec<Value> = records
        .iter()
        .map(|record| row::row(record, clock))
        .collect();
    let mut members = Map::new();
    members.insert("total_number".into(), json!(total));
    members.insert("data".into(), Value::Array(rows));
    Ok(Envelope::ok(members))
}

fn sort(call: &Call) -> Result<Sort, Failure> {
    let field = match call.text("sort_by") {
        // cdr/search's table does not have it, its clients do.
        Some(name) => CdrField::from_wire(name)
            .ok_or_else(|| Failure::member("sort_by", Some(name), rule::ENUM))?,
        None => CdrField::default(),
    };
    Ok(Sort {
        field,
        descending: call.text("order_by") == Some("desc"),
    })
}

fn text(call: &Call, name: &str) -> Option<String> {
    call.text(name).map(|text| text.trim().to_owned())
}

fn bounded(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::clock::{DateFormat, TimeFormat};

    #[test]
    fn both_time_dialects_are_understood_and_others_match_nothing() {
        let clock = DisplayClock {
            zone: jiff::tz::TimeZone::UTC,
            date: DateFormat::from_name("YYYY/MM/DD").unwrap(),
            time: TimeFormat::from_name("HH:mm:ss").unwrap(),
        };
        assert_eq!(time(None, &clock), Some(None));
        assert_eq!(time(Some("1790000000"), &clock), Some(Some(1_790_000_000)));
        assert_eq!(
            time(Some("2026/09/21 14:13:20"), &clock),
            Some(Some(1_790_000_000))
        );
        assert_eq!(time(Some("2026-09-21T14:13:20Z"), &clock), None);
    }
}
