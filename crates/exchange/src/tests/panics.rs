//! A panic in one input ends that call and nothing else, wherever it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sip::Method;
use store::{CdrFilter, CdrRow, Page, Sort};
use switch::{Fact, Input, LegCommand, LegInput};

use super::{nothing_left, open, quick};
use crate::common::House;
use crate::common::wire::{Dialog, WirePhone};
use crate::start::Tuning;
use crate::trip::{Point, Trip};
use crate::{CallKind, Selector};

/// A house that panics once, where `wire` says so, after `after` such places.
async fn tripped(
    after: usize,
    wire: impl Fn(&Point<'_>) -> bool + Send + 'static,
) -> (House, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let trip =
        Trip::new(move |point| wire(&point) && counted.fetch_add(1, Ordering::SeqCst) == after);
    (house(trip).await, seen)
}

async fn house(trip: Trip) -> House {
    let house = open(Tuning {
        sip_timers: quick(),
        trip,
        ..Tuning::default()
    })
    .await;
    for number in ["1000", "1001"] {
        house.extension(number, json!({})).await;
    }
    house
}

/// The records there are, while so many calls are live.
async fn records(house: &House, live: usize) -> Vec<CdrRow> {
    house.store.journal().flushed().await;
    assert_eq!(house.store.live_calls().await.unwrap().len(), live);
    let events = house.store.events_after(None, 1000).await.unwrap();
    let rows = house
        .store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap()
        .1;
    assert_eq!(
        events.iter().filter(|e| e.id == 30012).count(),
        rows.len(),
        "a record and its event go together"
    );
    rows
}

/// A call from `a` that `b` answers.
async fn talk(a: &mut WirePhone, b: &mut WirePhone) -> Dialog {
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    b.request(Method::Ack).await;
    let answer = a.response(&call, 200..700).await;
    assert_eq!(answer.status(), Some(200));
    a.ack(&mut call, &answer, None).await;
    call
}

async fn hang_up(a: &mut WirePhone, b: &mut WirePhone, call: &mut Dialog) {
    a.within(Method::Bye, call, None).await;
    assert_eq!(a.response(call, 200..700).await.status(), Some(200));
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;
}

/// The second of two calls panics where its callee's answer is worked on; the
/// first goes on.
async fn second_call_panics(wire: impl Fn(&Point<'_>) -> bool + Send + 'static) {
    let (house, seen) = tripped(1, wire).await;
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let mut first = talk(&mut a, &mut b).await;
    let offer = a.sdp();
    let mut second = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;
    let answer = a.response(&second, 200..700).await;
    a.ack(&mut second, &answer, None).await;
    if answer.status() == Some(200) {
        let bye = a.request(Method::Bye).await;
        a.reply(&bye, 200, None).await;
    } else {
        assert_eq!(answer.status(), Some(500));
    }
    assert!(seen.load(Ordering::SeqCst) > 1, "it never panicked");
    let live = Selector::Kind(CallKind::Internal);
    assert_eq!(house.running.handle.calls(live).await.unwrap().len(), 1);
    assert_eq!(records(&house, 1).await.len(), 1);
    hang_up(&mut a, &mut b, &mut first).await;
    nothing_left(&house).await;
    assert_eq!(records(&house, 0).await.len(), 2);
}

#[tokio::test]
async fn panic_in_the_switch_ends_that_call_alone() {
    second_call_panics(|point| matches!(point, Point::Input(Input::Leg(_, LegInput::Answered(_)))))
        .await;
}

#[tokio::test]
async fn panic_while_telling_what_happened_ends_that_call_alone() {
    second_call_panics(|point| match point {
        Point::Facts(facts) => facts.iter().any(|f| matches!(f, Fact::CallAnswered { .. })),
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn panic_on_the_wires_ends_that_call_alone() {
    second_call_panics(|point| matches!(point, Point::Command(LegCommand::Answer(_)))).await;
}

#[tokio::test]
async fn panic_while_a_call_begins_gives_its_caller_500_and_frees_its_ports() {
    for at_input in [true, false] {
        let (house, _) = tripped(0, move |point| match point {
            Point::Input(Input::Incoming { .. }) => at_input,
            Point::Command(LegCommand::Invite(_)) => !at_input,
            _ => false,
        })
        .await;
        let mut a = WirePhone::registered(&house, "1000").await;
        let mut b = WirePhone::registered(&house, "1001").await;
        let offer = a.sdp();
        let mut call = a.call("1001", Some(&offer)).await;
        let refused = a.response(&call, 200..700).await;
        assert_eq!(refused.status(), Some(500));
        a.ack(&mut call, &refused, None).await;
        nothing_left(&house).await;
        let mut next = talk(&mut a, &mut b).await;
        hang_up(&mut a, &mut b, &mut next).await;
        nothing_left(&house).await;
    }
}

#[tokio::test]
async fn call_that_the_switch_can_not_even_close_is_closed_without_it() {
    let mut legs = Vec::new();
    let trip = Trip::new(move |point| match point {
        // Whatever comes of the first call's legs once it has been answered.
        Point::Input(Input::Leg(leg, input)) => {
            if legs.is_empty() && matches!(input, LegInput::Answered(_)) {
                legs.extend([*leg, switch::LegId(leg.0 - 1)]);
                return false;
            }
            legs.contains(leg)
        }
        _ => false,
    });
    let house = house(trip).await;
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let mut call = talk(&mut a, &mut b).await;
    a.within(Method::Bye, &mut call, None).await;
    assert_eq!(a.response(&call, 200..700).await.status(), Some(200));
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;
    nothing_left(&house).await;
    let row = records(&house, 0).await.pop().unwrap();
    assert_eq!(row.disposition, "ANSWERED");
    let mut next = talk(&mut a, &mut b).await;
    hang_up(&mut a, &mut b, &mut next).await;
    assert_eq!(records(&house, 0).await.len(), 2);
}

#[tokio::test]
async fn request_whose_work_panics_is_told_and_the_next_one_is_done() {
    let (house, _) = tripped(0, |point| {
        matches!(point, Point::Input(Input::Command { .. }))
    })
    .await;
    let _a = WirePhone::registered(&house, "1000").await;
    let _b = WirePhone::registered(&house, "1001").await;
    let dial = || crate::DialRequest {
        caller: "1000".into(),
        callee: "1001".into(),
        dial_permission: None,
        auto_answer: false,
    };
    assert!(house.running.handle.dial(dial()).await.is_err());
    assert!(house.running.handle.dial(dial()).await.is_ok());
    assert_eq!(house.running.handle.load().await.unwrap().waiting, 0);
}

/// A trip wire that leaves the switch no leg's number but one, once it begins a call.
fn out_of_legs() -> Trip {
    let mut began = false;
    let mut saved = None;
    Trip::new(move |point| {
        match point {
            Point::Input(Input::Incoming { .. } | Input::Command { .. }) => began = true,
            Point::Ids(ids) => {
                if let Some(next) = saved.take() {
                    ids.next_leg = next;
                } else if std::mem::take(&mut began) {
                    // Once is enough.
                    saved = Some(std::mem::replace(&mut ids.next_leg, u64::MAX - 1));
                }
            }
            _ => {}
        }
        false
    })
}

#[tokio::test]
#[cfg(debug_assertions)]
async fn call_that_breaks_off_while_its_phones_are_invited_leaves_none_of_them() {
    for by_command in [false, true] {
        let house = house(out_of_legs()).await;
        let mut a = WirePhone::registered(&house, "1000").await;
        let mut phones = Vec::new();
        for _ in 0..2 {
            phones.push(WirePhone::registered(&house, "1001").await);
        }
        if by_command {
            let dial = crate::DialRequest {
                caller: "1001".into(),
                callee: "1000".into(),
                dial_permission: None,
                auto_answer: false,
            };
            assert!(house.running.handle.dial(dial).await.is_err());
        } else {
            let offer = a.sdp();
            let mut call = a.call("1001", Some(&offer)).await;
            let refused = a.response(&call, 200..700).await;
            assert_eq!(refused.status(), Some(500));
            a.ack(&mut call, &refused, None).await;
        }
        // The newest phone was invited when the second one's turn broke off.
        let rung = &mut phones[1];
        let invite = rung.request(Method::Invite).await;
        rung.reply(&invite, 180, None).await;
        let cancel = rung.request(Method::Cancel).await;
        rung.reply(&cancel, 200, None).await;
        rung.reply(&invite, 487, None).await;
        nothing_left(&house).await;
        assert_eq!(records(&house, 0).await.len(), 1);
    }
}
