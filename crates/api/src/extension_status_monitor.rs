//! `extension_status_monitor/*`: of which extensions events 30007, 30008 and
//! 30009 are told.

use wire::Envelope;

use crate::operations::{Answer, Call};

/// A page of all extensions with their flags.
pub async fn list(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app.handle.settings().monitor_list(call.params)?,
    ))
}

/// Switches flags on or off.
pub async fn update(call: Call) -> Answer {
    Ok(Envelope::ok(
        call.app
            .handle
            .settings()
            .monitor_update(call.params)
            .await?,
    ))
}
