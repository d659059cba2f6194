//! Offer and answer of one leg (RFC 3264): which description stands on either
//! side and which of ours waits for its answer. Knows neither the other leg
//! nor what is done with the audio.

use crate::codecs::{self, usable};
use crate::media::{Codec, Direction, MediaDescription};

/// How far offer and answer are on a leg.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Negotiation {
    /// It invited us without an offer, and we have made none yet.
    Blank,
    /// Its offer waits for our answer.
    Offered(MediaDescription),
    /// Our first offer waits for its answer.
    Offering(MediaDescription),
    /// Both sides are described.
    Agreed(Agreement),
    /// Both sides are described, and a newer offer of ours waits.
    Changing {
        /// What holds until the answer comes.
        standing: Agreement,
        /// What we offered.
        offer: MediaDescription,
    },
}

/// The far end's answer has no codec to talk with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NothingCommon;

impl Negotiation {
    /// A leg that invited us.
    pub(crate) fn incoming(offer: Option<MediaDescription>) -> Self {
        offer.map_or(Self::Blank, Self::Offered)
    }

    /// What holds now.
    pub(crate) fn standing(&self) -> Option<&Agreement> {
        match self {
            Self::Agreed(standing) | Self::Changing { standing, .. } => Some(standing),
            Self::Blank | Self::Offered(_) | Self::Offering(_) => None,
        }
    }

    /// Our offer that waits for its answer.
    pub(crate) fn pending(&self) -> Option<&MediaDescription> {
        match self {
            Self::Offering(offer) | Self::Changing { offer, .. } => Some(offer),
            Self::Blank | Self::Offered(_) | Self::Agreed(_) => None,
        }
    }

    /// The codecs with the far end's payload types that will surely still be
    /// agreed when what waits is answered as offered.
    pub(crate) fn lasting_codecs(&self) -> Vec<Codec> {
        match self {
            Self::Agreed(standing) => standing.codecs(),
            Self::Changing { standing, offer } => codecs::common(&standing.codecs(), &offer.codecs),
            Self::Blank | Self::Offered(_) | Self::Offering(_) => Vec::new(),
        }
    }

    /// Answers the offer that waits with what `available` has of it, and gives
    /// that answer. `None`: there is no such offer, or nothing in common.
    pub(crate) fn answer(
        &mut self,
        available: &[Codec],
        ptime: Option<u16>,
    ) -> Option<MediaDescription> {
        let Self::Offered(offer) = self else {
            return None;
        };
        let answer = codecs::ours(
            codecs::common(&offer.codecs, available),
            offer.direction.reversed(),
            ptime,
        );
        if !usable(&answer) {
            return None;
        }
        *self = Self::Agreed(Agreement {
            ours: answer.clone(),
            theirs: offer.clone(),
        });
        Some(answer)
    }

    /// Answers a new offer within the call, with what `available` has of it.
    /// `None`: nothing in common, or an offer of ours is under way; what
    /// stands goes on.
    pub(crate) fn answer_anew(
        &mut self,
        offer: MediaDescription,
        available: &[Codec],
    ) -> Option<MediaDescription> {
        let Self::Agreed(standing) = self else {
            return None;
        };
        let answer = codecs::ours(
            codecs::common(&offer.codecs, available),
            effective(&offer).reversed(),
            standing.ours.ptime,
        );
        if !usable(&answer) || !usable(&offer) {
            return None;
        }
        *standing = Agreement {
            ours: answer.clone(),
            theirs: offer,
        };
        Some(answer)
    }

    /// We have made this offer. False: one is under way already, or it is the
    /// far end's turn.
    pub(crate) fn offer(&mut self, offer: MediaDescription) -> bool {
        match self {
            Self::Blank => *self = Self::Offering(offer),
            Self::Agreed(standing) => {
                *self = Self::Changing {
                    standing: standing.clone(),
                    offer,
                };
            }
            Self::Offered(_) | Self::Offering(_) | Self::Changing { .. } => return false,
        }
        true
    }

