//! G.711 in both directions of many calls: one packet each 20 ms and stream,
//! and a close look at what comes back. Each packet's payload says when it was
//! sent, by which stream and as which in turn, so that delay, loss, a jump of
//! sequence or timestamp and a packet at the wrong phone are all seen.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::error::{BenchError, Tried as _};
use super::poller::Poller;
use super::process::{Cpu, Spent};
use super::stats::Samples;

/// One G.711 packet's time.
const PACKET_TIME: Duration = Duration::from_millis(20);
/// Its samples, and bytes of payload.
const PACKET_SAMPLES: u32 = 160;
const HEADER: usize = 12;
const PACKET: usize = HEADER + PACKET_SAMPLES as usize;
/// The streams' packets are spread over the 20 ms in steps of this.
const STEP: Duration = Duration::from_micros(250);
const STEPS: usize = 80;
/// Before the measured time, so that caches and branches are warm.
const WARM_UP: Duration = Duration::from_secs(1);
/// After the last packet, for those under way.
const DRAIN: Duration = Duration::from_millis(300);
/// Attempts to find an even port with a free odd one after it.
const PORT_TRIES: usize = 200;

struct Stream {
    rtp: UdpSocket,
    // Bound so that reports to it find somebody, as with a phone; never read.
    _rtcp: UdpSocket,
    port: u16,
    counter: u32,
    /// What came last: our counter, and the header it came with.
    last: Option<(u32, Header)>,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

/// All streams: `2 * call` is the caller's, `2 * call + 1` the callee's.
pub struct Audio {
    streams: Vec<Stream>,
    poller: Poller,
    epoch: Instant,
}

/// What one stretch of audio came to.
#[derive(Debug, Default)]
pub struct Heard {
    /// Packets sent.
    pub sent: u64,
    /// Packets that came to the right phone.
    pub received: u64,
    /// Packets that came to another phone, or were no RTP of ours.
    pub foreign: u64,
    /// Packets whose sequence or timestamp did not move as ours did, or whose
    /// SSRC changed.
    pub jumps: u64,
    /// From one phone's send to the other's receive.
    pub delay: Samples,
    /// How long after their time packets were sent: the generator's own delay.
    pub late: Samples,
    /// Packets sent in the measured time (after the warm-up).
    pub measured: u64,
    /// CPU of the relaying process in that time.
    pub spent: Spent,
}

impl Heard {
    /// Packets that never came.
    pub fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received + self.foreign)
    }

    /// Adds another stretch.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.foreign += other.foreign;
        self.jumps += other.jumps;
        self.delay.extend(&other.delay);
        self.late.extend(&other.late);
        self.measured += other.measured;
        self.spent.wall += other.spent.wall;
        self.spent.cpu += other.spent.cpu;
    }
}

impl Audio {
    /// Opens the sockets of so many calls.
    pub fn open(calls: usize) -> Result<Self, BenchError> {
        let poller = Poller::new()?;
        let mut streams = Vec::with_capacity(2 * calls);
        for number in 0..2 * calls {
            let stream = Stream::open()?;
            poller.add(&stream.rtp, number)?;
            streams.push(stream);
        }
        Ok(Self {
            streams,
            poller,
            epoch: Instant::now(),
        })
    }

    /// RTP ports by call: caller's, callee's.
    pub fn ports(&self) -> Vec<[u16; 2]> {
        let pair = |pair: &[Stream]| match pair {
            [caller, callee] => [caller.port, callee.port],
            _ => [0, 0],
        };
        self.streams.chunks(2).map(pair).collect()
    }

    /// Tells each call's phones where to send, and from where to expect audio.
    pub fn connect(&self, remotes: &[[Option<SocketAddr>; 2]]) -> Result<(), BenchError> {
        let remotes = remotes.iter().flatten();
        for (stream, remote) in self.streams.iter().zip(remotes) {
            if let Some(remote) = remote.filter(|remote| remote.ip().is_loopback()) {
                stream
                    .rtp
                    .connect(remote)
                    .tried(|| "RTP socket".to_owned())?;
            } else {
                return Err(BenchError::NotLoopback(format!("RTP to {remote:?}")));
            }
        }
        Ok(())
    }

