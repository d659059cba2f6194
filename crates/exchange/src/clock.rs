//! The PBX's clock as people see it: zone and display format apply here, at
//! the edge, and nowhere else. Inside all times are UTC.

use jiff::fmt::strtime;
use jiff::tz::{AmbiguousOffset, AmbiguousTimestamp, TimeZone};
use jiff::{Timestamp, ZonedDateTime};

/// How dates are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateFormat {
    /// `YYYY/MM/DD`
    YearMonthDay,
    /// `MM/DD/YYYY`
    MonthDayYear,
    /// `DD/MM/YYYY`
    DayMonthYear,
    /// `YYYY-MM-DD`
    YearMonthDayDashed,
    /// `MM-DD-YYYY`
    MonthDayYearDashed,
    /// `DD-MM-YYYY`
    DayMonthYearDashed,
}

/// How times of day are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// `HH:mm:ss`
    Hours24,
    /// `hh:mm:ss` with AM or PM behind it.
    Hours12,
}

/// The configured name is none of the formats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no known format")]
pub struct UnknownFormat(pub String);

const DATES: [(DateFormat, &str, &str); 6] = [
    (DateFormat::YearMonthDay, "YYYY/MM/DD", "%Y/%m/%d"),
    (DateFormat::MonthDayYear, "MM/DD/YYYY", "%m/%d/%Y"),
    (DateFormat::DayMonthYear, "DD/MM/YYYY", "%d/%m/%Y"),
    (DateFormat::YearMonthDayDashed, "YYYY-MM-DD", "%Y-%m-%d"),
    (DateFormat::MonthDayYearDashed, "MM-DD-YYYY", "%m-%d-%Y"),
    (DateFormat::DayMonthYearDashed, "DD-MM-YYYY", "%d-%m-%Y"),
];

const TIMES: [(TimeFormat, &str, &str); 2] = [
    (TimeFormat::Hours24, "HH:mm:ss", "%H:%M:%S"),
    (TimeFormat::Hours12, "hh:mm:ss", "%I:%M:%S %p"),
];

impl DateFormat {
    /// By its name in the configuration and in `system/information`.
    pub fn from_name(name: &str) -> Result<Self, UnknownFormat> {
        DATES
            .iter()
            .find(|(_, n, _)| *n == name)
            .map(|(f, ..)| *f)
            .ok_or_else(|| UnknownFormat(name.into()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        DATES
            .iter()
            .find(|(f, ..)| *f == self)
            .map_or("YYYY/MM/DD", |(_, n, _)| n)
    }

    fn pattern(self) -> &'static str {
        DATES
            .iter()
            .find(|(f, ..)| *f == self)
            .map_or("%Y/%m/%d", |(_, _, p)| p)
    }
}

impl TimeFormat {
    /// By its name in the configuration and in `system/information`; the
    /// 12-hour name may carry ` AM`.
    pub fn from_name(name: &str) -> Result<Self, UnknownFormat> {
        let name = name.trim_end_matches(" AM").trim_end_matches(" A");
        TIMES
            .iter()
            .find(|(_, n, _)| *n == name)
            .map(|(f, ..)| *f)
            .ok_or_else(|| UnknownFormat(name.into()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        TIMES
            .iter()
            .find(|(f, ..)| *f == self)
            .map_or("HH:mm:ss", |(_, n, _)| n)
    }

    fn pattern(self) -> &'static str {
        TIMES
            .iter()
            .find(|(f, ..)| *f == self)
            .map_or("%H:%M:%S", |(_, _, p)| p)
    }
}

/// Zone and formats of this PBX.
#[derive(Debug, Clone)]
pub struct DisplayClock {
    /// The PBX's zone.
    pub zone: TimeZone,
    /// Its date format.
    pub date: DateFormat,
    /// Its time format.
    pub time: TimeFormat,
}

impl DisplayClock {
    /// An instant (Unix seconds) in the display format. A page of records shows
    /// ten thousand of them, so that no pattern is read for each. No year is
    /// before our era.
    pub fn display(&self, unix: i64) -> String {
        let at = self.zone.to_datetime(instant(unix));
        let mut text = String::with_capacity(24);
        let two = |number: i8| (number.unsigned_abs().into(), 2);
        let year = (at.year().unsigned_abs(), 4);
        let (month, day) = (two(at.month()), two(at.day()));
        let (date, between) = match self.date {
            DateFormat::YearMonthDay => ([year, month, day], '/'),
            DateFormat::MonthDayYear => ([month, day, year], '/'),
            DateFormat::DayMonthYear => ([day, month, year], '/'),
            DateFormat::YearMonthDayDashed => ([year, month, day], '-'),
            DateFormat::MonthDayYearDashed => ([month, day, year], '-'),
            DateFormat::DayMonthYearDashed => ([day, month, year], '-'),
        };
        digits(&mut text, date, between);
        text.push(' ');
        let hour = match self.time {
            TimeFormat::Hours24 => at.hour(),
            TimeFormat::Hours12 => (at.hour() + 11) % 12 + 1,
        };
        let time = [hour, at.minute(), at.second()].map(two);
        digits(&mut text, time, ':');
        if self.time == TimeFormat::Hours12 {
            text.push_str(if at.hour() < 12 { " AM" } else { " PM" });
        }
        text
    }

