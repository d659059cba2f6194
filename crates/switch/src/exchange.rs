//! The machine's outside: routes each input to the call that it concerns.

use crate::action::Action;
use crate::fact::Fact;
use crate::ids::{Ids, Now};
use crate::input::Input;

/// What one input, or several, produced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// To be executed in order.
    pub actions: Vec<Action>,
    /// To be told in order, one batch an input.
    pub facts: Vec<Fact>,
}

/// All calls and the extensions' live states.
#[derive(Debug, Default)]
pub struct Exchange {}

impl Exchange {
    /// An exchange without extensions and calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one input and appends what it leads to.
    pub fn handle(&mut self, input: Input, now: Now, ids: &mut Ids, out: &mut Output) {
        let _ = (input, now, ids, out);
    }

    /// How many calls there are.
    pub fn calls(&self) -> usize {
        0
    }

    /// Whether nothing is left of any call: no call, no leg that still ends.
    pub fn is_idle(&self) -> bool {
        true
    }
}
