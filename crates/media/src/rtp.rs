//! RTP's fixed header (RFC 3550 §5.1) as a view of a datagram, without
//! copying. Pure: any bytes go in, none panic.

/// Length of the fixed header.
pub const HEADER_LEN: usize = 12;

/// Why a datagram is not RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// Shorter than its header, CSRC list, extension or padding says.
    #[error("truncated")]
    Truncated,
    /// Not version 2.
    #[error("not RTP version 2")]
    Version,
    /// RTCP on the RTP port, or a payload type that looks like it.
    #[error("RTCP, not RTP")]
    Rtcp,
}

/// Whether a payload type is kept for RTCP (RFC 5761 §4): with the marker bit
/// it would be a packet type of RTCP's.
pub fn is_rtcp(payload_type: u8) -> bool {
    (64..96).contains(&payload_type)
}

/// A checked RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    header: Header,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks a datagram: version, CSRC list, extension, padding.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let Some((&[first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3], mut rest)) =
            datagram.split_first_chunk::<HEADER_LEN>()
        else {
            return Err(RtpError::Truncated);
        };
        if first >> 6 != 2 {
            return Err(RtpError::Version);
        }
        if is_rtcp(second & 0x7f) {
            return Err(RtpError::Rtcp);
        }
        let csrc = usize::from(first & 0x0f) * 4;
        rest = rest.get(csrc..).ok_or(RtpError::Truncated)?;
        if first & 0x10 != 0 {
            let (&[_, _, l0, l1], after) =
                rest.split_first_chunk::<4>().ok_or(RtpError::Truncated)?;
            let words = usize::from(u16::from_be_bytes([l0, l1]));
            rest = after.get(words * 4..).ok_or(RtpError::Truncated)?;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*rest.last().ok_or(RtpError::Truncated)?);
            if padding == 0 {
                return Err(RtpError::Truncated);
            }
            let end = rest.len().checked_sub(padding).ok_or(RtpError::Truncated)?;
            rest = rest.get(..end).ok_or(RtpError::Truncated)?;
        }
        Ok(Self {
            header: Header {
                marker: second & 0x80 != 0,
                payload_type: second & 0x7f,
                sequence: u16::from_be_bytes([s0, s1]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            },
            payload: rest,
        })
    }
    /// The header's members.
    pub fn header(&self) -> Header {
        self.header
    }
    /// What is carried, without extension and padding.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// The members of the fixed header that differ from packet to packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Marker bit.
    pub marker: bool,
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// Overwrites these members in a datagram that holds an RTP packet, leaving
    /// the rest (CSRC, extension, padding) as it is. `false`: it is too short.
    pub fn overwrite(&self, datagram: &mut [u8]) -> bool {
        let Some((_, tail)) = datagram.split_first_mut() else {
            return false;
        };
        let Some(fields) = tail.first_chunk_mut::<{ HEADER_LEN - 1 }>() else {
            return false;
        };
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let second = (self.payload_type & 0x7f) | if self.marker { 0x80 } else { 0 };
        *fields = [second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3];
        true
    }

    /// Writes a whole packet, version 2 without CSRC, extension or padding, and
    /// gives its length; `None` where it does not fit.
    pub fn write(&self, payload: &[u8], into: &mut [u8]) -> Option<usize> {
        let end = HEADER_LEN + payload.len();
        let packet = into.get_mut(..end)?;
        *packet.first_mut()? = 0x80;
        self.overwrite(packet);
        packet.get_mut(HEADER_LEN..)?.copy_from_slice(payload);
        Some(end)
    }

    /// A whole packet in a buffer of its own.
    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; HEADER_LEN + payload.len()];
        self.write(payload, &mut packet);
        packet
    }
}

/// A telephone-event payload (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code; 0–15 are the DTMF keys.
    pub event: u8,
    /// Whether the event is over.
    pub end: bool,
    /// How loud, dBm0 without its sign.
    pub volume: u8,
    /// How long so far, in timestamp units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// The first event of a payload.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &[event, flags, d0, d1] = payload.first_chunk::<4>()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }
    /// The payload.
    pub fn bytes(&self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        let flags = (self.volume & 0x3f) | if self.end { 0x80 } else { 0 };
        [self.event, flags, d0, d1]
    }
    /// The key pressed, for events 0–15.
    pub fn digit(&self) -> Option<char> {
        "0123456789*#ABCD".chars().nth(usize::from(self.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            marker in any::<bool>(),
            payload_type in 0u8..64,
            sequence in any::<u16>(),
            timestamp in any::<u32>(),
            ssrc in any::<u32>(),
            payload in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let datagram = header.packet(&payload);
            let packet = Packet::parse(&datagram).unwrap();
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.payload(), &payload);
        }
    }

    #[test]
    fn payload_is_what_is_left_of_csrc_extension_and_padding() {
        let mut datagram = vec![0x80 | 0x20 | 0x10 | 1, 0];
        datagram.extend([0; 10]); // the header's rest
        datagram.extend([9; 4]); // one CSRC
        datagram.extend([0, 0, 0, 1, 8, 8, 8, 8]); // an extension of one word
        datagram.extend(b"audio");
        datagram.extend([0, 0, 3]); // padding
        assert_eq!(Packet::parse(&datagram).unwrap().payload(), b"audio");
        for len in 0..25 {
            assert_eq!(
                Packet::parse(&datagram[..len]).err(),
                Some(RtpError::Truncated)
            );
        }
        let last = datagram.len() - 1;
        datagram[last] = 200;
        assert_eq!(Packet::parse(&datagram).err(), Some(RtpError::Truncated));
        datagram[1] = 200;
        assert_eq!(Packet::parse(&datagram).err(), Some(RtpError::Rtcp));
        datagram[0] = 0x40;
        assert_eq!(Packet::parse(&datagram).err(), Some(RtpError::Version));
    }
}
