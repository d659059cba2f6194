//! 3.2, 3.3 and 3.4, as far as the verdict hangs on what an endpoint makes of a
//! message that can be read.

use sip::{HeaderName, Load};

use crate::common::{Lone, OFFER, label, request, response};

#[test]
fn s3_2_1_a_branch_that_is_nothing_but_the_magic_cookie_names_no_transaction() {
    let mut lone = Lone::new();
    for cseq in [8, 9] {
        lone.hear(&request("OPTIONS", cseq, "", "z9hG4bK", ""));
        lone.take_request();
    }
    lone.hear(&request("OPTIONS", 9, "", "z9hG4bK", ""));
    assert_eq!(lone.events().len(), 0, "a copy is one all the same");
    assert_eq!(lone.endpoint.load().transactions, 2);
}

#[test]
fn s3_3_2_a_request_for_an_unknown_scheme_gets_416() {
    let mut lone = Lone::new();
    let uri = "nobodyKnowsThisScheme:totallyopaquecontent";
    lone.hear(
        &request("OPTIONS", 1, "", "z9hG4bKo", "")
            .replace("sip:us@192.0.2.1 SIP", &format!("{uri} SIP")),
    );
    assert_eq!(lone.only().status(), Some(416));
}

#[test]
fn s3_3_5_what_is_required_and_not_known_is_named_and_proxy_require_is_for_proxies() {
    let mut lone = Lone::new();
    let require = |name: &str| format!("{name}: nothingSupportsThis, noProxiesSupportThis\n\n");
    lone.hear(&request("OPTIONS", 1, "", "z9hG4bKo", &require("Require")));
    let refused = lone.only();
    assert_eq!(refused.status(), Some(420));
    let unsupported = refused.header(HeaderName::Unsupported);
    assert_eq!(
        unsupported,
        Some("nothingSupportsThis, noProxiesSupportThis")
    );
    lone.hear(&request(
        "OPTIONS",
        2,
        "",
        "z9hG4bKp",
        &require("Proxy-Require"),
    ));
    lone.take_request();
}

#[test]
fn s3_3_10_a_response_that_went_by_a_broadcast_address_is_nobodys() {
    let mut lone = Lone::new();
    let (_, invite) = lone.invite();
    let branch = invite.top_via().unwrap().branch().unwrap().to_owned();
    let stray = response(&invite, 200, "x", "")
        .replace(&branch, "z9hG4bKzzxdiwo34sw;received=255.255.255.255");
    lone.hear(&stray);
    assert_eq!((lone.sent().len(), lone.events().len()), (0, 0));
}

#[test]
fn s3_3_11_an_invite_with_no_hops_left_gets_483_and_options_an_answer() {
    let mut lone = Lone::new();
    let last = |method: &str| {
        request(method, 1, "", "z9hG4bKm", "").replace("Forwards: 70", "Forwards: 0")
    };
    lone.hear(&last("INVITE"));
    assert_eq!(label(&lone.only()), "483 INVITE");
    // It is for us, and goes no further (RFC 3261 16.3 lets a proxy answer too).
    lone.hear(&last("OPTIONS"));
    lone.take_request();
}

#[test]
fn s3_4_1_an_invite_as_of_rfc_2543_has_no_from_tag_and_gets_400() {
    let mut lone = Lone::new();
    let old = request("INVITE", 1, "", "x", OFFER)
        .replace(";tag=them", "")
        .replace(";branch=x", "");
    lone.hear(&old);
    assert_eq!(lone.only().status(), Some(400));
    assert_eq!(lone.endpoint.load(), Load::default());
}
