//! A URI from anywhere. It prints as it stood, is equivalent to itself, and one
//! made of its parts has the same parts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sip::{Scheme, Uri, escape_user};

fuzz_target!(|text: &str| {
    // Two of them, to compare.
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(uri) = Uri::parse(first) else { return };
    assert_eq!(uri.as_str(), first);
    assert!(uri.equivalent(&uri));
    assert!(!first.contains(['\r', '\n', ' ', '<', '>', '"']));

    if let Some(user) = uri.user_unescaped() {
        if uri.scheme() == Scheme::Sip {
            let made = Uri::sip(Some(&user), uri.host(), uri.port()).expect("its own parts");
            assert_eq!(made.user_unescaped().as_deref(), Some(&*user));
            assert_eq!((made.host(), made.port()), (uri.host(), uri.port()));
        }
        assert!(Uri::parse(&format!("sip:{}@h", escape_user(&user))).is_ok());
    }
    for (name, value) in uri.params() {
        assert_eq!(uri.param(name), Some(value.unwrap_or_default()));
        assert!(uri.with_param(name, value).is_err());
    }
    if let Ok(more) = uri.with_param("fuzz", Some("1")) {
        assert_eq!(more.param("FUZZ"), Some("1"));
        assert_eq!((more.user(), more.host()), (uri.user(), uri.host()));
        assert!(more.headers().eq(uri.headers()));
    }
    let _ = (
        uri.host_ip(),
        uri.is_lr(),
        uri.transport(),
        uri.password(),
        uri.headers().count(),
    );

    if let Ok(other) = Uri::parse(second) {
        assert_eq!(uri.equivalent(&other), other.equivalent(&uri));
    }
});
