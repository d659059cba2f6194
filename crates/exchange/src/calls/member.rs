//! A leg in a live call as the API shows it, and the API's words for why a call
//! failed.

use switch::{Cause, ExtensionNumber, FailReason, LegId, LegState, Role};
use wire::call::{CallMember, ExtensionLeg};

/// One leg in a live call.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub leg: LegId,
    pub number: ExtensionNumber,
    pub role: Role,
    pub state: LegState,
    /// An application has heard of it.
    pub told: bool,
}

impl Member {
    /// A leg that is called but does not ring is nobody's news.
    pub fn is_visible(&self) -> bool {
        match self.state {
            LegState::Trying => false,
            LegState::Ended => self.told || self.role == Role::Caller,
            _ => true,
        }
    }

    /// A caller is not told alone before the other end rings: applications look
    /// for the pair. One who was rung first by a dial command is.
    pub fn waits_alone(&self) -> bool {
        self.role == Role::Caller && self.state == LegState::Calling && !self.told
    }

    /// As the API shows it.
    pub fn shown(&self) -> CallMember {
        self.shown_as(self.state)
    }

    /// As the API shows it once it has left.
    pub fn shown_as_gone(&self) -> CallMember {
        self.shown_as(LegState::Ended)
    }

    /// The API's word for how far it is.
    pub fn status(&self) -> &'static str {
        self.status_as(self.state)
    }

    fn status_as(&self, state: LegState) -> &'static str {
        match (self.role, state) {
            (_, LegState::Ended) => "BYE",
            (_, LegState::Held) => "HOLD",
            (_, LegState::Ringing | LegState::Trying | LegState::Early) => "RING",
            (_, LegState::Calling) => "ALERT",
            (Role::Caller, LegState::Answered) => "ANSWERED",
            (Role::Callee, LegState::Answered) => "ANSWER",
        }
    }

    fn shown_as(&self, state: LegState) -> CallMember {
        CallMember {
            extension: Some(ExtensionLeg {
                number: Some(self.number.to_string()),
                channel_id: Some(channel_id(&self.number, self.leg)),
                member_status: Some(self.status_as(state).into()),
                call_path: Some(String::new()),
            }),
            ..Default::default()
        }
    }
}

/// The API's name of an extension's leg.
fn channel_id(number: &ExtensionNumber, leg: LegId) -> String {
    format!("PJSIP/{number}-{:08x}", leg.short())
}

/// The number and the leg's eight digits that a channel's name is made of.
pub(super) fn read_channel_id(channel: &str) -> Option<(&str, u32)> {
    let (number, digits) = channel.strip_prefix("PJSIP/")?.rsplit_once('-')?;
    let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digits.len() != 8 || !digits.bytes().all(lower_hex) {
        return None;
    }
    Some((number, u32::from_str_radix(digits, 16).ok()?))
}

/// The contract's words for a failure (event 30015), odd spellings included.
pub(super) fn reason_text(reason: FailReason) -> &'static str {
    match reason {
        FailReason::NotFound | FailReason::Leg(Cause::NotFound) => "404 NOT found",
        FailReason::DoNotDisturb => "DND",
        FailReason::NotRegistered => "Line Unreachable",
        FailReason::Leg(cause) => match cause {
            Cause::Busy => "486 Busy here",
            // A phone that refuses with 403 declines (both are RFC 3398's cause 21):
            // what the caller may is not its to say.
            Cause::Declined | Cause::Status(403) => "User Busy",
            Cause::Gone => "410 Gone",
            Cause::AddressIncomplete => "484 Address incomplete",
            Cause::NoAnswer | Cause::Status(408) => "408 Request Time",
            Cause::Unavailable => "480 Temporatily Unavailable",
            Cause::Forbidden => "NO Dial Permission",
            Cause::Unreachable | Cause::MediaLost => "Line Unreachable",
            _ => "Circuit/channel congestion",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_is_found_by_exactly_the_name_it_was_told_by() {
        let number = ExtensionNumber::new("1000").unwrap();
        let name = channel_id(&number, LegId(0x3_0400_002a));
        assert_eq!(name, "PJSIP/1000-0400002a");
        assert_eq!(read_channel_id(&name), Some(("1000", 0x0400_002a)));
        for other in [
            "PJSIP/1000-0400002A",
            "PJSIP/1000-+400002a",
            "PJSIP/1000-2a",
            "SIP/1000-0400002a",
            "",
        ] {
            assert_eq!(read_channel_id(other), None, "{other}");
        }
    }
}
