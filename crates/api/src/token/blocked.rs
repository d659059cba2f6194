//! Addresses that guess: failed logins counted, addresses blocked for a time.
//! Pure: the time is handed in. It never blocks an address for anything but
//! failed logins in a row.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::limits::{BLOCK_LIFE_S, MAX_FAILED_LOGINS, MAX_WATCHED_ADDRESSES};

/// One address: how often it failed in a row, and when last.
#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    last: i64,
}

impl Record {
    fn blocked_until(self) -> Option<i64> {
        (self.failures >= MAX_FAILED_LOGINS).then_some(self.last + BLOCK_LIFE_S)
    }
}

/// The addresses that failed lately.
#[derive(Debug, Default)]
pub struct Blocked {
    records: HashMap<IpAddr, Record>,
}

impl Blocked {
    /// Those that [`Blocked::kept`] wrote down, as far as time has not lifted
    /// them. What makes no sense is passed over: nobody is locked out by it.
    pub fn restored(kept: &str, now: i64) -> Self {
        let entry = |line: &str| {
            let (address, until) = line.split_once(' ')?;
            let until: i64 = until.parse().ok()?;
            Some((one_owner(address.parse().ok()?), until))
        };
        let mut blocked = Self::default();
        let entries = kept.lines().filter_map(entry);
        for (address, until) in entries.take(MAX_WATCHED_ADDRESSES) {
            // A clock that was put back does not make it longer.
            let last = until.saturating_sub(BLOCK_LIFE_S).min(now);
            let record = Record {
                failures: MAX_FAILED_LOGINS,
                last,
            };
            if last + BLOCK_LIFE_S > now {
                blocked.records.insert(address, record);
            }
        }
        blocked
    }

    /// Those that are blocked, to be kept: an address and its time a line.
    pub fn kept(&self, now: i64) -> String {
        let list = self.list(now).into_iter();
        list.map(|(address, until)| format!("{address} {until}\n"))
            .collect()
    }

    /// Until when (Unix seconds) this address is blocked, if it is.
    pub fn until(&self, address: IpAddr, now: i64) -> Option<i64> {
        let until = self.records.get(&one_owner(address))?.blocked_until()?;
        (until > now).then_some(until)
    }

    /// Those that are blocked, and until when.
    pub fn list(&self, now: i64) -> Vec<(IpAddr, i64)> {
        let mut blocked: Vec<_> = self
            .records
            .iter()
            .filter_map(|(address, record)| Some((*address, record.blocked_until()?)))
            .filter(|(_, until)| *until > now)
            .collect();
        blocked.sort_unstable();
        blocked
    }

    /// Forgets the failures of one address, or of all; which were blocked.
    pub fn lift(&mut self, address: Option<IpAddr>, now: i64) -> Vec<IpAddr> {
        let address = address.map(one_owner);
        let chosen = |other: IpAddr| address.is_none_or(|address| address == other);
        let lifted = self.list(now).into_iter().map(|(address, _)| address);
        let lifted = lifted.filter(|address| chosen(*address)).collect();
        self.records.retain(|address, _| !chosen(*address));
        lifted
    }

    /// A login from there failed; until when it is blocked, if that was one too many.
    pub fn failed(&mut self, address: IpAddr, now: i64) -> Option<i64> {
        let address = one_owner(address);
        if !self.records.contains_key(&address) && self.records.len() >= MAX_WATCHED_ADDRESSES {
            self.make_room(now);
        }
        let record = self.records.entry(address).or_insert(Record {
            failures: 0,
            last: now,
        });
        if record.last + BLOCK_LIFE_S <= now {
            record.failures = 0;
        }
        record.failures = record.failures.saturating_add(1);
        record.last = now;
        record.blocked_until()
    }

    /// A login from there succeeded: what failed before is forgotten.
    pub fn succeeded(&mut self, address: IpAddr) {
        self.records.remove(&one_owner(address));
    }

    fn make_room(&mut self, now: i64) {
        self.records
            .retain(|_, record| record.last + BLOCK_LIFE_S > now);
        if self.records.len() >= MAX_WATCHED_ADDRESSES {
            // Those that are blocked are kept before those that are not.
            let oldest = self
                .records
                .iter()
                .min_by_key(|(_, record)| (record.blocked_until().is_some(), record.last))
                .map(|(address, _)| *address);
            if let Some(oldest) = oldest {
                self.records.remove(&oldest);
            }
        }
    }
}

