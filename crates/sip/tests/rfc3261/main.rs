//! RFC 3261, clause by clause: each file names the clause it tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod s18_2_1_received;
mod s19_1_4_uri_comparison;
mod s19_1_uri;
mod s20_header_values;
mod s7_messages;
mod s8_2_6_responses;

use bytes::Bytes;
use sip::{Message, ParseError};

/// The bytes of a message that is written with plain line ends.
fn wire(text: &str) -> Bytes {
    Bytes::from(text.replace('\n', "\r\n"))
}

fn parse(text: &str) -> Result<Message, ParseError> {
    Message::parse(wire(text))
}

/// An OPTIONS with these further fields, each ended by a line end.
fn options(more: &str) -> String {
    format!(
        "OPTIONS sip:1001@pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKzzz
From: \"Alice\" <sip:1000@pbx.example.com>;tag=242etr
To: <sip:1001@pbx.example.com>
Call-ID: 3c1f@192.0.2.1
CSeq: 8 OPTIONS
{more}
"
    )
}
