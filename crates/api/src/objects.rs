//! The seven operations of every kind of configuration object: the settings
//! mechanism does the work, by the kind that the path names. What is live is
//! joined to the rows as they are read.

use wire::Envelope;

use crate::extension;
use crate::operations::{Answer, Call};

/// A page of brief rows.
pub async fn list(call: Call) -> Answer {
    let (kind, app) = (call.kind(), call.app);
    let mut answer = app.handle.settings().list(kind, call.params)?;
    extension::join_live(&app, kind, &mut answer);
    Ok(Envelope::ok(answer))
}

/// A page of the brief rows that hold a text.
pub async fn search(call: Call) -> Answer {
    let (kind, app) = (call.kind(), call.app);
    let mut answer = app.handle.settings().search(kind, call.params)?;
    extension::join_live(&app, kind, &mut answer);
    Ok(Envelope::ok(answer))
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

/// Changes what the request names of one.
pub async fn update(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(
        settings.update(call.kind(), call.params).await?,
    ))
}

/// Removes one.
pub async fn delete(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(
        settings.delete(call.kind(), call.params).await?,
    ))
}
