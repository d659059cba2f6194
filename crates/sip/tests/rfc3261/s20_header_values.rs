//! 20: the values of header fields.

use proptest::prelude::*;
use sip::{CSeq, HeaderError, HeaderName, Method, NameAddr, ParseErrorKind, Via, quote, unquote};

use crate::{options, parse};

#[test]
fn s20_10_without_brackets_the_parameters_are_the_headers() {
    let address = NameAddr::parse("sip:bob@192.0.2.4;transport=tcp ; tag = x").unwrap();
    assert_eq!(
        (address.uri, address.tag()),
        ("sip:bob@192.0.2.4", Some("x"))
    );
    assert_eq!(address.param("transport"), Some("tcp"));
    let address = NameAddr::parse("<sip:bob@192.0.2.4;transport=tcp>;q=0.1").unwrap();
    assert_eq!(address.uri, "sip:bob@192.0.2.4;transport=tcp");
    assert_eq!(
        (address.param("transport"), address.param("q")),
        (None, Some("0.1"))
    );
}

#[test]
fn s20_10_a_display_name_may_hold_what_separates_elsewhere() {
    let address =
        NameAddr::parse("\"<Mr. \\\"Watson\\\", the 1st>; x=y\" <sip:w@b>;tag=1").unwrap();
    assert_eq!(
        address.display_name().unwrap(),
        "<Mr. \"Watson\", the 1st>; x=y"
    );
    assert_eq!((address.uri, address.tag()), ("sip:w@b", Some("1")));
}

#[test]
fn display_names_that_phones_send_unquoted_are_read() {
    for name in [
        "M\u{fc}ller",
        "Front Desk (2)",
        "1000@pbx",
        "O'Brien",
        "a.b",
    ] {
        let text = format!("{name} <sip:a@b>");
        assert_eq!(NameAddr::parse(&text).unwrap().display, Some(name));
    }
}

#[test]
fn s20_10_these_are_no_addresses() {
    for text in [
        "",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "sip:a@b?h=v",
        "sip:a,b@c",
        "\"x <sip:a@b>",
        "\"x\" sip:a@b",
        "<sip:a@b>;",
        "<sip:a@b>;;tag=1",
        "<sip:a@b> tag=1",
        "<sip:a@b>;t g=1",
        "a, b <sip:a@b>",
        "<sip:a@b>;x=\"y",
        "<sip:a@b>;x=\"y\"z",
        "<1000>",
        "x<sip:a b>",
        "**",
    ] {
        assert_eq!(NameAddr::parse(text), Err(HeaderError::Syntax), "{text}");
    }
}

#[test]
fn s20_10_the_star_is_no_address_but_a_contact() {
    let message = parse(&options("Contact: *\nExpires: 0\n")).unwrap();
    let contact = message.contacts().next().unwrap().unwrap();
    assert!(contact.is_star());
    assert_eq!(contact.to_string(), "*");
    assert_eq!(NameAddr::parse("*"), Err(HeaderError::Syntax));
    for name in ["From", "To"] {
        let error =
            parse(&options("").replacen(&format!("\n{name}: "), &format!("\n{name}: *\nX: "), 1))
                .unwrap_err();
        assert_eq!(
            *error.kind(),
            ParseErrorKind::Malformed(HeaderName::parse(name))
        );
    }
    assert_eq!(message.expires(), Some(0));
}

#[test]
fn parameters_with_quoted_values_are_whole() {
    let text = "<sip:a@b>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\";reg-id=1;x=\"a;b\\\",c\"";
    let contact = NameAddr::parse(text).unwrap();
    let instance = contact.params.find("+SIP.instance").unwrap();
    assert_eq!(
        instance.unquoted(),
        "<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"
    );
    assert_eq!(contact.param("reg-id"), Some("1"));
    assert_eq!(contact.params.find("x").unwrap().unquoted(), "a;b\",c");
    assert_eq!(contact.to_string(), text);
}

#[test]
fn a_parameter_with_nothing_behind_its_equals_sign_has_an_empty_value() {
    let address = NameAddr::parse("<sip:a@b>;tag=;x= ; y").unwrap();
    assert_eq!((address.tag(), address.param("x")), (None, Some("")));
    let via = Via::parse("SIP/2.0/UDP a;rport=;branch=").unwrap();
    assert_eq!((via.rport(), via.branch()), (Some(None), None));
}

#[test]
fn s19_3_a_tag_that_readers_could_take_for_different_ones_gets_400() {
    for tag in [";tag", ";tag=", ";tag=a;tag=b", ";tag=;tag=b"] {
        let text = options("").replace(
            "To: <sip:1001@pbx.example.com>",
            &format!("To: <sip:1001@pbx.example.com>{tag}"),
        );
        let error = parse(&text).unwrap_err();
        assert_eq!(*error.kind(), ParseErrorKind::Malformed(HeaderName::To));
        assert!(error.answerable().is_some());
    }
}

