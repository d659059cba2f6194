//! 19.1: SIP URIs, and RFC 3966: tel URIs.

use proptest::prelude::*;
use sip::{Scheme, Uri, UriError, escape_user};

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn s19_1_1_every_part_is_found_where_it_stands() {
    let uri = uri(
        "sips:al%69ce:se%3Acret@[2001:db8::10]:5061;transport=tcp;lr;m%61ddr=x?subject=a%20b&to=sip:c%40d",
    );
    assert_eq!(uri.scheme(), Scheme::Sips);
    assert_eq!(uri.user(), Some("al%69ce"));
    assert_eq!(uri.user_unescaped().unwrap(), "alice");
    assert_eq!(uri.password(), Some("se%3Acret"));
    assert_eq!(uri.host(), "[2001:db8::10]");
    assert_eq!(uri.host_ip(), Some("2001:db8::10".parse().unwrap()));
    assert_eq!(uri.port(), Some(5061));
    assert_eq!(uri.transport(), Some("tcp"));
    assert!(uri.is_lr());
    assert_eq!(uri.params().count(), 3);
    assert_eq!(
        uri.headers().collect::<Vec<_>>(),
        [("subject", "a%20b"), ("to", "sip:c%40d")]
    );
}

#[test]
fn s19_1_1_a_uri_without_user_is_a_host() {
    let uri = uri("sip:192.0.2.4;lr");
    assert_eq!(
        (uri.user(), uri.host(), uri.port()),
        (None, "192.0.2.4", None)
    );
    assert_eq!(uri.host_ip(), Some("192.0.2.4".parse().unwrap()));
}

#[test]
fn dialled_hashes_are_understood_raw_and_escaped_and_written_escaped() {
    for text in ["sip:*72#1001#@pbx", "sip:*72%231001%23@pbx"] {
        let uri = uri(text);
        assert_eq!(uri.user_unescaped().unwrap(), "*72#1001#");
        assert_eq!(uri.to_string(), text);
    }
    let made = Uri::sip(Some("*72#"), "pbx", Some(5060)).unwrap();
    assert_eq!(made.as_str(), "sip:*72%23@pbx:5060");
}

#[test]
fn what_is_put_together_cannot_break_out_of_its_part() {
    let made = Uri::sip(Some("a b@c:d%\u{e9}"), "[::1]", None).unwrap();
    assert_eq!(made.as_str(), "sip:a%20b%40c%3Ad%25%C3%A9@[::1]");
    assert_eq!(made.user_unescaped().unwrap(), "a b@c:d%\u{e9}");
    assert!(Uri::sip(Some(""), "host", None).is_err());
    for host in ["", "a:5060", "a;lr", "a?b=c", "x@y", "a b", "::1"] {
        assert!(Uri::sip(None, host, None).is_err(), "{host}");
    }
    let base = uri("sip:a@b?h=v");
    assert_eq!(
        base.with_param("ob", None).unwrap().as_str(),
        "sip:a@b;ob?h=v"
    );
    assert_eq!(
        base.with_param("line", Some("1x")).unwrap().param("LINE"),
        Some("1x")
    );
    for (name, value) in [
        ("", None),
        ("a;b", None),
        ("a", Some("b;c")),
        ("a", Some("b?c=d")),
        ("a\r\n", None),
    ] {
        assert!(base.with_param(name, value).is_err(), "{name}");
    }
}