/// Who owns an IPv6 address has its whole /64; an IPv4 address stays itself
/// also where it arrives mapped.
pub fn one_owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn five_failures_in_a_row_block_for_ten_minutes_and_a_success_between_starts_anew() {
        let mut blocked = Blocked::default();
        let guesser = address("192.0.2.1");
        for _ in 0..4 {
            blocked.failed(guesser, 100);
        }
        blocked.succeeded(guesser);
        for _ in 0..4 {
            blocked.failed(guesser, 100);
        }
        assert_eq!(blocked.until(guesser, 100), None);
        blocked.failed(guesser, 100);
        assert_eq!(blocked.until(guesser, 100), Some(700));
        assert_eq!(blocked.until(address("192.0.2.2"), 100), None);
        assert_eq!(blocked.until(guesser, 700), None);
        // And the count starts anew after the block.
        blocked.failed(guesser, 700);
        assert_eq!(blocked.until(guesser, 700), None);
    }

    #[test]
    fn a_block_that_is_lifted_is_over_with_all_that_was_counted() {
        let mut blocked = Blocked::default();
        for guesser in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
            for _ in 0..5 {
                blocked.failed(address(guesser), 100);
            }
        }
        for _ in 0..4 {
            blocked.failed(address("192.0.2.3"), 100);
        }
        let networks = ["192.0.2.1", "192.0.2.2", "2001:db8::"].map(address);
        assert_eq!(blocked.list(100), networks.map(|network| (network, 700)));
        assert!(blocked.lift(Some(address("192.0.2.3")), 100).is_empty());
        assert_eq!(blocked.failed(address("192.0.2.3"), 100), None);
        assert_eq!(
            blocked.lift(Some(address("2001:db8::9")), 100),
            [address("2001:db8::")]
        );
        assert_eq!(blocked.until(address("2001:db8::1"), 100), None);
        // What time has lifted is not told again.
        assert!(blocked.lift(None, 700).is_empty());
        assert!(blocked.list(100).is_empty());
    }

    #[test]
    fn what_is_kept_is_blocked_again_until_its_time_and_nothing_else_is() {
        let mut blocked = Blocked::default();
        for guesser in ["192.0.2.1", "2001:db8::1"] {
            for _ in 0..5 {
                blocked.failed(address(guesser), 100);
            }
        }
        blocked.failed(address("192.0.2.2"), 100);
        let again = Blocked::restored(&blocked.kept(150), 200);
        assert_eq!(again.list(200), blocked.list(200));
        assert_eq!(again.list(200).len(), 2);
        assert!(
            Blocked::restored(&blocked.kept(150), 700)
                .records
                .is_empty()
        );
        // A clock that was put back, and what another hand wrote.
        let odd = "192.0.2.1 9000\nx 700\n192.0.2.3\n192.0.2.4 y\n\n";
        let odd = Blocked::restored(odd, 100);
        assert_eq!(odd.list(100), [(address("192.0.2.1"), 700)]);
        let many: String = (0..=MAX_WATCHED_ADDRESSES as u32)
            .map(|host| format!("{} 700\n", std::net::Ipv4Addr::from(host)))
            .collect();
        let many = Blocked::restored(&many, 100);
        assert_eq!(many.records.len(), MAX_WATCHED_ADDRESSES);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let mut blocked = Blocked::default();
        for host in 1..=5 {
            blocked.failed(address(&format!("2001:db8:0:1::{host}")), 0);
        }
        assert!(blocked.until(address("2001:db8:0:1:ffff::9"), 1).is_some());
        assert!(blocked.until(address("2001:db8:0:2::1"), 1).is_none());
        for _ in 0..5 {
            blocked.failed(address("::ffff:192.0.2.1"), 0);
        }
        assert!(blocked.until(address("192.0.2.1"), 1).is_some());
        assert!(blocked.until(address("::ffff:192.0.2.2"), 1).is_none());
    }

    #[test]
    fn the_table_is_bounded_and_keeps_the_blocked() {
        let mut blocked = Blocked::default();
        let guesser = address("10.255.255.255");
        for _ in 0..5 {
            blocked.failed(guesser, 0);
        }
        for host in 0..(MAX_WATCHED_ADDRESSES as u32 + 500) {
            blocked.failed(IpAddr::V4((0x0a00_0000 + host).into()), 1);
        }
        assert!(blocked.records.len() <= MAX_WATCHED_ADDRESSES);
        assert!(blocked.until(guesser, 2).is_some());
    }
}
