//! 19.1.4: the pairs that the clause itself gives, and its rules.

use sip::Uri;

fn equivalent(a: &str, b: &str) -> bool {
    let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
    assert_eq!(a.equivalent(&b), b.equivalent(&a), "not symmetric: {a} {b}");
    a.equivalent(&b)
}

#[test]
fn s19_1_4_these_are_equivalent() {
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtlanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:*72#@pbx", "sip:*72%23@pbx"),
        ("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::1]"),
        ("SIP:bob@biloxi.com;lr", "sip:bob@biloxi.com"),
    ] {
        assert!(equivalent(a, b), "{a} {b}");
    }
}

#[test]
fn s19_1_4_these_are_not_equivalent() {
    for (a, b) in [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        (
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com:6000;transport=tcp",
        ),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;security=off",
        ),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:bob@biloxi.com", "sip:bob:@biloxi.com"),
        ("sip:biloxi.com", "sip:bob@biloxi.com"),
        (
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com;maddr=239.255.255.1",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;user=phone"),
        ("sip:a;b@biloxi.com", "sip:a%3Bb@biloxi.com"),
        ("sip:a%2541@b", "sip:a%41@b"),
        ("sip:a@b?x=1&x=1&y=2", "sip:a@b?x=1&y=2&y=2"),
    ] {
        assert!(!equivalent(a, b), "{a} {b}");
    }
}

#[test]
fn s19_1_4_equivalence_is_not_transitive() {
    let (off, none, on) = ("sip:c@d;security=off", "sip:c@d", "sip:c@d;security=on");
    assert!(equivalent(off, none) && equivalent(none, on) && !equivalent(off, on));
}
