//! What client and server transactions share: names, times, the way out.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::identity::Identities;
use super::timers::TimerQueue;
use super::write::Writer;
use super::{Flow, Timers, Transmit};
use crate::endpoint::EndpointConfig;

/// The methods that we have, for Allow. INFO is not among them: a phone that
/// may choose would send its digits so, and nobody would read them.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, UPDATE";

pub(crate) struct Base {
    pub(crate) identities: Identities,
    pub(crate) timers: Timers,
    /// How often an established session is asked whether it still is one.
    pub(crate) refresh_every: Option<Duration>,
    pub(crate) alarms: TimerQueue,
    /// `User-Agent` and `Server`; empty: none.
    pub(crate) agent: Box<str>,
    /// Drained by the user after each call into the endpoint.
    pub(crate) out: VecDeque<Transmit>,
    scratch: Vec<u8>,
}

impl Base {
    pub(crate) fn new(config: &EndpointConfig) -> Self {
        Self {
            identities: Identities::new(&config.seed),
            timers: config.timers.checked(),
            refresh_every: config.refresh_every,
            alarms: TimerQueue::default(),
            agent: config.user_agent.as_str().into(),
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
