//! 17.1.2: the non-INVITE client transaction.

use sip::{Event, Method, OutOfDialog, Transport};

use crate::common::*;

fn options(lone: &mut Lone) -> sip::Message {
    let request = OutOfDialog {
        method: Method::Options,
        uri: "sip:192.0.2.9".into(),
        flow: lone.flow,
        from: "<sip:us@192.0.2.1>".into(),
        to: "<sip:192.0.2.9>".into(),
        call_id: None,
        cseq: None,
        headers: Vec::new(),
        body: None,
        auth: None,
        via_host: lone.flow.local,
    };
    let now = lone.at();
    lone.endpoint.request(request, now).unwrap();
    lone.only()
}

fn times(sent: &[(u64, String)]) -> Vec<u64> {
    sent.iter().map(|(at, _)| *at).collect()
}

#[test]
fn timer_e_doubles_up_to_t2_and_timer_f_ends_it() {
    let mut lone = Lone::new();
    options(&mut lone);
    let sent = lone.until(40_000);
    assert_eq!(
        times(&sent),
        [
            500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert!(matches!(lone.events()[..], [Event::RequestTimeout { .. }]));
}

#[test]
fn in_proceeding_timer_e_runs_at_t2() {
    let mut lone = Lone::new();
    let request = options(&mut lone);
    lone.until(100);
    lone.hear(&response(&request, 100, "", ""));
    let sent = lone.until(13_000);
    assert_eq!(times(&sent), [4_100, 8_100, 12_100]);
    lone.until(40_000);
    assert!(matches!(
        lone.events()[..],
        [Event::Response { .. }, Event::RequestTimeout { .. }]
    ));
}

#[test]
fn the_final_response_is_told_once_and_absorbed_until_timer_k() {
    for (transport, lasts) in [(Transport::Udp, 5_000), (Transport::Tls, 0)] {
        let mut lone = Lone::over(transport);
        let request = options(&mut lone);
        let answer = response(&request, 200, "b", "");
        lone.hear(&answer);
        lone.hear(&answer);
        assert!(matches!(lone.events()[..], [Event::Response { .. }]));
        if lasts > 0 {
            lone.until(lasts - 1);
            assert_eq!(lone.endpoint.load().transactions, 1);
        }
        assert_eq!(lone.until(lasts), []);
        assert_eq!(lone.endpoint.load(), sip::Load::default());
    }
}
