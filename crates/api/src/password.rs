//! The letter about a changed password, `enb_email_pwd_chg`. It goes aside: the
//! change is kept whether or not the mail server takes the letter, and what it
//! does not take is logged. Where no server is configured, or the user has no
//! address, there is none.

use std::time::Duration;

use exchange::Handle;
use exchange::mail::password::PasswordChanged;
use serde_json::Value;
use settings::MASK;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::operations::Call;

/// Letters that may be under way at once.
const LETTERS: usize = 64;
/// How long one may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The extension whose password a request changes, if it does.
pub fn changed_by(call: &Call) -> Option<i64> {
    let sent = call.params.get("user_password").and_then(Value::as_str)?;
    let id = call.params.get("id").and_then(settings::read_id)?;
    (call.kind() == "extension" && sent != MASK).then_some(id)
}

/// Tells a user that their password was changed, where they are to be told.
pub fn tell(handle: &Handle, id: i64) {
    let Some(mailer) = handle.mail().cloned() else {
        return;
    };
    let Some(record) = handle.settings().snapshot().record("extension", id) else {
        return;
    };
    let address = record.text("email_addr").to_owned();
    if address.is_empty() || record.number("enb_email_pwd_chg") != Some(1) {
        return;
    }
    let number = record.text("number");
    static PLACES: Semaphore = Semaphore::const_new(LETTERS);
    let Ok(place) = PLACES.try_acquire() else {
        tracing::warn!(
            number,
            "no letter about a changed password: too many at once"
        );
        return;
    };
    let name = format!("{} {}", record.text("first_name"), record.text("last_name"));
    let changed = PasswordChanged {
        pbx: &handle.identity().name,
        name: name.trim(),
        number,
    };
    let letter = changed.letter(&address, record.text("email_language"));
    let number = number.to_owned();
    tokio::spawn(async move {
        let _place = place;
        let sent = match letter {
            Ok(letter) => mailer.send(&letter, Instant::now() + DEADLINE).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            tracing::warn!(number, %error, "no letter about a changed password");
        }
    });
}
