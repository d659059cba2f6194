//! Lists that the wire carries as one text, its parts joined by a sign.

use std::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::read::{Lenient, Read};

/// Several values in one text, joined by `SIGN`: `"1,2,3"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined<const SIGN: char, T = String>(pub Vec<T>);

impl<const SIGN: char, T: Read> Joined<SIGN, T> {
    /// Splits a text; blanks around a part and empty parts are left out.
    pub fn split(text: &str) -> Option<Self> {
        text.split(SIGN)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(T::from_part)
            .collect::<Option<Vec<T>>>()
            .map(Self)
    }
}

impl<const SIGN: char, T: fmt::Display> fmt::Display for Joined<SIGN, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            if place > 0 {
                write!(formatter, "{SIGN}")?;
            }
            write!(formatter, "{part}")?;
        }
        Ok(())
    }
}

impl<const SIGN: char, T> FromIterator<T> for Joined<SIGN, T> {
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}

impl<const SIGN: char, T: fmt::Display> Serialize for Joined<SIGN, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<const SIGN: char, T: Read> Read for Joined<SIGN, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_any(JoinedVisitor(std::marker::PhantomData))
    }
}

struct JoinedVisitor<const SIGN: char, T>(std::marker::PhantomData<T>);

impl<'de, const SIGN: char, T: Read> Visitor<'de> for JoinedVisitor<SIGN, T> {
    type Value = Option<Joined<SIGN, T>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "values joined by {SIGN:?}")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Joined::split(text)
            .map(Some)
            .ok_or_else(|| E::custom("a part is not in the set"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Lenient(entry)) = entries.next_element()? {
            list.extend(entry);
        }
        Ok(Some(Joined(list)))
    }
}