#[test]
fn s20_16_cseq_is_a_number_below_2_to_the_31_and_a_method() {
    let cseq = CSeq::parse(" 0004711 \t INVITE ").unwrap();
    assert_eq!(
        cseq,
        CSeq {
            number: 4711,
            method: Method::Invite
        }
    );
    assert_eq!(cseq.to_string(), "4711 INVITE");
    assert_eq!(
        CSeq::parse("2147483647 invite").unwrap().method,
        Method::Other("invite".into())
    );
    for (text, error) in [
        ("2147483648 INVITE", HeaderError::Range),
        ("99999999999 INVITE", HeaderError::Range),
        ("INVITE", HeaderError::Syntax),
        ("1", HeaderError::Syntax),
        ("1INVITE", HeaderError::Syntax),
        ("-1 INVITE", HeaderError::Syntax),
        ("1 INVITE x", HeaderError::Syntax),
    ] {
        assert_eq!(CSeq::parse(text), Err(error), "{text}");
    }
}

#[test]
fn s20_42_via_in_all_its_shapes() {
    let via = Via::parse("SIP / 2.0 / UDP first.example.com : 4000;ttl=16;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1").unwrap();
    assert_eq!(
        (via.transport, via.host, via.port),
        ("UDP", "first.example.com", Some(4000))
    );
    assert_eq!(
        (via.branch(), via.maddr()),
        (Some("z9hG4bKa7c6a8dlze.1"), Some("224.2.0.1"))
    );
    assert_eq!((via.rport(), via.received()), (None, None));
    let via =
        Via::parse("sip/2.0/wss [2001:db8::9:1]:5061;rport;received=2001:db8::9:255").unwrap();
    assert_eq!(
        (via.transport, via.host, via.port),
        ("wss", "[2001:db8::9:1]", Some(5061))
    );
    assert_eq!(
        (via.rport(), via.received()),
        (Some(None), Some("2001:db8::9:255"))
    );
    assert_eq!(via.host_ip(), Some("2001:db8::9:1".parse().unwrap()));
    for text in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/3.0/UDP a",
        "SIP/2.0 a",
        "SIP/2.0/UDP a:x",
        "SIP/2.0/UDP a:+5060",
        "SIP/2.0/UDP a:",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP a:70000",
        "SIP/2.0/UDP ;branch=x",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/U(P a",
        "HTTP/2.0/UDP a",
    ] {
        assert_eq!(Via::parse(text), Err(HeaderError::Syntax), "{text}");
    }
}

#[test]
fn s20_19_seconds_that_are_no_number_are_none() {
    let expires = |v: &str| {
        parse(&options(&format!("Expires: {v}\n")))
            .unwrap()
            .expires()
    };
    assert_eq!(expires("3600"), Some(3600));
    assert_eq!(expires("99999999999999999999"), Some(u32::MAX));
    assert_eq!(expires("60 (a comment)"), Some(60));
    for text in ["", "-1", "soon", "60s", "0x10"] {
        assert_eq!(expires(text), None, "{text}");
    }
}

#[test]
fn a_name_given_as_text_finds_the_field_it_is_another_form_of() {
    let message = parse(&options("m: <sip:a@b>\n")).unwrap();
    assert_eq!(
        message.header(HeaderName::custom("contact")),
        Some("<sip:a@b>")
    );
}

proptest! {
    #[test]
    fn quoting_and_unquoting_is_the_identity(text in "[^\r\n]{0,40}") {
        let quoted = quote(&text);
        prop_assert_eq!(unquote(&quoted), text.as_str());
        let address = format!("{quoted} <sip:a@b>;x={quoted}");
        let parsed = NameAddr::parse(&address).unwrap();
        prop_assert_eq!(parsed.display_name().unwrap(), text.as_str());
        prop_assert_eq!(parsed.params.find("x").unwrap().unquoted(), text.as_str());
        prop_assert_eq!(parsed.to_string(), address);
    }

    #[test]
    fn an_address_that_was_read_reads_the_same_when_printed(text in "[\"<>;,:=@ \\\\a-c*\u{e9}]{0,30}") {
        if let Ok(address) = NameAddr::parse(&text) {
            let printed = address.to_string();
            let again = NameAddr::parse(&printed).unwrap();
            prop_assert_eq!(again.uri, address.uri);
            prop_assert_eq!(again.display_name(), address.display_name());
            prop_assert_eq!(again.params, address.params);
        }
    }
}
