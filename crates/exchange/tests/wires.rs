//! What crosses on the wire, said datagram by datagram: each leg ends once, no
//! offer of ours is left open, nothing is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use common::wire::{WirePhone, audio_port, sdp};
use common::{Events, House, PATIENCE, members};
use exchange::Load;
use serde_json::json;
use sip::{HeaderName, Message, Method};
use store::{Batch, CdrFilter, CdrRow, Page, RegistrationChange, RegistrationRow, Sort};
use tokio::time::timeout;

async fn house() -> House {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    house
}

async fn pair() -> (House, WirePhone, WirePhone) {
    let house = house().await;
    let a = WirePhone::registered(&house, "1000").await;
    let b = WirePhone::registered(&house, "1001").await;
    (house, a, b)
}

async fn records(house: &House) -> Vec<CdrRow> {
    house.store.journal().flushed().await;
    house
        .store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap()
        .1
}

/// Waits until no call, leg or port is left; what `sip` keeps for repetitions is
/// another test's.
async fn all_over(house: &House) {
    let over = async {
        loop {
            let load = house.running.handle.load().await.unwrap();
            let kept = Load {
                sip_sessions: 0,
                sip_transactions: 0,
                registrations: 0,
                timers: 0,
                ..load
            };
            if kept == Load::default() {
                assert_eq!(load.timers, load.registrations + 1, "{load:?}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, over).await.expect("something is left");
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

/// Whether what one phone sends is heard by the other.
async fn heard(from: &WirePhone, port: u16, by: &WirePhone) {
    let hearing = async {
        let mut packet = [0u8; 172];
        let mut sequence = 0u16;
        loop {
            packet[0] = 0x80;
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet[8..12].copy_from_slice(b"ssrc");
            packet[12..].fill(0x2a);
            from.rtp
                .send_to(&packet, ("127.0.0.1", port))
                .await
                .unwrap();
            sequence += 1;
            let mut buffer = [0; 1500];
            let got = timeout(Duration::from_millis(20), by.rtp.recv_from(&mut buffer)).await;
            if let Ok(Ok((172, _))) = got
                && buffer[12..172].iter().all(|b| *b == 0x2a)
            {
                return;
            }
        }
    };
    timeout(PATIENCE, hearing).await.expect("not heard");
}

#[tokio::test]
async fn early_media_is_heard_and_holds_as_the_answer_where_the_200_says_nothing_new() {
    let (house, mut a, mut b) = pair().await;
    let mut events = Events::of(&house);
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 183, Some(&b.sdp())).await;
    let progress = a.response(&call, 101..200).await;
    assert_eq!(progress.status(), Some(183));
    assert_eq!(
        members(&events.next_of(30011).await),
        ["1000:ALERT", "1001:RING"]
    );
    heard(&b, audio_port(&invite), &a).await;
    heard(&a, audio_port(&progress), &b).await;
    b.reply(&invite, 200, None).await;
    b.request(Method::Ack).await;
    let answer = a.response(&call, 200..300).await;
    assert_eq!(body(&answer), body(&progress), "one answer, said twice");
    a.ack(&mut call, &answer, None).await;
    heard(&b, audio_port(&invite), &a).await;
    a.within(Method::Bye, &mut call, None).await;
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;
    assert_eq!(a.response(&call, 200..700).await.status(), Some(200));
    all_over(&house).await;
    assert_eq!(records(&house).await[0].disposition, "ANSWERED");
}

#[tokio::test]
async fn callers_answer_in_the_ack_connects_the_two() {
    let (house, mut a, mut b) = pair().await;
    let mut call = a.call("1001", None).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    b.request(Method::Ack).await;
    let offer = a.response(&call, 200..300).await;
    a.ack(&mut call, &offer, Some(&a.sdp())).await;
    heard(&a, audio_port(&offer), &b).await;
    heard(&b, audio_port(&invite), &a).await;
    let mut from_b = b.dialog_of(&invite);
    b.within(Method::Bye, &mut from_b, None).await;
    let bye = a.request(Method::Bye).await;
    a.reply(&bye, 200, None).await;
    all_over(&house).await;
    assert_eq!(records(&house).await[0].reason, "dst hangup");
}

#[tokio::test]
async fn ack_that_leaves_our_first_offer_without_an_answer_ends_the_call() {
    let (house, mut a, mut b) = pair().await;
    let mut call = a.call("1001", None).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let offer = a.response(&call, 200..300).await;
    a.ack(&mut call, &offer, None).await;
    for phone in [&mut a, &mut b] {
        let bye = phone.request(Method::Bye).await;
        phone.reply(&bye, 200, None).await;
    }
    all_over(&house).await;
    assert_eq!(records(&house).await.len(), 1);
}

#[tokio::test]
async fn ack_that_leaves_a_later_offer_of_ours_without_an_answer_changes_nothing() {
    let (house, mut a, mut b) = pair().await;
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;
    for _ in 0..2 {
        // Asked for an offer; the second time shows that the first is over.
        a.within(Method::Invite, &mut call, None).await;
        let ours = a.response(&call, 200..700).await;
        assert_eq!(ours.status(), Some(200));
        assert!(body(&ours).contains("m=audio"), "{ours}");
        a.ack(&mut call, &ours, None).await;
    }
    heard(&a, audio_port(&answer), &b).await;
    a.within(Method::Bye, &mut call, None).await;
    b.request(Method::Bye).await;
    all_over(&house).await;
}

#[tokio::test]
async fn held_leg_is_told_so_by_its_own_answer_and_a_broken_offer_by_488() {
    let (house, mut a, mut b) = pair().await;
    let mut events = Events::of(&house);
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;
    a.within(Method::Invite, &mut call, Some("no sdp")).await;
    let refused = a.response(&call, 200..700).await;
    assert_eq!(refused.status(), Some(488));
    a.ack(&mut call.clone(), &refused, None).await;
    let hold = sdp(a.rtp.local_addr().unwrap().port(), "sendonly");
    a.within(Method::Invite, &mut call, Some(&hold)).await;
    let held = a.response(&call, 200..700).await;
    assert!(body(&held).contains("a=recvonly"), "{held}");
    a.ack(&mut call, &held, None).await;
    while members(&events.next_of(30011).await) != ["1000:HOLD", "1001:ANSWER"] {}
    b.within(Method::Bye, &mut b.dialog_of(&invite), None).await;
    a.request(Method::Bye).await;
    all_over(&house).await;
}

#[tokio::test]
async fn change_within_a_call_that_is_no_sdp_is_415_and_the_call_goes_on() {
    let (house, mut a, mut b) = pair().await;
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;
    let contact = [(HeaderName::Contact, a.contact())];
    let body = Some(("text/plain", "hello"));
    a.send(Method::Invite, &mut call, &contact, body).await;
    let refused = a.response(&call, 200..700).await;
    assert_eq!(refused.status(), Some(415));
    assert_eq!(refused.header(HeaderName::Accept), Some("application/sdp"));
    a.ack(&mut call.clone(), &refused, None).await;
    heard(&a, audio_port(&answer), &b).await;
    a.within(Method::Bye, &mut call, None).await;
    b.request(Method::Bye).await;
    all_over(&house).await;
}

#[tokio::test]
async fn rfc4475_3_3_15_caller_who_takes_no_sdp_gets_406() {
    let (house, mut a, mut b) = pair().await;
    let offer = a.sdp();
    a.accept = Some("text/nobodyKnowsThis");
    let mut call = a.call("1001", Some(&offer)).await;
    let refused = a.response(&call, 200..700).await;
    assert_eq!(refused.status(), Some(406));
    a.ack(&mut call, &refused, None).await;
    for accept in ["application/*", "text/html, application/SDP;level=1", "*/*"] {
        a.accept = Some(accept);
        let call = a.call("1001", Some(&offer)).await;
        let invite = b.request(Method::Invite).await;
        b.reply(&invite, 486, None).await;
        let refused = a.response(&call, 200..700).await;
        assert_eq!(refused.status(), Some(486), "{accept}");
        a.ack(&mut call.clone(), &refused, None).await;
    }
    all_over(&house).await;
}

#[tokio::test]
async fn call_may_go_one_hop_less_far_than_its_caller_said() {
    let (house, mut a, mut b) = pair().await;
    let offer = a.sdp();
    for (said, passed_on) in [("5", "4"), ("200", "70"), ("1", "0")] {
        a.max_forwards = said;
        let call = a.call("1001", Some(&offer)).await;
        let invite = b.request(Method::Invite).await;
        assert_eq!(invite.header(HeaderName::MaxForwards), Some(passed_on));
        b.reply(&invite, 486, None).await;
        let refused = a.response(&call, 200..700).await;
        a.ack(&mut call.clone(), &refused, None).await;
    }
    all_over(&house).await;
}

#[tokio::test]
async fn phones_own_503_is_not_told_as_the_exchanges() {
    let (house, mut a, mut b) = pair().await;
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 503, None).await;
    let refused = a.response(&call, 200..700).await;
    assert_eq!(refused.status(), Some(480));
    assert_eq!(refused.header(HeaderName::RetryAfter), None);
    a.ack(&mut call, &refused, None).await;
    all_over(&house).await;
}

/// An SDP with these two static codecs, the first preferred.
fn two_codecs(phone: &WirePhone, codecs: &str) -> String {
    phone
        .sdp()
        .replace("RTP/AVP 0", &format!("RTP/AVP {codecs}"))
}

#[tokio::test]
async fn who_tries_again_first_after_two_offers_crossed_is_answered() {
    let (house, mut a, mut b) = pair().await;
    let offer = two_codecs(&a, "0 8");
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&two_codecs(&b, "0 8"))).await;
    let answer = a.response(&call, 200..300).await;
    a.ack(&mut call, &answer, None).await;
    b.request(Method::Ack).await;
    // A speaks PCMA alone now, so B is asked to; B would offer itself just then.
    a.within(Method::Invite, &mut call, Some(&two_codecs(&a, "8")))
        .await;
    let changed = a.response(&call, 200..300).await;
    a.ack(&mut call, &changed, None).await;
    let ours = b.request(Method::Invite).await;
    let mut from_b = b.dialog_of(&invite);
    let theirs = two_codecs(&b, "0 8");
    b.within(Method::Invite, &mut from_b, Some(&theirs)).await;
    let glare = b.response(&from_b, 200..700).await;
    assert_eq!(glare.status(), Some(491));
    b.ack(&mut from_b.clone(), &glare, None).await;
    b.reply(&ours, 491, None).await;
    b.request(Method::Ack).await;
    b.within(Method::Invite, &mut from_b, Some(&theirs)).await;
    let taken = b.response(&from_b, 200..700).await;
    assert_eq!(taken.status(), Some(200), "nothing of ours is on the wire");
    assert!(body(&taken).contains("RTP/AVP 8\r\n"), "{taken}");
    b.ack(&mut from_b, &taken, None).await;
    a.within(Method::Bye, &mut call, None).await;
    b.request(Method::Bye).await;
    all_over(&house).await;
}

#[tokio::test]
async fn ipv4_phones_talk_through_sockets_of_both_families() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open_by(dir, |mut config, store, settings| {
        config.sip_udp = "[::]:0".parse().unwrap();
        config.rtp_listen = "::".parse().unwrap();
        exchange::start(config, store, settings)
    })
    .await;
    house.running.sip_udp.set_ip("127.0.0.1".parse().unwrap());
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    let mut a = WirePhone::registered(&house, "1000").await;
    let mut b = WirePhone::registered(&house, "1001").await;
    let number = switch::ExtensionNumber::new("1001").unwrap();
    let online = house.running.handle.registrations(&number);
    assert_eq!(online[0].ip, "127.0.0.1");
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, Some(&b.sdp())).await;
    let answer = a.response(&call, 200..300).await;
    assert!(body(&answer).contains("c=IN IP4 127.0.0.1"), "{answer}");
    a.ack(&mut call, &answer, None).await;
    heard(&a, audio_port(&answer), &b).await;
    heard(&b, audio_port(&invite), &a).await;
}

