//! 7: the form of messages, and 18.3: where they end.

use bytes::Bytes;
use proptest::prelude::*;
use sip::{
    BuildError, HeaderName, MAX_FIELDS, MAX_MESSAGE, Message, MessageBuilder, Method,
    ParseErrorKind,
};

use crate::{options, parse, wire};

#[test]
fn s7_3_1_a_fold_is_one_space() {
    let message = parse(&options(
        "Subject: I know you're there,\n   \t pick up the phone\n\t and talk\n",
    ))
    .unwrap();
    let subject = message.header(HeaderName::Subject);
    assert_eq!(
        subject,
        Some("I know you're there, pick up the phone and talk")
    );
    assert!(!message.to_string().contains("\r\n "));
}

#[test]
fn s7_3_1_fields_of_one_name_are_one_list_in_their_order() {
    let message = parse(&options(
        "Route: <sip:a;lr>, <sip:b?x=1,2;lr>\nSupported: timer\nRoute: \"C, \\\"D\" <sip:c;lr>\n",
    ))
    .unwrap();
    let routes: Vec<_> = message.values(HeaderName::Route).collect();
    assert_eq!(
        routes,
        ["<sip:a;lr>", "<sip:b?x=1,2;lr>", "\"C, \\\"D\" <sip:c;lr>"]
    );
    assert_eq!(message.headers(HeaderName::Route).count(), 2);
}

#[test]
fn s7_3_1_commas_in_credentials_and_dates_do_not_separate() {
    let message = parse(&options(
        "Authorization: Digest a=\"b\", c=d\nDate: Sat, 13 Nov 2010 23:29:00 GMT\n",
    ))
    .unwrap();
    assert_eq!(
        message
            .values(HeaderName::Authorization)
            .collect::<Vec<_>>(),
        ["Digest a=\"b\", c=d"]
    );
    assert_eq!(message.values(HeaderName::Date).count(), 1);
}

#[test]
fn s7_3_3_compact_and_full_forms_are_the_same_field() {
    let message = parse(&options(
        "k: timer\nSupported: 100rel\nSUPPORTED: path\nx: 1800\n",
    ))
    .unwrap();
    assert_eq!(
        message.values(HeaderName::Supported).collect::<Vec<_>>(),
        ["timer", "100rel", "path"]
    );
    assert_eq!(message.header(HeaderName::SessionExpires), Some("1800"));
    assert_eq!(
        message.header(HeaderName::custom("supported")),
        Some("timer")
    );
}

#[test]
fn s7_5_line_ends_before_the_start_line_are_skipped() {
    let message = parse(&format!("\n\n{}", options(""))).unwrap();
    assert_eq!(message.as_bytes(), &wire(&options("")));
}

#[test]
fn a_datagram_of_line_ends_is_a_keep_alive_and_other_noise_is_not_sip() {
    for text in ["\r\n", "\r\n\r\n", ""] {
        let error = Message::parse(Bytes::from_static(text.as_bytes())).unwrap_err();
        assert_eq!(*error.kind(), ParseErrorKind::KeepAlive);
    }
    for noise in [
        &b"\0\x01\0\x08!\x12\xA4B"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"jaK",
        b"SIP/2.0 OK\r\n\r\n",
        b"\xff\xfe \r\n\r\n",
    ] {
        let error = Message::parse(Bytes::from_static(noise)).unwrap_err();
        assert_eq!(*error.kind(), ParseErrorKind::NotSip);
        assert!(error.answerable().is_none());
    }
}

#[test]
fn lines_that_end_in_line_feed_alone_are_lines() {
    let text = options("Content-Length: 4\n").replace("\r\n", "\n") + "a\nb\n";
    let message = Message::parse(Bytes::from(text)).unwrap();
    assert_eq!(message.call_id(), Some("3c1f@192.0.2.1"));
    assert_eq!(message.body(), b"a\nb\n");
}

