//! The blocked addresses as who runs the PBX sees them: a list, and a way to
//! lift a block before its time. It is never reached through the API itself.

use std::net::IpAddr;
use std::sync::Arc;

use crate::door::App;

/// The addresses that failed logins have blocked. Cheap to clone.
#[derive(Clone)]
pub struct Blocklist(Arc<App>);

impl Blocklist {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self(app)
    }

    /// Each blocked address and until when, Unix seconds. An IPv6 address
    /// stands for its whole /64.
    pub fn list(&self) -> Vec<(IpAddr, i64)> {
        self.0.tokens.blocked()
    }

    /// Lifts the block of one address, or of all; tells whose it was.
    pub fn unblock(&self, address: Option<IpAddr>) -> Vec<IpAddr> {
        self.0.tokens.unblock(address)
    }
}
