//! Which address of ours a peer sees: the local one of the route to it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Routes remembered; when so many are, all are asked anew.
const MAX_ROUTES: usize = 4096;

/// A route is asked anew after this long: interfaces come and go.
const MAX_AGE: Duration = Duration::from_secs(10);

/// Any port will do: nothing is sent.
const DISCARD: u16 = 9;

/// The routes to peers, remembered for a while.
#[derive(Debug, Default)]
pub struct Routes {
    known: Mutex<HashMap<IpAddr, (IpAddr, Instant)>>,
}

impl Routes {
    /// None known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The local address of the route to `peer`; the loopback address where
    /// there is none.
    #[must_use]
    pub fn local_for(&self, peer: IpAddr) -> IpAddr {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((local, asked)) = known.get(&peer)
            && now.duration_since(*asked) < MAX_AGE
        {
            return *local;
        }
        let local = ask(peer);
        if known.len() >= MAX_ROUTES {
            known.clear();
        }
        known.insert(peer, (local, now));
        local
    }
}

/// Connecting a datagram socket sends nothing, but chooses a route.
fn ask(peer: IpAddr) -> IpAddr {
    let (any, loopback): (IpAddr, IpAddr) = match peer {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()),
    };
    let local = || {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.connect(SocketAddr::new(peer, DISCARD))?;
        socket.local_addr()
    };
    match local() {
        Ok(local) => local.ip(),
        Err(error) => {
            tracing::debug!(%peer, %error, "no route");
            loopback
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_to_oneself_is_the_loopback() {
        let routes = Routes::new();
        let localhost = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert_eq!(routes.local_for(localhost), localhost);
    }

    #[test]
    fn so_many_peers_take_bounded_room() {
        let routes = Routes::new();
        for host in 0..=MAX_ROUTES as u32 {
            let _ = routes.local_for(Ipv4Addr::from(0x7f00_0000 + host).into());
        }
        assert!(routes.known.lock().unwrap().len() <= MAX_ROUTES);
    }
}
