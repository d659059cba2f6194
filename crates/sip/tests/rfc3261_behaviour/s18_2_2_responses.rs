//! 18.2.1, 18.2.2 and RFC 3581: where responses go, and what their Via says.

use std::net::SocketAddr;

use crate::common::*;

/// The Via of the answer, and where it went.
fn answer_to(via: &str, source: &str) -> (String, SocketAddr) {
    let mut lone = Lone::new();
    lone.flow.remote = source.parse().unwrap();
    let bye = request("BYE", 1, ";tag=x", "z9hG4bKb", "");
    let line = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKb";
    lone.hear(&bye.replace(line, via));
    let transmit = lone.endpoint.poll_transmit().unwrap();
    let message = sip::Message::parse(transmit.bytes).unwrap();
    let via = message.values(sip::HeaderName::Via).next().unwrap();
    (via.to_owned(), transmit.flow.remote)
}

fn check(via: &str, source: &str, wanted_via: &str, to: &str) {
    let (via, remote) = answer_to(via, source);
    assert_eq!(via, wanted_via);
    assert_eq!(remote, to.parse().unwrap());
}

#[test]
fn to_the_port_of_the_via_where_it_names_the_source() {
    let via = "SIP/2.0/UDP 192.0.2.9:7000;branch=z9hG4bKb";
    check(via, "192.0.2.9:40000", via, "192.0.2.9:7000");
    let via = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb";
    check(via, "192.0.2.9:40000", via, "192.0.2.9:5060");
}

#[test]
fn to_the_source_where_rport_asks_for_it() {
    check(
        "SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKb",
        "192.0.2.9:40000",
        "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKb;received=192.0.2.9;rport=40000",
        "192.0.2.9:40000",
    );
    check(
        "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKb;rport",
        "192.0.2.9:40000",
        "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKb;received=192.0.2.9;rport=40000",
        "192.0.2.9:40000",
    );
}

#[test]
fn to_the_source_from_behind_a_nat_that_nobody_told_of() {
    check(
        "SIP/2.0/UDP phone.local:5060;branch=z9hG4bKb",
        "192.0.2.9:40000",
        "SIP/2.0/UDP phone.local:5060;branch=z9hG4bKb;received=192.0.2.9",
        "192.0.2.9:40000",
    );
}

#[test]
fn what_the_sender_wrote_into_received_is_not_believed() {
    let (via, remote) = answer_to(
        "SIP/2.0/UDP 192.0.2.9;received=203.0.113.1;branch=z9hG4bKb",
        "192.0.2.9:5060",
    );
    assert!(!via.contains("203.0.113.1"), "{via}");
    assert_eq!(remote, "192.0.2.9:5060".parse().unwrap());
}
