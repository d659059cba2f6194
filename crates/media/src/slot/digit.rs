//! Keys pressed, heard as telephone-event packets (RFC 4733): each once, at its
//! end, whichever of the three end packets arrives, or none. Pure.

use crate::rtp::{Header, TelephoneEvent};

/// Silence after an event's last packet that ends it, for want of an end
/// packet, as a part of a second.
const ABANDONED_AFTER: u32 = 5;

#[derive(Debug, Default)]
pub(crate) struct Digits {
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Idle,
    /// Pressed, at this timestamp; not told yet.
    Pressed {
        timestamp: u32,
        digit: Option<char>,
        duration: u16,
    },
    /// Told; more packets of it may come.
    Told { timestamp: u32 },
}

impl Digits {
    /// A telephone-event packet; the keys that it shows to be over: its own, or
    /// one before whose end was lost.
    pub(crate) fn event(&mut self, header: &Header, payload: &[u8]) -> [Option<char>; 2] {
        let Some(event) = TelephoneEvent::parse(payload) else {
            return [None; 2];
        };
        let mut before = None;
        match self.state {
            State::Told { timestamp } if !is_after(header.timestamp, timestamp) => {
                return [None; 2];
            }
            State::Pressed {
                timestamp, digit, ..
            } if timestamp != header.timestamp => {
                if !is_after(header.timestamp, timestamp) {
                    return [None; 2];
                }
                before = digit;
            }
            _ => {}
        }
        let digit = event.digit();
        if event.end {
            self.state = State::Told {
                timestamp: header.timestamp,
            };
            return [before, digit];
        }
        self.state = State::Pressed {
            timestamp: header.timestamp,
            digit,
            duration: event.duration,
        };
        [before, None]
    }

    /// Another packet of the same stream: ends an event whose end was lost.
    pub(crate) fn other(&mut self, header: &Header, clock_rate: u32) -> Option<char> {
        let State::Pressed {
            timestamp,
            digit,
            duration,
        } = self.state
        else {
            return None;
        };
        let end = timestamp
            .wrapping_add(u32::from(duration))
            .wrapping_add(clock_rate / ABANDONED_AFTER);
        if !is_after(header.timestamp, end) {
            return None;
        }
        self.state = State::Told { timestamp };
        digit
    }

    /// The stream ended or another began, whose timestamps compare with nothing.
    pub(crate) fn stream_changed(&mut self) -> Option<char> {
        match std::mem::take(&mut self.state) {
            State::Pressed { digit, .. } => digit,
            _ => None,
        }
    }
}

fn is_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(timestamp: u32) -> Header {
        Header {
            marker: false,
            payload_type: 101,
            sequence: 0,
            timestamp,
            ssrc: 1,
        }
    }
    fn event(event: u8, end: bool, duration: u16) -> [u8; 4] {
        TelephoneEvent {
            event,
            end,
            volume: 10,
            duration,
        }
        .bytes()
    }
    fn told(digits: &mut Digits, timestamp: u32, payload: &[u8]) -> String {
        let told = digits.event(&header(timestamp), payload);
        told.into_iter().flatten().collect()
    }

    #[test]
    fn three_end_packets_are_one_digit_and_the_same_key_again_is_another() {
        let mut digits = Digits::default();
        let mut heard = String::new();
        for press in [1000, 9000] {
            for n in 1..4 {
                heard += &told(&mut digits, press, &event(11, false, n * 160));
            }
            for _ in 0..3 {
                heard += &told(&mut digits, press, &event(11, true, 800));
            }
        }
        assert_eq!(heard, "##");
    }

    #[test]
    fn lost_end_is_made_good_by_the_next_key_or_by_later_audio() {
        let mut digits = Digits::default();
        assert_eq!(told(&mut digits, 1000, &event(1, false, 400)), "");
        assert_eq!(told(&mut digits, 5000, &event(2, true, 400)), "12");
        assert_eq!(told(&mut digits, 9000, &event(3, false, 400)), "");
        assert_eq!(digits.other(&header(10_000), 8000), None);
        assert_eq!(digits.other(&header(11_001), 8000), Some('3'));
        assert_eq!(digits.other(&header(11_161), 8000), None);
        assert_eq!(told(&mut digits, 9000, &event(3, true, 400)), "");
    }

    #[test]
    fn flash_and_broken_payloads_are_no_digit() {
        let mut digits = Digits::default();
        assert_eq!(told(&mut digits, 1000, &event(16, true, 400)), "");
        assert_eq!(told(&mut digits, 2000, &[1, 0x80]), "");
    }
}
