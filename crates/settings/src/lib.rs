//! The settings mechanism, the snapshot, and the switch's configuration made from it.
