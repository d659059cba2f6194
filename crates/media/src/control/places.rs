//! Which worker has which slot, on which port, and who feeds whom. Pure.

use std::collections::VecDeque;

use crate::command::SlotId;

#[derive(Debug)]
pub(crate) struct Places {
    places: Vec<Place>,
    /// First in, first out: a place rests before it is given anew.
    free: VecDeque<u32>,
    /// Slots of each worker.
    loads: Vec<usize>,
    /// How many a worker gets before the next one gets any.
    fill: usize,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    port: u16,
    worker: usize,
    /// The slot that it feeds.
    to: Option<u32>,
    /// The slot that feeds it.
    from: Option<u32>,
}

/// A slot that changes workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) slot: SlotId,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Places {
    pub(crate) fn new(slots: usize, workers: usize, fill: usize) -> Self {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        Self {
            places: (0..slots)
                .map(|_| Place {
                    generation: 0,
                    open: None,
                })
                .collect(),
            free: (0..slots).collect(),
            loads: vec![0; workers],
            fill,
        }
    }

    /// A new slot: beside `near`, or with the first worker that is not filled,
    /// or where there are fewest.
    pub(crate) fn open(&mut self, port: u16, near: Option<SlotId>) -> Option<(SlotId, usize)> {
        let loads = || self.loads.iter().enumerate();
        let unfilled = loads().find(|(_, load)| **load < self.fill);
        let idlest = || loads().min_by_key(|(_, load)| **load);
        let worker = near
            .and_then(|near| self.worker(near))
            .or_else(|| unfilled.or_else(idlest).map(|(worker, _)| worker))?;
        let index = self.free.pop_front()?;
        let place = self.places.get_mut(index as usize)?;
        place.generation = place.generation.wrapping_add(1);
        place.open = Some(Open {
            port,
            worker,
            to: None,
            from: None,
        });
        let generation = place.generation;
        self.count(worker, 1);
        Some((SlotId { index, generation }, worker))
    }

    /// Which worker has it, while it is open.
    pub(crate) fn worker(&self, id: SlotId) -> Option<usize> {
        let place = self.places.get(id.index as usize)?;
        let open = place.open.filter(|_| place.generation == id.generation)?;
        Some(open.worker)
    }

    /// Ends a slot; its port.
    pub(crate) fn close(&mut self, id: SlotId) -> Option<u16> {
        self.worker(id)?;
        let open = self.places.get_mut(id.index as usize)?.open.take()?;
        if let Some(fed) = open.to.and_then(|to| self.get(to)) {
            fed.from = None;
        }
        if let Some(feeder) = open.from.and_then(|from| self.get(from)) {
            feeder.to = None;
        }
        self.count(open.worker, -1);
        self.free.push_back(id.index);
        Some(open.port)
    }

    /// `slot` feeds `peer` from now on, or nobody; who fed `peer` till now.
    pub(crate) fn link(&mut self, slot: SlotId, peer: Option<SlotId>) -> Option<SlotId> {
        let to = peer.map(|peer| peer.index);
        let before = std::mem::replace(&mut self.get(slot.index)?.to, to);
        if before == to {
            return None;
        }
        if let Some(fed) = before.and_then(|index| self.get(index)) {
            fed.from = None;
        }
        let fed = self.get(to?)?;
        let displaced = fed.from.replace(slot.index)?;
        self.get(displaced)?.to = None;
        self.id(displaced)
    }

    /// Puts `peer` and all that is linked with it where `slot` is.
    pub(crate) fn gather(&mut self, slot: SlotId, peer: SlotId) -> Vec<Moved> {
        let Some(to) = self.worker(slot) else {
            return Vec::new();
        };
        let mut moved = Vec::new();
        let mut next = vec![peer.index];
        while let Some(index) = next.pop() {
            let Some(id) = self.id(index) else { continue };
            let Some(open) = self.get(index) else {
                continue;
            };
            if open.worker == to {
                continue;
            }
            let from = std::mem::replace(&mut open.worker, to);
            next.extend(open.to.into_iter().chain(open.from));
            moved.push(Moved { slot: id, from, to });
            self.count(from, -1);
            self.count(to, 1);
        }
        moved
    }

    fn get(&mut self, index: u32) -> Option<&mut Open> {
        self.places.get_mut(index as usize)?.open.as_mut()
    }

    fn id(&self, index: u32) -> Option<SlotId> {
        let place = self.places.get(index as usize)?;
        place.open?;
        Some(SlotId {
            index,
            generation: place.generation,
        })
    }

    fn count(&mut self, worker: usize, change: isize) {
        if let Some(load) = self.loads.get_mut(worker) {
            *load = load.saturating_add_signed(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(places: &mut Places, near: Option<SlotId>) -> SlotId {
        places.open(4000, near).unwrap().0
    }

    #[test]
    fn workers_are_filled_in_turn_then_evenly_and_near_keeps_slots_together() {
        let mut places = Places::new(8, 2, 2);
        let on: Vec<Option<usize>> = (0..6)
            .map(|_| {
                let id = open(&mut places, None);
                places.worker(id)
            })
            .collect();
        assert_eq!(on, [0, 0, 1, 1, 0, 1].map(Some));

        let mut places = Places::new(8, 2, 0);
        let a = open(&mut places, None);
        let b = open(&mut places, None);
        let c = open(&mut places, Some(a));
        assert_ne!(places.worker(a), places.worker(b));
        assert_eq!(places.worker(a), places.worker(c));
        let d = open(&mut places, None);
        assert_eq!(places.worker(d), places.worker(b));
    }

    #[test]
    fn closed_slots_id_is_dead_though_its_index_lives_on() {
        let mut places = Places::new(1, 1, 0);
        let old = open(&mut places, None);
        assert!(places.open(4002, None).is_none());
        assert_eq!(places.close(old), Some(4000));
        assert_eq!(places.close(old), None);
        let new = open(&mut places, None);
        assert_eq!(old.index, new.index);
        assert_eq!(places.worker(old), None);
        assert_eq!(places.link(old, Some(new)), None);
    }

    #[test]
    fn connecting_across_workers_brings_the_peers_whole_company() {
        let mut places = Places::new(8, 2, 0);
        let a = open(&mut places, None);
        let b = open(&mut places, None);
        let c = open(&mut places, Some(b));
        places.link(b, Some(c));
        places.link(c, Some(b));
        let mut moved = places.gather(a, b);
        moved.sort_by_key(|moved| moved.slot);
        let went: Vec<SlotId> = moved.iter().map(|moved| moved.slot).collect();
        assert_eq!(went, [b, c]);
        assert_eq!(places.worker(c), places.worker(a));
        assert_eq!(places.gather(a, b), []);
    }

    #[test]
    fn slot_has_one_feeder_and_a_new_one_displaces_the_old() {
        let mut places = Places::new(8, 1, 0);
        let [a, b, c] = [(); 3].map(|()| open(&mut places, None));
        assert_eq!(places.link(a, Some(c)), None);
        assert_eq!(places.link(a, Some(c)), None);
        assert_eq!(places.link(b, Some(c)), Some(a));
        assert_eq!(places.link(b, None), None);
        assert_eq!(places.link(a, Some(c)), None);
        places.close(a);
        assert_eq!(places.link(b, Some(c)), None);
    }
}
