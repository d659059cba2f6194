//! RTCP (RFC 3550 §6), ended here: what the far end reports, and our own
//! reports to it. Never relayed. Pure: any bytes go in, none panic.

use std::time::Duration;

use rtcp_types::{
    Bye, Compound, ReceiverReport, ReportBlock, RtcpPacket, RtcpPacketParser, RtcpPacketWriterExt,
    RtcpWriteError, Sdes, SdesChunk, SdesItem, SenderReport,
};

/// Packets of one compound that are looked at.
const MAX_PACKETS: usize = 16;

/// What an incoming compound packet says to one of our streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Incoming {
    /// The far end's sender report: SSRC, and the middle 32 bits of its NTP time.
    pub sender: Option<(u32, u32)>,
    /// What the far end reports of our stream.
    pub about_us: Option<About>,
    /// Whether it says BYE.
    pub bye: bool,
}

/// A report block about our stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Lost since its last report, out of 256.
    pub fraction_lost: u8,
    /// Lost over all; can't be negative here.
    pub cumulative_lost: u32,
    /// Jitter, in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of our report it heard last; 0: none.
    pub last_report: u32,
    /// How long ago that was, in 1/65536 s.
    pub delay: u32,
}

/// Why a datagram is not RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// It does not begin with a whole SR or RR of version 2.
    #[error("not an RTCP compound packet")]
    NotRtcp,
}

/// Reads a compound packet for the stream `ours`. It must begin with a report
/// (RFC 3550 §6.1); a broken part later ends the reading, not what was read.
pub fn parse(datagram: &[u8], ours: u32) -> Result<Incoming, RtcpError> {
    let mut incoming = Incoming::default();
    let mut rest = datagram;
    for n in 0..MAX_PACKETS {
        let Some(packet) = take_packet(&mut rest) else {
            if n == 0 {
                return Err(RtcpError::NotRtcp);
            }
            break;
        };
        match packet.get(1).copied() {
            Some(SenderReport::PACKET_TYPE) => {
                let report = SenderReport::parse(packet).map_err(|_| RtcpError::NotRtcp)?;
                incoming.sender = Some((report.ssrc(), middle(report.ntp_timestamp())));
                incoming.note(report.report_blocks(), ours);
            }
            Some(ReceiverReport::PACKET_TYPE) => {
                let report = ReceiverReport::parse(packet).map_err(|_| RtcpError::NotRtcp)?;
                incoming.note(report.report_blocks(), ours);
            }
            _ if n == 0 => return Err(RtcpError::NotRtcp),
            Some(Bye::PACKET_TYPE) => incoming.bye |= Bye::parse(packet).is_ok(),
            _ => {}
        }
    }
    Ok(incoming)
}

impl Incoming {
    fn note<'a>(&mut self, mut blocks: impl Iterator<Item = ReportBlock<'a>>, ours: u32) {
        if let Some(block) = blocks.find(|block| block.ssrc() == ours) {
            let lost = block.cumulative_lost();
            self.about_us = Some(About {
                fraction_lost: block.fraction_lost(),
                cumulative_lost: if lost < 1 << 23 { lost } else { 0 },
                jitter: block.interarrival_jitter(),
                last_report: block.last_sender_report_timestamp(),
                delay: block.delay_since_last_sender_report_timestamp(),
            });
        }
    }
}

impl About {
    /// Round trip, from when this arrived (RFC 3550 §6.4.1, LSR and DLSR).
    pub fn round_trip(&self, arrived: Ntp) -> Option<Duration> {
        if self.last_report == 0 {
            return None;
        }
        let trip = arrived
            .middle()
            .wrapping_sub(self.last_report)
            .wrapping_sub(self.delay)
            .cast_signed();
        // The far end's clock may be a little faster than ours.
        let trip = u64::try_from(trip).unwrap_or(0);
        Some(Duration::from_micros(trip * 1_000_000 / 65_536))
    }
}

/// NTP time: seconds since 1900 and their fraction, 32 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ntp(pub u64);

impl Ntp {
    const UNIX_EPOCH: u64 = 2_208_988_800;

    /// From the time since 1970.
    pub fn from_unix(time: Duration) -> Self {
        let seconds = time.as_secs().wrapping_add(Self::UNIX_EPOCH) << 32;
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds | fraction)
    }
    /// The middle 32 bits, as reports refer to it.
    pub fn middle(self) -> u32 {
        middle(self.0)
    }
}

fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// One report of ours, as it leaves.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Our stream.
    pub ssrc: u32,
    /// CNAME of SDES.
    pub cname: &'a str,
    /// What we sent; `None` where that was nothing of late.
    pub sent: Option<Sent>,
    /// What we received.
    pub received: Option<Received>,
    /// Whether the stream ends.
    pub bye: bool,
}

/// Sender's part of a report.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Now.
    pub ntp: Ntp,
    /// Our stream's timestamp now.
    pub timestamp: u32,
    /// Packets so far.
    pub packets: u32,
    /// Payload bytes so far.
    pub octets: u32,
}

