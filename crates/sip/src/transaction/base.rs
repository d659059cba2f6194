//! What client and server transactions share: names, times, the way out.

use std::collections::VecDeque;

use bytes::Bytes;

use super::identity::Identities;
use super::timers::TimerQueue;
use super::write::Writer;
use super::{Flow, Timers, Transmit};

/// The methods that we have, for Allow.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO, UPDATE";

pub(crate) struct Base {
    pub(crate) identities: Identities,
    pub(crate) timers: Timers,
    pub(crate) alarms: TimerQueue,
    /// `User-Agent` and `Server`; empty: none.
    pub(crate) agent: Box<str>,
    /// Drained by the user after each call into the endpoint.
    pub(crate) out: VecDeque<Transmit>,
    scratch: Vec<u8>,
}

impl Base {
    pub(crate) fn new(seed: &[u8; 32], timers: Timers, agent: &str) -> Self {
        Self {
            identities: Identities::new(seed),
            timers: timers.checked(),
            alarms: TimerQueue::default(),
            agent: agent.into(),
            out: VecDeque::new(),
            scratch: Vec::with_capacity(2048),
        }
    }

    pub(crate) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.out.push_back(Transmit { flow, bytes });
    }

    pub(crate) fn writer(&mut self) -> Writer<'_> {
        Writer::new(&mut self.scratch)
    }

    /// A writer, and the name that goes into the messages it writes.
    pub(crate) fn writer_and_agent(&mut self) -> (Writer<'_>, &str) {
        (Writer::new(&mut self.scratch), &self.agent)
    }
}
