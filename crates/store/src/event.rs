//! The event log: what was told, in order, for who comes late.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::Row;

use crate::error::StoreError;
use crate::store::Store;

/// How many events the log keeps; the oldest go first.
pub const EVENTS_KEPT: i64 = 200_000;
/// Most events one read gives.
const MAX_READ: u32 = 10_000;
/// Bits of a position that count; the node's number stands above them.
const SEQUENCE_BITS: u32 = 48;

/// A place in the event log. Its text is opaque outside: a node's positions
/// grow, nothing else is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(i64);

impl Position {
    /// Before the first event of a node.
    pub(crate) fn start(node: u8) -> Self {
        Self(i64::from(node) << SEQUENCE_BITS)
    }

    /// After the last event that a node can have.
    pub(crate) fn end(node: u8) -> Self {
        Self((i64::from(node) + 1) << SEQUENCE_BITS)
    }

    /// The one after it.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub(crate) fn raw(self) -> i64 {
        self.0
    }

    pub(crate) fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    fn node(self) -> i64 {
        self.0 >> SEQUENCE_BITS
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node(), self.0 & ((1 << SEQUENCE_BITS) - 1))
    }
}

impl FromStr for Position {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let broken = || StoreError::Corrupt(format!("no event position: {text:?}"));
        let (node, sequence) = text.split_once('-').ok_or_else(broken)?;
        let node: u8 = node.parse().map_err(|_| broken())?;
        let sequence: i64 = sequence.parse().map_err(|_| broken())?;
        if !(0..1 << SEQUENCE_BITS).contains(&sequence) {
            return Err(broken());
        }
        Ok(Self((i64::from(node) << SEQUENCE_BITS) | sequence))
    }
}

/// An event that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedEvent {
    /// Its place in the log.
    pub position: Position,
    /// The event's number, such as 30011.
    pub id: u32,
    /// The frame as it goes over the wire.
    pub frame: Arc<str>,
}

impl Store {
    /// Up to `limit` events after a position, in order. `None`: from the oldest kept.
    pub async fn events_after(
        &self,
        position: Option<Position>,
        limit: u32,
    ) -> Result<Vec<CommittedEvent>, StoreError> {
        let from = position.unwrap_or_else(|| Position::start(self.node()));
        let end = (from.node() + 1) << SEQUENCE_BITS;
        let rows = sqlx::query(
            "SELECT position, id, frame FROM event \
             WHERE position > $1 AND position < $2 ORDER BY position LIMIT $3",
        )
        .bind(from.raw())
        .bind(end)
        .bind(i64::from(limit.min(MAX_READ)))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|row| {
                let id: i64 = row.try_get(1)?;
                let frame: String = row.try_get(2)?;
                Ok(CommittedEvent {
                    position: Position(row.try_get(0)?),
                    id: u32::try_from(id)
                        .map_err(|_| StoreError::Corrupt(format!("event number {id}")))?,
                    frame: frame.into(),
                })
            })
            .collect()
    }

    /// The newest position that is kept, if there is one.
    pub async fn last_position(&self) -> Result<Option<Position>, StoreError> {
        let start = Position::start(self.node());
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT MAX(position) FROM event WHERE position > $1 AND position < $2",
        )
        .bind(start.raw())
        .bind((start.node() + 1) << SEQUENCE_BITS)
        .fetch_one(self.readers())
        .await?;
        Ok(last.map(Position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_from_its_text_and_nonsense_does_not() {
        let position = Position::start(3).next().next();
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "3", "-", "3--1", "300-1", "3-281474976710656", "a-b"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
