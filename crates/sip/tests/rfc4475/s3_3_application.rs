//! 3.3: what the application layer has to judge. Here are those whose verdict
//! hangs on the syntax.

use sip::{HeaderName, ParseErrorKind, Uri, UriError};

use crate::{accept, answered_with, dropped};

fn options(uri: &str, more: &str) -> String {
    format!(
        "OPTIONS {uri} SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: application.0ha0isndaksdj
CSeq: 8 OPTIONS
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKzzz
{more}
"
    )
}

#[test]
fn s3_3_1_a_request_without_a_required_field_that_responses_copy_cannot_be_answered() {
    for (name, field) in [
        ("To", HeaderName::To),
        ("From", HeaderName::From),
        ("Call-ID", HeaderName::CallId),
        ("CSeq", HeaderName::CSeq),
        ("Via", HeaderName::Via),
    ] {
        let message = options("sip:user@example.com", "").replace(&format!("\n{name}: "), "\nX: ");
        dropped(&message, ParseErrorKind::Missing(field));
    }
}

#[test]
fn s3_3_2_to_s3_3_4_an_unknown_scheme_reaches_the_application_for_its_416() {
    for uri in [
        "nobodyKnowsThisScheme:totallyopaquecontent",
        "soap.beep://192.0.2.103:3002",
        "name:John_Smith",
    ] {
        let message = accept(&options(uri, ""));
        assert_eq!(message.request_uri(), Some(uri));
        assert_eq!(Uri::parse(uri).unwrap_err(), UriError::Scheme);
    }
    let to =
        options("sip:user@example.com", "").replace("sip:user@example.com\n", "isbn:2983792873\n");
    assert_eq!(accept(&to).to().unwrap().uri, "isbn:2983792873");
}

#[test]
fn s3_3_5_every_required_option_is_seen() {
    let message = accept(&options(
        "sip:user@example.com",
        "Require: nothingSupportsThis, nothingSupportsThisEither\n",
    ));
    assert_eq!(message.values(HeaderName::Require).count(), 2);
}

#[test]
fn s3_3_8_several_values_where_one_is_required_get_400() {
    for (line, name) in [
        ("To: sip:other@example.com", HeaderName::To),
        ("From: sip:other@example.net;tag=3413415", HeaderName::From),
        ("Call-ID: another.98asdh", HeaderName::CallId),
        ("CSeq: 59 OPTIONS", HeaderName::CSeq),
        ("Max-Forwards: 5", HeaderName::MaxForwards),
    ] {
        let message = options("sip:user@example.com", &format!("{line}\n"));
        answered_with(&message, 400, ParseErrorKind::Repeated(name));
    }
}

#[test]
fn s3_3_9_two_content_lengths_get_400() {
    let message = options(
        "sip:user@example.com",
        "Content-Length: 13\nContent-Length: 5\n\nThere's no way to know\n",
    );
    answered_with(
        &message,
        400,
        ParseErrorKind::Repeated(HeaderName::ContentLength),
    );
}

#[test]
fn s3_3_11_zero_hops_left_is_a_valid_number() {
    let message =
        accept(&options("sip:user@example.com", "").replace("Forwards: 6", "Forwards: 0"));
    assert_eq!(message.max_forwards(), Some(0));
}

#[test]
fn s3_3_13_and_s3_3_14_parameters_inside_and_outside_of_the_brackets_are_kept_apart() {
    let message = accept(&options(
        "sip:example.com",
        "Contact: sip:+19725552222@gw1.example.net;unknownparam
Contact: <sip:+19725552222@gw1.example.net;unknownparam>\n",
    ));
    let contacts: Vec<_> = message.contacts().map(Result::unwrap).collect();
    assert_eq!(contacts[0].uri, "sip:+19725552222@gw1.example.net");
    assert_eq!(contacts[0].param("unknownparam"), Some(""));
    assert_eq!(
        contacts[1].uri,
        "sip:+19725552222@gw1.example.net;unknownparam"
    );
    assert_eq!(contacts[1].param("unknownparam"), None);
}
