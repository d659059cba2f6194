//! The phone's ear and mouth: a tone out every 20 ms, what comes in decoded and
//! kept for a second, so that it can be asked what it hears.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use media::rtp::{Header, Packet};
use media::tone::Oscillator;
use media::{Codec, goertzel};
use parking_lot::Mutex;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::sdp::Remote;

/// How much of what was heard is kept, samples at the highest rate (16 kHz).
const HEARD: usize = 16_000;
/// Into how many stretches a second is cut to tell what it holds.
const STRETCHES: u32 = 20;
/// Longest RTP packet taken.
const MAX_PACKET: usize = 1_500;

/// What was heard lately.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    samples: VecDeque<i16>,
    rate: u32,
    /// RTP packets in all.
    pub packets: u64,
}

impl Ear {
    /// The candidate that most stretches of the last second hold; a beep is
    /// heard as well as a steady tone.
    pub fn loudest(&self, candidates: &[u32]) -> Option<u32> {
        let samples: Vec<i16> = self.samples.iter().copied().collect();
        let stretch = (self.rate / STRETCHES) as usize;
        if stretch == 0 || samples.len() < self.rate as usize / 2 {
            return None;
        }
        let heard: Vec<u32> = samples
            .chunks_exact(stretch)
            .filter_map(|stretch| goertzel::loudest(stretch, self.rate, candidates))
            .collect();
        let count = |hz: &u32| heard.iter().filter(|h| *h == hz).count();
        candidates
            .iter()
            .copied()
            .filter(|hz| count(hz) > 0)
            .max_by_key(count)
    }

    fn hear(&mut self, samples: &[i16], rate: u32) {
        if self.rate != rate {
            self.samples.clear();
            self.rate = rate;
        }
        self.samples.extend(samples);
        let keep = HEARD.min(rate as usize);
        while self.samples.len() > keep {
            self.samples.pop_front();
        }
        self.packets += 1;
    }
}

/// One call's audio; ends when dropped.
#[derive(Debug)]
pub(crate) struct Audio {
    pub local: SocketAddr,
    pub ear: Arc<Mutex<Ear>>,
    remote: Arc<Mutex<Option<Remote>>>,
    task: JoinHandle<()>,
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Audio {
    /// Binds a port; nothing is sent before the far end is known.
    pub async fn open(listen: IpAddr, tone: Option<u32>, ssrc: u32) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(listen, 0)).await?;
        let local = socket.local_addr()?;
        let ear = Arc::new(Mutex::new(Ear::default()));
        let remote = Arc::new(Mutex::new(None));
        let task = tokio::spawn(talk(socket, ear.clone(), remote.clone(), tone, ssrc));
        Ok(Self {
            local,
            ear,
            remote,
            task,
        })
    }

    /// What the far end said last.
    pub fn connect(&self, remote: Remote) {
        *self.remote.lock() = Some(remote);
    }
}

async fn talk(
    socket: UdpSocket,
    ear: Arc<Mutex<Ear>>,
    remote: Arc<Mutex<Option<Remote>>>,
    tone: Option<u32>,
    ssrc: u32,
) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut datagram = [0u8; MAX_PACKET];
    let mut mouth: Option<Mouth> = None;
    let mut decoder = None;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let Some(remote) = *remote.lock() else { continue };
                if !remote.direction.receives {
                    continue;
                }
                if mouth.as_ref().is_none_or(|m| m.codec != remote.codec) {
                    mouth = Some(Mouth::new(remote.codec, tone, ssrc));
                }
                if let Some(mouth) = &mut mouth {
                    let packet = mouth.packet(remote.payload_type);
                    // A lost packet is a lost packet.
                    let _ = socket.try_send_to(&packet, remote.address);
                }
            }
            received = socket.recv_from(&mut datagram) => {
                let Ok((length, _)) = received else { continue };
                let Some(remote) = *remote.lock() else { continue };
                let Some(Ok(packet)) = datagram.get(..length).map(Packet::parse) else { continue };
                if packet.header().payload_type != remote.payload_type {
                    continue;
                }
                let codec = remote.codec;
                if decoder.as_ref().is_none_or(|(c, _)| *c != codec) {
                    decoder = Some((codec, codec.decoder()));
                }
                if let Some((_, decoder)) = &mut decoder {
                    let samples = decoder.decode(packet.payload());
                    ear.lock().hear(&samples, codec.sample_rate());
                }
            }
        }
    }
}

/// Makes the RTP packets of one codec.
struct Mouth {
    codec: Codec,
    encoder: media::codec::Encoder,
    oscillator: Option<Oscillator>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    first: bool,
}

impl Mouth {
    fn new(codec: Codec, tone: Option<u32>, ssrc: u32) -> Self {
        Self {
            codec,
            encoder: codec.encoder(),
            oscillator: tone.map(|hz| Oscillator::new(hz, codec.sample_rate())),
            ssrc,
            sequence: 1,
            timestamp: 0,
            first: true,
        }
    }

    fn packet(&mut self, payload_type: u8) -> Vec<u8> {
        let mut frame = vec![0i16; self.codec.frame_samples()];
        if let Some(oscillator) = &mut self.oscillator {
            oscillator.fill(&mut frame);
        }
        let header = Header {
            marker: std::mem::take(&mut self.first),
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.codec.timestamp_step());
        header.packet(&self.encoder.encode(&frame))
    }
}
