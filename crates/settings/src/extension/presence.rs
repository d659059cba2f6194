//! `presence_list`: how calls are handled under each presence. Acted on is the
//! ring time of the presence that is set.

use serde_json::{Map, Value};
use wire::contract::{self, Kind};
use wire::{InvalidParam, rule};

use crate::error::invalid;
use crate::kind::Fixed::{Number, Text};
use crate::kind::Rule::{Acted, Only, OnlyWhile, Stored};
use crate::kind::{MemberRule, Rule, line};
use crate::record::Record;
use crate::sent::unsupported;

/// Every presence there is, in the contract's order.
pub(crate) const STATUSES: [&str; 6] = [
    "available",
    "away",
    "business_trip",
    "do_not_disturb",
    "lunch",
    "off_work",
];
/// The one that takes no calls.
pub(crate) const DO_NOT_DISTURB: &str = "do_not_disturb";
/// Seconds of ringing where nothing else is said.
const RING_TIMEOUT_S: u64 = 30;
/// The member.
const LIST: &str = "presence_list";

const fn member(name: &'static str, rule: Rule) -> MemberRule {
    MemberRule { name, rule }
}

/// What becomes of each member of a row. A forward that is on by the vendor's
/// default goes to voicemail, which is not there yet: the call ends as
/// unanswered or busy. To any other place it is refused while it is on.
pub(crate) static MEMBERS: &[MemberRule] = &[
    member("status", Acted),
    member("information", Stored),
    member("enb_in_always_forward", Only(Number(0))),
    member("in_always_forward_dest", Stored),
    member("in_always_forward_prefix", Stored),
    member("in_always_forward_num", Stored),
    member("in_always_forward_value", Stored),
    member("enb_in_no_answer_forward", Stored),
    member(
        "in_no_answer_forward_dest",
        OnlyWhile("enb_in_no_answer_forward", Text("ext_vm")),
    ),
    member("in_no_answer_forward_prefix", Stored),
    member("in_no_answer_forward_num", Stored),
    member("in_no_answer_forward_value", Stored),
    member("enb_in_busy_forward", Stored),
    member(
        "in_busy_forward_dest",
        OnlyWhile("enb_in_busy_forward", Text("ext_vm")),
    ),
    member("in_busy_forward_prefix", Stored),
    member("in_busy_forward_num", Stored),
    member("in_busy_forward_value", Stored),
    member("enb_ex_always_forward", Only(Number(0))),
    member("ex_always_forward_dest", Stored),
    member("ex_always_forward_prefix", Stored),
    member("ex_always_forward_num", Stored),
    member("ex_always_forward_value", Stored),
    member("enb_ex_no_answer_forward", Stored),
    member(
        "ex_no_answer_forward_dest",
        OnlyWhile("enb_ex_no_answer_forward", Text("ext_vm")),
    ),
    member("ex_no_answer_forward_prefix", Stored),
    member("ex_no_answer_forward_num", Stored),
    member("ex_no_answer_forward_value", Stored),
    member("enb_ex_busy_forward", Stored),
    member(
        "ex_busy_forward_dest",
        OnlyWhile("enb_ex_busy_forward", Text("ext_vm")),
    ),
    member("ex_busy_forward_prefix", Stored),
    member("ex_busy_forward_num", Stored),
    member("ex_busy_forward_value", Stored),
    member("enb_ring1_endpoints", Only(Number(1))),
    member("enb_ring1_mobile_client", Stored),
    member("enb_ring1_desktop_client", Stored),
    member("enb_ring1_web_client", Stored),
    member("enb_ring2_endpoints", Only(Number(0))),
    member("enb_ring2_mobile_client", Only(Number(0))),
    member("enb_ring2_desktop_client", Only(Number(0))),
    member("enb_ring2_web_client", Only(Number(0))),
    member("enb_ring_mobile", Only(Number(0))),
    member("mobile_prefix", Stored),
    member("mobile_number", Stored),
    member("dynamic_agent_action", Only(Text("no_action"))),
    member("ring_timeout", Acted),
    member("vm_greeting", Stored),
];