#[tokio::test]
async fn audio_that_not_every_phone_could_have_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("test.db").display());
    let store = store::Store::open(&url, store::StoreOptions::default());
    let store = store.await.unwrap();
    let key = dir.path().join("secret.key");
    let settings = settings::Settings::open(store.clone(), &key, "1");
    let settings = settings.await.unwrap();
    let config = exchange::ExchangeConfig {
        sip_udp: "[::]:0".parse().unwrap(),
        rtp_listen: "0.0.0.0".parse().unwrap(),
        rtp_ports: 21000..=29999,
        external_address: None,
        local_networks: Vec::new(),
        digest: vec![sip::digest::Algorithm::Md5],
        mail: None,
        identity: common::identity(),
    };
    let refused = exchange::start(config, store, settings)
        .await
        .err()
        .unwrap();
    let said = refused.to_string();
    assert!(
        said.contains("sip.udp [::]:0") && said.contains("rtp.listen 0.0.0.0"),
        "{said}"
    );
}

#[tokio::test]
async fn answer_without_audio_is_hung_up_and_the_caller_told_488() {
    let (house, mut a, mut b) = pair().await;
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let invite = b.request(Method::Invite).await;
    b.reply(&invite, 200, None).await;
    b.request(Method::Ack).await;
    let bye = b.request(Method::Bye).await;
    b.reply(&bye, 200, None).await;
    let refused = a.response(&call, 200..700).await;
    assert_eq!(refused.status(), Some(488));
    a.ack(&mut call, &refused, None).await;
    all_over(&house).await;
    assert_eq!(records(&house).await[0].disposition, "FAILED");
}

