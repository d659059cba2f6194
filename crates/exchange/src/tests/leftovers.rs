//! Hundreds of calls of every kind, and nothing left of any of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sip::{Message, Method};
use store::{CdrFilter, Page, Sort};
use tokio::time::timeout;

use super::{nothing_left, open, quick};
use crate::common::wire::WirePhone;
use crate::common::{House, PATIENCE};
use crate::start::Tuning;
use crate::{CallKind, Selector};

const CALLERS: usize = 6;
const CALLS_EACH: usize = 40;

/// What a phone does with a call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Answers,
    IsBusy,
    Rings,
    SpeaksEarly,
    AnswersWithoutSdp,
    HangsUp,
    IsDead,
}

const PHONES: [(&str, Manner); 9] = [
    ("1001", Manner::Answers),
    ("1002", Manner::IsBusy),
    ("1003", Manner::Rings),
    ("1004", Manner::SpeaksEarly),
    ("1005", Manner::AnswersWithoutSdp),
    ("1006", Manner::HangsUp),
    ("1007", Manner::IsDead),
    // Two phones of one extension.
    ("1008", Manner::Rings),
    ("1008", Manner::Answers),
];

async fn phone(house: &House, number: &str, manner: Manner) {
    let mut phone = WirePhone::registered(house, number).await;
    tokio::spawn(async move {
        let mut ringing: BTreeMap<String, Message> = BTreeMap::new();
        loop {
            let message = phone.next().await;
            let call = message.call_id().unwrap().to_owned();
            match message.method() {
                Some(Method::Invite) => {
                    invited(&mut phone, &message, manner).await;
                    ringing.insert(call, message);
                }
                Some(Method::Cancel) => {
                    phone.reply(&message, 200, None).await;
                    if let Some(invite) = ringing.remove(&call) {
                        phone.reply(&invite, 487, None).await;
                    }
                }
                Some(Method::Ack) if manner == Manner::HangsUp => {
                    if let Some(invite) = ringing.remove(&call) {
                        let mut dialog = phone.dialog_of(&invite);
                        phone.within(Method::Bye, &mut dialog, None).await;
                    }
                }
                Some(Method::Bye) => phone.reply(&message, 200, None).await,
                _ => {}
            }
        }
    });
}

async fn invited(phone: &mut WirePhone, invite: &Message, manner: Manner) {
    let sdp = phone.sdp();
    match manner {
        Manner::IsDead => return,
        Manner::IsBusy => return phone.reply(invite, 486, None).await,
        Manner::SpeaksEarly => phone.reply(invite, 183, Some(&sdp)).await,
        _ => phone.reply(invite, 180, None).await,
    }
    match manner {
        Manner::Rings => {}
        Manner::AnswersWithoutSdp => phone.reply(invite, 200, None).await,
        _ => phone.reply(invite, 200, Some(&sdp)).await,
    }
}

/// Places one call and brings it to its end.
async fn call(house: &House, phone: &mut WirePhone, number: &str, turn: usize) {
    let offer = (!turn.is_multiple_of(3)).then(|| phone.sdp());
    let mut call = phone.call(number, offer.as_deref()).await;
    if number == "1003" {
        phone.response(&call, 180..181).await;
        phone.cancel(&call).await;
    }
    let answer = phone.response_to(&call, Method::Invite, 200..700).await;
    let ours = phone.sdp();
    let said = offer.is_none().then_some(ours.as_str());
    phone.ack(&mut call, &answer, said).await;
    if answer.status() != Some(200) {
        return;
    }
    match turn % 4 {
        _ if number == "1006" => {}
        0 => {
            let calls = house
                .running
                .handle
                .calls(Selector::Extension(number.into()));
            let calls = calls.await.unwrap();
            let legs = calls.iter().flat_map(|c| c.members.iter().flatten());
            for leg in legs {
                let channel = leg.extension.as_ref().unwrap().channel_id.as_ref().unwrap();
                // Another may have hung it up.
                let _ = house.running.handle.hangup(channel).await;
            }
        }
        // Vanishes without a word; the other end hangs up, or the API.
        1 if number == "1004" => {}
        _ => {
            phone.within(Method::Bye, &mut call, None).await;
            let done = phone.response(&call, 200..700).await;
            // 481: the other end was quicker.
            assert!(matches!(done.status(), Some(200 | 481)), "{done}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_calls_of_every_kind_leave_nothing_but_one_record_each() {
    let house = open(Tuning {
        sip_timers: quick(),
        ..Tuning::default()
    })
    .await;
    for number in 1000..=1008 {
        house.extension(&number.to_string(), json!({})).await;
    }
    house.monitor_all().await;
    for (number, manner) in PHONES {
        phone(&house, number, manner).await;
    }
    let house = std::sync::Arc::new(house);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let house = house.clone();
            tokio::spawn(async move {
                let mut phone = WirePhone::new(&house, "1000").await;
                for turn in caller..caller + CALLS_EACH {
                    let number = [
                        "1001", "1002", "1003", "1004", "1005", "1006", "1008", "4711",
                    ][turn % 8];
                    call(&house, &mut phone, number, turn / 8 + turn).await;
                }
                call(&house, &mut phone, "1007", 1).await;
            })
        })
        .collect();
    for caller in callers {
        timeout(PATIENCE * 3, caller).await.unwrap().unwrap();
    }
    hang_up_what_is_left(&house).await;
    nothing_left(&house).await;
    one_record_each(&house).await;
}

async fn hang_up_what_is_left(house: &House) {
    let all = Selector::Kind(CallKind::Internal);
    for call in house.running.handle.calls(all).await.unwrap() {
        let members = call.members.unwrap();
        let leg = members.first().and_then(|m| m.extension.clone()).unwrap();
        let _ = house.running.handle.hangup(&leg.channel_id.unwrap()).await;
    }
}

async fn one_record_each(house: &House) {
    house.store.journal().flushed().await;
    assert!(house.store.live_calls().await.unwrap().is_empty());
    let (total, _) = house
        .store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, CALLERS as u64 * (CALLS_EACH as u64 + 1));
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: BTreeMap<String, String> = BTreeMap::new();
    for event in house.store.events_after(None, 10_000).await.unwrap() {
        let frame: Value = serde_json::from_str(&event.frame).unwrap();
        let Some(msg) = frame["msg"].as_str() else {
            continue;
        };
        let msg: Value = serde_json::from_str(msg).unwrap();
        let call = msg["call_id"].as_str().unwrap_or_default().to_owned();
        match event.id {
            30012 => *ends.entry(call).or_default() += 1,
            30011 => {
                assert!(!ends.contains_key(&call), "30011 after 30012");
                for member in msg["members"].as_array().unwrap() {
                    let leg = &member["extension"];
                    let channel = leg["channel_id"].as_str().unwrap().to_owned();
                    match leg["member_status"].as_str().unwrap() {
                        "BYE" => open.remove(&channel),
                        _ => open.insert(channel, call.clone()),
                    };
                }
            }
            _ => {}
        }
    }
    assert_eq!(ends.len() as u64, total);
    assert!(ends.values().all(|n| *n == 1), "{ends:?}");
    assert!(open.is_empty(), "never told as gone: {open:?}");
}