    /// The far end has answered our offer, or said again, while it was still
    /// ringing, how it answers. An answer without a common codec changes
    /// nothing.
    pub(crate) fn answered(&mut self, answer: MediaDescription) -> Result<(), NothingCommon> {
        let ours = match self {
            Self::Offering(offer) | Self::Changing { offer, .. } => offer.clone(),
            Self::Agreed(standing) => standing.ours.clone(),
            Self::Blank | Self::Offered(_) => return Err(NothingCommon),
        };
        let agreement = Agreement {
            ours,
            theirs: answer,
        };
        if !usable(&agreement.theirs) || !codecs::has_speech(&agreement.codecs()) {
            return Err(NothingCommon);
        }
        *self = Self::Agreed(agreement);
        Ok(())
    }

    /// The far end has refused our offer: what stood before stands.
    pub(crate) fn refused(&mut self) {
        match self {
            Self::Offering(_) => *self = Self::Blank,
            Self::Changing { standing, .. } => *self = Self::Agreed(standing.clone()),
            Self::Blank | Self::Offered(_) | Self::Agreed(_) => {}
        }
    }
}

/// Two descriptions that answer each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agreement {
    /// What we said; its payload types are what we receive.
    pub(crate) ours: MediaDescription,
    /// What the far end said; its payload types are what it receives.
    pub(crate) theirs: MediaDescription,
}

impl Agreement {
    /// The agreed codecs in the far end's order, with its payload types.
    pub(crate) fn codecs(&self) -> Vec<Codec> {
        self.theirs
            .codecs
            .iter()
            .filter(|codec| codecs::find(&self.ours.codecs, codec).is_some())
            .cloned()
            .collect()
    }

    /// The agreed codecs in the far end's order, as we name them when we
    /// offer anew: a payload type once used keeps its meaning (RFC 3264 §8.3.2).
    pub(crate) fn codecs_as_ours(&self) -> Vec<Codec> {
        self.codecs().into_iter().map(|c| self.as_ours(c)).collect()
    }

    fn as_ours(&self, codec: Codec) -> Codec {
        match codecs::find(&self.ours.codecs, &codec) {
            Some(own) => Codec {
                payload_type: own.payload_type,
                ..codec
            },
            None => codec,
        }
    }

    /// What to offer to the far end so that it speaks only what `other` does.
    /// It may name codecs that the far end can and the last answer left out.
    pub(crate) fn narrowed_to(&self, other: &[Codec]) -> MediaDescription {
        let mut chosen: Vec<Codec> = Vec::new();
        for codec in codecs::common(&self.theirs.codecs, other) {
            let codec = self.as_ours(codec);
            if chosen.iter().all(|c| c.payload_type != codec.payload_type) {
                chosen.push(codec);
            }
        }
        codecs::ours(chosen, Direction::SendRecv, self.ours.ptime)
    }

    /// Whether the far end wants to hear.
    pub(crate) fn receives(&self) -> bool {
        effective(&self.theirs).receives()
    }

    /// Whether the far end said that it will send.
    pub(crate) fn sends(&self) -> bool {
        self.theirs.direction.sends()
    }

    /// What `media` must know of the far end: its address and what to send
    /// it. `None` where it has given no address to send to.
    pub(crate) fn remote(&self) -> Option<MediaDescription> {
        addressed(&self.theirs).then(|| MediaDescription {
            codecs: self.codecs(),
            ..self.theirs.clone()
        })
    }

    /// Payload types (received, sent) that pass from this far end to another.
    pub(crate) fn pairs_to(&self, other: &Agreement) -> Vec<(u8, u8)> {
        if !self.sends() || !other.receives() {
            return Vec::new();
        }
        let spoken = other.codecs();
        self.codecs_as_ours()
            .iter()
            .filter_map(|codec| {
                codecs::find(&spoken, codec).map(|twin| (codec.payload_type, twin.payload_type))
            })
            .collect()
    }
}

fn addressed(description: &MediaDescription) -> bool {
    description
        .remote
        .is_some_and(|address| !address.ip().is_unspecified())
}