#[test]
fn what_is_no_uri_says_which_part_is_to_blame() {
    for (text, error) in [
        ("", UriError::Scheme),
        ("1001", UriError::Scheme),
        ("http://example.com", UriError::Scheme),
        ("sip:", UriError::Host),
        ("sip:@host", UriError::User),
        ("sip:a b@host", UriError::User),
        ("sip:a%4@host", UriError::User),
        ("sip:a%zz@host", UriError::User),
        ("sip:a@b@c", UriError::Host),
        ("sip:a@ho%73t", UriError::Host),
        ("sip:a@[::g]", UriError::Host),
        ("sip:a@h:65536", UriError::Port),
        ("sip:a@h:", UriError::Port),
        ("sip:a@h:+5060", UriError::Port),
        ("sip:a@h:5060x", UriError::Port),
        ("sip:a@h;", UriError::Param),
        ("sip:a@h;x=\"y\"", UriError::Param),
        ("sip:a@h;=y", UriError::Param),
        ("sip:a@h;lr;x;LR", UriError::Param),
        ("sip:a@h;lr;%6Cr=1", UriError::Param),
        ("sip:a@h?x", UriError::Header),
        ("sip:a@h?x=y z", UriError::Header),
        ("tel:", UriError::User),
        ("tel:+", UriError::User),
        ("tel:12 34", UriError::User),
    ] {
        assert_eq!(Uri::parse(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn the_number_of_parameters_and_headers_is_bounded() {
    let params = |n: usize| (0..n).map(|n| format!(";p{n}")).collect::<String>();
    assert!(Uri::parse(&format!("sip:h{}", params(64))).is_ok());
    assert_eq!(
        Uri::parse(&format!("sip:h{}", params(65))).unwrap_err(),
        UriError::Param
    );
    let headers = |n: usize| format!("sip:h?{}", vec!["a=b"; n].join("&"));
    assert!(Uri::parse(&headers(64)).is_ok());
    assert_eq!(Uri::parse(&headers(65)).unwrap_err(), UriError::Header);
}

#[test]
fn rfc3966_a_tel_uri_is_a_number_with_parameters() {
    let number = uri("tel:+358-555-1234567;phone-context=example.com;ext=12");
    assert_eq!(number.scheme(), Scheme::Tel);
    assert_eq!(number.user(), Some("+358-555-1234567"));
    assert_eq!(number.param("ext"), Some("12"));
    assert_eq!(number.host(), "");
    assert_eq!(uri("tel:*72#").user(), Some("*72#"));
    assert!(number.equivalent(&uri(
        "TEL:+(358)5551234567;ext=12;phone-context=EXAMPLE.com"
    )));
    assert!(!number.equivalent(&uri("tel:+3585551234567;phone-context=example.com")));
    assert!(!uri("tel:12").equivalent(&uri("tel:+12")));
}

fn user() -> impl Strategy<Value = String> {
    "([a-zA-Z0-9_.!~*'()&=+$,;?/#-]|%[0-9A-Fa-f]{2}){1,20}"
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]([a-zA-Z0-9-]{0,10}\\.){0,3}[a-z]{1,6}",
        any::<[u8; 4]>().prop_map(|b| std::net::Ipv4Addr::from(b).to_string()),
        any::<[u8; 16]>().prop_map(|b| format!("[{}]", std::net::Ipv6Addr::from(b))),
    ]
}

proptest! {
    #[test]
    fn printing_and_parsing_is_the_identity(
        scheme in "[sS][iI][pP][sS]?",
        user in proptest::option::of((user(), proptest::option::of("[a-z0-9&=+$,]{0,8}"))),
        host in host(),
        port in proptest::option::of(any::<u16>()),
        params in proptest::collection::vec(("[a-zA-Z0-9+$-]{1,8}", proptest::option::of("([a-zA-Z0-9:/&+$-]|%[0-9A-F]{2}){1,8}")), 0..4),
        headers in proptest::collection::vec(("[a-zA-Z-]{1,8}", "([a-zA-Z0-9:/?+$-]|%[0-9A-F]{2}){0,8}"), 0..3),
    ) {
        let mut names: Vec<_> = params.iter().map(|(n, _)| n.to_ascii_lowercase()).collect();
        names.sort();
        names.dedup();
        prop_assume!(names.len() == params.len());
        let mut text = format!("{scheme}:");
        if let Some((user, password)) = &user {
            text += user;
            if let Some(password) = password {
                text += &format!(":{password}");
            }
            text += "@";
        }
        text += &host;
        if let Some(port) = port {
            text += &format!(":{port}");
        }
        for (name, value) in &params {
            text += &format!(";{name}");
            text.extend(value.iter().flat_map(|v| ["=", v]));
        }
        for (at, (name, value)) in headers.iter().enumerate() {
            text += if at == 0 { "?" } else { "&" };
            text += &format!("{name}={value}");
        }
        let uri = Uri::parse(&text).unwrap();
        prop_assert_eq!(uri.as_str(), &text);
        prop_assert_eq!(uri.user(), user.as_ref().map(|(u, _)| u.as_str()));
        prop_assert_eq!(uri.password(), user.as_ref().and_then(|(_, p)| p.as_deref()));
        prop_assert_eq!(uri.host(), &host);
        prop_assert_eq!(uri.port(), port);
        let given: Vec<_> = params.iter().map(|(n, v)| (n.as_str(), v.as_deref())).collect();
        prop_assert_eq!(uri.params().collect::<Vec<_>>(), given);
        let given: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        prop_assert_eq!(uri.headers().collect::<Vec<_>>(), given);
        prop_assert!(uri.equivalent(&uri.clone()));
    }

    #[test]
    fn any_text_can_be_a_user_and_comes_back(user in ".{1,20}") {
        let uri = Uri::sip(Some(&user), "pbx", None).unwrap();
        prop_assert_eq!(uri.user_unescaped().unwrap(), user.as_str());
        prop_assert_eq!(uri.user().unwrap(), escape_user(&user));
    }

    #[test]
    fn no_text_upsets_the_parser(text in "(sips?|tel):.{0,60}") {
        if let Ok(uri) = Uri::parse(&text) {
            prop_assert_eq!(uri.to_string(), text);
        }
    }
}