#[tokio::test]
async fn cancel_and_answer_that_cross_leave_one_record_and_no_leg() {
    for answer_first in [false, true] {
        let (house, mut a, mut b) = pair().await;
        let offer = a.sdp();
        let call = a.call("1001", Some(&offer)).await;
        let invite = b.request(Method::Invite).await;
        b.reply(&invite, 180, None).await;
        a.response(&call, 180..181).await;
        if answer_first {
            b.reply(&invite, 200, Some(&b.sdp())).await;
            a.cancel(&call).await;
        } else {
            a.cancel(&call).await;
            b.reply(&invite, 200, Some(&b.sdp())).await;
        }
        // Whoever was first, B's 200 is ACKed.
        b.request(Method::Ack).await;
        let last = a.response_to(&call, Method::Invite, 200..700).await;
        a.ack(&mut call.clone(), &last, None).await;
        if last.status() == Some(200) {
            let mut call = call.clone();
            a.ack(&mut call, &last, None).await;
            a.within(Method::Bye, &mut call, None).await;
        }
        let bye = b.request(Method::Bye).await;
        b.reply(&bye, 200, None).await;
        all_over(&house).await;
        assert_eq!(records(&house).await.len(), 1);
    }
}

#[tokio::test]
async fn what_can_not_be_a_call_is_refused_before_it_is_one() {
    let house = house().await;
    let mut a = WirePhone::new(&house, "1000").await;
    let offer = a.sdp();
    let long = "1".repeat(200);
    for (number, body, status) in [
        ("1001", Some(("text/plain", "hello")), 415),
        ("1001", Some(("application/sdp", "hello")), 488),
        (
            long.as_str(),
            Some(("application/sdp", offer.as_str())),
            414,
        ),
    ] {
        let mut call = a.call_with(number, body).await;
        let refused = a.response(&call, 200..700).await;
        assert_eq!(refused.status(), Some(status));
        if status == 415 {
            assert_eq!(refused.header(HeaderName::Accept), Some("application/sdp"));
        }
        a.ack(&mut call, &refused, None).await;
    }
    all_over(&house).await;
    assert!(records(&house).await.is_empty());
}

