//! `strowger cdr`: call records.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use client::{Map, Value, json};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
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
    /// Began at or after: 2026-11-26, "2026-11-26 10:00", or so long ago: 2h, 7d.
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
    fn params(&self) -> Map<String, Value> {
        let time =
            |text: &Option<String>| text.as_deref().map(|text| instant(text, Timestamp::now()));
        let members = [
            ("call_from", self.from.clone().map(Value::from)),
            ("call_to", self.to.clone().map(Value::from)),
            (
                "status",
                self.status
                    .as_ref()
                    .map(|status| status.to_uppercase().into()),
            ),
            ("start_time", time(&self.since)),
            ("end_time", time(&self.until)),
            ("extension_group", self.group.map(Value::from)),
            ("did", self.did.clone().map(Value::from)),
        ];
        members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
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
            let params = Value::Object(filters.params());
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
    if !out.json && rows.len() == most {
        eprintln!("the first {most}; --limit tells how many");
    }
    Ok(())
}

async fn export(
    file: &std::path::Path,
    filters: &Filters,
    session: &Session,
    out: Out,
) -> Result<()> {
    let params = Value::Object(filters.params());
    let answer = session.client.ask("v1.0", "cdr/download", params).await?;
    let link = answer.get("download_resource_url").and_then(Value::as_str);
    let link = link.ok_or_else(|| Failure::here("the PBX gave no link to a file"))?;
    let mut download = session.client.download(link).await?;
    let written = super::api::save(&mut download, file).await?;
    let said = format!("{}: {written} bytes", file.display());
    out.done(&said, json!({"file": file, "bytes": written}))
}

/// A time as Unix seconds, which every display format understands; a text in
/// the PBX's own format goes as it is. Dates are those of this machine's zone.
fn instant(text: &str, now: Timestamp) -> Value {
    let text = text.trim();
    let zone = TimeZone::system();
    let civil = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)));
    let at = civil
        .and_then(|civil| civil.to_zoned_datetime(zone).ok())
        .map(|zoned| zoned.timestamp())
        .or_else(|| text.parse::<Timestamp>().ok())
        .or_else(|| {
            text.parse::<SignedDuration>()
                .ok()
                .and_then(|ago| now.checked_sub(ago).ok())
        })
        .or_else(|| ago(text).and_then(|ago| now.checked_sub(ago).ok()));
    match at {
        Some(at) => at.as_second().to_string().into(),
        None => text.into(),
    }
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

    #[test]
    fn times_are_dates_or_spans_before_now_and_others_go_as_they_are() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let before = |hours: i64| Value::from((now.as_second() - hours * 3600).to_string());
        assert_eq!(instant("2h", now), before(2));
        assert_eq!(instant("7d", now), before(7 * 24));
        assert_eq!(instant("2026-11-26T10:00:00Z", now), before(2));
        let date = instant("2026-11-26", now);
        assert!(date.as_str().unwrap().parse::<i64>().is_ok(), "{date}");
        assert_eq!(
            instant("11/26/2026 10:00:00 AM", now),
            "11/26/2026 10:00:00 AM"
        );
        assert_eq!(instant("1764151200", now), "1764151200");
    }
}
