//! The `;name=value` parameters that follow many header values.

use std::borrow::Cow;

use super::HeaderError;
use super::bytes::ByteSet;
use super::text::{TOKEN, quoted_end, unquote};

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as it stands; names compare without regard to case.
    pub name: &'a str,
    /// The value as it stands, quotes and escapes included; None for a
    /// parameter that is only a name.
    pub value: Option<&'a str>,
}

impl<'a> Param<'a> {
    /// The value with quotes and escapes resolved; empty where there is none.
    pub fn unquoted(&self) -> Cow<'a, str> {
        self.value.map_or(Cow::Borrowed(""), unquote)
    }
}

/// The parameters of a value, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a> {
    /// Empty, or begins with a semicolon.
    text: &'a str,
}

impl<'a> Params<'a> {
    /// Takes the text after a value, and makes sure that it is nothing but
    /// parameters.
    pub fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let text = text.trim_ascii();
        let mut rest = text;
        while !rest.is_empty() {
            (_, rest) = next_param(rest).ok_or(HeaderError::Syntax)?;
        }
        Ok(Params { text })
    }

    /// All parameters.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            let (param, after) = next_param(rest)?;
            rest = after;
            Some(param)
        })
    }

    /// The first parameter of that name.
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        self.iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// The value of the parameter of that name as it stands: empty for one that
    /// is only a name, None where there is no such parameter.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.find(name).map(|p| p.value.unwrap_or_default())
    }

    /// The parameters as they stand, the leading semicolon included.
    pub fn as_str(&self) -> &'a str {
        self.text
    }
}

/// The parameter that `text`, which begins with a semicolon, starts with, and
/// what follows it.
fn next_param(text: &str) -> Option<(Param<'_>, &str)> {
    let text = text.strip_prefix(';')?.trim_ascii_start();
    let (name, rest) = text.split_at_checked(TOKEN.span(text.as_bytes()))?;
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let Some(rest) = rest.strip_prefix('=') else {
        let ends = rest.is_empty() || rest.starts_with(';');
        return ends.then_some((Param { name, value: None }, rest));
    };
    let rest = rest.trim_ascii_start();
    let quoted = quoted_end(rest);
    let end = match quoted {
        Some(end) => end,
        None => memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len()),
    };
    let (value, rest) = rest.split_at_checked(end)?;
    let (value, rest) = (value.trim_ascii_end(), rest.trim_ascii_start());
    if quoted.is_none() && !PLAIN_VALUE.covers(value.as_bytes()) {
        return None;
    }
    if !(rest.is_empty() || rest.starts_with(';')) {
        return None;
    }
    Some((
        Param {
            name,
            value: Some(value),
        },
        rest,
    ))
}

/// A token or a host, and a little more: what is seen in the field without its
/// quotes, such as an URN or a date, but nothing that could end the value. Some
/// phones send nothing at all behind the equals sign.
static PLAIN_VALUE: ByteSet = ByteSet::none()
    .with_range(b'!', 0xFF)
    .without(b"\";,<>\x7F");
