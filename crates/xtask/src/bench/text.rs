//! SIP text, as little of it as a load generator needs: one datagram in, its
//! lines looked up; requests and responses out. Not a SIP stack, and on
//! purpose not crate `sip`.

/// A received message; everything borrows from the datagram.
#[derive(Debug)]
pub struct Incoming<'a> {
    start: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    /// What follows the blank line.
    pub body: &'a str,
}

impl<'a> Incoming<'a> {
    /// Splits a datagram; `None` for anything that isn't a SIP message.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?;
        if !start.contains("SIP/2.0") {
            return None;
        }
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim(), value.trim()))
            .collect();
        Some(Self {
            start,
            headers,
            body,
        })
    }

    /// A response's status.
    pub fn status(&self) -> Option<u16> {
        let rest = self.start.strip_prefix("SIP/2.0 ")?;
        rest.get(..3)?.parse().ok()
    }

    /// A request's method.
    pub fn method(&self) -> Option<&'a str> {
        match self.start.split_once(' ') {
            Some((method, _)) if method != "SIP/2.0" => Some(method),
            _ => None,
        }
    }

    /// A request's Request-URI.
    #[cfg(test)]
    pub fn uri(&self) -> Option<&'a str> {
        self.method()?;
        self.start.split(' ').nth(1)
    }

    /// All values of a header, by its long name.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        let compact = compact(name);
        self.headers
            .iter()
            .filter(move |(have, _)| {
                have.eq_ignore_ascii_case(name)
                    || compact.is_some_and(|c| have.eq_ignore_ascii_case(c))
            })
            .map(|(_, value)| *value)
    }

    /// A header's first value.
    pub fn one(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// `Call-ID`.
    pub fn call_id(&self) -> &'a str {
        self.one("Call-ID").unwrap_or("")
    }

    /// Number and method of `CSeq`.
    pub fn cseq(&self) -> (u32, &'a str) {
        let value = self.one("CSeq").unwrap_or("");
        let (number, method) = value.split_once(' ').unwrap_or((value, ""));
        (number.parse().unwrap_or(0), method.trim())
    }

    /// The URI of `Contact`: what requests within the dialog are sent to.
    pub fn contact(&self) -> Option<&'a str> {
        uri_of(self.one("Contact")?)
    }

    /// A response to this request.
    pub fn respond(&self, status: &str, to_tag: &str, more: &str, body: &str) -> Vec<u8> {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "Record-Route", "From"] {
            for value in self.all(name) {
                push(&mut text, name, value);
            }
        }
        let to = self.one("To").unwrap_or("");
        if to.contains(";tag=") || to_tag.is_empty() {
            push(&mut text, "To", to);
        } else {
            push(&mut text, "To", &format!("{to};tag={to_tag}"));
        }
        for name in ["Call-ID", "CSeq"] {
            push(&mut text, name, self.one(name).unwrap_or(""));
        }
        text.push_str(more);
        close(text, body)
    }
}

/// The URI within a name-addr or addr-spec.
pub fn uri_of(value: &str) -> Option<&str> {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next(),
        None => value.split(';').next().map(str::trim),
    }
}

/// The user part of a sip: URI.
#[cfg(test)]
pub fn user_of(uri: &str) -> Option<&str> {
    let rest = uri.split_once(':')?.1;
    rest.split_once('@').map(|(user, _)| user)
}

/// One header line.
pub fn push(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push_str("\r\n");
}

/// Ends the header with what the body needs, and adds the body.
pub fn close(mut text: String, body: &str) -> Vec<u8> {
    if !body.is_empty() {
        push(&mut text, "Content-Type", "application/sdp");
    }
    push(&mut text, "Content-Length", &body.len().to_string());
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

fn compact(name: &str) -> Option<&'static str> {
    Some(match name {
        "Via" => "v",
        "From" => "f",
        "To" => "t",
        "Call-ID" => "i",
        "Contact" => "m",
        "Content-Length" => "l",
        "Content-Type" => "c",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_copies_what_rfc_3261_8_2_6_names_and_adds_the_tag_once() {
        let request =
            b"INVITE sip:2000@127.0.0.1:4 SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
            Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\nf: <sip:1@x>;tag=9\r\nTo: <sip:2@x>\r\n\
            i: abc\r\nCSeq: 7 INVITE\r\nm: \"A\" <sip:me@127.0.0.1:5;x=y>;q=1\r\n\r\nbody";
        let message = Incoming::parse(request).unwrap();
        assert_eq!(message.method(), Some("INVITE"));
        assert_eq!(message.uri().and_then(user_of), Some("2000"));
        assert_eq!(message.contact(), Some("sip:me@127.0.0.1:5;x=y"));
        assert_eq!(message.cseq(), (7, "INVITE"));
        assert_eq!(message.body, "body");
        let answer = message.respond("180 Ringing", "t1", "", "");
        let parsed = Incoming::parse(&answer).unwrap();
        assert_eq!(parsed.status(), Some(180));
        assert_eq!(parsed.all("Via").count(), 2);
        assert_eq!(parsed.one("To"), Some("<sip:2@x>;tag=t1"));
        assert_eq!(parsed.call_id(), "abc");
    }
}