/// Lays rows that were sent over the rows that are there: one row each status,
/// and what a row does not say stays.
pub(crate) fn merge(present: &Record, sent: &mut Map<String, Value>) {
    let Some(Value::Array(rows)) = sent.get_mut(LIST) else {
        return;
    };
    for row in rows.iter_mut() {
        let Value::Object(row) = row else { continue };
        let old = list(present)
            .iter()
            .find(|old| status(old) == row.get("status").and_then(Value::as_str));
        if let Some(Value::Object(old)) = old {
            for (name, value) in old {
                row.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    for old in list(present) {
        if !rows.iter().any(|row| status(row) == status(old)) {
            rows.push(old.clone());
        }
    }
}

/// One full row for each status, in the contract's order. A status sent twice
/// stays there twice, for [`check`] to find.
pub(crate) fn complete(record: &mut Record) {
    let sent = match record.doc.remove(LIST) {
        Some(Value::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let mut rows = Vec::with_capacity(STATUSES.len());
    for name in STATUSES {
        let before = rows.len();
        rows.extend(
            sent.iter()
                .filter(|row| status(row) == Some(name))
                .map(|row| full(name, Some(row))),
        );
        if rows.len() == before {
            rows.push(full(name, None));
        }
    }
    record.doc.insert(LIST.into(), Value::Array(rows));
}

/// A row with every member, and none that is unknown.
fn full(status: &str, sent: Option<&Value>) -> Value {
    let mut row = Map::new();
    for member in contract::named_type("Presence_Setting").map_or(&[][..], |t| t.members) {
        let value = match sent.and_then(|sent| sent.get(member.name)) {
            Some(value) => value.clone(),
            None if member.name == "status" => status.into(),
            None if member.name == "ring_timeout" && status == DO_NOT_DISTURB => continue,
            None => match (member.default, member.kind) {
                (Some(default), _) => default.into(),
                (None, Kind::Integer) => 0.into(),
                (None, _) => "".into(),
            },
        };
        row.insert(member.name.to_owned(), value);
    }
    Value::Object(row)
}

/// The rules on each row.
pub(crate) fn check(record: &Record, faults: &mut Vec<InvalidParam>) {
    let mut seen = Vec::new();
    for (place, row) in list(record).iter().enumerate() {
        let field = |member: &str| format!("{LIST}[{place}].{member}");
        let name = status(row);
        if seen.contains(&name) {
            faults.push(invalid(field("status"), name, "duplicate"));
        }
        seen.push(name);
        for member in MEMBERS {
            let Some(value) = row.get(member.name) else {
                continue;
            };
            let refused = match member.rule {
                Only(fixed) => !fixed.is(value),
                OnlyWhile(flag, fixed) => {
                    row.get(flag).and_then(Value::as_i64) == Some(1) && !fixed.is(value)
                }
                _ => false,
            };
            if refused {
                faults.push(unsupported(&field(member.name), value));
            }
            if let Some(text) = value.as_str()
                && let Err(broken) = line(text)
            {
                faults.push(invalid(field(member.name), None, broken));
            }
        }
        if let Some(seconds) = row.get("ring_timeout").and_then(Value::as_i64)
            && !(5..=300).contains(&seconds)
        {
            faults.push(invalid(
                field("ring_timeout"),
                Some(&seconds.to_string()),
                rule::MAX,
            ));
        }
    }
}

/// Seconds of ringing under the presence that is set.
pub(crate) fn ring_timeout(record: &Record) -> u64 {
    let current = record.text("presence_status");
    list(record)
        .iter()
        .find(|row| status(row) == Some(current))
        .and_then(|row| row.get("ring_timeout"))
        .and_then(Value::as_u64)
        .unwrap_or(RING_TIMEOUT_S)
}

fn list(record: &Record) -> &[Value] {
    record
        .doc
        .get(LIST)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn status(row: &Value) -> Option<&str> {
    row.get("status").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_a_row_has_its_rule() {
        let theirs: Vec<&str> = contract::named_type("Presence_Setting")
            .unwrap()
            .members
            .iter()
            .map(|m| m.name)
            .collect();
        let ours: Vec<&str> = MEMBERS.iter().map(|member| member.name).collect();
        assert_eq!(ours, theirs);
    }
}
