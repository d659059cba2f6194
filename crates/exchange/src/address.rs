//! Which address of ours a peer is told (Contact, Via, SDP): the local address
//! of the route to it, or the external one where the peer is outside.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use sip_net::Routes;

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The text is no network (`192.168.0.0/16`, or an address alone).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; write it as 192.168.0.0/16")]
pub struct InvalidNetwork(pub String);

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.into());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix
                .trim()
                .parse()
                .ok()
                .filter(|p| *p <= longest)
                .ok_or_else(invalid)?,
            None => longest,
        };
        Ok(Self { address, prefix }.canonical())
    }
}

impl Network {
    /// IPv4 that is written as mapped into IPv6 (`::ffff:192.0.2.1`) is IPv4: so
    /// are the addresses that it is compared with.
    fn canonical(self) -> Self {
        const MAPPED_BITS: u8 = 96;
        match (self.address, self.prefix.checked_sub(MAPPED_BITS)) {
            (IpAddr::V6(address), Some(prefix)) => match address.to_ipv4_mapped() {
                Some(v4) => Self {
                    address: IpAddr::V4(v4),
                    prefix,
                },
                None => self,
            },
            _ => self,
        }
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |value: u128, width: u32| {
            value
                .checked_shr(width - u32::from(self.prefix))
                .unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(a)) => {
                bits(u32::from(net).into(), 32) == bits(u32::from(a).into(), 32)
            }
            (IpAddr::V6(net), IpAddr::V6(a)) => {
                self.prefix == 0 || bits(net.into(), 128) == bits(a.into(), 128)
            }
            _ => false,
        }
    }
}

/// The rules by which an address is chosen.
pub struct Addresses {
    routes: Routes,
    /// `net.external_address`.
    external: Option<IpAddr>,
    /// `net.local_networks`; where none is named, the private ranges.
    local: Vec<Network>,
}

impl Addresses {
    /// With the configured external address and local networks.
    pub fn new(external: Option<IpAddr>, local: Vec<Network>) -> Self {
        Self {
            routes: Routes::new(),
            external,
            local,
        }
    }

    /// The address that `peer` is told for a socket bound to `bound`. It is of
    /// the peer's own family: another one is of no use to it.
    pub fn told(&self, bound: IpAddr, peer: IpAddr) -> IpAddr {
        if let Some(external) = self.external
            && external.is_ipv4() == peer.is_ipv4()
            && !self.is_local(peer)
        {
            return external;
        }
        if bound.is_unspecified() {
            self.routes.local_for(peer)
        } else {
            bound
        }
    }

    /// The same with the socket's port.
    pub fn told_socket(&self, bound: SocketAddr, peer: IpAddr) -> SocketAddr {
        SocketAddr::new(self.told(bound.ip(), peer), bound.port())
    }

    fn is_local(&self, peer: IpAddr) -> bool {
        if peer.is_loopback() {
            return true;
        }
        if self.local.is_empty() {
            return match peer {
                IpAddr::V4(a) => a.is_private() || a.is_link_local(),
                IpAddr::V6(a) => a.is_unique_local() || a.is_unicast_link_local(),
            };
        }
        self.local.iter().any(|network| network.contains(peer))
    }
}

/// Whether audio on `rtp` can be had by all whom a SIP socket on `sip` serves: an
/// unspecified IPv6 address serves both families, any other its own.
pub(crate) fn audio_fits(sip: IpAddr, rtp: IpAddr) -> bool {
    let both = |address: IpAddr| address.is_ipv6() && address.is_unspecified();
    both(rtp) || (!both(sip) && sip.is_ipv4() == rtp.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_must_serve_every_family_that_sip_does() {
        let fits = |sip: &str, rtp: &str| audio_fits(sip.parse().unwrap(), rtp.parse().unwrap());
        assert!(fits("0.0.0.0", "192.0.2.1") && fits("192.0.2.1", "::"));
        assert!(fits("::", "::") && fits("2001:db8::1", "2001:db8::2"));
        assert!(!fits("::", "0.0.0.0") && !fits("::", "2001:db8::1"));
        assert!(!fits("2001:db8::1", "0.0.0.0") && !fits("0.0.0.0", "2001:db8::1"));
    }

    #[test]
    fn external_address_is_told_to_its_own_family_only() {
        let external = Some("203.0.113.9".parse().unwrap());
        let addresses = Addresses::new(external, Vec::new());
        let bound = "2001:db8::1".parse().unwrap();
        assert_eq!(
            addresses.told(bound, "2001:db8:5::7".parse().unwrap()),
            bound
        );
    }

    #[test]
    fn network_is_read_and_contains_by_its_prefix() {
        let net: Network = "10.1.0.0/16".parse().unwrap();
        assert!(net.contains("10.1.200.3".parse().unwrap()));
        assert!(!net.contains("10.2.0.1".parse().unwrap()));
        for mapped in ["::ffff:10.1.0.0/112", "::FFFF:10.1.0.0/112"] {
            assert_eq!(mapped.parse(), Ok(net));
        }
        let one: Network = "::ffff:127.0.0.1".parse().unwrap();
        assert!(one.contains("127.0.0.1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        assert!("10.1.0.0/33".parse::<Network>().is_err());
        assert!("::1/129".parse::<Network>().is_err());
    }

    #[test]
    fn outside_peer_is_told_the_external_address_and_inside_peer_the_bound_one() {
        let addresses = Addresses::new(
            Some("203.0.113.9".parse().unwrap()),
            vec!["192.168.5.0/24".parse().unwrap()],
        );
        let bound = "192.168.5.2".parse().unwrap();
        assert_eq!(
            addresses
                .told(bound, "198.51.100.7".parse().unwrap())
                .to_string(),
            "203.0.113.9"
        );
        assert_eq!(
            addresses.told(bound, "192.168.5.77".parse().unwrap()),
            bound
        );
    }
}
