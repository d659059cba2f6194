//! Phones that lose their power in the midst of a call.

use std::time::Duration;

use serde_json::json;
use sip::Method;
use tokio::time::timeout;

use super::{nothing_left, open, quick};
use crate::common::wire::{WirePhone, sdp};
use crate::common::{Events, PATIENCE};
use crate::start::Tuning;

#[tokio::test]
async fn held_call_whose_phones_are_gone_does_not_live_for_ever() {
    let house = open(Tuning {
        sip_timers: quick(),
        refresh_every: Duration::from_millis(300),
        ..Tuning::default()
    })
    .await;
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let mut events = Events::of(&house);
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;
    let hold = sdp(a.rtp.local_addr().unwrap().port(), "sendonly");
    a.within(Method::Invite, &mut call, Some(&hold)).await;
    let held = a.response(&call, 200..700).await;
    a.ack(&mut call, &held, None).await;
    // As long as both answer, the call goes on.
    for _ in 0..2 {
        for phone in [&mut a, &mut b] {
            let asked = phone.request(Method::Options).await;
            phone.reply(&asked, 200, None).await;
        }
    }
    assert_eq!(house.running.handle.load().await.unwrap().calls, 1);
    drop((a, b));
    let over = timeout(PATIENCE, events.next_of(30012)).await.unwrap();
    assert_eq!(over["status"], "ANSWERED");
    nothing_left(&house).await;
}
