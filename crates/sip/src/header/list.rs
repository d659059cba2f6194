//! Splitting a header field's value at the commas that separate list members.

/// The members of a comma separated list: commas inside quoted strings and
/// angle brackets do not separate, and members that are empty are left out.
#[derive(Debug, Clone)]
pub(crate) struct ListValues<'a> {
    rest: Option<&'a str>,
}

impl<'a> ListValues<'a> {
    pub(crate) fn new(list: &'a str) -> Self {
        ListValues { rest: Some(list) }
    }
}

impl<'a> Iterator for ListValues<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let rest = self.rest?;
            let member = match separator(rest) {
                Some(at) => {
                    self.rest = rest.get(at + 1..);
                    rest.get(..at).unwrap_or_default()
                }
                None => {
                    self.rest = None;
                    rest
                }
            };
            let member = member.trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
    }
}

/// The place of the first comma that separates.
pub(crate) fn separator(list: &str) -> Option<usize> {
    let bytes = list.as_bytes();
    // Most lists have one member: find that out at memchr's speed.
    memchr::memchr(b',', bytes)?;
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return Some(at),
            _ => {}
        }
    }
    None
}
