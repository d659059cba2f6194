//! The seven operations of every kind of configuration object: the settings
//! mechanism does the work, by the kind that the path names. What is live is
//! joined to the rows as they are read.

use wire::Envelope;

use crate::extension;
use crate::operations::{Answer, Call};
use crate::password;

/// A page of brief rows.
pub async fn list(call: Call) -> Answer {
    page(call, "list")
}

/// A page of the brief rows that hold a text.
pub async fn search(call: Call) -> Answer {
    page(call, "search")
}

/// Rows as text, with what is live written into them.
fn page(call: Call, verb: &str) -> Answer {
    let kind = call.kind();
    let handle = &call.app.handle;
    let online = handle.online();
    let live = |number: &str, text: &mut Vec<u8>| {
        extension::write_online_status(online.devices(number), text);
    };
    let listing = handle.settings().listing(kind, verb, call.params, &live)?;
    Ok(Envelope {
        text: listing.rows,
        ..Envelope::ok(listing.members)
    })
}

/// One object with all its members.
pub async fn get(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(settings.get(call.kind(), call.params)?))
}

/// Several objects with all their members.
pub async fn query(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(settings.query(call.kind(), call.params)?))
}

/// Adds one.
pub async fn create(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(
        settings.create(call.kind(), call.params).await?,
    ))
}

/// Changes what the request names of one. Who has a new password is told by mail.
pub async fn update(call: Call) -> Answer {
    let handle = call.app.handle.clone();
    let password = password::changed_by(&call);
    let answer = handle.settings().update(call.kind(), call.params).await?;
    if let Some(id) = password {
        password::tell(&handle, id);
    }
    Ok(Envelope::ok(answer))
}

/// Removes one.
pub async fn delete(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(
        settings.delete(call.kind(), call.params).await?,
    ))
}
