//! How often one address may ask: a bound that is off unless it is configured.
//! An address may use a second's requests at once, and gets them back evenly.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::limits::MAX_RATED_ADDRESSES;
use crate::token::one_owner;

/// The requests of each address lately.
pub struct Rate {
    per_second: NonZeroU32,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Rate {
    /// At most so many requests a second from one address.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            addresses: RateLimiter::keyed(Quota::per_second(per_second)),
        }
    }

    /// The bound.
    pub fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Whether an address may ask now; counts it where it may.
    pub fn admits(&self, from: IpAddr) -> bool {
        if self.addresses.len() >= MAX_RATED_ADDRESSES {
            // Forgets those that have their whole second back.
            self.addresses.retain_recent();
            if self.addresses.len() >= MAX_RATED_ADDRESSES {
                return false;
            }
        }
        self.addresses.check_key(&one_owner(from)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_table_is_bounded() {
        let rate = Rate::new(NonZeroU32::MIN);
        for host in 0..(MAX_RATED_ADDRESSES as u32 + 100) {
            rate.admits(IpAddr::V4((0x0a00_0000 + host).into()));
        }
        assert!(rate.addresses.len() <= MAX_RATED_ADDRESSES);
    }
}