#[test]
fn a_carriage_return_inside_a_line_is_a_blank_and_never_travels_on() {
    let mut bytes = wire(&options("Subject: a\u{1}b\u{1}\nX-Next: \u{1}\n")).to_vec();
    bytes
        .iter_mut()
        .filter(|b| **b == 1)
        .for_each(|b| *b = b'\r');
    let message = Message::parse(bytes.into()).unwrap();
    assert_eq!(message.header(HeaderName::Subject), Some("a b"));
    let relayed =
        MessageBuilder::response_to(&message, 200, None).copy(&message, HeaderName::Subject);
    assert_eq!(
        relayed.build().unwrap().header(HeaderName::Subject),
        Some("a b")
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_read_as_latin_1() {
    let text = options("").replace("Alice", "M\u{1}ller");
    let bytes: Vec<u8> = text
        .replace('\n', "\r\n")
        .bytes()
        .map(|b| if b == 1 { 0xFC } else { b })
        .collect();
    let message = Message::parse(bytes.into()).unwrap();
    assert_eq!(message.from().unwrap().display, Some("Müller"));
    assert_eq!(message.from_tag(), Some("242etr"));
}

#[test]
fn s18_3_without_content_length_the_body_goes_to_the_end_of_the_datagram() {
    let message = parse(&format!(
        "{}v=0\n",
        options("Content-Type: application/sdp\n")
    ))
    .unwrap();
    assert_eq!(message.body(), b"v=0\r\n");
    assert_eq!(message.body_bytes(), Bytes::from_static(b"v=0\r\n"));
}

#[test]
fn a_head_that_breaks_off_gets_400_if_it_has_what_a_response_needs() {
    let whole = wire(&options("Subject: x\n"));
    let cut = whole.slice(..whole.len() - 2);
    let error = Message::parse(cut).unwrap_err();
    assert_eq!(*error.kind(), ParseErrorKind::NoEnd);
    assert_eq!((error.status(), error.answerable().is_some()), (400, true));
    let error = Message::parse(whole.slice(..60)).unwrap_err();
    assert!(error.answerable().is_none());
}

#[test]
fn s8_2_2_a_malformed_line_that_is_not_needed_is_passed_over() {
    let message = parse(&options(
        "what is this\n: nameless\nx y: z\nSubject: kept\n",
    ))
    .unwrap();
    assert_eq!(message.header(HeaderName::Subject), Some("kept"));
    assert_eq!(message.fields().count(), 6);
}

#[test]
fn the_limits_of_fields_and_size_hold() {
    let fields = |n: usize| "X: y\n".repeat(n);
    assert!(parse(&options(&fields(MAX_FIELDS - 5))).is_ok());
    let error = parse(&options(&fields(MAX_FIELDS - 4))).unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (&ParseErrorKind::TooManyFields, 513)
    );
    assert!(error.answerable().is_some());

    let mut bytes = wire(&options("")).to_vec();
    bytes.resize(MAX_MESSAGE, b'x');
    assert!(Message::parse(bytes.clone().into()).is_ok());
    bytes.push(b'x');
    let error = Message::parse(bytes.into()).unwrap_err();
    assert_eq!(*error.kind(), ParseErrorKind::TooLarge);
}

#[test]
fn a_built_message_reads_back_as_it_was_meant() {
    let built = MessageBuilder::request(Method::Invite, "sip:1001@192.0.2.7:5060;transport=udp")
        .header(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
        .header(HeaderName::From, "\"Zo\u{eb}\" <sip:1000@pbx>;tag=1")
        .header(HeaderName::To, "<sip:1001@pbx>")
        .header(HeaderName::CallId, "a@b")
        .header(HeaderName::CSeq, "1 INVITE")
        .header(HeaderName::ContentLength, "99")
        .header(HeaderName::custom("X-Thing"), "  one  ")
        .body("application/sdp", "v=0\r\n")
        .build()
        .unwrap();
    let read = Message::parse(built.as_bytes().clone()).unwrap();
    assert_eq!(read.method(), Some(Method::Invite));
    assert_eq!(read.from().unwrap().display_name().unwrap(), "Zo\u{eb}");
    assert_eq!(read.header(HeaderName::custom("x-thing")), Some("one"));
    assert_eq!(read.header(HeaderName::ContentLength), Some("5"));
    assert_eq!(
        (read.content_type(), read.body()),
        (Some("application/sdp"), &b"v=0\r\n"[..])
    );
}

#[test]
fn the_builder_refuses_to_smuggle_lines() {
    let bad = "x\r\nContact: <sip:evil@example.com>";
    let start = || MessageBuilder::request(Method::Options, "sip:a@b");
    let value = start()
        .header(HeaderName::Subject, bad)
        .build()
        .unwrap_err();
    assert_eq!(value, BuildError::Value(HeaderName::Subject));
    let name = start()
        .header(HeaderName::parse(bad), "x")
        .build()
        .unwrap_err();
    assert_eq!(name, BuildError::Name(bad.to_owned()));
    assert!(start().header(HeaderName::custom(""), "x").build().is_err());
    assert!(start().body(bad, "").build().is_err());
    assert_eq!(
        MessageBuilder::request(Method::Info, bad)
            .build()
            .unwrap_err(),
        BuildError::RequestUri
    );
    let method = Method::Other(bad.into());
    assert_eq!(
        MessageBuilder::request(method, "sip:a@b")
            .build()
            .unwrap_err(),
        BuildError::Method
    );
    assert_eq!(
        MessageBuilder::response(200, bad).build().unwrap_err(),
        BuildError::Reason
    );
    assert_eq!(
        MessageBuilder::response(42, "x").build().unwrap_err(),
        BuildError::Status(42)
    );
    assert!(
        start()
            .body("text/plain", vec![b'x'; MAX_MESSAGE])
            .build()
            .is_err()
    );
}

/// A value as a header field may hold it: no line ends, no blanks around.
fn value() -> impl Strategy<Value = String> {
    "[ -~\u{a0}-\u{2ff}]{0,40}".prop_map(|v| v.trim_ascii().to_owned())
}

proptest! {
    /// What the builder writes, the parser reads, field for field.
    #[test]
    fn fields_and_body_survive_printing_and_parsing(
        fields in proptest::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,20}", value()), 0..20),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        status in 100u16..700,
    ) {
        let mut builder = MessageBuilder::response(status, "Whatever");
        for (name, value) in &fields {
            builder = builder.header(HeaderName::parse(name), value);
        }
        let built = builder.body("application/octet-stream", body.clone()).build().unwrap();
        let expected: Vec<_> = fields
            .iter()
            .map(|(n, v)| (HeaderName::parse(n), v.as_str()))
            .filter(|(n, _)| *n != HeaderName::ContentLength)
            .collect();
        let read: Vec<_> = built.fields().collect();
        prop_assert_eq!(&read[..expected.len()], &expected[..]);
        prop_assert_eq!(built.body(), &body[..]);
        prop_assert_eq!(built.status(), Some(status));
    }

    /// Whatever arrives, parsing ends, and what was understood is understood
    /// the same again.
    #[test]
    fn parsing_is_a_fixed_point(damage in proptest::collection::vec((0usize..400, any::<u8>()), 0..6)) {
        let mut bytes = wire(&options("Contact: \"A\" <sip:a@b;x=y>;expires=3\nContent-Length: 3\n\nabc")).to_vec();
        for (at, byte) in damage {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        if let Ok(message) = Message::parse(bytes.into()) {
            let again = Message::parse(message.as_bytes().clone()).unwrap();
            prop_assert_eq!(again.as_bytes(), message.as_bytes());
            prop_assert!(again.fields().eq(message.fields()));
        }
    }
}
