//! `strowger cdr`: call records.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use client::{Map, Value, json};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::failure::{Failure, Result};
use super::out::{Column, Out};
use super::target::Session;

/// What a person looks for in a record.
const COLUMNS: &[Column<'static>] = &[
    ("TIME", "time"),
    ("FROM", "call_from"),
    ("TO", "call_to"),
    ("TYPE", "call_type"),
    ("STATUS", "disposition"),
    ("TALK s", "talk_duration"),
    ("RING s", "ring_duration"),
    ("CALL", "call_id"),
];

/// What one can do with call records.
#[derive(Debug, Subcommand)]
pub enum CdrVerb {
    /// Lists the newest records.
    List {
        /// How many; 0 for all.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Lists the records that match, oldest first.
    Search {
        #[command(flatten)]
        filters: Filters,
        /// How many; 0 for all.
        #[arg(long, default_value_t = 1000, value_name = "N")]
        limit: usize,
    },
    /// Fetches the records that match as a CSV file made by the PBX.
    Export {
        /// The file to write.
        file: PathBuf,
        #[command(flatten)]
        filters: Filters,
    },
}

/// Which records.
#[derive(Debug, Args)]
pub struct Filters {
    /// Who called.
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// Who was called.
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// How it ended.
    #[arg(long, value_parser = ["ANSWERED", "NO ANSWER", "BUSY", "FAILED", "VOICEMAIL"],
        ignore_case = true)]
    status: Option<String>,
    /// Began at or after: 2026-11-26, "2026-11-26 10:00" (in the PBX's time
    /// zone), as the PBX shows times, or so long ago: 2h, 7d.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Began before; as --since.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of the members of an extension group, by its id.
    #[arg(long, value_name = "ID")]
    group: Option<i64>,
    /// DID as number:trunk or name:trunk; several joined by commas.
    #[arg(long, value_name = "DID:TRUNK")]
    did: Option<String>,
}

impl Filters {
    async fn params(&self, session: &Session) -> Result<Map<String, Value>> {
        let (mut since, mut until) = (None, None);
        if self.since.is_some() || self.until.is_some() {
            let (clock, now) = (Clock::of(session).await?, Timestamp::now());
            let time = |text: &Option<String>, last| {
                let text = text.as_deref();
                text.map(|text| instant(text, last, now, &clock))
                    .transpose()
            };
            since = time(&self.since, false)?;
            // The PBX counts the second that it is told; a time before it is meant.
            until = time(&self.until, true)?.map(|until| until.saturating_sub(1));
        }
        let unix = |at: Option<i64>| at.map(|at| at.to_string().into());
        let members = [
            ("call_from", self.from.clone().map(Value::from)),
            ("call_to", self.to.clone().map(Value::from)),
            (
                "status",
                self.status
                    .as_ref()
                    .map(|status| status.to_uppercase().into()),
            ),
            ("start_time", unix(since)),
            ("end_time", unix(until)),
            ("extension_group", self.group.map(Value::from)),
            ("did", self.did.clone().map(Value::from)),
        ];
        let members = members.into_iter();
        Ok(members
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect())
    }
}

/// `strowger cdr`
pub async fn run(verb: CdrVerb, session: &Session, out: Out) -> Result<()> {
    match verb {
        CdrVerb::List { limit } => {
            let newest = json!({"sort_by": "time", "order_by": "desc"});
            list("cdr/list", newest, limit, session, out).await
        }
        CdrVerb::Search { filters, limit } => {
            let params = Value::Object(filters.params(session).await?);
            list("cdr/search", params, limit, session, out).await
        }
        CdrVerb::Export { file, filters } => export(&file, &filters, session, out).await,
    }
}

async fn list(
    path: &str,
    mut params: Value,
    limit: usize,
    session: &Session,
    out: Out,
) -> Result<()> {
    let most = if limit == 0 { usize::MAX } else { limit };
    if let (Some(params), 1..200) = (params.as_object_mut(), most) {
        params.insert("page_size".into(), most.into());
    }
    let mut stream = session.client.rows::<Value, _>("v1.0", path, &params);
    let mut rows = Vec::new();
    while rows.len() < most {
        match stream.next().await {
            Some(row) => rows.push(row?),
            None => break,
        }
    }
    out.rows(COLUMNS, &rows)?;
    if rows.len() == most {
        eprintln!("the first {most}; --limit tells how many, 0 for all");
    }
    Ok(())
}

async fn export(
    file: &std::path::Path,
    filters: &Filters,
    session: &Session,
    out: Out,
) -> Result<()> {
    let params = Value::Object(filters.params(session).await?);
    let answer = session.client.ask("v1.0", "cdr/download", params).await?;
    let link = answer.get("download_resource_url").and_then(Value::as_str);
    let link = link.ok_or_else(|| Failure::here("the PBX gave no link to a file"))?;
    let mut download = session.client.download(link).await?;
    let written = super::api::save(&mut download, file).await?;
    let said = format!("{}: {written} bytes", file.display());
    out.done(&said, json!({"file": file, "bytes": written}))
}

/// How the PBX tells its time.
struct Clock {
    /// Its zone; where it keeps the time of this machine, with this one's rules
    /// for other seasons.
    zone: TimeZone,
    /// Its display format.
    pattern: String,
}

