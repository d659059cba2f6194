//! Whom to believe: which source's packets are this leg's audio, and where to
//! send ours. Pure; times are handed in.
//!
//! SDP's address and the signalling address are trusted at once. Another source
//! (a phone behind a NAT of a strange kind) is learned after four packets in
//! sequence, while neither of those speaks. Who is learned stays, so that a
//! stranger can't take a call over by guessing its port.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Packets in sequence, of one SSRC, that make a stranger believable.
pub(crate) const STRANGER_PACKETS: u8 = 4;
/// How long both trusted addresses must have been silent for a stranger.
pub(crate) const TRUSTED_QUIET: Duration = Duration::from_millis(500);
/// Silence of the locked source after which another may be learned.
pub(crate) const LOCK_SILENCE: Duration = Duration::from_secs(5);
/// Strangers that are watched at a time.
const MAX_CANDIDATES: usize = 4;

/// What a packet's source is to the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The one we listen to.
    Locked,
    /// It has just become that.
    NewlyLocked,
    /// Not believed.
    Stranger,
}

#[derive(Debug)]
pub(crate) struct Learner {
    sdp: Option<SocketAddr>,
    signalling: Option<IpAddr>,
    lock: Option<Lock>,
    /// When a trusted address last spoke, or was told to us.
    trusted_heard: Duration,
    candidates: [Option<Candidate>; MAX_CANDIDATES],
}

#[derive(Debug, Clone, Copy)]
struct Lock {
    source: SocketAddr,
    heard: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    next: u16,
    packets: u8,
    heard: Duration,
}

impl Learner {
    pub(crate) fn new() -> Self {
        Self {
            sdp: None,
            signalling: None,
            lock: None,
            trusted_heard: Duration::ZERO,
            candidates: [None; MAX_CANDIDATES],
        }
    }

    /// New word from signalling. Whether it ended a lock or changed an address.
    pub(crate) fn remote(
        &mut self,
        sdp: Option<SocketAddr>,
        signalling: IpAddr,
        now: Duration,
    ) -> bool {
        let first = self.signalling.is_none();
        self.signalling = Some(signalling);
        if !first && self.sdp == sdp {
            return false;
        }
        self.sdp = sdp;
        self.lock = None;
        self.trusted_heard = now;
        self.candidates = [None; MAX_CANDIDATES];
        true
    }

    /// A well-formed packet came from `source`.
    pub(crate) fn hear(
        &mut self,
        source: SocketAddr,
        ssrc: u32,
        sequence: u16,
        now: Duration,
    ) -> Source {
        let trusted = self.trusts(source);
        if trusted {
            self.trusted_heard = now;
        }
        if let Some(lock) = &mut self.lock {
            if lock.source == source {
                lock.heard = now;
                return Source::Locked;
            }
            if now.saturating_sub(lock.heard) < LOCK_SILENCE {
                return Source::Stranger;
            }
        }
        if trusted || self.believes_stranger(source, ssrc, sequence, now) {
            self.lock = Some(Lock { source, heard: now });
            self.candidates = [None; MAX_CANDIDATES];
            return Source::NewlyLocked;
        }
        Source::Stranger
    }

    /// The source that we listen to.
    pub(crate) fn locked(&self) -> Option<SocketAddr> {
        self.lock.map(|lock| lock.source)
    }