    /// Sends for so long (and a warm-up before), and takes the CPU time of
    /// process `pid` meanwhile.
    pub fn run(&mut self, time: Duration, pid: u32) -> Result<Heard, BenchError> {
        let mut heard = Heard::default();
        let first = Instant::now();
        let measured = first + WARM_UP;
        let end = measured + time;
        let mut before = None;
        let mut after = None;
        let mut step = 0;
        let mut ready = Vec::new();
        loop {
            let now = Instant::now();
            if before.is_none() && now >= measured {
                before = Some(Cpu::of(pid)?);
                heard.measured = heard.sent;
            }
            let mut next = first + STEP * step;
            while next <= now && next < end {
                heard.late.add(now - next);
                self.send(step as usize % STEPS, &mut heard);
                step += 1;
                next = first + STEP * step;
            }
            if next >= end {
                if after.is_none() {
                    after = Some(Cpu::of(pid)?);
                    heard.measured = heard.sent - heard.measured;
                }
                if now >= end + DRAIN {
                    break;
                }
                next = end + DRAIN;
            }
            self.poller.wait(next, &mut ready)?;
            for &number in &ready {
                self.receive(number, &mut heard);
            }
        }
        if let (Some(before), Some(after)) = (before, after) {
            heard.spent = after.since(before);
        }
        Ok(heard)
    }

    fn send(&mut self, step: usize, heard: &mut Heard) {
        let mut packet = [0xd5; PACKET];
        for (number, stream) in self
            .streams
            .iter_mut()
            .enumerate()
            .skip(step)
            .step_by(STEPS)
        {
            stream.write(&mut packet, number, self.epoch);
            if stream.rtp.send(&packet).is_ok() {
                heard.sent += 1;
            }
            stream.counter = stream.counter.wrapping_add(1);
        }
    }

    fn receive(&mut self, number: usize, heard: &mut Heard) {
        let mut buffer = [0; PACKET + 64];
        let Some(stream) = self.streams.get_mut(number) else {
            return;
        };
        let Ok(length) = stream.rtp.recv(&mut buffer) else {
            return;
        };
        let now = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        match buffer.get(..length).and_then(read) {
            Some((header, mark)) if mark.stream as usize == (number ^ 1) => {
                heard.received += 1;
                heard
                    .delay
                    .add(Duration::from_nanos(now.saturating_sub(mark.nanos)));
                if let Some((counter, before)) = stream.last
                    && !header.follows(before, mark.counter.wrapping_sub(counter))
                {
                    heard.jumps += 1;
                }
                stream.last = Some((mark.counter, header));
            }
            _ => heard.foreign += 1,
        }
    }
}

impl Stream {
    fn open() -> Result<Self, BenchError> {
        let what = || "RTP socket".to_owned();
        for _ in 0..PORT_TRIES {
            let rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).tried(what)?;
            let port = rtp.local_addr().tried(what)?.port();
            if port % 2 == 1 {
                continue;
            }
            if let Ok(rtcp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)) {
                rtp.set_nonblocking(true).tried(what)?;
                return Ok(Self {
                    rtp,
                    _rtcp: rtcp,
                    port,
                    counter: 0,
                    last: None,
                });
            }
        }
        Err(BenchError::Relay("no pair of free ports".to_owned()))
    }

    fn write(&self, packet: &mut [u8; PACKET], number: usize, epoch: Instant) {
        let number = number as u32;
        let counter = self.counter;
        let nanos = u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let fields: [&[u8]; 7] = [
            &[0x80, 0],
            &(counter as u16).wrapping_add(number as u16).to_be_bytes(),
            &counter.wrapping_mul(PACKET_SAMPLES).to_be_bytes(),
            &(0xb0b0_0000 | number).to_be_bytes(),
            &nanos.to_be_bytes(),
            &number.to_be_bytes(),
            &counter.to_be_bytes(),
        ];
        for (slot, byte) in packet.iter_mut().zip(fields.into_iter().flatten()) {
            *slot = *byte;
        }
    }
}

