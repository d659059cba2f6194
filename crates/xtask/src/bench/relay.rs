//! The floor: the least that relaying a packet can cost. A process with
//! connected sockets and one epoll loop that receives and sends, nothing
//! else. It runs as a child, so that the kernel counts its CPU time just as it
//! counts the server's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};

use super::error::{BenchError, Tried as _};
use super::poller::Poller;

/// Largest packet forwarded.
const PACKET_MAX: usize = 1500;

/// One call's two sockets, each connected to its phone.
pub type Legs = Vec<[UdpSocket; 2]>;

/// The child.
pub struct Relay {
    child: Child,
    /// By call: where the caller, where the callee sends to.
    pub addresses: Vec<[Option<SocketAddr>; 2]>,
}

impl Relay {
    /// Starts it for the phones at these ports of 127.0.0.1.
    pub fn start(ports: &[[u16; 2]]) -> Result<Self, BenchError> {
        let what = || "plain relay".to_owned();
        let program = std::env::current_exe().tried(what)?;
        let mut child = Command::new(program)
            .arg("bench-relay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .tried(what)?;
        let missing = || BenchError::Relay("no pipe".to_owned());
        // Stays open: at its end the child leaves.
        let input = child.stdin.as_mut().ok_or_else(missing)?;
        for [caller, callee] in ports {
            writeln!(input, "{caller} {callee}").tried(what)?;
        }
        writeln!(input).tried(what)?;
        input.flush().tried(what)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let mut addresses = Vec::with_capacity(ports.len());
        for line in BufReader::new(output).lines().take(ports.len()) {
            let pair = pair_of(&line.tried(what)?)?;
            addresses.push(pair.map(|port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))));
        }
        if addresses.len() != ports.len() {
            return Err(BenchError::Relay("it left".to_owned()));
        }
        Ok(Self { child, addresses })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's main: phones' ports from standard input up to a blank line,
/// own ports to standard output, then packets until standard input ends.
pub fn main() -> Result<(), BenchError> {
    let what = || "plain relay".to_owned();
    let mut phones = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.tried(what)?;
        if line.is_empty() {
            break;
        }
        phones.push(pair_of(&line)?.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }
    let legs = open(&phones)?;
    let mut output = std::io::stdout().lock();
    for [caller, callee] in addresses(&legs)? {
        writeln!(output, "{} {}", caller.port(), callee.port()).tried(what)?;
    }
    output.flush().tried(what)?;
    drop(output);
    // The parent is gone when this ends: then so are we.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    forward_plain(&legs)
}

fn pair_of(line: &str) -> Result<[u16; 2], BenchError> {
    let odd = || BenchError::Relay(format!("not two ports: {line}"));
    let (caller, callee) = line.split_once(' ').ok_or_else(odd)?;
    match (caller.parse(), callee.parse()) {
        (Ok(caller), Ok(callee)) => Ok([caller, callee]),
        _ => Err(odd()),
    }
}

/// Opens two sockets a call, connected to its phones.
pub fn open(phones: &[[SocketAddr; 2]]) -> Result<Legs, BenchError> {
    let what = || "relay socket".to_owned();
    let leg = |phone: SocketAddr| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried(what)?;
        socket.connect(phone).tried(what)?;
        socket.set_nonblocking(true).tried(what)?;
        Ok(socket)
    };
    phones
        .iter()
        .map(|[caller, callee]| Ok([leg(*caller)?, leg(*callee)?]))
        .collect()
}

/// The sockets' own addresses.
pub fn addresses(legs: &Legs) -> Result<Vec<[SocketAddr; 2]>, BenchError> {
    let own = |socket: &UdpSocket| socket.local_addr().tried(|| "relay socket".to_owned());
    legs.iter()
        .map(|[caller, callee]| Ok([own(caller)?, own(callee)?]))
        .collect()
}

fn forward_plain(legs: &Legs) -> Result<(), BenchError> {
    let mut poller = watch(legs)?;
    let mut ready = Vec::new();
    let mut buffer = [0; PACKET_MAX];
    loop {
        poller.wait_long(&mut ready)?;
        for &number in &ready {
            let Some(pair) = legs.get(number / 2) else {
                continue;
            };
            let [from, to] = sides(pair, number);
            if let Ok(length) = from.recv(&mut buffer)
                && let Some(packet) = buffer.get(..length)
            {
                let _ = to.send(packet);
            }
        }
    }
}

fn watch(legs: &Legs) -> Result<Poller, BenchError> {
    let poller = Poller::new()?;
    for (number, socket) in legs.iter().flatten().enumerate() {
        poller.add(socket, number)?;
    }
    Ok(poller)
}

fn sides([caller, callee]: &[UdpSocket; 2], number: usize) -> [&UdpSocket; 2] {
    if number.is_multiple_of(2) {
        [caller, callee]
    } else {
        [callee, caller]
    }
}

/// As the plain loop, with a hand in it: tests make faults so.
#[cfg(test)]
pub fn forward(legs: &Legs, tamper: fn(u64, &mut Vec<u8>) -> bool) {
    let mut poller = watch(legs).unwrap();
    let mut ready = Vec::new();
    let mut buffer = [0; PACKET_MAX];
    let mut count = 0;
    loop {
        poller.wait_long(&mut ready).unwrap();
        for &number in &ready {
            let [from, to] = sides(&legs[number / 2], number);
            if let Ok(length) = from.recv(&mut buffer) {
                let mut packet = buffer[..length].to_vec();
                if tamper(count, &mut packet) {
                    let _ = to.send(&packet);
                }
                count += 1;
            }
        }
    }
}
