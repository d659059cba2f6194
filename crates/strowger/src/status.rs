//! What works, told by the code that does it: `cargo xtask contract` makes
//! `docs/status.md` from this.

use serde_json::json;

/// Operations with a handler, events that are sent, members not acted on.
pub fn json() -> String {
    let members: Vec<_> = settings::unacted()
        .iter()
        .map(|m| json!({"operation": m.operation, "member": m.member, "rule": m.rule.to_string()}))
        .collect();
    let mut events: Vec<u32> = exchange::EVENTS_SENT
        .iter()
        .chain(settings::EVENTS_SENT)
        .copied()
        .collect();
    events.sort_unstable();
    json!({"operations": api::IMPLEMENTED, "events": events, "members": members}).to_string()
}
