//! Free ports, for programs that can't be asked which one the kernel gave them.

use std::net::{TcpListener, UdpSocket};

/// A UDP port of 127.0.0.1 that was free a moment ago, as was TCP's of the
/// same number and the next of both (RTCP; baresip's TLS).
pub fn free_port() -> u16 {
    for _ in 0..500 {
        let Ok(udp) = UdpSocket::bind("127.0.0.1:0") else {
            continue;
        };
        let port = udp.local_addr().unwrap().port();
        let Some(next) = port.checked_add(1) else {
            continue;
        };
        let all_free = UdpSocket::bind(("127.0.0.1", next)).is_ok()
            && TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("127.0.0.1", next)).is_ok();
        if all_free {
            return port;
        }
    }
    panic!("no free port");
}

/// Whether a UDP port of this machine is bound.
pub fn is_bound(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let wanted = format!(":{port:04X}");
    table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .any(|local| local.ends_with(&wanted))
}
