//! A datagram from anywhere. What is understood must be understood the same
//! when it is sent on, and whatever is answered must be a message.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::{BuildError, CSeq, HeaderName, Message, MessageBuilder, NameAddr, Via};

fuzz_target!(|datagram: &[u8]| {
    match Message::parse(Bytes::copy_from_slice(datagram)) {
        Ok(message) => understood(&message),
        Err(error) => {
            assert!((400..700).contains(&error.status()));
            if let Some(request) = error.answerable() {
                respond(request, error.status());
            }
        }
    }
});

fn understood(message: &Message) {
    same(message, &reparse(message));

    // The promises of `parse`.
    assert!(message.from().is_ok() && message.to().is_ok());
    assert!(message.top_via().is_ok() && message.cseq().is_ok());
    assert!(message.call_id().is_some_and(|id| !id.is_empty()));
    assert_eq!(message.is_request(), message.method().is_some());
    assert_eq!(message.is_request(), message.status().is_none());

    for (name, value) in message.fields() {
        assert!(!value.contains(['\r', '\n']), "{name}");
        assert!(message.headers(name.clone()).any(|v| v == value));
        for value in message.values(name) {
            address(value);
            let _ = Via::parse(value);
            if let Ok(cseq) = CSeq::parse(value) {
                assert_eq!(CSeq::parse(&cseq.to_string()), Ok(cseq));
            }
        }
    }
    for contact in message.contacts().flatten() {
        let _ = (contact.is_star(), contact.expires());
    }
    let _ = (
        message.expires(),
        message.max_forwards(),
        message.content_type(),
    );
    assert_eq!(message.body(), &message.body_bytes()[..]);

    if message.is_request() {
        let noted = message.with_top_via_received(([192, 0, 2, 77], 40_077).into());
        same(&noted, &reparse(&noted));
        assert_eq!(noted.body(), message.body());
        if let Some(response) = respond(&noted, 200) {
            same(&response, &reparse(&response));
            assert_eq!(response.call_id(), message.call_id());
            assert_eq!(response.cseq(), message.cseq());
            assert_eq!(response.from_tag(), message.from_tag());
            assert_eq!(response.to_tag(), message.to_tag().or(Some("fuzz")));
            assert_eq!(response.top_via(), noted.top_via());
        }
    }
}

fn address(value: &str) {
    let Ok(address) = NameAddr::parse(value) else {
        return;
    };
    let printed = address.to_string();
    let again = NameAddr::parse(&printed).expect("its own print");
    assert_eq!(again.uri, address.uri);
    assert_eq!(again.display_name(), address.display_name());
    assert_eq!(again.params, address.params);
}

fn respond(request: &Message, status: u16) -> Option<Message> {
    match MessageBuilder::response_to(request, status, Some("fuzz")).build() {
        Ok(response) => Some(response),
        Err(BuildError::TooLarge) => None,
        Err(error) => panic!("{error} in the response to {request}"),
    }
}

fn reparse(message: &Message) -> Message {
    Message::parse(message.as_bytes().clone()).expect("its own bytes")
}

fn same(a: &Message, b: &Message) {
    assert_eq!(a.as_bytes(), b.as_bytes());
    assert_eq!(a.body(), b.body());
    assert_eq!(
        (a.method(), a.status(), a.reason()),
        (b.method(), b.status(), b.reason())
    );
    assert_eq!(a.request_uri(), b.request_uri());
    assert!(a.fields().eq(b.fields()));
    assert_eq!(a.header(HeaderName::Via), b.header(HeaderName::Via));
}
