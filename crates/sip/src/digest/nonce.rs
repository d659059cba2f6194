//! Nonces that prove themselves, and the table of those in use.
//!
//! A nonce holds its number and its time and a MAC over both, so handing one
//! out costs no memory. Only a nonce that was used with the right password gets
//! a place in the table, where its counts are kept: a stranger cannot fill it.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::algorithm::hex;

/// How many nonces may be in use at once. When one more comes, the oldest is
/// dropped, and it and any older than it are stale.
pub const MAX_NONCES: usize = 65_536;

/// How many counts below the highest are still told apart: requests may
/// overtake each other on UDP.
const WINDOW: u32 = 64;

/// The bytes of the MAC that stand in a nonce.
const MAC_LEN: usize = 16;

/// Makes nonces and knows its own.
pub(super) struct Mint {
    secret: [u8; 32],
    next: u64,
}

/// A nonce of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonce {
    pub(super) number: u64,
    pub(super) issued: Duration,
}

impl Mint {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Mint { secret, next: 0 }
    }

    pub(super) fn issue(&mut self, now: Duration) -> String {
        let number = self.next;
        self.next += 1;
        let micros = now.as_micros().min(u64::MAX.into()) as u64;
        self.text(number, micros)
    }

    /// The nonce behind a text, if it is one of ours.
    pub(super) fn recognise(&self, text: &str) -> Option<Nonce> {
        let number = u64::from_str_radix(text.get(..16)?, 16).ok()?;
        let micros = u64::from_str_radix(text.get(16..32)?, 16).ok()?;
        let ours = self.text(number, micros);
        let same: bool = ours.as_bytes().ct_eq(text.as_bytes()).into();
        same.then_some(Nonce {
            number,
            issued: Duration::from_micros(micros),
        })
    }

    fn text(&self, number: u64, micros: u64) -> String {
        let mut plain = [0; 16];
        let (first, second) = plain.split_at_mut(8);
        first.copy_from_slice(&number.to_be_bytes());
        second.copy_from_slice(&micros.to_be_bytes());
        let mut text = hex(&plain);
        // HMAC takes keys of any length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) {
            mac.update(&plain);
            let mac = mac.finalize().into_bytes();
            text.push_str(&hex(mac.get(..MAC_LEN).unwrap_or_default()));
        }
        text
    }
}

/// What a table says of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Fresh,
    Replayed,
    /// Dropped from the table, or used up.
    Stale,
}

/// The nonces in use, oldest first.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<u64, Row>,
    /// Numbers below this one are stale: their counts are forgotten.
    floor: u64,
}

struct Row {
    issued: Duration,
    counts: Counts,
}

impl Table {
    /// Notes that a nonce was used with a count, or without one by a client
    /// that knows none. Such a client can use a nonce only once, for nothing
    /// tells its second request from a replay.
    pub(super) fn note(&mut self, nonce: Nonce, count: Option<u32>) -> Use {
        if nonce.number < self.floor {
            return Use::Stale;
        }
        if let Some(row) = self.rows.get_mut(&nonce.number) {
            return row.counts.note(count);
        }
        let mut counts = Counts::default();
        let verdict = counts.note(count);
        self.rows.insert(
            nonce.number,
            Row {
                issued: nonce.issued,
                counts,
            },
        );
        if self.rows.len() > MAX_NONCES {
            self.drop_oldest();
        }
        verdict
    }

    /// Forgets the nonces issued before `limit`, which their age makes stale
    /// anyway.
    pub(super) fn forget_before(&mut self, limit: Duration) {
        while self
            .rows
            .first_key_value()
            .is_some_and(|(_, row)| row.issued < limit)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((number, _)) = self.rows.pop_first() {
            self.floor = number + 1;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// The counts that a nonce was used with.
#[derive(Default)]
struct Counts {
    highest: u32,
    /// Bit n: `highest - n` was used.
    seen: u64,
}

impl Counts {
    fn note(&mut self, count: Option<u32>) -> Use {
        match count {
            None if self.seen == 0 => {
                // No count can follow.
                (self.highest, self.seen) = (u32::MAX, u64::MAX);
                Use::Fresh
            }
            None => Use::Stale,
            Some(count) if count > self.highest => {
                let step = count - self.highest;
                self.seen = self.seen.checked_shl(step).unwrap_or(0) | 1;
                self.highest = count;
                Use::Fresh
            }
            Some(count) => {
                let back = self.highest - count;
                if count == 0 || back >= WINDOW || self.seen & (1 << back) != 0 {
                    return Use::Replayed;
                }
                self.seen |= 1 << back;
                Use::Fresh
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(300);

    #[test]
    fn a_nonce_is_known_again_and_a_changed_one_is_not() {
        let mut mint = Mint::new([7; 32]);
        let text = mint.issue(LIFE);
        assert_eq!(
            mint.recognise(&text),
            Some(Nonce {
                number: 0,
                issued: LIFE
            })
        );
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(mint.recognise(std::str::from_utf8(&changed).unwrap()), None);
        }
        assert_eq!(mint.recognise(""), None);
        assert_eq!(Mint::new([8; 32]).recognise(&text), None);
        assert_ne!(mint.issue(LIFE), text);
    }

    #[test]
    fn counts_may_overtake_each_other_within_the_window_but_never_repeat() {
        let mut counts = Counts::default();
        for count in [1, 3, 2, 200, 140] {
            assert_eq!(counts.note(Some(count)), Use::Fresh, "{count}");
        }
        for count in [0, 1, 2, 3, 200, 140, 200 - WINDOW] {
            assert_eq!(counts.note(Some(count)), Use::Replayed, "{count}");
        }
    }

    #[test]
    fn a_full_table_drops_the_oldest_and_no_dropped_nonce_comes_back() {
        let mut table = Table::default();
        let nonce = |number| Nonce {
            number,
            issued: LIFE,
        };
        for number in 0..MAX_NONCES as u64 + 1 {
            assert_eq!(table.note(nonce(number), Some(1)), Use::Fresh);
        }
        assert_eq!(table.len(), MAX_NONCES);
        assert_eq!(table.note(nonce(0), Some(2)), Use::Stale);
        assert_eq!(table.note(nonce(1), Some(1)), Use::Replayed);
        assert_eq!(table.note(nonce(1), Some(2)), Use::Fresh);
        table.forget_before(LIFE + Duration::from_secs(1));
        assert_eq!(table.len(), 0);
        assert_eq!(table.note(nonce(1), Some(1)), Use::Stale);
    }
}
