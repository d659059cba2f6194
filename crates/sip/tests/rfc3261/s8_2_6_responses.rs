//! 8.2.6: the fields of a response.

use sip::{HeaderName, Message, MessageBuilder};

use crate::{options, parse};

fn request(to: &str) -> Message {
    let text = options("Record-Route: <sip:p2;lr>\nRecord-Route: <sip:p1;lr>\nTimestamp: 54\nVia: SIP/2.0/UDP 192.0.2.200, SIP/2.0/TCP h;branch=x\n")
        .replace("<sip:1001@pbx.example.com>\n", &format!("{to}\n"))
        .replace("OPTIONS", "INVITE");
    parse(&text).unwrap()
}

fn lines(message: &Message, name: HeaderName) -> Vec<&str> {
    message.headers(name).collect()
}

#[test]
fn s8_2_6_2_via_from_call_id_and_cseq_are_the_requests() {
    let request = request("<sip:1001@pbx.example.com>");
    let response = MessageBuilder::response_to(&request, 486, Some("b2b"))
        .build()
        .unwrap();
    let response = Message::parse(response.as_bytes().clone()).unwrap();
    assert_eq!(
        (response.status(), response.reason()),
        (Some(486), "Busy Here")
    );
    for name in [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::CallId,
        HeaderName::CSeq,
    ] {
        assert_eq!(lines(&response, name.clone()), lines(&request, name));
    }
    assert_eq!(response.to_tag(), Some("b2b"));
    assert_eq!(response.to().unwrap().uri, "sip:1001@pbx.example.com");
    assert_eq!(response.header(HeaderName::ContentLength), Some("0"));
}

#[test]
fn s8_2_6_2_a_tag_that_to_has_is_kept() {
    let request = request("<sip:1001@pbx.example.com>;tag=mine");
    let response = MessageBuilder::response_to(&request, 200, Some("other"))
        .build()
        .unwrap();
    assert_eq!(
        response.header(HeaderName::To),
        request.header(HeaderName::To)
    );
}

#[test]
fn s8_2_6_1_timestamp_is_copied_into_100_only() {
    let request = request("sip:1001@pbx.example.com");
    let build = |status| {
        MessageBuilder::response_to(&request, status, None)
            .build()
            .unwrap()
    };
    assert_eq!(build(100).header(HeaderName::Timestamp), Some("54"));
    assert_eq!(build(180).header(HeaderName::Timestamp), None);
    assert_eq!(build(100).to_tag(), None);
}

#[test]
fn s12_1_1_record_route_is_copied_where_a_dialog_may_come_of_it() {
    let request = request("sip:1001@pbx.example.com");
    let build = |status| {
        MessageBuilder::response_to(&request, status, Some("t"))
            .build()
            .unwrap()
    };
    for status in [180, 200] {
        assert_eq!(
            lines(&build(status), HeaderName::RecordRoute),
            ["<sip:p2;lr>", "<sip:p1;lr>"]
        );
    }
    for status in [100, 404] {
        assert_eq!(
            lines(&build(status), HeaderName::RecordRoute),
            Vec::<&str>::new()
        );
    }
}
