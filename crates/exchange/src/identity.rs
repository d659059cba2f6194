//! Who this PBX is, as events, records and `system/information` tell it.

use std::time::Instant;

use crate::clock::DisplayClock;

/// The PBX's name, number and clock.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `pbx.name`.
    pub name: String,
    /// `pbx.serial`: the `sn` of events.
    pub serial: String,
    /// Firmware told to applications, by which they choose their dialect.
    pub firmware: &'static str,
    /// Zone and display formats.
    pub clock: DisplayClock,
    /// This node's number, a part of every call's id.
    pub node: u8,
    /// When the process started.
    pub started: Instant,
}

/// Software edition; below the firmware at which applications go over to CDR
/// v2.0, which is not built yet.
pub const FIRMWARE: &str = "83.22.0.0";
