//! How odd spellings are read: a number that comes as text, a text that comes as a
//! number, a flag that comes as `true`. Only reading is lenient; what is written is
//! what the contract says. Whether a value is allowed is not asked here.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

/// Reads a member's value, `null` being none.
pub trait Read: Sized {
    /// The value, or `None` for `null`.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;

    /// The value that a part of a joined text stands for, where there is one.
    fn from_part(part: &str) -> Option<Self> {
        let _ = part;
        None
    }
}

/// Carries [`Read`] to where serde asks for `Deserialize`.
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<'de, T: Read> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// A value of the four plain kinds, as it came.
enum Plain<'de> {
    Null,
    Flag(bool),
    Whole(i64),
    Real(f64),
    Text(Cow<'de, str>),
}

struct PlainVisitor(&'static str);

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Plain::Null)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Plain::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Plain::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Plain::Whole(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value)
            .map(Plain::Whole)
            .map_err(|_| E::custom(format_args!("{value} is too large")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Plain::Real(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Plain::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Plain::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Plain::Text(Cow::Owned(value)))
    }
}

fn plain<'de, D: Deserializer<'de>>(
    deserializer: D,
    wanted: &'static str,
) -> Result<Plain<'de>, D::Error> {
    deserializer.deserialize_any(PlainVisitor(wanted))
}

/// A whole number that `value` stands for without loss.
pub(crate) fn whole(value: f64) -> Option<i64> {
    // Beyond 2^53 a float no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    wanted: &'static str,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    Ok(match plain(deserializer, wanted)? {
        Plain::Null => None,
        Plain::Flag(value) => Some(Cow::Borrowed(if value { "1" } else { "0" })),
        Plain::Whole(value) => Some(Cow::Owned(value.to_string())),
        Plain::Real(value) => Some(Cow::Owned(value.to_string())),
        Plain::Text(value) => Some(value),
    })
}

/// Reads a word of a set.
pub(crate) fn word<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    set: &'static str,
    of: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    let Some(text) = text(deserializer, "a word")? else {
        return Ok(None);
    };
    match of(&text) {
        None if !text.trim().is_empty() => {
            Err(D::Error::custom(format_args!("{text:?} is no {set}")))
        }
        word => Ok(word),
    }
}

impl Read for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(text(deserializer, "a text")?.map(Cow::into_owned))
    }

    fn from_part(part: &str) -> Option<Self> {
        Some(part.to_owned())
    }
}

impl Read for i64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        match plain(deserializer, "a whole number")? {
            Plain::Null => Ok(None),
            Plain::Flag(value) => Ok(Some(i64::from(value))),
            Plain::Whole(value) => Ok(Some(value)),
            Plain::Real(value) => whole(value)
                .map(Some)
                .ok_or_else(|| D::Error::custom(format_args!("{value} is not whole"))),
            Plain::Text(value) if value.trim().is_empty() => Ok(None),
            Plain::Text(value) => value
                .trim()
                .parse()
                .map(Some)
                .map_err(|_| D::Error::custom("not a whole number")),
        }
    }

    fn from_part(part: &str) -> Option<Self> {
        part.trim().parse().ok()
    }
}

impl Read for f64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        match plain(deserializer, "a number")? {
            Plain::Null => Ok(None),
            Plain::Flag(value) => Ok(Some(f64::from(u8::from(value)))),
            Plain::Whole(value) => Ok(Some(value as f64)),
            Plain::Real(value) => Ok(Some(value)),
            Plain::Text(value) if value.trim().is_empty() => Ok(None),
            Plain::Text(value) => match value.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Some(value)),
                _ => Err(D::Error::custom("not a number")),
            },
        }
    }
}

impl Read for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        match plain(deserializer, "true or false")? {
            Plain::Null => Ok(None),
            Plain::Flag(value) => Ok(Some(value)),
            Plain::Whole(0) => Ok(Some(false)),
            Plain::Whole(1) => Ok(Some(true)),
            Plain::Text(value) => flag(&value)
                .map(Some)
                .ok_or_else(|| D::Error::custom("neither true nor false")),
            Plain::Whole(_) | Plain::Real(_) => Err(D::Error::custom("neither true nor false")),
        }
    }
}

/// The flag that a text stands for.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

impl Read for Value {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Option::deserialize(deserializer)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_option(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Read> Visitor<'de> for ListVisitor<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Lenient(entry)) = entries.next_element()? {
            list.extend(entry);
        }
        Ok(Some(list))
    }
}
