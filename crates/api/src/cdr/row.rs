//! A call record as `cdr/list` and `cdr/search` v1.0 write it: zero numbers
//! and empty trunks, numbers and files left out, names and notes sent empty.
//! The members' order is the contract's.

use std::borrow::Cow;

use exchange::clock::DisplayClock;
use serde::Serialize;
use store::CdrRow;

/// A record as it is written.
#[derive(Debug, Serialize)]
struct Row<'r> {
    new_id: &'r str,
    time: String,
    call_from: Cow<'r, str>,
    call_to: Cow<'r, str>,
    timestamp: i64,
    uid: &'r str,
    src_addr: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_trunk: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    dst_trunk: &'r str,
    #[serde(skip_serializing_if = "is_zero")]
    duration: i64,
    #[serde(skip_serializing_if = "is_zero")]
    ring_duration: i64,
    #[serde(skip_serializing_if = "is_zero")]
    talk_duration: i64,
    disposition: &'r str,
    call_type: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    did_number: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    dod_number: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    record_file: &'r str,
    call_from_number: &'r str,
    call_from_name: &'r str,
    call_to_number: &'r str,
    call_to_name: &'r str,
    call_id: &'r str,
    /// Always null.
    call_note: (),
    call_note_id: &'r str,
    enb_call_note: i64,
    did: &'r str,
    did_name: &'r str,
    pin_code: &'r str,
}

impl<'r> Row<'r> {
    /// The row of a record.
    fn of(record: &'r CdrRow, clock: &DisplayClock) -> Self {
        Self {
            new_id: &record.new_id,
            time: clock.display(record.time_start),
            call_from: party(&record.call_from_name, &record.call_from_number),
            call_to: party(&record.call_to_name, &record.call_to_number),
            timestamp: record.time_start,
            uid: &record.uid,
            src_addr: &record.src_addr,
            src_trunk: &record.src_trunk,
            dst_trunk: &record.dst_trunk,
            duration: record.duration,
            ring_duration: record.ring_duration,
            talk_duration: record.talk_duration,
            disposition: &record.disposition,
            call_type: &record.call_type,
            did_number: &record.did_number,
            dod_number: &record.dod_number,
            record_file: &record.record_file,
            call_from_number: &record.call_from_number,
            call_from_name: &record.call_from_name,
            call_to_number: &record.call_to_number,
            call_to_name: &record.call_to_name,
            call_id: &record.call_id,
            call_note: (),
            call_note_id: &record.call_note_id,
            enb_call_note: record.enb_call_note,
            did: &record.did_number,
            did_name: &record.did_name,
            pin_code: &record.pin_code,
        }
    }
}

/// The rows of some records as a JSON array: written at once, as a page may have
/// ten thousand of them.
pub fn rows(records: &[CdrRow], clock: &DisplayClock) -> Result<String, serde_json::Error> {
    struct Rows<'r>(&'r [CdrRow], &'r DisplayClock);
    impl Serialize for Rows<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().map(|record| Row::of(record, self.1)))
        }
    }
    serde_json::to_string(&Rows(records, clock))
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// `Name<number>`, or the number alone where there is no name.
pub fn party<'p>(name: &'p str, number: &'p str) -> Cow<'p, str> {
    match (name, number) {
        ("", number) => number.into(),
        (name, "") => name.into(),
        (name, number) => format!("{name}<{number}>").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::clock::{DateFormat, TimeFormat};
    use serde_json::json;

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
        let two = [record(), record()];
        assert_eq!(
            rows(&two, &clock).unwrap(),
            format!("[{expected},{expected}]")
        );
        assert_eq!(rows(&[], &clock).unwrap(), "[]");
    }

    #[test]
    fn a_party_is_named_as_the_contract_says() {
        assert_eq!(party("", "1000"), "1000");
        assert_eq!(party("1000", "1000"), "1000<1000>");
        assert_eq!(party("Ann", "1000"), "Ann<1000>");
        assert_eq!(party("Voicemail", ""), "Voicemail");
    }
}
