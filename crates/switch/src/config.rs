//! The switch's own configuration document, made by `settings` from what the
//! API stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::ExtensionNumber;

/// All that the switch knows of the PBX's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Extensions by number.
    pub extensions: HashMap<ExtensionNumber, Arc<Extension>>,
    /// Most calls at once; a further one is refused with congestion. 0: no bound.
    pub max_calls: usize,
}

/// One extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its number.
    pub number: ExtensionNumber,
    /// The user's name, shown to who is called.
    pub name: Box<str>,
    /// The caller id it shows in internal calls; the number where none is set.
    pub caller_id: Box<str>,
    /// How long it rings before the call counts as not answered.
    pub ring_timeout: Duration,
    /// It takes no calls.
    pub do_not_disturb: bool,
}
