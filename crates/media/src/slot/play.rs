//! Where a slot is in a playback. Pure; the worker's tick calls.

use std::sync::Arc;

use crate::playback::Playback;
use crate::rtp::Header;

#[derive(Debug)]
pub(crate) struct Player {
    playback: Arc<Playback>,
    payload_type: u8,
    repeat: bool,
    next: usize,
    /// Frames given so far: sequence and time of the playback as a stream.
    given: u32,
}

impl Player {
    pub(crate) fn new(playback: Arc<Playback>, payload_type: u8, repeat: bool) -> Self {
        Self {
            playback,
            payload_type,
            repeat,
            next: 0,
            given: 0,
        }
    }

    /// The next frame with the header that it has in the playback's own stream;
    /// `None` at the end.
    pub(crate) fn next(&mut self) -> Option<(Header, &[u8])> {
        if self.next >= self.playback.len() && self.repeat {
            self.next = 0;
        }
        let payload = self.playback.frame(self.next)?;
        let header = Header {
            marker: false,
            payload_type: self.payload_type,
            sequence: self.given as u16,
            timestamp: self
                .given
                .wrapping_mul(self.playback.codec().timestamp_step()),
            ssrc: 0,
        };
        self.next += 1;
        self.given = self.given.wrapping_add(1);
        Some((header, payload))
    }
}
