//! 18.2.1, and RFC 3581 4: the top Via tells where a request came from.

use std::net::SocketAddr;

use sip::{HeaderName, Message};

use crate::{options, parse};

fn request(via: &str) -> Message {
    let text = options("Subject: after\nContent-Length: 3\n")
        .replace("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKzzz", via);
    parse(&format!("{text}abc")).unwrap()
}

fn noted(via: &str, source: &str) -> String {
    let source: SocketAddr = source.parse().unwrap();
    let message = request(via).with_top_via_received(source);
    // The table must fit the new text everywhere.
    let again = Message::parse(message.as_bytes().clone()).unwrap();
    assert!(again.fields().eq(message.fields()));
    assert_eq!(
        (message.body(), message.header(HeaderName::Subject)),
        (&b"abc"[..], Some("after"))
    );
    assert_eq!(message.request_uri(), Some("sip:1001@pbx.example.com"));
    message.header(HeaderName::Via).unwrap().to_owned()
}

#[test]
fn s18_2_1_received_is_added_where_the_sent_by_is_not_the_source() {
    let via = "SIP/2.0/UDP pc33.example.com:5060;branch=z9hG4bK1";
    assert_eq!(
        noted(via, "192.0.2.9:40000"),
        format!("{via};received=192.0.2.9")
    );
    assert_eq!(
        noted("SIP/2.0/UDP 10.0.0.4", "[2001:db8::1]:5060"),
        "SIP/2.0/UDP 10.0.0.4;received=2001:db8::1"
    );
}

#[test]
fn s18_2_1_nothing_is_added_where_the_sent_by_is_the_source() {
    for (via, source) in [
        (
            "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1",
            "192.0.2.9:40000",
        ),
        (
            "SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1",
            "[2001:db8::1]:5060",
        ),
        (
            "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1",
            "[::ffff:192.0.2.9]:5060",
        ),
    ] {
        assert_eq!(noted(via, source), via);
    }
}

#[test]
fn rfc3581_4_rport_is_filled_in_and_received_comes_with_it() {
    let via = noted(
        "SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK1",
        "192.0.2.9:40000",
    );
    assert_eq!(
        via,
        "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1;received=192.0.2.9;rport=40000"
    );
    let parsed = sip::Via::parse(&via).unwrap();
    assert_eq!(
        (parsed.received(), parsed.rport()),
        (Some("192.0.2.9"), Some(Some(40000)))
    );
}

#[test]
fn what_the_sender_wrote_there_itself_is_replaced() {
    let via = noted(
        "SIP/2.0/UDP 192.0.2.9;rport=1;received=203.0.113.5;branch=z9hG4bK1",
        "192.0.2.9:40000",
    );
    assert_eq!(
        via,
        "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;received=192.0.2.9;rport=40000"
    );
    let via = noted(
        "SIP/2.0/UDP 192.0.2.9;received=203.0.113.5;branch=z9hG4bK1",
        "192.0.2.9:40000",
    );
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1");
}

#[test]
fn only_the_first_of_several_is_touched() {
    let via = noted(
        " , SIP/2.0/UDP a;branch=z9hG4bK1;rport , SIP/2.0/UDP b;rport;x=\"a,b\"",
        "192.0.2.9:40000",
    );
    assert_eq!(
        via,
        ", SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.9;rport=40000 , SIP/2.0/UDP b;rport;x=\"a,b\""
    );
}
