//! 3.1.2: invalid. Where the section leaves a choice between guessing and
//! refusing, we refuse: a guess of ours may not be that of the next element.

use sip::{HeaderError, HeaderName, ParseErrorKind, Uri};

use crate::{accept, answered_with, dropped, refuse};

/// A request that is right, except for what is put into it.
fn invite(start: &str, to: &str, via: &str, cseq: &str, more: &str) -> String {
    format!(
        "{start}
To: {to}
From: sip:caller@example.net;tag=134161461246
Max-Forwards: 7
Call-ID: invalid.0ha0isndaksdjasdf3234nas
CSeq: {cseq}
Via: {via}
{more}
"
    )
}

const LINE: &str = "INVITE sip:user@example.com SIP/2.0";
const TO: &str = "sip:user@example.com";
const VIA: &str = "SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw";
const CSEQ: &str = "8 INVITE";

#[test]
fn the_request_these_tests_break_is_right_before() {
    accept(&invite(LINE, TO, VIA, CSEQ, "Content-Length: 0\n"));
}

#[test]
fn s3_1_2_1_separators_without_anything_between_them_get_400() {
    let broken = invite(
        LINE,
        TO,
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        CSEQ,
        "Contact: \"Joe\" <sip:joe@example.org>;;;;\n",
    );
    answered_with(&broken, 400, ParseErrorKind::Malformed(HeaderName::Via));
    let contact = accept(&invite(
        LINE,
        TO,
        VIA,
        CSEQ,
        "Contact: \"Joe\" <sip:joe@example.org>;;;;\n",
    ));
    assert_eq!(contact.contacts().next(), Some(Err(HeaderError::Syntax)));
}

#[test]
fn s3_1_2_2_a_content_length_beyond_the_datagram_gets_400() {
    let broken = invite(LINE, TO, VIA, CSEQ, "Content-Length: 9999\n\nv=0\n");
    answered_with(&broken, 400, ParseErrorKind::Truncated);
}

#[test]
fn s3_1_2_3_a_negative_content_length_gets_400() {
    let broken = invite(LINE, TO, VIA, CSEQ, "Content-Length: -999\n\nv=0\n");
    answered_with(
        &broken,
        400,
        ParseErrorKind::Malformed(HeaderName::ContentLength),
    );
}

#[test]
fn s3_1_2_4_a_request_whose_numbers_are_too_large_gets_400() {
    let cseq = invite(LINE, TO, VIA, "36893488147419103232 INVITE", "");
    answered_with(&cseq, 400, ParseErrorKind::Malformed(HeaderName::CSeq));
    let hops = invite(LINE, TO, VIA, CSEQ, "");
    let hops = ["300", "-1", "+7", ""]
        .map(|n| hops.replace("Max-Forwards: 7", &format!("Max-Forwards: {n}")));
    for hops in hops {
        answered_with(
            &hops,
            400,
            ParseErrorKind::Malformed(HeaderName::MaxForwards),
        );
    }
    // Times that are too long to tell are just very long.
    let times = invite(
        LINE,
        TO,
        VIA,
        CSEQ,
        "Expires: 10000000000000000000000\nContact: <sip:user@host.example.com>;expires=280297596632815\n",
    );
    let times = accept(&times);
    assert_eq!(times.expires(), Some(u32::MAX));
    assert_eq!(
        times.contacts().next().unwrap().unwrap().expires(),
        Some(u32::MAX)
    );
}

#[test]
fn s3_1_2_5_a_response_whose_numbers_are_too_large_is_dropped() {
    let broken = invite(
        "SIP/2.0 503 Service Unavailable",
        TO,
        VIA,
        "9292394834772304023312 OPTIONS",
        "Retry-After: 949302838503028349304023988\nWarning: 1812 overture \"In Progress\"\n",
    );
    dropped(&broken, ParseErrorKind::Malformed(HeaderName::CSeq));
}

#[test]
fn s3_1_2_6_a_quoted_string_that_does_not_end_gets_400() {
    let broken = invite(
        LINE,
        "\"Mr. J. User <sip:j.user@example.com>",
        VIA,
        CSEQ,
        "",
    );
    answered_with(&broken, 400, ParseErrorKind::Malformed(HeaderName::To));
}

#[test]
fn s3_1_2_7_brackets_around_the_request_uri_get_400() {
    let broken = invite("INVITE <sip:user@example.com> SIP/2.0", TO, VIA, CSEQ, "");
    answered_with(&broken, 400, ParseErrorKind::RequestUri);
}

#[test]
fn s3_1_2_8_a_blank_inside_the_request_uri_gets_400() {
    let broken = invite("INVITE sip:user@example.com; lr SIP/2.0", TO, VIA, CSEQ, "");
    answered_with(&broken, 400, ParseErrorKind::StartLine);
}

