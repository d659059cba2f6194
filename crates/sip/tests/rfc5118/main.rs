//! The torture tests of RFC 5118: IPv6 in SIP. Each test names its section; the
//! messages are written anew from what the section says of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use common::Lone;
use sip::{HeaderName, Message, ParseErrorKind, Uri};

fn register(uri: &str, via: &str, contact: &str) -> String {
    format!(
        "REGISTER {uri} SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP {via};branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: {contact}
CSeq: 98176 REGISTER

"
    )
}

fn parse(text: &str) -> Result<Message, sip::ParseError> {
    Message::parse(Bytes::from(text.replace('\n', "\r\n")))
}

fn accept(text: &str) -> Message {
    parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn s4_1_a_reference_is_a_host_wherever_one_may_stand() {
    let message = accept(&register(
        "sip:[2001:db8::10]",
        "[2001:db8::9:1]",
        "\"Caller\" <sip:caller@[2001:db8::1]>",
    ));
    let uri: Uri = message.request_uri().unwrap().parse().unwrap();
    assert_eq!(uri.host_ip(), ip("2001:db8::10"));
    assert_eq!(message.top_via().unwrap().host_ip(), ip("2001:db8::9:1"));
    let contact = message.contacts().next().unwrap().unwrap();
    let contact: Uri = contact.uri.parse().unwrap();
    assert_eq!(contact.host_ip(), ip("2001:db8::1"));
}

#[test]
fn s4_2_an_address_without_brackets_gets_400() {
    let broken = register(
        "sip:2001:db8::10",
        "[2001:db8::9:1]",
        "<sip:caller@[2001:db8::1]>",
    );
    let error = parse(&broken).unwrap_err();
    assert_eq!(*error.kind(), ParseErrorKind::RequestUri);
    assert_eq!(error.status(), 400);
    assert!(error.answerable().is_some());
}

#[test]
fn s4_3_what_looks_like_a_port_within_the_brackets_is_part_of_the_address() {
    let message = accept(&register(
        "sip:[2001:db8::10:5070]",
        "[2001:db8::9:1]",
        "<sip:caller@[2001:db8::1]>",
    ));
    let uri: Uri = message.request_uri().unwrap().parse().unwrap();
    assert_eq!((uri.host_ip(), uri.port()), (ip("2001:db8::10:5070"), None));
}

#[test]
fn s4_4_a_port_stands_behind_the_brackets() {
    let message = accept(&register(
        "sip:[2001:db8::10]:5070",
        "[2001:db8::9:1]",
        "<sip:caller@[2001:db8::1]>",
    ));
    let uri: Uri = message.request_uri().unwrap().parse().unwrap();
    assert_eq!(
        (uri.host_ip(), uri.port()),
        (ip("2001:db8::10"), Some(5070))
    );
}

#[test]
fn s4_5_received_is_read_with_brackets_and_without_and_written_without() {
    for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
        let via = format!("[2001:db8::9:1];received={received}");
        let message = accept(&register(
            "sip:[2001:db8::10]",
            &via,
            "<sip:c@[2001:db8::1]>",
        ));
        assert_eq!(message.top_via().unwrap().received(), Some(received));
    }
    let mut lone = Lone::new();
    lone.flow.remote = SocketAddr::new("2001:db8::9:255".parse().unwrap(), 5060);
    lone.hear(&register(
        "sip:[2001:db8::10]",
        "[2001:db8::9:1]",
        "<sip:c@[2001:db8::1]>",
    ));
    let arrival = lone.arrival();
    lone.endpoint.answer_once(&arrival, 404, &[]).unwrap();
    let answer = lone.only();
    assert_eq!(
        answer.top_via().unwrap().received(),
        Some("2001:db8::9:255")
    );
}

#[test]
fn s4_6_and_4_8_a_body_with_ipv6_addresses_is_carried_as_it_is() {
    let body = "v=0\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\ns=-\n\
                c=IN IP6 2001:db8::20\nt=0 0\nm=audio 6000 RTP/AVP 97\nc=IN IP4 192.0.2.20\n";
    let text = register(
        "sip:[2001:db8::10]",
        "[2001:db8::9:1]",
        "<sip:c@[2001:db8::1]>",
    );
    let text = text.trim_end().to_owned() + "\nContent-Type: application/sdp\n\n" + body;
    let message = accept(&text);
    assert_eq!(message.body(), body.replace('\n', "\r\n").as_bytes());
}

#[test]
fn s4_7_a_message_may_have_addresses_of_both_families() {
    let text = register(
        "sip:user@[2001:db8::10]",
        "[2001:db8::9:1]:6050",
        "<sip:c@[2001:db8::1]>",
    );
    let text = text.replace(
        "Call-ID",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\nCall-ID",
    );
    let message = accept(&text);
    let hops: Vec<_> = message
        .values(HeaderName::Via)
        .map(|via| sip::Via::parse(via).unwrap().host_ip())
        .collect();
    assert_eq!(
        hops,
        [ip("2001:db8::9:1"), ip("192.0.2.1"), ip("2001:db8::9:255")]
    );
}

#[test]
fn s4_9_a_mapped_ipv4_address_is_an_address() {
    let message = accept(&register(
        "sip:user@[::ffff:192.0.2.10]",
        "[::ffff:192.0.2.2]",
        "\"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>",
    ));
    let via = message.top_via().unwrap();
    assert_eq!(via.host_ip().map(|ip| ip.to_canonical()), ip("192.0.2.2"));
    let uri: Uri = message.request_uri().unwrap().parse().unwrap();
    assert_eq!(uri.host_ip(), ip("::ffff:192.0.2.10"));
}

#[test]
fn s4_10_two_colons_before_an_ipv4_part_are_right_and_three_get_400() {
    let contact = "<sip:user@[2001:db8::192.0.2.2]>";
    let good = register("sip:user@[2001:db8::192.0.2.1]", "[2001:db8::9:1]", contact);
    let uri: Uri = accept(&good).request_uri().unwrap().parse().unwrap();
    assert_eq!(uri.host_ip(), ip("2001:db8::192.0.2.1"));
    let bug = good.replace("8::192.0.2.1", "8:::192.0.2.1");
    assert_eq!(*parse(&bug).unwrap_err().kind(), ParseErrorKind::RequestUri);
}