/// What a packet's payload tells of its making.
struct Mark {
    nanos: u64,
    stream: u32,
    counter: u32,
}

fn read(packet: &[u8]) -> Option<(Header, Mark)> {
    let (first, rest) = packet.split_first_chunk::<2>()?;
    // Version 2, no padding, extension or CSRC; PCMU.
    if *first.first()? != 0x80 || first.last()? & 0x7f != 0 || packet.len() != PACKET {
        return None;
    }
    let (sequence, rest) = rest.split_first_chunk()?;
    let (timestamp, rest) = rest.split_first_chunk()?;
    let (ssrc, rest) = rest.split_first_chunk()?;
    let (nanos, rest) = rest.split_first_chunk()?;
    let (stream, rest) = rest.split_first_chunk()?;
    let (counter, _) = rest.split_first_chunk()?;
    let header = Header {
        ssrc: u32::from_be_bytes(*ssrc),
        sequence: u16::from_be_bytes(*sequence),
        timestamp: u32::from_be_bytes(*timestamp),
    };
    let mark = Mark {
        nanos: u64::from_be_bytes(*nanos),
        stream: u32::from_be_bytes(*stream),
        counter: u32::from_be_bytes(*counter),
    };
    Some((header, mark))
}

impl Header {
    /// Whether this header is `packets` after another of the same stream.
    fn follows(self, before: Self, packets: u32) -> bool {
        self.ssrc == before.ssrc
            && self.sequence == before.sequence.wrapping_add(packets as u16)
            && self.timestamp
                == before
                    .timestamp
                    .wrapping_add(packets.wrapping_mul(PACKET_SAMPLES))
    }
}

/// The time that one stream's packet covers, for the report.
pub const fn packets_a_second() -> u64 {
    1000 / PACKET_TIME.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::super::relay;
    use super::*;

    fn through(tamper: fn(u64, &mut Vec<u8>) -> bool) -> Heard {
        let mut audio = Audio::open(4).unwrap();
        let phones: Vec<[SocketAddr; 2]> = audio
            .ports()
            .into_iter()
            .map(|ports| ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port))))
            .collect();
        let legs = relay::open(&phones).unwrap();
        let ports = relay::addresses(&legs).unwrap();
        std::thread::spawn(move || relay::forward(&legs, tamper));
        let remotes: Vec<_> = ports.into_iter().map(|pair| pair.map(Some)).collect();
        audio.connect(&remotes).unwrap();
        audio
            .run(Duration::from_millis(400), std::process::id())
            .unwrap()
    }

    #[test]
    fn a_plain_relay_loses_nothing_and_jumps_nowhere() {
        let heard = through(|_, _| true);
        // Eight streams, 1.4 s, 50 a second each.
        assert!((544..=576).contains(&heard.sent), "{heard:?}");
        assert_eq!(heard.lost(), 0, "{heard:?}");
        assert_eq!(heard.foreign + heard.jumps, 0, "{heard:?}");
        assert!((144..=176).contains(&heard.measured), "{heard:?}");
    }

    #[test]
    fn a_relay_that_drops_each_tenth_packet_is_caught() {
        let heard = through(|n, _| n % 10 != 9);
        assert_eq!(heard.lost(), heard.sent / 10, "{heard:?}");
        assert_eq!(heard.jumps, 0, "loss alone is no jump: {heard:?}");
    }

    #[test]
    fn a_relay_that_skips_a_sequence_number_is_caught() {
        let heard = through(|n, packet| {
            if n >= 100 {
                let sequence = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(1);
                packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            }
            true
        });
        assert_eq!(heard.lost(), 0, "{heard:?}");
        assert_eq!(heard.jumps, 8, "one for each stream: {heard:?}");
    }
}