#[test]
fn s3_1_2_9_several_blanks_in_the_request_line_get_400() {
    let broken = invite("INVITE  sip:user@example.com  SIP/2.0", TO, VIA, CSEQ, "");
    answered_with(&broken, 400, ParseErrorKind::StartLine);
}

#[test]
fn s3_1_2_10_blanks_after_the_request_line_get_400() {
    let broken = invite("INVITE sip:user@example.com SIP/2.0  ", TO, VIA, CSEQ, "");
    answered_with(&broken, 400, ParseErrorKind::StartLine);
}

#[test]
fn s3_1_2_11_headers_in_the_request_uri_get_400() {
    let line = "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0";
    answered_with(
        &invite(line, TO, VIA, CSEQ, ""),
        400,
        ParseErrorKind::RequestUri,
    );
}

#[test]
fn s3_1_2_12_a_date_in_another_zone_is_left_to_who_wants_the_date() {
    let message = accept(&invite(
        LINE,
        TO,
        VIA,
        CSEQ,
        "Date: Fri, 01 Jan 2010 16:00:00 EST\n",
    ));
    assert_eq!(message.values(HeaderName::Date).count(), 1);
}

#[test]
fn s3_1_2_13_a_uri_with_headers_that_is_not_in_brackets_is_no_contact() {
    let message = accept(&invite(
        LINE,
        TO,
        VIA,
        CSEQ,
        "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\n",
    ));
    assert_eq!(message.contacts().next(), Some(Err(HeaderError::Syntax)));
}

#[test]
fn s3_1_2_14_blanks_inside_the_brackets_get_400() {
    let broken = invite(
        LINE,
        "\"Watson, Thomas\" < sip:t.watson@example.org >",
        VIA,
        CSEQ,
        "",
    );
    answered_with(&broken, 400, ParseErrorKind::Malformed(HeaderName::To));
}

#[test]
fn s3_1_2_15_a_comma_in_an_unquoted_display_name_gets_400() {
    let broken = invite(
        LINE,
        "Bell, Alexander <sip:a.g.bell@example.com>",
        VIA,
        CSEQ,
        "",
    );
    answered_with(&broken, 400, ParseErrorKind::Malformed(HeaderName::To));
}

#[test]
fn s3_1_2_16_another_version_gets_505() {
    let line = "OPTIONS sip:t.watson@example.org SIP/7.0";
    let broken = invite(
        line,
        TO,
        "SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw",
        "8 OPTIONS",
        "",
    );
    answered_with(&broken, 505, ParseErrorKind::Version);
}

#[test]
fn s3_1_2_17_a_method_that_is_not_that_of_cseq_gets_400() {
    let broken = invite("OPTIONS sip:user@example.com SIP/2.0", TO, VIA, CSEQ, "");
    answered_with(&broken, 400, ParseErrorKind::MethodMismatch);
}

#[test]
fn s3_1_2_18_an_unknown_method_that_is_not_that_of_cseq_gets_400() {
    let broken = invite("NEWMETHOD sip:user@example.com SIP/2.0", TO, VIA, CSEQ, "");
    answered_with(&broken, 400, ParseErrorKind::MethodMismatch);
}

#[test]
fn s3_1_2_19_a_response_with_an_overlarge_status_is_dropped() {
    let broken = invite(
        "SIP/2.0 4294967301 better not break the receiver",
        TO,
        VIA,
        CSEQ,
        "",
    );
    dropped(&broken, ParseErrorKind::Status);
}

#[test]
fn an_ack_is_never_answered_whatever_is_wrong_with_it() {
    let broken = invite("ACK sip:user@example.com;;  SIP/2.0", TO, VIA, "8 ACK", "");
    dropped(&broken, ParseErrorKind::StartLine);
}

#[test]
fn each_of_these_request_lines_is_malformed_by_itself() {
    for line in [
        "INVITE sip:user@example.com:70000 SIP/2.0",
        "INVITE sip:user@ SIP/2.0",
        "INVITE sip:@example.com SIP/2.0",
        "INVITE sip:us%er@example.com SIP/2.0",
        "INVITE sip:user@exa%6Dple.com SIP/2.0",
        "INVITE sip:user@[::1 SIP/2.0",
        "INVITE sip:user@[zz::1] SIP/2.0",
        "INVITE 1000 SIP/2.0",
    ] {
        assert!(
            refuse(&invite(line, TO, VIA, CSEQ, ""))
                .answerable()
                .is_some(),
            "{line}"
        );
        let uri = line.split(' ').nth(1).unwrap();
        assert!(Uri::parse(uri).is_err(), "{uri}");
    }
}
