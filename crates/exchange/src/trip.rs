//! A trip wire: lets a test make the exchange panic at one point of its work.

use switch::{Fact, Ids, Input, LegCommand};

/// Where the exchange is in its work.
#[derive(Debug)]
pub(crate) enum Point<'a> {
    /// The switch is about to be given this.
    Input(&'a Input),
    /// And these ids for it: with none left it breaks off midway.
    Ids(&'a mut Ids),
    /// These facts are about to be told.
    Facts(&'a [Fact]),
    /// A leg is about to be commanded this.
    Command(&'a LegCommand),
}

type Wire = dyn FnMut(Point<'_>) -> bool + Send;

/// Set by a test; says where to panic.
#[derive(Default)]
pub(crate) struct Trip(Option<Box<Wire>>);

impl Trip {
    /// Panics wherever `wire` says so.
    pub fn new(wire: impl FnMut(Point<'_>) -> bool + Send + 'static) -> Self {
        Self(Some(Box::new(wire)))
    }

    #[allow(clippy::panic)]
    pub fn at(&mut self, point: Point<'_>) {
        if let Some(wire) = &mut self.0
            && wire(point)
        {
            panic!("tripped by a test");
        }
    }
}
