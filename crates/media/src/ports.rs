//! Which ports are free, in use, or resting after use.

use std::time::Duration;

/// How long a closed port rests before it is used again, so that late packets
/// of the old call don't reach a new one.
pub const PORT_REST: Duration = Duration::from_secs(5);
