//! Events and their frames: `{type, sn, msg}`, the same on a WebSocket and in a
//! webhook's body. `msg` is text that holds JSON for some events and JSON for
//! others, and some frames have no `sn`: the contract says which. Nothing is added
//! and nothing is left out here; who makes an event fills it.

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

pub use crate::contract::MsgEncoding;
pub use crate::generated::events::*;

/// An event of the contract.
pub trait Event: Serialize {
    /// `type` in the frame.
    const ID: u32;
    /// How `msg` stands in the frame.
    const ENCODING: MsgEncoding;
    /// Whether the frame carries the PBX's serial number.
    const SN_IN_ENVELOPE: bool;
}

struct Frame<'a, E> {
    event: &'a E,
    sn: &'a str,
}

impl<E: Event> Serialize for Frame<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &E::ID)?;
        if E::SN_IN_ENVELOPE {
            map.serialize_entry("sn", self.sn)?;
        }
        match E::ENCODING {
            MsgEncoding::Object => map.serialize_entry("msg", self.event)?,
            MsgEncoding::JsonString => map.serialize_entry("msg", &compact(self.event))?,
        }
        map.end()
    }
}

/// Events are objects of texts, numbers and lists with text for keys, which JSON
/// can always hold; so there is no failure to tell of.
fn compact<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The frame of an event as text: compact JSON, members in the contract's order.
pub fn frame<E: Event>(event: &E, sn: &str) -> String {
    compact(&Frame { event, sn })
}

/// Why a text is no frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not JSON, or without `type` and `msg`.
    #[error("no event frame: {0}")]
    Malformed(#[source] serde_json::Error),
    /// `msg` isn't what the event carries.
    #[error("msg of event {id}: {source}")]
    Msg {
        /// The event's id.
        id: u32,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another event than the one asked for.
    #[error("event {id}, not {wanted}")]
    Other {
        /// The event's id.
        id: u32,
        /// The id asked for.
        wanted: u32,
    },
}

/// A frame as it came, of any event, `msg` in either encoding.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Received {
    /// The event's id.
    #[serde(rename = "type")]
    pub id: u32,
    /// The PBX's serial number, where the frame has it.
    #[serde(default)]
    pub sn: Option<String>,
    /// The payload, already parsed once more where it came as text.
    pub msg: Value,
}

impl Received {
    /// Reads a frame. An answer to `subscribe` is none: it has no `type`.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let mut frame: Self = serde_json::from_str(text).map_err(FrameError::Malformed)?;
        if let Value::String(inner) = &frame.msg {
            frame.msg = serde_json::from_str(inner).map_err(|source| FrameError::Msg {
                id: frame.id,
                source,
            })?;
        }
        Ok(frame)
    }

    /// The payload as the event's type.
    pub fn read<E: Event + DeserializeOwned>(&self) -> Result<E, FrameError> {
        if self.id != E::ID {
            return Err(FrameError::Other {
                id: self.id,
                wanted: E::ID,
            });
        }
        E::deserialize(&self.msg).map_err(|source| FrameError::Msg {
            id: self.id,
            source,
        })
    }
}
