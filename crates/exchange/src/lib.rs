//! The running exchange: owns the loop, the clock, timers and ids; where the parts meet.
