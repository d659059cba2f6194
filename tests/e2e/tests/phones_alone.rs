//! The phones and the ears themselves, without a PBX: what the other tests
//! hear is worth as much as this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use e2e::Baresip;

#[tokio::test]
async fn two_baresips_that_call_each_other_directly_record_each_others_tone() {
    let mut caller = Baresip::alone("alice", 440.0).await;
    let callee = Baresip::alone("bob", 1000.0).await;
    caller
        .dial(&format!("sip:bob@127.0.0.1:{}", callee.port()))
        .await;
    caller.event("CALL_ESTABLISHED").await;
    caller.has_heard(2.0).await;
    callee.has_heard(2.0).await;
    caller.command("hangup", "").await;
    caller.event("CALL_CLOSED").await;
    let heard = caller.recording();
    assert!(heard.seconds_of(1000.0) >= 1.5, "{}", heard.seconds());
    assert!(heard.seconds_of(440.0) < 0.1, "its own tone came back");
    let heard = callee.recording();
    assert!(heard.seconds_of(440.0) >= 1.5, "{}", heard.seconds());
    callee.quit().await;
}