/// Report block about the far end's stream.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// The far end's stream.
    pub ssrc: u32,
    /// Lost since our last report, out of 256.
    pub fraction_lost: u8,
    /// Lost over all.
    pub cumulative_lost: u32,
    /// Highest sequence number with its cycles.
    pub highest_sequence: u32,
    /// In timestamp units.
    pub jitter: u32,
    /// Middle of the NTP time of the far end's last sender report; 0: none.
    pub last_report: u32,
    /// How long ago that was, in 1/65536 s.
    pub delay: u32,
}

/// Writes a compound packet: SR or RR, SDES, BYE where due; its length.
pub fn write(outgoing: &Outgoing<'_>, into: &mut [u8]) -> Result<usize, RtcpWriteError> {
    let block = outgoing.received.map(|received| {
        ReportBlock::builder(received.ssrc)
            .fraction_lost(received.fraction_lost)
            .cumulative_lost(received.cumulative_lost)
            .extended_sequence_number(received.highest_sequence)
            .interarrival_jitter(received.jitter)
            .last_sender_report_timestamp(received.last_report)
            .delay_since_last_sender_report_timestamp(received.delay)
    });
    let mut compound = Compound::builder();
    if let Some(sent) = outgoing.sent {
        let mut report = SenderReport::builder(outgoing.ssrc)
            .ntp_timestamp(sent.ntp.0)
            .rtp_timestamp(sent.timestamp)
            .packet_count(sent.packets)
            .octet_count(sent.octets);
        if let Some(block) = block {
            report = report.add_report_block(block);
        }
        compound = compound.add_packet(report);
    } else {
        let mut report = ReceiverReport::builder(outgoing.ssrc);
        if let Some(block) = block {
            report = report.add_report_block(block);
        }
        compound = compound.add_packet(report);
    }
    let chunk = SdesChunk::builder(outgoing.ssrc)
        .add_item(SdesItem::builder(SdesItem::CNAME, outgoing.cname));
    compound = compound.add_packet(Sdes::builder().add_chunk(chunk));
    if outgoing.bye {
        compound = compound.add_packet(Bye::builder().add_source(outgoing.ssrc));
    }
    compound.write_into(into)
}

/// Takes the next packet of a compound off its front.
fn take_packet<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let &[first, _, l0, l1] = rest.first_chunk::<4>()?;
    if first >> 6 != 2 {
        return None;
    }
    let len = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
    let (packet, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(packet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn own_report_reads_back_with_its_round_trip() {
        let arrived = Ntp::from_unix(Duration::from_secs(1_800_000_000));
        let report = Outgoing {
            ssrc: 1,
            cname: "one",
            sent: Some(Sent {
                ntp: arrived,
                timestamp: 5,
                packets: 6,
                octets: 7,
            }),
            received: Some(Received {
                ssrc: 2,
                fraction_lost: 3,
                cumulative_lost: 4,
                highest_sequence: 5,
                jitter: 6,
                last_report: arrived.middle().wrapping_sub(65_536),
                delay: 65_536 / 2,
            }),
            bye: true,
        };
        let mut buffer = [0; 200];
        let len = write(&report, &mut buffer).unwrap();
        let incoming = parse(&buffer[..len], 2).unwrap();
        assert_eq!(incoming.sender, Some((1, arrived.middle())));
        assert!(incoming.bye);
        let about = incoming.about_us.unwrap();
        assert_eq!((about.fraction_lost, about.cumulative_lost), (3, 4));
        assert_eq!(about.round_trip(arrived), Some(Duration::from_millis(500)));
        // For another of our streams it says nothing.
        assert_eq!(parse(&buffer[..len], 9).unwrap().about_us, None);
    }

    #[test]
    fn what_does_not_begin_with_a_report_is_refused() {
        assert_eq!(parse(&[], 1), Err(RtcpError::NotRtcp));
        assert_eq!(
            parse(&[0x81, 203, 0, 1, 0, 0, 0, 1], 1),
            Err(RtcpError::NotRtcp)
        );
        assert_eq!(parse(&[0x81, 201, 0, 9, 0, 0], 1), Err(RtcpError::NotRtcp));
    }

    proptest! {
        #[test]
        fn broken_reports_never_panic(
            place in 0usize..80,
            byte in any::<u8>(),
            cut in 0usize..80,
            kind in 198u8..208,
            body in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let report = Outgoing {
                ssrc: 1,
                cname: "one",
                sent: None,
                received: None,
                bye: true,
            };
            let mut buffer = [0; 80];
            let len = write(&report, &mut buffer).unwrap();
            let mut datagram = buffer[..len].to_vec();
            let words = (body.len() / 4) as u8;
            datagram.extend([0x80 | byte & 0x3f, kind, 0, words]);
            datagram.extend(body);
            if let Some(broken) = datagram.get_mut(place) {
                *broken = byte;
            }
            let _ = parse(&datagram, 1);
            datagram.truncate(cut);
            let _ = parse(&datagram, 1);
        }
    }
}