/// The direction as it acts: an unspecified address is the old way to say
/// that nothing shall be sent there (RFC 3264 §8.4).
fn effective(description: &MediaDescription) -> Direction {
    match description.direction {
        direction if addressed(description) => direction,
        Direction::SendRecv | Direction::SendOnly => Direction::SendOnly,
        Direction::RecvOnly | Direction::Inactive => Direction::Inactive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Encoding;

    fn codec(payload_type: u8, encoding: Encoding, clock_rate: u32) -> Codec {
        Codec {
            payload_type,
            encoding,
            clock_rate,
            channels: 1,
            parameters: None,
        }
    }

    fn described(codecs: Vec<Codec>) -> MediaDescription {
        MediaDescription {
            remote: Some(([192, 0, 2, 1], 4000).into()),
            ..codecs::ours(codecs, Direction::SendRecv, Some(20))
        }
    }

    fn event(payload_type: u8, clock_rate: u32) -> Codec {
        codec(payload_type, Encoding::TelephoneEvent, clock_rate)
    }

    #[test]
    fn an_answer_keeps_the_offers_order_and_types_and_takes_the_parameters_of_the_other() {
        let mut opus = codec(107, Encoding::Opus, 48000);
        opus.parameters = Some("stereo=1".into());
        let mut theirs = codec(96, Encoding::Opus, 48000);
        theirs.parameters = Some("useinbandfec=1".into());
        let pcma = codec(8, Encoding::Pcma, 8000);
        let mut leg = Negotiation::incoming(Some(described(vec![opus, pcma.clone()])));
        let answer = leg.answer(&[pcma.clone(), theirs], None).unwrap();
        let mut expected = codec(107, Encoding::Opus, 48000);
        expected.parameters = Some("useinbandfec=1".into());
        assert_eq!(answer.codecs, vec![expected, pcma]);
        assert_eq!(answer.remote, None);
    }

    #[test]
    fn telephone_event_alone_is_no_talk() {
        let mut leg = Negotiation::Offering(codecs::default_offer());
        let answer = described(vec![event(101, 8000)]);
        assert_eq!(leg.answered(answer), Err(NothingCommon));
    }

    #[test]
    fn telephone_events_are_matched_by_their_clock_rate_and_each_leg_keeps_its_types() {
        let pcmu = codec(0, Encoding::Pcmu, 8000);
        let offer = described(vec![pcmu.clone(), event(110, 48000), event(101, 8000)]);
        let a = Agreement {
            ours: offer.clone(),
            theirs: offer,
        };
        let answer = described(vec![pcmu, event(97, 8000)]);
        let b = Agreement {
            ours: answer.clone(),
            theirs: answer,
        };
        assert_eq!(a.pairs_to(&b), vec![(0, 0), (101, 97)]);
        assert_eq!(b.pairs_to(&a), vec![(0, 0), (97, 101)]);
    }

    #[test]
    fn what_we_receive_is_named_by_us_and_what_we_send_by_the_far_end() {
        let a = Agreement {
            ours: described(vec![codec(96, Encoding::Opus, 48000)]),
            theirs: described(vec![codec(107, Encoding::Opus, 48000)]),
        };
        let b = Agreement {
            ours: described(vec![codec(120, Encoding::Opus, 48000)]),
            theirs: described(vec![codec(121, Encoding::Opus, 48000)]),
        };
        assert_eq!(a.pairs_to(&b), vec![(96, 121)]);
        assert_eq!(b.pairs_to(&a), vec![(120, 107)]);
    }

    #[test]
    fn a_refused_change_leaves_what_stood() {
        let description = described(vec![codec(0, Encoding::Pcmu, 8000)]);
        let mut leg = Negotiation::Offering(codecs::default_offer());
        leg.answered(description).unwrap();
        let before = leg.clone();
        assert!(leg.offer(codecs::default_offer()));
        assert!(!leg.offer(codecs::default_offer()), "one at a time");
        leg.refused();
        assert_eq!(leg, before);
    }
}
