//! `extension/send_welcome_email`. SUCCESS means that the SMTP server of the
//! configuration has accepted every letter before the answer; PARTIAL SUCCESS
//! that it has accepted some, the others being named with the reason.

use std::collections::BTreeSet;
use std::time::Duration;

use exchange::mail::{MailError, Mailer, welcome::Welcome};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};
use settings::Record;
use tokio::time::Instant;
use wire::{Envelope, ErrCode, InvalidParam, rule};

use crate::failure::Failure;
use crate::operations::{Answer, Call};

/// The request's one member.
const IDS: &str = "id_list";
/// Most letters of one request: more would take longer than a client waits.
const MAX_LETTERS: usize = 200;
/// Letters of one request that are under way at once.
const AT_ONCE: usize = 8;
/// How long a request may take.
const DEADLINE: Duration = Duration::from_secs(25);
/// `validation_type` of an extension without an address.
const NO_ADDRESS: &str = "no_address";
/// `validation_type` of a letter that the server did not accept, or not in time.
const NOT_SENT: &str = "not_sent";

/// Mails each extension what its phone must know.
pub async fn send_welcome_email(call: Call) -> Answer {
    let handle = &call.app.handle;
    let mailer = handle
        .mail()
        .ok_or(Failure::Cannot("no mail server is configured", Vec::new()))?;
    let ids: Vec<i64> = call
        .params
        .get(IDS)
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_i64).collect())
        .unwrap_or_default();
    if ids.is_empty() {
        return Err(Failure::member(IDS, None, rule::REQUIRED));
    }
    if ids.len() > MAX_LETTERS {
        return Err(Failure::member(IDS, None, rule::MAX));
    }
    let snapshot = handle.settings().snapshot();
    let mut seen = BTreeSet::new();
    let mut addressed = Vec::new();
    let mut strangers = Vec::new();
    let mut left = Vec::new();
    for (place, id) in ids.into_iter().enumerate() {
        match snapshot.record("extension", id) {
            None => strangers.push(entry(place, id, "not_found")),
            Some(_) if !seen.insert(id) => {}
            Some(record) if record.text("email_addr").is_empty() => {
                left.push(entry(place, id, NO_ADDRESS));
            }
            Some(record) => addressed.push((place, record)),
        }
    }
    if !strangers.is_empty() {
        return Err(Failure::Invalid(strangers));
    }
    if addressed.is_empty() {
        return Err(Failure::Invalid(left));
    }
    let Some(_round) = mailer.round() else {
        return Err(Failure::Code(ErrCode::OverloadTaskRunning));
    };
    let letters = addressed.len();
    let server = handle.sip_address().to_string();
    let pbx = &handle.identity().name;
    let deadline = Instant::now() + DEADLINE;
    let unsent: Vec<InvalidParam> = stream::iter(addressed)
        .map(|(place, record)| {
            let server = &server;
            async move {
                let sent = send(mailer, pbx, server, &record, deadline).await;
                let error = sent.err()?;
                tracing::warn!(number = record.text("number"), %error, "no welcome letter");
                Some(entry(place, record.id, NOT_SENT))
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|unsent| async { unsent })
        .collect()
        .await;
    if unsent.len() == letters {
        left.extend(unsent);
        return Err(Failure::Cannot("the mail server accepted nothing", left));
    }
    left.extend(unsent);
    if left.is_empty() {
        return Ok(Envelope::ok(Map::new()));
    }
    Ok(Envelope {
        invalid_param_list: left,
        ..Envelope::error(ErrCode::PartialSuccess)
    })
}

async fn send(
    mailer: &Mailer,
    pbx: &str,
    server: &str,
    record: &Record,
    deadline: Instant,
) -> Result<(), MailError> {
    let name = format!("{} {}", record.text("first_name"), record.text("last_name"));
    let welcome = Welcome {
        pbx,
        name: name.trim(),
        number: record.text("number"),
        reg_name: record.text("reg_name"),
        server,
    };
    let letter = welcome.letter(record.text("email_addr"), record.text("email_language"))?;
    mailer.send(&letter, deadline).await
}

fn entry(place: usize, id: i64, why: &str) -> InvalidParam {
    InvalidParam {
        field: format!("{IDS}[{place}]"),
        value: Some(id.to_string()),
        validation_type: Some(why.to_owned()),
    }
}
