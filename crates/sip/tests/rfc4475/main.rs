//! The torture tests (RFC 4475): each test names the
//! section, and its claim is the verdict of that section. The messages are
//! written anew from what the section says of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;
mod s3_1_1_valid;
mod s3_1_2_invalid;
mod s3_2_endpoint;
mod s3_3_application;

use bytes::Bytes;
use sip::{Message, MessageBuilder, ParseError, ParseErrorKind};

/// The bytes of a message that is written with plain line ends.
fn wire(text: &str) -> Bytes {
    Bytes::from(text.replace('\n', "\r\n"))
}

fn accept(text: &str) -> Message {
    let message = Message::parse(wire(text)).expect("a valid message");
    // What we send on must be what we understood.
    let again = Message::parse(message.as_bytes().clone()).expect("its own bytes");
    assert_eq!(again.as_bytes(), message.as_bytes());
    message
}

fn refuse(text: &str) -> ParseError {
    Message::parse(wire(text)).expect_err("an invalid message")
}

/// The request is refused for this reason, and its sender gets this status in a
/// well-formed response.
fn answered_with(text: &str, status: u16, kind: ParseErrorKind) {
    let error = refuse(text);
    assert_eq!(*error.kind(), kind);
    assert_eq!(error.status(), status);
    let request = error.answerable().expect("a request that can be answered");
    let response = MessageBuilder::response_to(request, status, Some("t"))
        .build()
        .unwrap();
    assert_eq!(response.status(), Some(status));
    assert_eq!(response.call_id(), request.call_id());
}

/// The message is dropped without a word.
fn dropped(text: &str, kind: ParseErrorKind) {
    let error = refuse(text);
    assert_eq!(*error.kind(), kind);
    assert!(error.answerable().is_none());
}