    /// Where audio goes.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        self.locked().or(self.sdp)
    }

    /// Whether only the locked source need be heard now, so that the socket
    /// may be connected to it.
    pub(crate) fn is_settled(&self, now: Duration) -> bool {
        self.lock
            .is_some_and(|lock| now.saturating_sub(lock.heard) < LOCK_SILENCE)
    }

    /// When the locked source last spoke.
    pub(crate) fn heard(&self) -> Option<Duration> {
        self.lock.map(|lock| lock.heard)
    }

    /// Whether the leg's signalling comes from this address.
    pub(crate) fn signals_from(&self, ip: IpAddr) -> bool {
        self.signalling == Some(ip)
    }

    /// Whether RTCP from this address concerns the leg.
    pub(crate) fn knows(&self, ip: IpAddr) -> bool {
        self.signalling == Some(ip)
            || self.sdp.is_some_and(|sdp| sdp.ip() == ip)
            || self.lock.is_some_and(|lock| lock.source.ip() == ip)
    }

    fn trusts(&self, source: SocketAddr) -> bool {
        self.sdp == Some(source) || self.signalling == Some(source.ip())
    }

    fn believes_stranger(
        &mut self,
        source: SocketAddr,
        ssrc: u32,
        sequence: u16,
        now: Duration,
    ) -> bool {
        if self.signalling.is_none() {
            return false; // nothing is known of this leg yet
        }
        let next = sequence.wrapping_add(1);
        let fresh = Candidate {
            source,
            ssrc,
            next,
            packets: 1,
            heard: now,
        };
        let mut known = self.candidates.iter_mut().flatten();
        if let Some(candidate) = known.find(|c| c.source == source) {
            if candidate.ssrc != ssrc || candidate.next != sequence {
                *candidate = fresh;
                return false;
            }
            candidate.next = next;
            candidate.heard = now;
            candidate.packets = candidate.packets.saturating_add(1);
            return candidate.packets >= STRANGER_PACKETS
                && now.saturating_sub(self.trusted_heard) >= TRUSTED_QUIET;
        }
        // Room for a new one: an empty place, or that of the longest silent.
        let oldest = self
            .candidates
            .iter_mut()
            .min_by_key(|place| place.map(|candidate| candidate.heard));
        if let Some(place) = oldest {
            *place = Some(fresh);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNALLING: &str = "10.0.0.1";

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }
    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
    fn told(sdp: &str) -> Learner {
        let mut learner = Learner::new();
        learner.remote(Some(at(sdp)), SIGNALLING.parse().unwrap(), ms(0));
        learner
    }
    /// Packets 20 ms apart from `start`; what the last one was.
    fn talk(learner: &mut Learner, source: &str, seqs: &[u16], start: u64) -> Source {
        let mut last = Source::Stranger;
        for (&seq, n) in seqs.iter().zip(0..) {
            last = learner.hear(at(source), 7, seq, ms(start + n * 20));
        }
        last
    }

    #[test]
    fn sdp_address_and_signalling_ip_are_believed_at_once_and_the_first_to_speak_stays() {
        let mut learner = told("10.0.0.9:4000");
        assert_eq!(learner.destination(), Some(at("10.0.0.9:4000")));
        assert_eq!(
            talk(&mut learner, "10.0.0.1:999", &[1], 0),
            Source::NewlyLocked
        );
        assert_eq!(
            talk(&mut learner, "10.0.0.9:4000", &[1, 2, 3, 4, 5], 1000),
            Source::Stranger
        );
        assert_eq!(learner.destination(), Some(at("10.0.0.1:999")));
    }

    #[test]
    fn stranger_needs_four_in_sequence_after_half_a_second_of_quiet() {
        let mut learner = told("192.168.1.5:4000");
        let nat = "203.0.113.7:5555";
        assert_eq!(
            talk(&mut learner, nat, &[1, 2, 3, 4, 5], 0),
            Source::Stranger
        );
        assert_eq!(talk(&mut learner, nat, &[7, 8, 9], 600), Source::Stranger);
        assert_eq!(talk(&mut learner, nat, &[11], 660), Source::Stranger);
        assert_eq!(
            talk(&mut learner, nat, &[12, 13, 14], 680),
            Source::NewlyLocked
        );
        assert_eq!(learner.destination(), Some(at(nat)));
    }

    #[test]
    fn stranger_is_not_learned_while_a_trusted_source_speaks() {
        let mut learner = told("192.168.1.5:4000");
        for n in 0..100u16 {
            let now = ms(1000 + u64::from(n) * 20);
            if n % 20 == 0 {
                // Another trusted source locks; the stranger talks over it.
                learner.hear(at("10.0.0.1:40"), 1, n, now);
            }
            assert_eq!(
                learner.hear(at("203.0.113.7:5555"), 7, n, now),
                Source::Stranger
            );
        }
        assert_eq!(learner.locked(), Some(at("10.0.0.1:40")));
    }

    #[test]
    fn four_packets_of_changing_ssrc_or_of_several_sources_convince_nobody() {
        let mut learner = told("192.168.1.5:4000");
        for seq in 0..40u16 {
            let now = ms(1000 + u64::from(seq) * 20);
            let by_ssrc = learner.hear(at("203.0.113.7:1"), u32::from(seq), seq, now);
            let by_port = learner.hear(
                SocketAddr::new("203.0.113.8".parse().unwrap(), 1000 + seq),
                7,
                seq,
                now,
            );
            assert_eq!((by_ssrc, by_port), (Source::Stranger, Source::Stranger));
        }
    }

    #[test]
    fn lock_moves_after_five_seconds_of_silence_under_the_same_rule() {
        let mut learner = told("10.0.0.9:4000");
        talk(&mut learner, "10.0.0.9:4000", &[1], 0);
        let thief = "203.0.113.7:5555";
        let early: Vec<u16> = (0..200).collect();
        assert_eq!(talk(&mut learner, thief, &early, 20), Source::Stranger);
        assert!(learner.is_settled(ms(4999)));
        assert!(!learner.is_settled(ms(5000)));
        assert_eq!(
            talk(&mut learner, thief, &[1, 2, 3], 5000),
            Source::Stranger
        );
        assert_eq!(talk(&mut learner, thief, &[4], 5060), Source::NewlyLocked);
        // And a trusted one, after as long a silence, at once.
        assert_eq!(
            talk(&mut learner, "10.0.0.9:4000", &[9], 10_059),
            Source::Stranger
        );
        assert_eq!(
            talk(&mut learner, "10.0.0.9:4000", &[9], 10_060),
            Source::NewlyLocked
        );
    }

    #[test]
    fn new_sdp_ends_the_lock_and_the_same_sdp_keeps_it() {
        let mut learner = told("10.0.0.9:4000");
        let signalling = SIGNALLING.parse().unwrap();
        talk(&mut learner, "10.0.0.1:40", &[1], 0);
        assert!(!learner.remote(Some(at("10.0.0.9:4000")), signalling, ms(20)));
        assert_eq!(learner.locked(), Some(at("10.0.0.1:40")));
        assert!(learner.remote(Some(at("10.0.0.9:4002")), signalling, ms(40)));
        assert_eq!(learner.destination(), Some(at("10.0.0.9:4002")));
        assert_eq!(
            talk(&mut learner, "10.0.0.9:4002", &[5], 60),
            Source::NewlyLocked
        );
    }

    #[test]
    fn nobody_is_believed_before_signalling_has_spoken() {
        let mut learner = Learner::new();
        let seqs: Vec<u16> = (0..100).collect();
        assert_eq!(
            talk(&mut learner, "203.0.113.7:5555", &seqs, 0),
            Source::Stranger
        );
        assert_eq!(learner.destination(), None);
    }
}
