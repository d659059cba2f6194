//! The file of `cdr/download`: RFC 4180 in UTF-8, a record a line, with the
//! names that the vendor's guide has for the columns. Durations are seconds.
//!
//! Names and numbers come from anybody who calls. A spreadsheet takes a field
//! that begins with `=`, `+`, `-` or `@` for a formula and may carry it out, so
//! that such a field gets an apostrophe in front; a number with its sign, such
//! as `+66812345678`, stays as it is.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use exchange::clock::DisplayClock;
use store::CdrRow;

use super::row::party;

const COLUMNS: [&str; 17] = [
    "ID",
    "Time",
    "Call From",
    "Call To",
    "Call Duration",
    "Ring Duration",
    "Talk Duration",
    "Status",
    "Reason",
    "Source Trunk",
    "Destination Trunk",
    "Communication Type",
    "DID/DDI",
    "Outbound Caller ID",
    "Caller IP Address",
    "PIN Code",
    "Recording File",
];

/// The first line.
pub fn header() -> Result<Vec<u8>, csv::Error> {
    written(std::iter::once(COLUMNS.map(Cow::Borrowed)))
}

/// The lines of some records.
pub fn lines(records: &[CdrRow], clock: &DisplayClock) -> Result<Vec<u8>, csv::Error> {
    written(records.iter().map(|record| line(record, clock)))
}

fn line<'r>(record: &'r CdrRow, clock: &DisplayClock) -> [Cow<'r, str>; 17] {
    let text = |text: &'r str| harmless(text.into());
    [
        text(&record.uid),
        clock.display(record.time_start).into(),
        harmless(party(&record.call_from_name, &record.call_from_number)),
        harmless(party(&record.call_to_name, &record.call_to_number)),
        record.duration.to_string().into(),
        record.ring_duration.to_string().into(),
        record.talk_duration.to_string().into(),
        text(&record.disposition),
        text(&record.reason),
        text(&record.src_trunk),
        text(&record.dst_trunk),
        text(&record.call_type),
        text(&record.did_number),
        text(&record.dod_number),
        text(&record.src_addr),
        text(&record.pin_code),
        text(&record.record_file),
    ]
}

fn written<'r>(lines: impl Iterator<Item = [Cow<'r, str>; 17]>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    for line in lines {
        writer.write_record(line.iter().map(AsRef::as_ref).map(str::as_bytes))?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

/// A field that no spreadsheet takes for a formula.
fn harmless(field: Cow<'_, str>) -> Cow<'_, str> {
    let formula = match field.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n') => true,
        Some('+' | '-') => !field.chars().skip(1).all(|c| c.is_ascii_digit()),
        _ => false,
    };
    if formula {
        format!("'{field}").into()
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_made_harmless_and_a_number_stays() {
        for (field, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+1-1", "'+1-1"),
            ("-cmd|'/C calc'!A0", "'-cmd|'/C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("+66812345678", "+66812345678"),
            ("-5", "-5"),
            ("Ann <1000>", "Ann <1000>"),
            ("", ""),
        ] {
            assert_eq!(harmless(field.into()), expected);
        }
    }
}
