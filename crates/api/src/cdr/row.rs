//! A call record as `cdr/list` and `cdr/search` v1.0 write it: zero numbers
//! and empty trunks, numbers and files left out, names and notes sent empty.
//! The members' order is the contract's.

use exchange::clock::DisplayClock;
use serde_json::{Map, Value, json};
use store::CdrRow;

/// The row of a record.
pub fn row(record: &CdrRow, clock: &DisplayClock) -> Value {
    let mut row = Row(Map::new());
    row.always("new_id", &record.new_id);
    row.always("time", clock.display(record.time_start));
    row.always(
        "call_from",
        party(&record.call_from_name, &record.call_from_number),
    );
    row.always(
        "call_to",
        party(&record.call_to_name, &record.call_to_number),
    );
    row.always("timestamp", record.time_start);
    row.always("uid", &record.uid);
    row.always("src_addr", &record.src_addr);
    row.text("src_trunk", &record.src_trunk);
    row.text("dst_trunk", &record.dst_trunk);
    row.number("duration", record.duration);
    row.number("ring_duration", record.ring_duration);
    row.number("talk_duration", record.talk_duration);
    row.always("disposition", &record.disposition);
    row.always("call_type", &record.call_type);
    row.text("did_number", &record.did_number);
    row.text("dod_number", &record.dod_number);
    row.text("record_file", &record.record_file);
    row.always("call_from_number", &record.call_from_number);
    row.always("call_from_name", &record.call_from_name);
    row.always("call_to_number", &record.call_to_number);
    row.always("call_to_name", &record.call_to_name);
    row.always("call_id", &record.call_id);
    row.always("call_note", Value::Null);
    row.always("call_note_id", &record.call_note_id);
    row.always("enb_call_note", record.enb_call_note);
    row.always("did", &record.did_number);
    row.always("did_name", &record.did_name);
    row.always("pin_code", &record.pin_code);
    Value::Object(row.0)
}

struct Row(Map<String, Value>);

impl Row {
    fn always(&mut self, name: &str, value: impl serde::Serialize) {
        self.0.insert(name.to_owned(), json!(value));
    }

    fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.always(name, value);
        }
    }

    fn number(&mut self, name: &str, value: i64) {
        if value != 0 {
            self.always(name, value);
        }
    }
}

/// `Name<number>`, or the number alone where there is no name.
pub fn party(name: &str, number: &str) -> String {
    match (name, number) {
        ("", number) => number.to_owned(),
        (name, "") => name.to_owned(),
        (name, number) => format!("{name}<{number}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::clock::{DateFormat, TimeFormat};

    fn record() -> CdrRow {
        CdrRow {
            new_id: "0000abcd-00000001".into(),
            uid: "20260921205320A1B2C".into(),
            call_id: "1790000000.1".into(),
            time_start: 1_790_000_000,
            call_from_number: "1000".into(),
            call_from_name: "Ann Lee".into(),
            call_to_number: "1001".into(),
            src_addr: "192.0.2.1:5060".into(),
            duration: 7,
            ring_duration: 7,
            disposition: "NO ANSWER".into(),
            call_type: "Internal".into(),
            reason: "src hangup".into(),
            ..CdrRow::default()
        }
    }

    #[test]
    fn a_row_has_the_members_that_live_rows_have_and_no_others() {
        let clock = DisplayClock {
            zone: jiff::tz::TimeZone::UTC,
            date: DateFormat::from_name("DD/MM/YYYY").unwrap(),
            time: TimeFormat::from_name("hh:mm:ss").unwrap(),
        };
        let expected = json!({
            "new_id": "0000abcd-00000001",
            "time": "21/09/2026 02:13:20 PM",
            "call_from": "Ann Lee<1000>",
            "call_to": "1001",
            "timestamp": 1_790_000_000,
            "uid": "20260921205320A1B2C",
            "src_addr": "192.0.2.1:5060",
            "duration": 7,
            "ring_duration": 7,
            "disposition": "NO ANSWER",
            "call_type": "Internal",
            "call_from_number": "1000",
            "call_from_name": "Ann Lee",
            "call_to_number": "1001",
            "call_to_name": "",
            "call_id": "1790000000.1",
            "call_note": null,
            "call_note_id": "",
            "enb_call_note": 0,
            "did": "",
            "did_name": "",
            "pin_code": "",
        });
        assert_eq!(row(&record(), &clock).to_string(), expected.to_string());
    }

    #[test]
    fn a_party_is_named_as_the_contract_says() {
        assert_eq!(party("", "1000"), "1000");
        assert_eq!(party("1000", "1000"), "1000<1000>");
        assert_eq!(party("Ann", "1000"), "Ann<1000>");
        assert_eq!(party("Voicemail", ""), "Voicemail");
    }
}
