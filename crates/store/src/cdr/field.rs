//! The members of a record that are found and sorted by, and how a value of
//! each is written as bytes whose order is the values' order: texts as they
//! are, numbers as [`number_key`] has it.

use super::query::CdrField;

/// A member that the index keeps column by column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Field {
    Seq,
    Uid,
    Time,
    Duration,
    RingDuration,
    TalkDuration,
    Disposition,
    SrcTrunk,
    DstTrunk,
    CallType,
    DidNumber,
    DidName,
    DodNumber,
    SrcAddr,
    CallFrom,
    CallTo,
    PinCode,
}

/// How many there are.
pub(super) const FIELDS: usize = 17;

impl Field {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; FIELDS] = [
        Self::Seq,
        Self::Uid,
        Self::Time,
        Self::Duration,
        Self::RingDuration,
        Self::TalkDuration,
        Self::Disposition,
        Self::SrcTrunk,
        Self::DstTrunk,
        Self::CallType,
        Self::DidNumber,
        Self::DidName,
        Self::DodNumber,
        Self::SrcAddr,
        Self::CallFrom,
        Self::CallTo,
        Self::PinCode,
    ];

    /// Its name in the database, of the row's column as well.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seq => "seq",
            Self::Uid => "uid",
            Self::Time => "time_start",
            Self::Duration => "duration",
            Self::RingDuration => "ring_duration",
            Self::TalkDuration => "talk_duration",
            Self::Disposition => "disposition",
            Self::SrcTrunk => "src_trunk",
            Self::DstTrunk => "dst_trunk",
            Self::CallType => "call_type",
            Self::DidNumber => "did_number",
            Self::DidName => "did_name",
            Self::DodNumber => "dod_number",
            Self::SrcAddr => "src_addr",
            Self::CallFrom => "call_from_number",
            Self::CallTo => "call_to_number",
            Self::PinCode => "pin_code",
        }
    }

    /// By its name in the database.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether its values are numbers; else they are texts.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Seq | Self::Time | Self::Duration | Self::RingDuration | Self::TalkDuration
        )
    }
}

impl From<CdrField> for Field {
    fn from(field: CdrField) -> Self {
        match field {
            CdrField::Id => Self::Seq,
            CdrField::Uid => Self::Uid,
            CdrField::Time => Self::Time,
            CdrField::Duration => Self::Duration,
            CdrField::RingDuration => Self::RingDuration,
            CdrField::TalkDuration => Self::TalkDuration,
            CdrField::Disposition => Self::Disposition,
            CdrField::SrcTrunk => Self::SrcTrunk,
            CdrField::DstTrunk => Self::DstTrunk,
            CdrField::CallType => Self::CallType,
            CdrField::DidNumber => Self::DidNumber,
            CdrField::DodNumber => Self::DodNumber,
            CdrField::SrcAddr => Self::SrcAddr,
        }
    }
}

/// A number as bytes in the order of the numbers, negative ones first.
pub(super) fn number_key(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// The number of [`number_key`].
pub(super) fn key_number(key: &[u8]) -> Option<i64> {
    let bytes: [u8; 8] = key.try_into().ok()?;
    Some((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_their_keys_and_come_back() {
        let numbers = [i64::MIN, -7, -1, 0, 1, 255, 256, 1_790_000_000, i64::MAX];
        let keys: Vec<_> = numbers.iter().map(|n| number_key(*n)).collect();
        assert!(keys.is_sorted());
        let back: Vec<_> = keys.iter().filter_map(|key| key_number(key)).collect();
        assert_eq!(back, numbers);
    }

    #[test]
    fn a_field_is_found_by_its_name_and_stands_at_its_number() {
        for (place, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(Field::from_name(field.name()), Some(field));
            assert_eq!(field as usize, place);
        }
    }
}
