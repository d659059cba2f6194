//! What is counted. The counters belong to the recorder that is installed when
//! the transport is bound.

use metrics::{Counter, counter};

pub(crate) struct Counters {
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    /// Sent nowhere: the socket's buffer was full, or the system refused.
    pub(crate) send_failed: Counter,
    pub(crate) receive_failed: Counter,
    pub(crate) malformed: Counter,
    /// Turned away with 503.
    pub(crate) shed: Counter,
    /// Dropped for want of room, copies of what was let in before.
    pub(crate) repeated: Counter,
    /// Keep-alives and other datagrams that are no SIP.
    pub(crate) keepalives: Counter,
}

impl Counters {
    pub(crate) fn new(transport: &'static str) -> Self {
        let labels = [("transport", transport)];
        Self {
            received: counter!("strowger_sip_messages_received_total", &labels),
            sent: counter!("strowger_sip_messages_sent_total", &labels),
            send_failed: counter!("strowger_sip_send_failed_total", &labels),
            receive_failed: counter!("strowger_sip_receive_failed_total", &labels),
            malformed: counter!("strowger_sip_malformed_total", &labels),
            shed: counter!("strowger_sip_shed_total", &labels),
            repeated: counter!("strowger_sip_repeated_total", &labels),
            keepalives: counter!("strowger_sip_keepalives_total", &labels),
        }
    }
}
