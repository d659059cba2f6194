//! Whether the far end is still there.

use std::time::Duration;

use sip::{EndCause, Load};

use crate::common::*;

const PERIOD: Duration = Duration::from_secs(15 * 60);

#[test]
fn a_far_end_that_is_gone_ends_the_session_after_the_period_and_a_time_out() {
    let (mut pair, _, _) = Pair::established(1);
    pair.net.loss = 100;
    pair.run_for(PERIOD - ms(200));
    assert_eq!((pair.ends(A), pair.ends(B)), (vec![], vec![]));
    pair.run_for(TIMEOUT + ms(200));
    assert_eq!(pair.ends(A), [EndCause::Timeout]);
    assert_eq!(pair.ends(B), [EndCause::Timeout]);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn who_is_there_is_asked_once_a_period_and_nothing_is_told() {
    let (mut pair, a, _) = Pair::established(2);
    pair.run_for(PERIOD * 4 + PERIOD / 2);
    // Each has said that it knows UPDATE; one end's asking answers the other's.
    let asked = pair.count(A, "UPDATE") + pair.count(B, "UPDATE");
    assert_eq!(asked, 4);
    assert_eq!((pair.events(A).len(), pair.events(B).len()), (0, 0));
    pair.terminate(A, a);
    pair.drive();
    pair.assert_clean();
}

#[test]
fn what_the_far_end_says_puts_the_asking_off() {
    let (mut lone, _, tag) = Lone::called();
    lone.until(800_000);
    lone.hear(&request("OPTIONS", 2, &tag, "z9hG4bKo", ""));
    lone.sent();
    let asked = lone.until(1_750_000);
    let first = asked.first().map(|(at, what)| (*at, what.as_str()));
    assert_eq!(first, Some((1_700_000, "OPTIONS")));
}

#[test]
fn only_481_and_408_say_that_the_session_is_gone() {
    for (status, ended, bye) in [
        (481, 1, 0),
        (408, 1, 1),
        (405, 0, 0),
        (503, 0, 0),
        (200, 0, 0),
    ] {
        let (mut lone, _, _) = Lone::called();
        lone.until(PERIOD.as_millis() as u64 - 1);
        lone.now = PERIOD;
        let now = lone.at();
        lone.endpoint.handle_timeout(now);
        let asked = lone.only();
        assert_eq!(
            label(&asked),
            "OPTIONS",
            "it never said that it knows UPDATE"
        );
        assert!(asked.to_tag().is_some() && asked.body().is_empty());
        lone.hear(&response(&asked, status, "", ""));
        assert_eq!(ends(&lone.events()).len(), ended, "{status}");
        assert_eq!(lone.sent().len(), bye, "{status}");
    }
}

#[test]
fn an_update_that_is_not_known_after_all_is_options_the_next_time() {
    let mut lone = Lone::new();
    let invite = request("INVITE", 1, "", "z9hG4bKinvite", OFFER);
    lone.hear(&invite.replace("Max-", "Allow: INVITE, UPDATE\nMax-"));
    let session = lone.take_invite();
    lone.sent();
    let now = lone.at();
    let contact = "<sip:us@192.0.2.1:5060>";
    lone.endpoint
        .accept(session, sdp("answer"), contact, &[], now)
        .unwrap();
    let tag = format!(";tag={}", lone.only().to_tag().unwrap());
    lone.hear(&request("ACK", 1, &tag, "z9hG4bKack", ""));
    for (round, method) in [(1, "UPDATE"), (2, "OPTIONS")] {
        lone.until((PERIOD * round).as_millis() as u64 - 1);
        lone.now = PERIOD * round;
        let now = lone.at();
        lone.endpoint.handle_timeout(now);
        let asked = lone.only();
        assert_eq!(label(&asked), method);
        lone.hear(&response(&asked, 501, "", ""));
    }
    let now = lone.at();
    lone.endpoint.terminate(session, &[], now).unwrap();
    let bye = lone.only();
    lone.hear(&response(&bye, 200, "", ""));
    lone.until(PERIOD.as_millis() as u64 * 3);
    assert_eq!(lone.endpoint.load(), Load::default());
}
