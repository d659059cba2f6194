//! `presence_list`: how calls are handled under each presence. Acted on is the
//! ring time of the presence that is set.

use serde_json::{Map, Value};
use wire::contract::{self, Kind};
use wire::{InvalidParam, rule};

use crate::error::{invalid, word};
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
pub(super) const LIST: &str = "presence_list";

const fn member(name: &'static str, rule: Rule) -> MemberRule {
    MemberRule::new(name, rule)
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

/// Looks at the rows as they were sent, before anything is made of them: each
/// becomes a row of fifty members, so that there are no more than statuses.
pub(crate) fn receive(sent: &Map<String, Value>, faults: &mut Vec<InvalidParam>) {
    let Some(rows) = sent.get(LIST).and_then(Value::as_array) else {
        return;
    };
    if rows.len() > STATUSES.len() {
        let count = rows.len().to_string();
        faults.push(invalid(LIST, Some(&count), rule::MAX));
        return;
    }
    let mut seen = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let name = status(row);
        if seen.contains(&name) {
            faults.push(invalid(field(place, "status"), name, word::DUPLICATE));
        }
        seen.push(name);
    }
}

/// Lays rows that were sent over the rows that are there, and looks whether
/// they can be so: what a row does not say stays. Faults name the rows sent.
/// What is kept is what differs from the defaults.
pub(crate) fn merge(
    present: Option<&Record>,
    sent: &mut Map<String, Value>,
    faults: &mut Vec<InvalidParam>,
) {
    let Some(Value::Array(rows)) = sent.get_mut(LIST) else {
        return;
    };
    let there = present.map_or(&[][..], list);
    for (place, row) in rows.iter().enumerate() {
        check(place, row, there, faults);
    }
    let kept = STATUSES.iter().filter_map(|name| {
        let new = row_of(rows, name);
        let old = row_of(there, name);
        kept(name, [new, old])
    });
    *rows = kept.collect();
}

/// One full row for each status, in the contract's order, as the list is read.
pub(crate) fn rows(record: &Record) -> Value {
    let full = |name: &&str| {
        let row = row_of(list(record), name);
        let members = values(name, [row, None]);
        Value::Object(
            members
                .map(|(member, value)| (member.name.to_owned(), value))
                .collect(),
        )
    };
    STATUSES.iter().map(full).collect()
}

/// A row of what differs from the defaults, if anything does.
fn kept(name: &str, rows: [Option<&Value>; 2]) -> Option<Value> {
    let mut row = Map::new();
    row.insert("status".into(), name.into());
    let members = values(name, rows);
    row.extend(
        members
            .filter(|(member, value)| default(name, member).as_ref() != Some(value))
            .map(|(member, value)| (member.name.to_owned(), value)),
    );
    (row.len() > 1).then(|| Value::Object(row))
}

/// Every member of a status's row: the value of the first row that says one, or
/// the default.
fn values(
    name: &str,
    rows: [Option<&Value>; 2],
) -> impl Iterator<Item = (&'static contract::Member, Value)> {
    let members = contract::named_type("Presence_Setting").map_or(&[][..], |t| t.members);
    members.iter().filter_map(move |member| {
        let said = rows.iter().flatten().find_map(|row| row.get(member.name));
        let value = said.cloned().or_else(|| default(name, member))?;
        Some((member, value))
    })
}

/// A member's value where nothing is said. Who takes no calls has no ring time.
fn default(name: &str, member: &contract::Member) -> Option<Value> {
    match (member.name, member.default, member.kind) {
        ("status", ..) => Some(name.into()),
        ("ring_timeout", ..) if name == DO_NOT_DISTURB => None,
        (_, Some(default), _) => Some(default.into()),
        (_, None, Kind::Integer) => Some(0.into()),
        (_, None, _) => Some("".into()),
    }
}

/// The rules on a row that was sent, as it will be.
fn check(place: usize, row: &Value, there: &[Value], faults: &mut Vec<InvalidParam>) {
    let name = status(row).unwrap_or_default();
    let old = row_of(there, name);
    let value = |member: &str| {
        let all = values(name, [Some(row), old]);
        let mut named = all.filter(|(known, _)| known.name == member);
        named.next().map(|(_, value)| value)
    };
    for member in MEMBERS {
        let sent = row.get(member.name);
        let wrong = match member.rule {
            Only(fixed) => sent.filter(|value| !fixed.is(value)).map(|_| member.name),
            OnlyWhile(flag, fixed) => {
                // What is wrong with both is said of the one that was sent.
                let named = sent.map(|_| member.name);
                let named = named.or_else(|| row.get(flag).map(|_| flag));
                named.filter(|_| {
                    let on = value(flag).is_some_and(|on| on == 1);
                    on && value(member.name).is_some_and(|value| !fixed.is(&value))
                })
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let value = row.get(wrong).unwrap_or(&Value::Null);
            faults.push(unsupported(&field(place, wrong), value));
        }
        if let Some(text) = sent.and_then(Value::as_str)
            && let Err(broken) = line(text)
        {
            faults.push(invalid(field(place, member.name), None, broken));
        }
    }
}

fn field(place: usize, member: &str) -> String {
    format!("{LIST}[{place}].{member}")
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
    record.list(LIST)
}

fn row_of<'r>(rows: &'r [Value], name: &str) -> Option<&'r Value> {
    rows.iter().find(|row| status(row) == Some(name))
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
