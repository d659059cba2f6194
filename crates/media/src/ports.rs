//! Which port pairs are free, in use, or resting after use. Pure: time and
//! randomness are handed in.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a closed port rests before it is used again, so that late packets
/// of the old call don't reach a new one.
pub const PORT_REST: Duration = Duration::from_secs(5);

/// The even ports of a range whose odd neighbour is in it too.
#[derive(Debug)]
pub(crate) struct Ports {
    free: Vec<u16>,
    /// In order of the time when they are free again.
    resting: VecDeque<(Duration, u16)>,
    pairs: usize,
}

impl Ports {
    pub(crate) fn new(range: &RangeInclusive<u16>) -> Self {
        let even = range.clone().filter(|port| port % 2 == 0);
        let free: Vec<u16> = even.filter(|&port| port < *range.end()).collect();
        Self {
            resting: VecDeque::with_capacity(free.len()),
            pairs: free.len(),
            free,
        }
    }

    /// How many pairs there are in all.
    pub(crate) fn pairs(&self) -> usize {
        self.pairs
    }

    /// How many are taken.
    pub(crate) fn in_use(&self) -> usize {
        self.pairs - self.free.len() - self.resting.len()
    }

    /// Takes a free pair, which one being up to `random`.
    pub(crate) fn take(&mut self, random: u64, now: Duration) -> Option<u16> {
        while let Some(&(until, port)) = self.resting.front()
            && until <= now
        {
            self.resting.pop_front();
            self.free.push(port);
        }
        let choice = random.checked_rem(self.free.len() as u64)?;
        Some(self.free.swap_remove(choice as usize))
    }

    /// Gives a pair back; also one that the system refused.
    pub(crate) fn rest(&mut self, port: u16, now: Duration) {
        self.resting.push_back((now + PORT_REST, port));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn only_even_ports_with_their_neighbour_in_the_range_are_given_each_once() {
        let mut ports = Ports::new(&(20_001..=20_010));
        let given: HashSet<u16> = (0..4).filter_map(|n| ports.take(n * 7, secs(0))).collect();
        assert_eq!(given, HashSet::from([20_002, 20_004, 20_006, 20_008]));
        assert_eq!(ports.take(0, secs(0)), None);
        assert_eq!(ports.in_use(), 4);
        assert_eq!(Ports::new(&(7..=8)).pairs(), 0);
        assert_eq!(Ports::new(&(0..=u16::MAX)).pairs(), 32_768);
    }

    #[test]
    fn closed_port_rests_before_it_is_given_again() {
        let mut ports = Ports::new(&(20_000..=20_001));
        assert_eq!(ports.take(9, secs(0)), Some(20_000));
        ports.rest(20_000, secs(10));
        assert_eq!(ports.in_use(), 0);
        assert_eq!(ports.take(9, secs(14)), None);
        assert_eq!(ports.take(9, secs(10) + PORT_REST), Some(20_000));
    }
}
