//! `strowger events`: what happens on the PBX, as it happens.

use std::time::SystemTime;

use clap::Args;
use client::{Event, EventStream, Update, Value, json};
use wire::contract::EVENTS;

use super::failure::{Failure, Result};
use super::help;
use super::out::Out;
use super::target::Session;

/// The events of calls.
pub const CALLS: [u32; 5] = [30011, 30012, 30013, 30014, 30015];
/// A call's end, told by its record.
const CALL_END: u32 = 30012;
/// A call that could not be set up.
const CALL_FAILURE: u32 = 30015;

/// Follows the PBX's events until it is interrupted.
#[derive(Debug, Args)]
#[command(after_help = "\
Without a KIND all are followed. A KIND is an id (30011), a name with dashes\n\
(call-state-changed) or `calls`; `strowger events --list` lists them. Some are told only\n\
of what is monitored: see `strowger api extension_status_monitor/update --explain`.")]
pub struct EventsArguments {
    /// Which kinds.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    /// Only those of this call.
    #[arg(long, value_name = "CALL")]
    call: Option<String>,
    /// Only those that name this number: an extension's, a caller's.
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// Leave after so many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// List the kinds; ask nobody.
    #[arg(long)]
    list: bool,
}

impl EventsArguments {
    /// What can be said without a PBX; `None` where one must be asked.
    pub fn offline(&self, out: Out) -> Option<Result<()>> {
        self.list.then(|| list(out))
    }

    /// Follows them.
    pub async fn run(self, session: &Session, out: Out) -> Result<()> {
        let ids = ids(&self.kinds)?;
        let mut events = session.client.events(&ids).await?;
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let event = match events.next().await {
                Some(Ok(Update::Event(event))) => event,
                Some(Ok(gap)) => {
                    tell(&gap);
                    continue;
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            };
            if self.wants(&event) {
                show(&event, out)?;
                left -= 1;
            }
        }
        Ok(())
    }

    fn wants(&self, event: &Event) -> bool {
        let call = self.call.as_deref();
        let of_call = call.is_none_or(|call| event.msg.get("call_id").is_some_and(|id| id == call));
        let number = self.number.as_deref();
        of_call && number.is_none_or(|number| names(&event.msg, number))
    }
}

/// Follows one call until it is over.
pub async fn until_over(mut events: EventStream, call: &str, out: Out) -> Result<()> {
    while let Some(update) = events.next().await {
        let event = match update? {
            Update::Event(event) => event,
            gap => {
                tell(&gap);
                continue;
            }
        };
        if event.msg.get("call_id").is_none_or(|id| id != call) {
            continue;
        }
        show(&event, out)?;
        match event.id {
            CALL_END => break,
            CALL_FAILURE => {
                let reason = event.msg.get("reason").and_then(Value::as_str);
                let reason = reason.unwrap_or("no reason is told");
                return Err(Failure::here(format!("call {call} failed: {reason}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gaps are told beside the events, so that a machine can read those on.
fn tell(gap: &Update) {
    match gap {
        Update::Lost(why) => eprintln!("strowger: connection lost ({why}); trying again"),
        Update::Resumed { after } => eprintln!(
            "strowger: connected again after {:.1} s; what happened meanwhile is not told",
            after.as_secs_f64()
        ),
        // An event, or what a later client tells.
        _ => {}
    }
}

fn show(event: &Event, out: Out) -> Result<()> {
    if out.json {
        let line = json!({"type": event.id, "sn": event.sn, "msg": event.msg});
        return out.line(&line.to_string());
    }
    let name = wire::contract::event(event.id).map_or("unknown", |event| event.name);
    let now = jiff::Timestamp::try_from(SystemTime::now())
        .map(|now| {
            now.to_zoned_datetime(jiff::tz::TimeZone::system())
                .strftime("%H:%M:%S")
                .to_string()
        })
        .unwrap_or_default();
    out.line(&format!("{now}  {}  {name}  {}", event.id, event.msg))
}

/// Whether a value holds this text anywhere.
fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::String(held) => held == text,
        Value::Array(list) => list.iter().any(|one| names(one, text)),
        Value::Object(members) => members.values().any(|one| names(one, text)),
        _ => false,
    }
}

fn ids(kinds: &[String]) -> Result<Vec<u32>> {
    if kinds.is_empty() {
        return Ok(EVENTS.iter().map(|event| event.id).collect());
    }
    let mut ids = Vec::new();
    for kind in kinds {
        if kind == "calls" {
            ids.extend(CALLS);
        } else if let Ok(id) = kind.parse() {
            ids.push(id);
        } else {
            let found = EVENTS.iter().find(|event| dashed(event.name) == *kind);
            let id = found.map(|event| event.id).ok_or_else(|| {
                let names: Vec<String> = EVENTS.iter().map(|event| dashed(event.name)).collect();
                Failure::usage(format!(
                    "there is no event {kind}.{}",
                    help::did_you_mean(kind, names.iter().map(String::as_str))
                ))
            })?;
            ids.push(id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// `Call State Changed` as `call-state-changed`.
fn dashed(name: &str) -> String {
    let words: Vec<String> = name
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

fn list(out: Out) -> Result<()> {
    let rows: Vec<Value> = EVENTS
        .iter()
        .map(|event| json!({"id": event.id, "name": dashed(event.name), "when": event.when}))
        .collect();
    out.rows(&[("ID", "id"), ("KIND", "name"), ("WHEN", "when")], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_ids_names_or_calls() {
        let ids = |kinds: &[&str]| ids(&kinds.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            ids(&["30007", "call-state-changed"]).unwrap(),
            [30007, 30011]
        );
        assert_eq!(ids(&["calls"]).unwrap(), CALLS);
        assert_eq!(ids(&[]).unwrap().len(), EVENTS.len());
        let Err(Failure::Usage(told)) = ids(&["call-state-change"]) else {
            panic!()
        };
        assert!(told.contains("call-state-changed"), "{told}");
    }
}
