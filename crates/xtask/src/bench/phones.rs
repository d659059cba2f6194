//! The phones: each has its own socket, so that the server sees as many peers
//! as there are phones, and its own digest account.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::digest::{Asked, Challenge};
use super::error::{BenchError, Tried as _};
use super::poller::Poller;
use super::text::{self, Incoming};

/// REGISTERs under way at once: phones do not all wake in one millisecond.
const REGISTERING_MAX: usize = 32;
/// A phone that is not registered by then has failed.
const REGISTER_TIME: Duration = Duration::from_secs(10);
/// A REGISTER without an answer is sent again after this (T1).
const REGISTER_AGAIN: Duration = Duration::from_millis(500);
/// Largest datagram that is read.
pub const DATAGRAM_MAX: usize = 4096;
/// A phone's own nonce; a load generator needs no surprise in it.
pub const CNONCE: &str = "5trowger";

/// What a phone logs in with.
#[derive(Debug, Clone)]
pub struct Account {
    /// Extension number.
    pub number: String,
    /// Digest user.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// One phone.
pub struct Phone {
    /// Its account.
    pub account: Account,
    /// Connected to the server.
    pub socket: UdpSocket,
    /// The socket's own address.
    pub address: SocketAddr,
}

/// Callers first, then as many callees: caller `i` calls callee `i`.
pub fn accounts(pairs: usize) -> Vec<Account> {
    let account = |number: usize| Account {
        number: number.to_string(),
        username: format!("reg{number}"),
        password: format!("Secret{number}x"),
    };
    let callers = (0..pairs).map(|i| account(1000 + i));
    callers
        .chain((0..pairs).map(|i| account(3500 + i)))
        .collect()
}

impl Phone {
    /// Opens the phone's socket.
    pub fn open(account: Account, server: SocketAddr) -> Result<Self, BenchError> {
        let what = || "phone socket".to_owned();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried(what)?;
        socket.connect(server).tried(what)?;
        socket.set_nonblocking(true).tried(what)?;
        let address = socket.local_addr().tried(what)?;
        Ok(Self {
            account,
            socket,
            address,
        })
    }

    /// `sip:number@address`: where the phone is reached.
    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.account.number, self.address)
    }

    /// Sends; what the kernel refuses counts as lost on the way and is mended
    /// by retransmission.
    pub fn send(&self, datagram: &[u8]) {
        let _ = self.socket.send(datagram);
    }

    /// Reads one datagram, if there is one.
    pub fn receive<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let length = self.socket.recv(buffer).ok()?;
        buffer.get(..length)
    }

    /// The header line that answers a 401 or 407, `None` where the response
    /// holds no challenge that a phone can answer.
    pub fn credentials(&self, response: &Incoming<'_>, method: &str, uri: &str) -> Option<String> {
        let (challenge, answer) = match response.status()? {
            401 => ("WWW-Authenticate", "Authorization"),
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return None,
        };
        let value = response.all(challenge).find_map(Challenge::parse)?;
        let value = value.answer(Asked {
            username: &self.account.username,
            password: &self.account.password,
            method,
            uri,
            cnonce: CNONCE,
        });
        Some(format!("{answer}: {value}\r\n"))
    }

    fn register(&self, cseq: u32, server: SocketAddr, credentials: &str) -> Vec<u8> {
        let number = &self.account.number;
        let address = self.address;
        let uri = self.uri();
        text::close(
            format!(
                "REGISTER sip:{server} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {address};rport;branch=z9hG4bKr{number}-{cseq}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{number}@{server}>;tag=r{number}\r\n\
                 To: <sip:{number}@{server}>\r\nCall-ID: register-{number}@{address}\r\n\
                 CSeq: {cseq} REGISTER\r\nContact: <{uri}>\r\nExpires: 3600\r\n{credentials}"
            ),
            "",
        )
    }
}

/// Registers all phones; any that is refused is an error.
pub fn register_all(phones: &[Phone], server: SocketAddr) -> Result<(), BenchError> {
    let mut poller = Poller::new()?;
    for (number, phone) in phones.iter().enumerate() {
        poller.add(&phone.socket, number)?;
    }
    let uri = format!("sip:{server}");
    let mut waiting: HashMap<usize, (Vec<u8>, Instant, Instant)> = HashMap::new();
    let mut next = 0;
    let mut ready = Vec::new();
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        let now = Instant::now();
        while waiting.len() < REGISTERING_MAX
            && let Some(phone) = phones.get(next)
        {
            let request = phone.register(1, server, "");
            phone.send(&request);
            waiting.insert(next, (request, now, now));
            next += 1;
        }
        if waiting.is_empty() {
            return Ok(());
        }
        poller.wait(now + REGISTER_AGAIN, &mut ready)?;
        for &number in &ready {
            let Some(phone) = phones.get(number) else {
                continue;
            };
            while let Some(datagram) = phone.receive(&mut buffer) {
                let Some(message) = Incoming::parse(datagram) else {
                    continue;
                };
                let refused = |said: String| BenchError::Registration {
                    number: phone.account.number.clone(),
                    said,
                };
                match (message.status(), message.cseq().0) {
                    (Some(401 | 407), 1) => {
                        let credentials = phone
                            .credentials(&message, "REGISTER", &uri)
                            .ok_or_else(|| refused("a challenge that no phone knows".to_owned()))?;
                        let request = phone.register(2, server, &credentials);
                        phone.send(&request);
                        let now = Instant::now();
                        waiting.insert(number, (request, now, now));
                    }
                    (Some(200), _) => {
                        waiting.remove(&number);
                    }
                    (Some(status), cseq) if status >= 300 && cseq > 1 => {
                        return Err(refused(status.to_string()));
                    }
                    _ => {}
                }
            }
        }
        let now = Instant::now();
        for (number, (request, first, last)) in &mut waiting {
            let Some(phone) = phones.get(*number) else {
                continue;
            };
            if now - *first > REGISTER_TIME {
                return Err(BenchError::Registration {
                    number: phone.account.number.clone(),
                    said: "no answer".to_owned(),
                });
            }
            if now - *last >= REGISTER_AGAIN {
                phone.send(request);
                *last = now;
            }
        }
    }
}
