//! Audio of legs: the switch's media actions as commands to `media`. Decides
//! nothing; it only knows which slot a leg has and in which codec a leg hears.

use std::time::Duration;

use media::{PayloadMap, Remote};
use switch::{Encoding, LegId, MediaAction, MediaDescription, Tone};

use crate::core::Core;
use crate::tones;

/// RTP clock where no codec is agreed yet.
const DEFAULT_CLOCK_RATE: u32 = 8000;

/// A phone that sends neither RTP nor RTCP for so long in a talk is gone without
/// a BYE. Long, for there are phones that send nothing at all while muted.
const SILENCE: Duration = Duration::from_secs(300);

impl Core {
    /// Does what the switch commands about audio.
    pub(crate) fn media_action(&mut self, action: MediaAction) {
        match action {
            MediaAction::Remote { leg, description } => self.remote(leg, &description),
            MediaAction::Bridge {
                a,
                b,
                a_to_b,
                b_to_a,
            } => {
                self.unbridge(a, Some(b));
                self.unbridge(b, Some(a));
                self.connect(a, b, &a_to_b);
                self.connect(b, a, &b_to_a);
            }
            MediaAction::Unbridge { leg } => self.unbridge(leg, None),
            MediaAction::Play { leg, tone } => self.play(leg, tone),
            MediaAction::Silence { leg } => {
                if let Some(entry) = self.legs.get_mut(leg) {
                    entry.playing = None;
                    let slot = entry.slot;
                    self.to_media(slot, media::Command::Stop);
                }
            }
        }
    }

    /// Takes the leg and whom it was bridged to apart, unless that is `keep`.
    pub(crate) fn unbridge(&mut self, leg: LegId, keep: Option<LegId>) {
        let Some(entry) = self.legs.get_mut(leg) else {
            return;
        };
        let slot = entry.slot;
        let other = match entry.bridged {
            Some(other) if Some(other) != keep => other,
            _ => return,
        };
        entry.bridged = None;
        self.disconnect(slot);
        if let Some(entry) = self.legs.get_mut(other)
            && entry.bridged == Some(leg)
        {
            entry.bridged = None;
            let slot = entry.slot;
            self.disconnect(slot);
        }
    }

    pub(crate) fn to_media(&self, slot: media::SlotId, command: media::Command) {
        if let Err(error) = self.media.command(slot, command) {
            metrics::counter!("strowger_media_commands_lost_total").increment(1);
            tracing::error!(%error, ?slot, "audio does not take a command");
        }
    }

    fn disconnect(&self, slot: media::SlotId) {
        self.to_media(slot, media::Command::Disconnect);
        self.to_media(slot, media::Command::Watch { timeout: None });
    }

    fn remote(&mut self, leg: LegId, description: &MediaDescription) {
        let Some(entry) = self.legs.get_mut(leg) else {
            return;
        };
        let codec_changed = entry.agree(&description.codecs);
        let rtp = description
            .remote
            .filter(|a| !a.ip().is_unspecified() && a.port() != 0);
        let remote = Remote {
            rtp,
            rtcp: rtp.and_then(|rtp| entry.sdp.rtcp_of(rtp)),
            signalling: entry.flow.remote.ip(),
            clock_rate: entry
                .speaks
                .as_ref()
                .map_or(DEFAULT_CLOCK_RATE, |c| c.clock_rate),
            telephone_event: description
                .codecs
                .iter()
                .find(|c| c.encoding == Encoding::TelephoneEvent)
                .map(|c| c.payload_type),
        };
        let (slot, playing) = (entry.slot, entry.playing);
        self.to_media(slot, media::Command::Remote(remote));
        if codec_changed && let Some(tone) = playing {
            self.play(leg, tone);
        }
    }

    fn play(&mut self, leg: LegId, tone: Tone) {
        let Some(entry) = self.legs.get_mut(leg) else {
            return;
        };
        entry.playing = Some(tone);
        let slot = entry.slot;
        let playback = entry
            .speaks
            .as_ref()
            .and_then(|codec| Some((tones::tone(tone, codec)?, codec.payload_type)));
        let command = match playback {
            Some((playback, payload_type)) => media::Command::Play {
                playback,
                payload_type,
                repeat: true,
            },
            None => {
                tracing::debug!(?leg, "no tone in this codec");
                // What may still play is in a codec that it no longer hears.
                media::Command::Stop
            }
        };
        self.to_media(slot, command);
    }

    /// What one leg says goes to the other. The other may be fed by nobody
    /// else: `media` lets go of who fed it before.
    fn connect(&mut self, from: LegId, to: LegId, pairs: &[(u8, u8)]) {
        let Some(peer) = self.legs.get(to).map(|leg| leg.slot) else {
            return;
        };
        let Some(entry) = self.legs.get_mut(from) else {
            return;
        };
        entry.bridged = Some(to);
        let slot = entry.slot;
        let map = payload_map(pairs);
        self.to_media(slot, media::Command::Connect { peer, map });
        // Who is not meant to be heard is not missed.
        let timeout = (!pairs.is_empty()).then_some(SILENCE);
        self.to_media(slot, media::Command::Watch { timeout });
    }
}

fn payload_map(pairs: &[(u8, u8)]) -> PayloadMap {
    pairs
        .iter()
        .fold(PayloadMap::empty(), |map, (from, to)| map.with(*from, *to))
}
