//! Fresh ids for the switch: counters that are never used twice, not even
//! after a crash. Blocks of them are reserved in the database ahead of use;
//! nothing ever waits for that.

use store::Batch;
use switch::Ids;

/// Names of the counters in the database.
const CALL: &str = "call";
const LEG: &str = "leg";
/// How many ids are reserved at once.
const BLOCK: u64 = 100_000;
/// When fewer than this are left, the next block is reserved.
const MARGIN: u64 = 50_000;
/// Distance between two call counters; the node's number lies between.
const NODE_STRIDE: u64 = 100;
/// Legs are known by 32 bits on the wire: 26 count, the upper 6 are the node's.
/// Inside, the count goes on above the 32 bits, so that no leg has another's id.
const LEG_BITS: u32 = 26;
const SHORT_BITS: u32 = 32;
/// So near the end of its 26 bits the count goes round: far more than the legs
/// that one input makes.
const LEG_END: u64 = 1 << 16;

/// The ids in hand and how far they are reserved.
#[derive(Debug)]
pub(crate) struct Numbering {
    pub ids: Ids,
    /// The node's share of a leg's eight hex digits.
    base: u64,
    calls_reserved: u64,
    legs_reserved: u64,
}

impl Numbering {
    /// From the high-water marks that the database kept; adds to `batch` the
    /// reservation that must be kept before the first id is used.
    pub fn new(node: u8, calls_used: u64, legs_used: u64, batch: &mut Batch) -> Self {
        let base = u64::from(node & 0x3f) << LEG_BITS;
        let mut numbering = Self {
            ids: Ids {
                next_call: (calls_used + 1) * NODE_STRIDE + u64::from(node),
                call_stride: NODE_STRIDE,
                next_leg: leg_id(base, legs_used + 1),
            },
            base,
            calls_reserved: calls_used,
            legs_reserved: legs_used,
        };
        numbering.reserve(batch);
        numbering
    }

    /// Reserves further blocks where they run low.
    pub fn reserve(&mut self, batch: &mut Batch) {
        let calls = self.ids.next_call / NODE_STRIDE;
        if calls + MARGIN > self.calls_reserved {
            self.calls_reserved = calls + BLOCK;
            batch.counters.push((CALL.into(), self.calls_reserved));
        }
        let mut legs = leg_count(self.ids.next_leg);
        let round = legs % (1 << LEG_BITS);
        if round + LEG_END > 1 << LEG_BITS {
            legs += (1 << LEG_BITS) - round;
            self.ids.next_leg = leg_id(self.base, legs);
        }
        if legs + MARGIN > self.legs_reserved {
            self.legs_reserved = legs + BLOCK;
            batch.counters.push((LEG.into(), self.legs_reserved));
        }
    }

    /// Names of the counters, for who reads them at the start.
    pub fn names() -> (&'static str, &'static str) {
        (CALL, LEG)
    }
}

fn leg_id(base: u64, count: u64) -> u64 {
    (count >> LEG_BITS) << SHORT_BITS | base | count & ((1 << LEG_BITS) - 1)
}

fn leg_count(id: u64) -> u64 {
    (id >> SHORT_BITS) << LEG_BITS | id & ((1 << LEG_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_never_gives_a_number_again() {
        let mut batch = Batch::default();
        let mut first = Numbering::new(1, 0, 0, &mut batch);
        let last = first.ids;
        first.ids.leg();
        let kept = |batch: &Batch, name: &str| {
            batch
                .counters
                .iter()
                .rev()
                .find(|(n, _)| n == name)
                .unwrap()
                .1
        };
        let second = Numbering::new(
            1,
            kept(&batch, CALL),
            kept(&batch, LEG),
            &mut Batch::default(),
        );
        assert!(second.ids.next_call > last.next_call);
        assert!(second.ids.next_leg > last.next_leg);
        assert_eq!(second.ids.next_call % NODE_STRIDE, 1);
    }

    #[test]
    fn a_block_is_reserved_before_the_last_is_used_up() {
        let mut numbering = Numbering::new(1, 0, 0, &mut Batch::default());
        let mut batch = Batch::default();
        numbering.reserve(&mut batch);
        assert!(batch.counters.is_empty());
        numbering.ids.next_leg += BLOCK - MARGIN + 2;
        numbering.reserve(&mut batch);
        assert_eq!(batch.counters.len(), 1);
    }

    #[test]
    fn legs_count_on_past_their_digits_and_stay_in_the_nodes_share() {
        let mut batch = Batch::default();
        let used = (1 << LEG_BITS) - BLOCK;
        let mut numbering = Numbering::new(5, 0, used, &mut batch);
        let first = numbering.ids.leg();
        let mut last = first;
        for _ in 0..2 * BLOCK {
            last = numbering.ids.leg();
            numbering.reserve(&mut batch);
            assert_eq!(last.short() >> LEG_BITS, 5);
        }
        assert!(last > first, "never one again, whatever the digits say");
        assert!(last.short() < first.short(), "the digits went round");
        let kept = batch.counters.last().unwrap().1;
        let next = Numbering::new(5, 0, kept, &mut batch).ids.leg();
        assert!(next > last);
    }
}