impl Clock {
    /// What the PBX says of itself.
    async fn of(session: &Session) -> Result<Self> {
        let device = session.client.system().information().await?.data;
        let device = device.unwrap_or_default();
        let date = device.system_date_format.unwrap_or_default();
        let time = device.system_time_format.unwrap_or_default();
        let pattern = pattern(&date, &time);
        let civil = device.system_time.and_then(|text| read(&pattern, &text));
        let offset = civil.zip(device.timestamp).and_then(|(civil, unix)| {
            let there = civil
                .to_zoned_datetime(TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_second();
            offset(there.checked_sub(unix)?)
        });
        let here = TimeZone::system();
        let zone = match offset {
            Some(offset) if here.to_offset(Timestamp::now()) != offset => TimeZone::fixed(offset),
            _ => here,
        };
        Ok(Self { zone, pattern })
    }
}

/// Zones are whole quarters of an hour from UTC.
fn offset(seconds: i64) -> Option<Offset> {
    const QUARTER: i64 = 15 * 60;
    let quarters = (seconds + QUARTER / 2).div_euclid(QUARTER);
    Offset::from_seconds(i32::try_from(quarters * QUARTER).ok()?).ok()
}

/// A display format as `strptime` has it.
fn pattern(date: &str, time: &str) -> String {
    let date = match date {
        "" => "YYYY/MM/DD",
        date => date,
    };
    let date = date.replace("YYYY", "%Y").replace("MM", "%m");
    let date = date.replace("DD", "%d");
    let time = match time.starts_with("hh") {
        true => "%I:%M:%S %p",
        false => "%H:%M:%S",
    };
    format!("{date} {time}")
}

fn read(pattern: &str, text: &str) -> Option<DateTime> {
    let parsed = jiff::fmt::strtime::parse(pattern, text.trim()).ok()?;
    parsed.to_datetime().ok()
}

/// A time as Unix seconds, which every display format understands: a date in the
/// PBX's zone, a span before now, Unix seconds, or a text in the PBX's own
/// format. What the zone has twice is taken as early as can be, or as `last`.
fn instant(text: &str, last: bool, now: Timestamp, clock: &Clock) -> Result<i64> {
    let text = text.trim();
    let civil = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)))
        .or_else(|| read(&clock.pattern, text));
    let in_zone = civil.and_then(|civil| {
        let ambiguous = clock.zone.to_ambiguous_timestamp(civil);
        match last && matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. }) {
            true => ambiguous.later().ok(),
            false => ambiguous.compatible().ok(),
        }
    });
    let at = in_zone
        .or_else(|| text.parse::<Timestamp>().ok())
        .or_else(|| {
            text.parse::<SignedDuration>()
                .ok()
                .and_then(|ago| now.checked_sub(ago).ok())
        })
        .or_else(|| ago(text).and_then(|ago| now.checked_sub(ago).ok()));
    let seconds = at.map(|at| at.as_second());
    seconds.or_else(|| text.parse().ok()).ok_or_else(|| {
        Failure::usage(format!(
            "{text:?} is no time; write 2026-11-26, \"2026-11-26 10:00\", how long ago (2h, 7d), \
             Unix seconds, or as the PBX shows times"
        ))
    })
}

/// `7d` and `2w`, which have no fixed length elsewhere.
fn ago(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    SignedDuration::try_from_hours(number.parse::<i64>().ok()?.checked_mul(hours)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(zone: &str) -> Clock {
        Clock {
            zone: TimeZone::get(zone).unwrap(),
            pattern: pattern("MM/DD/YYYY", "hh:mm:ss"),
        }
    }

    #[test]
    fn times_are_dates_in_the_pbx_s_zone_spans_before_now_or_as_the_pbx_shows_them() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let clock = clock("Asia/Bangkok");
        let read = |text| instant(text, false, now, &clock).unwrap();
        let before = |hours: i64| now.as_second() - hours * 3600;
        assert_eq!(read("2h"), before(2));
        assert_eq!(read("7d"), before(7 * 24));
        assert_eq!(read("2026-11-26T10:00:00Z"), before(2));
        assert_eq!(read("2026-11-26"), before(12 + 7));
        assert_eq!(read("2026-11-26 17:00"), before(2));
        assert_eq!(read("11/26/2026 05:00:00 PM"), before(2));
        assert_eq!(read("1764151200"), 1_764_151_200);
        for text in ["yesterday", "26.11.2026", "", "2026-13-01", "11/26/2026"] {
            let told = instant(text, false, now, &clock);
            assert!(matches!(told, Err(Failure::Usage(_))), "{text}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_is_within_a_span_that_names_it() {
        let clock = clock("Europe/Berlin");
        let at = |last| instant("2026-10-25 02:30", last, Timestamp::now(), &clock).unwrap();
        assert_eq!(at(true) - at(false), 3600);
    }

    #[test]
    fn a_zone_is_told_by_the_difference_of_the_clocks() {
        let offset = |seconds| offset(seconds).unwrap().seconds();
        assert_eq!(offset(7 * 3600 + 1), 7 * 3600);
        assert_eq!(offset(-(3 * 3600 + 1800) - 2), -(3 * 3600 + 1800));
        assert_eq!(offset(0), 0);
    }
}