    /// An instant as event 30012 writes it, whatever the display format:
    /// `YYYY-MM-DD HH:MM:SS`.
    pub fn dashed(&self, unix: i64) -> String {
        self.format(unix, "%Y-%m-%d %H:%M:%S")
    }

    /// An instant as `yyyymmddhhmmss`, the head of a record's `uid`.
    pub fn compact(&self, unix: i64) -> String {
        self.format(unix, "%Y%m%d%H%M%S")
    }

    /// Text in the display format back to Unix seconds: where a span begins. Of
    /// a time that the zone has twice it is the earlier; what the zone skips is
    /// taken as its rule for it says.
    pub fn parse(&self, text: &str) -> Option<i64> {
        Some(self.ambiguous(text)?.compatible().ok()?.as_second())
    }

    /// The same where a span ends: of a time that the zone has twice the later.
    pub fn parse_last(&self, text: &str) -> Option<i64> {
        let ambiguous = self.ambiguous(text)?;
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Fold { .. } => ambiguous.later(),
            _ => ambiguous.compatible(),
        };
        Some(instant.ok()?.as_second())
    }

    fn ambiguous(&self, text: &str) -> Option<AmbiguousTimestamp> {
        let pattern = format!("{} {}", self.date.pattern(), self.time.pattern());
        let parsed = strtime::parse(pattern, text.trim()).ok()?;
        Some(self.zone.to_ambiguous_timestamp(parsed.to_datetime().ok()?))
    }

    fn format(&self, unix: i64, pattern: &str) -> String {
        let zoned: ZonedDateTime = instant(unix).to_zoned_datetime(self.zone.clone());
        zoned.strftime(pattern).to_string()
    }
}

/// A time that no calendar has stands for the beginning of Unix time.
fn instant(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Three numbers, each of so many digits.
fn digits(text: &mut String, numbers: [(u16, u32); 3], between: char) {
    for (at, (number, places)) in numbers.into_iter().enumerate() {
        if at > 0 {
            text.push(between);
        }
        for place in (0..places).rev() {
            let [digit, ..] = (number / 10_u16.pow(place) % 10).to_le_bytes();
            text.push(char::from(b'0' + digit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(date: &str, time: &str) -> DisplayClock {
        DisplayClock {
            zone: TimeZone::get("Asia/Bangkok").unwrap(),
            date: DateFormat::from_name(date).unwrap(),
            time: TimeFormat::from_name(time).unwrap(),
        }
    }

    #[test]
    fn an_hour_that_comes_twice_begins_early_and_ends_late() {
        let clock = DisplayClock {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            ..clock("YYYY/MM/DD", "HH:mm:ss")
        };
        let (first, last) = ("2026/10/25 02:30:00", "2026/10/25 02:30:00");
        let (first, last) = (clock.parse(first), clock.parse_last(last));
        assert_eq!(
            last.zip(first).map(|(last, first)| last - first),
            Some(3600)
        );
        // A time that is skipped, and one that comes once, are one instant.
        for text in ["2026/03/29 02:30:00", "2026/10/25 12:00:00"] {
            assert_eq!(clock.parse(text), clock.parse_last(text), "{text}");
        }
    }

    #[test]
    fn display_and_parse_are_each_others_inverse_in_every_format() {
        for (_, date, _) in DATES {
            for (_, time, _) in TIMES {
                let clock = clock(date, time);
                let text = clock.display(1_790_000_000);
                assert_eq!(clock.parse(&text), Some(1_790_000_000), "{text}");
            }
        }
        assert_eq!(
            clock("MM/DD/YYYY", "hh:mm:ss").display(1_790_000_000),
            "09/21/2026 09:13:20 PM"
        );
    }

    #[test]
    fn what_is_displayed_is_what_the_patterns_say() {
        for (_, date, date_pattern) in DATES {
            for (_, time, time_pattern) in TIMES {
                let clock = clock(date, time);
                let pattern = format!("{date_pattern} {time_pattern}");
                for hour in 0..50 {
                    let unix = 1_790_000_000 + hour * 3_607 - hour % 7 * 5_000_000;
                    assert_eq!(clock.display(unix), clock.format(unix, &pattern));
                }
                for unix in [
                    0,
                    1,
                    -1,
                    i64::MAX,
                    i64::MIN,
                    -30_000_000_000,
                    -62_000_000_000,
                ] {
                    assert_eq!(clock.display(unix), clock.format(unix, &pattern), "{unix}");
                }
            }
        }
    }

    #[test]
    fn text_in_another_format_is_not_taken() {
        assert_eq!(
            clock("YYYY/MM/DD", "HH:mm:ss").parse("21.09.2026 20:53"),
            None
        );
    }
}
