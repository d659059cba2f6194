//! What every object on the wire has in common, and the macro that writes one.
//!
//! `object!` takes what looks like a struct and makes all members `Option`: a
//! missing member and `null` are both `None`, unknown members are skipped, `None`
//! is left out when written. The impls are written by hand instead of derived,
//! since there are about a thousand such types and this compiles several times
//! faster. No rule on values lives here: see `validate`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use crate::read::Lenient;

/// An object of the contract: named members, each of which may be absent.
pub trait Object: Default {
    /// The type's name in code.
    const NAME: &'static str;

    /// Takes the value of `member` from `map`; `false` when there is no such
    /// member, and then the value is still to be taken.
    fn take<'de, A: MapAccess<'de>>(&mut self, member: &str, map: &mut A)
    -> Result<bool, A::Error>;

    /// Writes the members that are there, in the contract's order.
    fn put<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

pub(crate) fn take<'de, A, T>(slot: &mut Option<T>, map: &mut A) -> Result<bool, A::Error>
where
    A: MapAccess<'de>,
    T: crate::Read,
{
    *slot = map.next_value::<Lenient<T>>()?.0;
    Ok(true)
}

pub(crate) fn put<M, T>(map: &mut M, member: &str, value: &Option<T>) -> Result<(), M::Error>
where
    M: SerializeMap,
    T: serde::Serialize,
{
    match value {
        Some(value) => map.serialize_entry(member, value),
        None => Ok(()),
    }
}

pub(crate) fn put_nullable<M, T>(
    map: &mut M,
    member: &str,
    value: &Option<T>,
) -> Result<(), M::Error>
where
    M: SerializeMap,
    T: serde::Serialize,
{
    map.serialize_entry(member, value)
}

pub(crate) fn serialize<T: Object, S: Serializer>(
    object: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    object.put(&mut map)?;
    map.end()
}

pub(crate) fn deserialize<'de, T: Object, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some(member) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if !object.take(&member, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(object)
    }
}

/// Writes an object type: `member as "its name on the wire": Type`.
macro_rules! object {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$said:meta])* $member:ident $(as $wire:literal)?: $kind:ty $(= $how:ident)?,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$said])* pub $member: Option<$kind>,)*
        }

        impl $crate::Object for $name {
            const NAME: &'static str = stringify!($name);

            #[allow(unused_variables)]
            fn take<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                member: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match member {
                    $(object!(@wire $member $($wire)?) => $crate::object::take(&mut self.$member, map),)*
                    _ => Ok(false),
                }
            }

            #[allow(unused_variables)]
            fn put<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(object!(@put map, object!(@wire $member $($wire)?), &self.$member $(, $how)?)?;)*
                Ok(())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::object::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::object::deserialize(deserializer)
            }
        }

        impl $crate::Read for $name {
            fn read<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<Self>, D::Error> {
                serde::Deserialize::deserialize(deserializer)
            }
        }
    };
    (@wire $member:ident) => { stringify!($member) };
    (@wire $member:ident $wire:literal) => { $wire };
    (@put $map:ident, $wire:expr, $value:expr) => { $crate::object::put($map, $wire, $value) };
    (@put $map:ident, $wire:expr, $value:expr, nullable) => {
        $crate::object::put_nullable($map, $wire, $value)
    };
}
