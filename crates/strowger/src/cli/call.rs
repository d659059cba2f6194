//! `strowger call`: live calls.

use std::time::Duration;

use clap::Subcommand;
use client::{Value, json};
use wire::call::{CallDialRequest, CallInfo, CallQueryRequest};

use super::failure::{Failure, Result};
use super::out::Out;
use super::target::Session;

/// The kinds of call that `call/query` selects by.
const KINDS: [&str; 3] = ["inbound", "outbound", "internal"];
/// How long a caller's phone is waited for with `--wait`.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one can do with calls.
#[derive(Debug, Subcommand)]
pub enum CallVerb {
    /// Rings the caller's phone and, when it is picked up, calls the callee.
    Dial {
        /// Who calls: an extension's number.
        caller: String,
        /// Who is called.
        callee: String,
        /// Ask the caller's phone to pick up by itself.
        #[arg(long)]
        auto_answer: bool,
        /// The extension whose rights are used instead of the caller's.
        #[arg(long, value_name = "EXTENSION")]
        permission: Option<String>,
        /// Follow the call's events until it is over.
        #[arg(long)]
        follow: bool,
    },
    /// Lists the calls of this moment, a line a party.
    List {
        /// Of one extension.
        #[arg(long, value_name = "NUMBER", conflicts_with = "kind")]
        extension: Option<String>,
        /// inbound, outbound or internal; all three if not told.
        #[arg(long = "type", value_name = "TYPE", value_parser = KINDS)]
        kind: Option<String>,
    },
    /// Hangs up: one party by its channel, or a whole call by its id.
    Hangup {
        /// A channel such as PJSIP/1000-0000001a, or a call's id.
        #[arg(value_name = "CHANNEL|CALL")]
        which: String,
    },
}

/// `strowger call`
pub async fn run(verb: CallVerb, session: &Session, out: Out) -> Result<()> {
    match verb {
        CallVerb::Dial {
            caller,
            callee,
            auto_answer,
            permission,
            follow,
        } => {
            let request = CallDialRequest {
                caller: Some(caller),
                callee: Some(callee),
                auto_answer: auto_answer.then_some(wire::call::AutoAnswer::Yes),
                dial_permission: permission,
            };
            dial(&request, follow, session, out).await
        }
        CallVerb::List { extension, kind } => list(extension, kind, session, out).await,
        CallVerb::Hangup { which } => hangup(&which, session, out).await,
    }
}

async fn dial(request: &CallDialRequest, follow: bool, session: &Session, out: Out) -> Result<()> {
    let client = &session.client;
    // Watched first, so that nothing of the call is missed.
    let events = match follow {
        true => Some(client.events(&super::events::CALLS).await?),
        false => None,
    };
    let answer = client.call().dial(request).await?;
    let call = answer.call_id.unwrap_or_default();
    out.done(&call, json!({"call_id": call}))?;
    match events {
        Some(events) => {
            let followed = super::events::until_over(events, &call, out);
            tokio::time::timeout(PATIENCE.saturating_mul(60), followed)
                .await
                .unwrap_or(Ok(()))
        }
        None => Ok(()),
    }
}

async fn list(
    extension: Option<String>,
    kind: Option<String>,
    session: &Session,
    out: Out,
) -> Result<()> {
    let calls = match (extension, kind) {
        (Some(extension), _) => {
            let request = CallQueryRequest {
                extension: Some(extension),
                ..Default::default()
            };
            queried(session, json!(request)).await?
        }
        (None, Some(kind)) => queried(session, json!({"type": kind})).await?,
        (None, None) => {
            let mut calls = Vec::new();
            for kind in KINDS {
                calls.extend(queried(session, json!({"type": kind})).await?);
            }
            calls
        }
    };
    if out.json {
        return out.value(&Value::Array(calls));
    }
    let parties: Vec<Value> = calls.iter().flat_map(parties).collect();
    let columns = [
        ("CALL", "call_id"),
        ("PARTY", "party"),
        ("STATUS", "member_status"),
        ("CHANNEL", "channel_id"),
        ("TRUNK", "trunk_name"),
        ("PATH", "call_path"),
    ];
    out.rows(&columns, &parties)
}

async fn queried(session: &Session, selector: Value) -> Result<Vec<Value>> {
    let answer = session.client.ask("v1.0", "call/query", selector).await;
    let mut answer = match answer {
        // Some firmware says so where there is no call.
        Err(error) if error.errcode() == Some(60001) => return Ok(Vec::new()),
        other => other?,
    };
    match answer.get_mut("data").map(Value::take) {
        Some(Value::Array(calls)) => Ok(calls),
        _ => Ok(Vec::new()),
    }
}

/// The members of a call, each as one flat object.
fn parties(call: &Value) -> Vec<Value> {
    let members = call.get("members").and_then(Value::as_array);
    let mut parties = Vec::new();
    for member in members.into_iter().flatten() {
        let Some((kind, leg)) = member.as_object().and_then(|member| member.iter().next()) else {
            continue;
        };
        let mut party = leg.clone();
        let text = |name: &str| leg.get(name).and_then(Value::as_str).unwrap_or_default();
        let who = match kind.as_str() {
            "extension" => text("number").to_owned(),
            _ => format!("{} → {}", text("from"), text("to")),
        };
        if let Some(party) = party.as_object_mut() {
            party.insert("party".into(), who.into());
            party.insert(
                "call_id".into(),
                call.get("call_id").cloned().unwrap_or_default(),
            );
        }
        parties.push(party);
    }
    parties
}

async fn hangup(which: &str, session: &Session, out: Out) -> Result<()> {
    let client = &session.client;
    if which.contains('/') {
        let call = client.hangup(which).await?;
        return out.done(
            &format!("{which} of call {call} is hung up"),
            json!({"call_id": call}),
        );
    }
    let Some(call) = client.live_call(which).await? else {
        return Err(Failure::here(format!("there is no call {which}")));
    };
    // With its last but one party a call ends: the others may be gone by then.
    let channels = channels(&call);
    let mut hung_up = 0;
    let mut refused = None;
    for channel in &channels {
        match client.hangup(channel).await {
            Ok(_) => hung_up += 1,
            Err(error @ client::Error::Refused(_)) => refused = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    match refused {
        Some(error) if hung_up == 0 => Err(error.into()),
        _ => out.done(
            &format!("call {which} is hung up"),
            json!({"call_id": which}),
        ),
    }
}

fn channels(call: &CallInfo) -> Vec<String> {
    let members = call.members.iter().flatten();
    members
        .filter_map(|member| {
            let extension = member
                .extension
                .as_ref()
                .and_then(|leg| leg.channel_id.clone());
            let inbound = member
                .inbound
                .as_ref()
                .and_then(|leg| leg.channel_id.clone());
            let outbound = member
                .outbound
                .as_ref()
                .and_then(|leg| leg.channel_id.clone());
            extension.or(inbound).or(outbound)
        })
        .collect()
}
