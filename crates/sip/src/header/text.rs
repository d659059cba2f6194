//! Tokens and quoted strings (RFC 3261 25.1).

use std::borrow::Cow;

use super::bytes::ByteSet;

/// What may stand in a `token`.
pub(crate) static TOKEN: ByteSet = ByteSet::none().with_alphanumeric().with(b"-.!%*_+`'~");

pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && TOKEN.covers(text.as_bytes())
}

/// Where the quoted string that `text` starts with ends: the index after its
/// closing quote. None where it does not start with a quote or never closes.
pub(crate) fn quoted_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        let rest = bytes.get(at..)?;
        at += memchr::memchr2(b'"', b'\\', rest)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Like `str::split_once`, at memchr's speed.
pub(crate) fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let (before, rest) = text.split_at_checked(memchr::memchr(at, text.as_bytes())?)?;
    Some((before, rest.get(1..)?))
}

/// The content of a quoted string with its escapes resolved; any other text as
/// it stands.
pub fn unquote(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(inner) => unescape(inner),
        None => Cow::Borrowed(text),
    }
}

/// Resolves the quoted pairs of a quoted string's content.
pub(crate) fn unescape(inner: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `content` as a quoted string, with what must be escaped escaped. Line breaks,
/// which no quoted string can hold, become spaces.
pub fn quote(content: &str) -> String {
    let mut out = String::with_capacity(content.len() + 2);
    out.push('"');
    for c in content.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\r' | '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
