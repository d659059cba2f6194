//! The local address of the route to a peer: what the kernel would send from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most peers remembered; when there are more, all are forgotten.
const MAX_PEERS: usize = 4096;
/// How long an answer is good: routes change rarely, interfaces come and go.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Asks the kernel and remembers its answers for a while.
#[derive(Debug, Default)]
pub struct Routes {
    known: Mutex<HashMap<IpAddr, (IpAddr, Instant)>>,
}

impl Routes {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The address of ours from which `peer` is reached. Where there is no route
    /// the loopback address: nothing would arrive anyway.
    pub fn local_for(&self, peer: IpAddr) -> IpAddr {
        let now = Instant::now();
        // A panic elsewhere leaves the table as good as it was.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((local, asked)) = known.get(&peer)
            && now.duration_since(*asked) < MAX_AGE
        {
            return *local;
        }
        let local = ask(peer);
        if known.len() >= MAX_PEERS {
            known.clear();
        }
        known.insert(peer, (local, now));
        local
    }
}

/// Connecting a UDP socket sends nothing, but makes the kernel choose the route.
fn ask(peer: IpAddr) -> IpAddr {
    let (any, loopback): (IpAddr, IpAddr) = match peer {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()),
    };
    let local = UdpSocket::bind(SocketAddr::new(any, 0))
        .and_then(|socket| socket.connect(SocketAddr::new(peer, 5060)).map(|()| socket))
        .and_then(|socket| socket.local_addr());
    local.map_or(loopback, |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_peer_is_reached_from_loopback() {
        let routes = Routes::new();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(routes.local_for(peer), peer);
        assert_eq!(
            routes.local_for(peer),
            peer,
            "the remembered answer is the same"
        );
    }
}
