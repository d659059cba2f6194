//! The `name=value` lists of challenges and credentials.

use std::borrow::Cow;

use crate::header::{HeaderError, is_token, quoted_end, unquote};

/// The most parameters that are read.
const MAX_PARAMS: usize = 32;

/// The parameters behind the scheme `Digest`; values without quotes and
/// escapes. Another scheme is not supported; a parameter that stands there
/// twice, in which two readers could see different things, is refused.
pub(super) fn parse(value: &str) -> Result<Vec<(&str, Cow<'_, str>)>, HeaderError> {
    let value = value.trim_ascii();
    let (scheme, mut rest) = value.split_once([' ', '\t']).ok_or(HeaderError::Syntax)?;
    if !scheme.eq_ignore_ascii_case("Digest") {
        return Err(HeaderError::Unsupported);
    }
    let mut params: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(12);
    loop {
        rest = rest.trim_ascii_start();
        let (name, behind) = rest.split_once('=').ok_or(HeaderError::Syntax)?;
        let (name, behind) = (name.trim_ascii(), behind.trim_ascii_start());
        let quoted = quoted_end(behind);
        let end = match quoted {
            Some(end) => end,
            None => behind.find(',').unwrap_or(behind.len()),
        };
        let (text, after) = behind.split_at_checked(end).ok_or(HeaderError::Syntax)?;
        let text = text.trim_ascii();
        if !is_token(name) || (quoted.is_none() && text.contains(['"', ' ', '\t'])) {
            return Err(HeaderError::Syntax);
        }
        let known = params
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name));
        if known || params.len() == MAX_PARAMS {
            return Err(HeaderError::Syntax);
        }
        params.push((name, unquote(text)));
        let after = after.trim_ascii();
        if after.is_empty() {
            return Ok(params);
        }
        rest = after.strip_prefix(',').ok_or(HeaderError::Syntax)?;
    }
}

/// Takes the value of a parameter out of the list.
pub(super) fn take(params: &mut [(&str, Cow<'_, str>)], name: &str) -> Option<String> {
    let (_, value) = params
        .iter_mut()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    Some(std::mem::take(value).into_owned())
}
