//! Where a worker keeps its slots: by index, generation checked at each use.

use crate::command::SlotId;

use super::{Leg, Order};

/// One place.
#[derive(Debug)]
enum Seat<S> {
    Empty,
    /// A slot is on its way here from another worker; orders to it wait. They
    /// are few: a move takes one wake-up of two workers.
    Expecting {
        generation: u32,
        orders: Vec<Order<S>>,
    },
    Taken(Box<Leg<S>>),
}

#[derive(Debug)]
pub(crate) struct Seats<S> {
    seats: Vec<Seat<S>>,
    /// Indices of those taken, in no order.
    taken: Vec<u32>,
    /// Indices of those that play.
    playing: Vec<u32>,
    /// Where in `taken` the next part begins.
    cursor: usize,
}

impl<S> Seats<S> {
    pub(crate) fn new(slots: usize) -> Self {
        let mut seats = Vec::new();
        seats.resize_with(slots, || Seat::Empty);
        Self {
            seats,
            taken: Vec::with_capacity(slots),
            playing: Vec::with_capacity(slots),
            cursor: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    pub(crate) fn get_mut(&mut self, id: SlotId) -> Option<&mut Leg<S>> {
        match self.seats.get_mut(id.index as usize) {
            Some(Seat::Taken(leg)) if leg.slot.id() == id => Some(leg),
            _ => None,
        }
    }

    /// A slot of that id is on its way.
    pub(crate) fn expect(&mut self, id: SlotId) {
        if let Some(seat @ Seat::Empty) = self.seats.get_mut(id.index as usize) {
            *seat = Seat::Expecting {
                generation: id.generation,
                orders: Vec::new(),
            };
        }
    }

    /// Puts an order by where its slot is still on its way; else gives it back.
    pub(crate) fn put_by(&mut self, id: SlotId, order: Order<S>) -> Option<Order<S>> {
        match self.seats.get_mut(id.index as usize) {
            Some(Seat::Expecting { generation, orders }) if *generation == id.generation => {
                orders.push(order);
                None
            }
            _ => Some(order),
        }
    }

    /// Seats a slot; the orders that waited for it.
    pub(crate) fn seat(&mut self, leg: Box<Leg<S>>) -> Vec<Order<S>> {
        let index = leg.slot.id().index;
        let plays = leg.slot.is_playing();
        let Some(seat) = self.seats.get_mut(index as usize) else {
            return Vec::new();
        };
        let newer = match seat {
            Seat::Taken(there) => Some(there.slot.id().generation),
            Seat::Expecting { generation, .. } => Some(*generation),
            Seat::Empty => None,
        };
        if newer.is_some_and(|newer| is_newer(newer, leg.slot.id().generation)) {
            // It was closed while it was on its way, and its place given anew.
            return Vec::new();
        }
        let before = std::mem::replace(seat, Seat::Taken(leg));
        if !matches!(before, Seat::Taken(_)) {
            self.taken.push(index);
        }
        if plays {
            self.playing.push(index);
        }
        match before {
            Seat::Expecting { orders, .. } => orders,
            _ => Vec::new(),
        }
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, id: SlotId) -> Option<Box<Leg<S>>> {
        self.get_mut(id)?;
        let seat = self.seats.get_mut(id.index as usize)?;
        let Seat::Taken(leg) = std::mem::replace(seat, Seat::Empty) else {
            return None;
        };
        forget(&mut self.taken, id.index);
        forget(&mut self.playing, id.index);
        Some(leg)
    }

    /// Any slot that is left.
    pub(crate) fn any(&self) -> Option<SlotId> {
        self.taken
            .iter()
            .find_map(|&index| match self.seats.get(index as usize) {
                Some(Seat::Taken(leg)) => Some(leg.slot.id()),
                _ => None,
            })
    }

    pub(crate) fn plays(&self) -> bool {
        !self.playing.is_empty()
    }

    /// A slot plays now.
    pub(crate) fn note_playing(&mut self, id: SlotId) {
        if !self.playing.contains(&id.index) {
            self.playing.push(id.index);
        }
    }

    /// Leaves those out that no longer play.
    pub(crate) fn forget_silent(&mut self) {
        let seats = &self.seats;
        self.playing.retain(|&index| {
            matches!(seats.get(index as usize), Some(Seat::Taken(leg)) if leg.slot.is_playing())
        });
    }

    pub(crate) fn each_playing(&mut self, mut act: impl FnMut(&mut Leg<S>)) {
        for &index in &self.playing {
            if let Some(Seat::Taken(leg)) = self.seats.get_mut(index as usize) {
                act(leg);
            }
        }
    }

    /// The next of so many parts of all slots.
    pub(crate) fn each_of_part(&mut self, parts: usize, mut act: impl FnMut(&mut Leg<S>)) {
        for _ in 0..self.taken.len().div_ceil(parts) {
            if self.cursor >= self.taken.len() {
                self.cursor = 0;
            }
            let index = self.taken.get(self.cursor).copied();
            self.cursor += 1;
            let seat = index.and_then(|index| self.seats.get_mut(index as usize));
            if let Some(Seat::Taken(leg)) = seat {
                act(leg);
            }
        }
    }
}

/// Generations wrap: the nearer way round tells.
fn is_newer(one: u32, other: u32) -> bool {
    one != other && one.wrapping_sub(other) < u32::MAX / 2
}

fn forget(indices: &mut Vec<u32>, index: u32) {
    if let Some(at) = indices.iter().position(|&i| i == index) {
        indices.swap_remove(at);
    }
}