#[tokio::test]
async fn phone_that_no_way_leads_to_fails_the_call_at_once() {
    let house = house().await;
    let row = RegistrationRow {
        extension: "1001".into(),
        contact_uri: "sip:1001@127.0.0.1:9".into(),
        // Nothing can be sent to port 0.
        flow_remote: "127.0.0.1:0".into(),
        expires_at: 4_000_000_000,
        ..Default::default()
    };
    let batch = Batch {
        registrations: vec![RegistrationChange::Put(row)],
        ..Batch::default()
    };
    house.store.write(batch).await.unwrap();
    let house = house.restart().await;
    let mut events = Events::of(&house);
    let mut a = WirePhone::new(&house, "1000").await;
    let offer = a.sdp();
    let mut call = a.call("1001", Some(&offer)).await;
    let refused = a.response(&call, 200..700).await;
    assert_eq!(refused.status(), Some(480));
    a.ack(&mut call, &refused, None).await;
    assert_eq!(events.next_of(30015).await["reason"], "Line Unreachable");
    all_over(&house).await;
}

#[tokio::test]
async fn dialled_callers_record_says_where_the_phone_is_that_answered() {
    let (house, mut a, mut b) = pair().await;
    let mut events = Events::of(&house);
    let dial = exchange::DialRequest {
        caller: "1000".into(),
        callee: "1001".into(),
        dial_permission: None,
        auto_answer: true,
    };
    house.running.handle.dial(dial).await.unwrap();
    let invite = a.request(Method::Invite).await;
    assert!(
        invite
            .header(HeaderName::CallInfo)
            .unwrap()
            .ends_with("answer-after=0")
    );
    a.reply(&invite, 200, Some(&a.sdp())).await;
    let second = b.request(Method::Invite).await;
    b.reply(&second, 486, None).await;
    let bye = a.request(Method::Bye).await;
    a.reply(&bye, 200, None).await;
    assert_eq!(events.next_of(30012).await["status"], "BUSY");
    assert_eq!(records(&house).await[0].src_addr, a.address().to_string());
    all_over(&house).await;
}
