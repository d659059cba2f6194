//! How often one address may ask: a bound that is off unless it is configured.
//! In no second are more requests of an address let in than that; it may ask
//! them all at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::limits::MAX_RATED_ADDRESSES;
use crate::token::one_owner;

/// A second is counted in so many parts: an address waits at most one of them
/// longer than it must.
const PARTS: usize = 20;
const PART_MS: u128 = 1000 / PARTS as u128;

/// The requests of each address lately.
pub struct Rate {
    per_second: NonZeroU32,
    began: Instant,
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct Addresses {
    lately: HashMap<IpAddr, Lately>,
    /// When those were last forgotten who ask no more.
    swept: u128,
}

/// The requests of one address in the part of now and in the whole second before.
#[derive(Debug, Default)]
struct Lately {
    newest: u128,
    parts: [u32; PARTS + 1],
}

impl Lately {
    /// Forgets what is older than a second, at this part.
    fn forward(&mut self, part: u128) {
        let steps = part.saturating_sub(self.newest);
        let steps = usize::try_from(steps).unwrap_or(usize::MAX).min(PARTS + 1);
        self.parts.rotate_right(steps);
        self.parts
            .iter_mut()
            .take(steps)
            .for_each(|count| *count = 0);
        self.newest = self.newest.max(part);
    }

    fn requests(&self) -> u32 {
        self.parts
            .iter()
            .fold(0, |all, count| all.saturating_add(*count))
    }
}

impl Addresses {
    /// Whether one is in the table, or can come into it. A crowd of strangers
    /// does not have the whole table looked through for each of them.
    fn have_room(&mut self, owner: IpAddr, part: u128) -> bool {
        let full = |lately: &HashMap<_, _>| lately.len() >= MAX_RATED_ADDRESSES;
        if !full(&self.lately) || self.lately.contains_key(&owner) {
            return true;
        }
        if self.swept < part {
            self.swept = part;
            self.lately.retain(|_, lately| {
                lately.forward(part);
                lately.requests() > 0
            });
        }
        !full(&self.lately)
    }
}

impl Rate {
    /// At most so many requests a second from one address.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            began: Instant::now(),
            addresses: Mutex::default(),
        }
    }

    /// The bound.
    pub fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Whether an address may ask now; counts it where it may.
    pub fn admits(&self, from: IpAddr) -> bool {
        let part = self.began.elapsed().as_millis() / PART_MS;
        let mut addresses = self.addresses.lock();
        let owner = one_owner(from);
        if !addresses.have_room(owner, part) {
            return false;
        }
        let lately = addresses.lately.entry(owner).or_default();
        lately.forward(part);
        let admitted = lately.requests() < self.per_second.get();
        if let Some(count) = lately.parts.first_mut().filter(|_| admitted) {
            *count += 1;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_address_has_a_bound_of_its_own_and_a_network_of_ipv6_has_one() {
        let rate = Rate::new(NonZeroU32::new(3).unwrap());
        let admitted = |text: &str| rate.admits(text.parse().unwrap());
        let first: Vec<bool> = (0..3).map(|_| admitted("192.0.2.1")).collect();
        assert_eq!(first, [true; 3]);
        assert!(!admitted("192.0.2.1"));
        assert!(admitted("192.0.2.2"));
        for host in 1..=3 {
            assert!(admitted(&format!("2001:db8::{host}")));
        }
        assert!(!admitted("2001:db8::4"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_the_bound_and_hardly_one_less() {
        let rate = Rate::new(NonZeroU32::new(5).unwrap());
        let from = "192.0.2.1".parse().unwrap();
        let mut admitted = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if rate.admits(from) {
                admitted.push(Instant::now());
            }
            tokio::time::advance(Duration::from_millis(7)).await;
        }
        for six in admitted.windows(6) {
            assert!(six[5] - six[0] >= Duration::from_secs(1), "{six:?}");
        }
        assert!(admitted.len() >= 45, "{}", admitted.len());
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded_and_has_room_again_a_second_later() {
        let rate = Rate::new(NonZeroU32::MIN);
        for host in 0..(MAX_RATED_ADDRESSES as u32 + 100) {
            rate.admits(IpAddr::V4((0x0a00_0000 + host).into()));
        }
        let stranger = "192.0.2.1".parse().unwrap();
        assert!(!rate.admits(stranger));
        tokio::time::advance(Duration::from_millis(1100)).await;
        assert!(rate.admits(stranger));
        assert!(rate.addresses.lock().lately.len() <= MAX_RATED_ADDRESSES);
    }
}
