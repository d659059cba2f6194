//! The PBX's clock as people see it: zone and display format apply here, at
//! the edge, and nowhere else. Inside all times are UTC.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
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
    /// An instant (Unix seconds) in the display format.
    pub fn display(&self, unix: i64) -> String {
        self.format(
            unix,
            &format!("{} {}", self.date.pattern(), self.time.pattern()),
        )
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

    /// Text in the display format back to Unix seconds. A time that the zone
    /// skips or has twice is taken as the zone's rule for it says.
    pub fn parse(&self, text: &str) -> Option<i64> {
        let pattern = format!("{} {}", self.date.pattern(), self.time.pattern());
        let civil: DateTime = strtime::parse(pattern, text.trim())
            .ok()?
            .to_datetime()
            .ok()?;
        Some(
            civil
                .to_zoned_datetime(self.zone.clone())
                .ok()?
                .timestamp()
                .as_second(),
        )
    }

    fn format(&self, unix: i64, pattern: &str) -> String {
        let instant = Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH);
        let zoned: ZonedDateTime = instant.to_zoned_datetime(self.zone.clone());
        zoned.strftime(pattern).to_string()
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
    fn text_in_another_format_is_not_taken() {
        assert_eq!(
            clock("YYYY/MM/DD", "HH:mm:ss").parse("21.09.2026 20:53"),
            None
        );
    }
}
