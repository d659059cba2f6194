//! 3.4: credentials, as written and as read.

use proptest::prelude::*;
use sip::digest::{Algorithm, Credentials, Qop, credentials};
use sip::{HeaderError, HeaderName, MessageBuilder, Method};

use crate::{ALGORITHMS, START, answer, server};

#[test]
fn what_phones_quote_or_do_not_quote_reads_the_same() {
    let quoted = "Digest username=\"1000\", realm=\"r\", nonce=\"n\", uri=\"sip:a\", response=\"x\", algorithm=\"MD5\", cnonce=\"c\", qop=\"auth\", nc=\"0000000A\"";
    let bare = "Digest username=\"1000\",realm=\"r\",nonce=\"n\",uri=\"sip:a\",response=\"x\",algorithm=MD5,cnonce=c,qop=auth,nc=0000000A";
    let read = Credentials::parse(quoted).unwrap();
    assert_eq!(read, Credentials::parse(bare).unwrap());
    assert_eq!((read.qop, read.nonce_count()), (Some(Qop::Auth), Some(10)));
}

#[test]
fn broken_credentials_are_refused() {
    let good = answer(&server().challenge(START, Algorithm::Md5, false), 1).to_string();
    assert!(Credentials::parse(&good).is_ok());
    for (from, to, error) in [
        ("username=", "user=", HeaderError::Syntax),
        ("uri=", "url=", HeaderError::Syntax),
        ("nc=00000001", "nc=1", HeaderError::Syntax),
        ("nc=00000001", "nc=0000000g", HeaderError::Syntax),
        ("nc=00000001", "nc=+0000001", HeaderError::Syntax),
        ("qop=auth", "qop=auth-conf", HeaderError::Unsupported),
        (
            "algorithm=MD5",
            "algorithm=MD5-sess",
            HeaderError::Unsupported,
        ),
        ("Digest", "Basic", HeaderError::Unsupported),
    ] {
        assert_eq!(
            Credentials::parse(&good.replace(from, to)),
            Err(error),
            "{to}"
        );
    }
}

#[test]
fn of_several_credentials_those_of_the_realm_are_found() {
    let mine = answer(&server().challenge(START, Algorithm::Md5, false), 1);
    let request = MessageBuilder::request(Method::Register, "sip:pbx")
        .header(
            HeaderName::Authorization,
            mine.to_string().replace("strowger", "other"),
        )
        .header(HeaderName::Authorization, "Basic cXdlcnR5")
        .header(HeaderName::Authorization, mine.to_string())
        .build()
        .unwrap();
    assert_eq!(
        credentials(&request, HeaderName::Authorization, "strowger"),
        Some(mine)
    );
    assert_eq!(
        credentials(&request, HeaderName::ProxyAuthorization, "strowger"),
        None
    );
}

proptest! {
    #[test]
    fn credentials_read_as_they_were_written(
        text in proptest::collection::vec("[^\r\n]{0,20}", 6),
        algorithm in 0usize..3,
        (nc, cnonce, opaque) in (any::<u32>(), proptest::option::of("[^\r\n]{0,20}"), proptest::option::of("[^\r\n]{0,20}")),
        qop in prop_oneof![Just(None), Just(Some(Qop::Auth)), Just(Some(Qop::AuthInt))],
    ) {
        let [username, realm, nonce, uri, response] = [0, 1, 2, 3, 4].map(|n: usize| text[n].clone());
        let algorithm = ALGORITHMS[algorithm];
        let nc = Some(format!("{nc:08x}"));
        let written = Credentials { username, realm, nonce, uri, response, algorithm, cnonce, nc, qop, opaque };
        prop_assert_eq!(Credentials::parse(&written.to_string()).unwrap(), written);
    }

    #[test]
    fn no_text_upsets_the_parser(text in "Digest [a-c=\", \\\\\u{e9}]{0,40}") {
        let _ = Credentials::parse(&text);
    }
}
