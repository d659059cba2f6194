//! Noting in the top Via where a request really came from (RFC 3261 18.2.1,
//! RFC 3581 4), so that its responses find the way back.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use super::scan::{Layout, MAX_MESSAGE, Span};
use super::{HeaderName, Message};
use crate::header::Via;

impl Message {
    /// The message with `received` in its top Via where that is due, and with
    /// `rport` filled in where the sender asked for it. What the sender may
    /// have written there itself is replaced. A message whose Via cannot be
    /// read, and one that needs nothing, comes back as it is.
    pub fn with_top_via_received(&self, source: SocketAddr) -> Message {
        let Some(value) = self.values(HeaderName::Via).next() else {
            return self.clone();
        };
        let Ok(via) = Via::parse(value) else {
            return self.clone();
        };
        let rport = via.rport().is_some();
        let differs = via.host_ip().map(|ip| ip.to_canonical()) != Some(source.ip().to_canonical());
        if !rport && !differs && via.received().is_none() {
            return self.clone();
        }
        let mut new = value
            .strip_suffix(via.params.as_str())
            .unwrap_or(value)
            .trim_ascii_end()
            .to_owned();
        for param in via.params.iter() {
            if param.name.eq_ignore_ascii_case("received")
                || param.name.eq_ignore_ascii_case("rport")
            {
                continue;
            }
            new.extend([";", param.name]);
            new.extend(param.value.into_iter().flat_map(|v| ["=", v]));
        }
        // Writing to a String cannot fail.
        if rport || differs {
            let _ = write!(new, ";received={}", source.ip().to_canonical());
        }
        if rport {
            let _ = write!(new, ";rport={}", source.port());
        }
        self.with_first_via(value.len(), &new)
    }

    /// Puts `new` where the first `len` bytes of the first Via field are, and
    /// moves what stands behind.
    fn with_first_via(&self, len: usize, new: &str) -> Message {
        let Some(field) = self.layout.first(HeaderName::Via.id()) else {
            return self.clone();
        };
        // The value may have commas before its first member.
        let line = self.text(field.value);
        let from = field.value.range().start
            + line
                .bytes()
                .take_while(|b| matches!(b, b',' | b' ' | b'\t'))
                .count();
        let (Some(before), Some(after)) = (self.bytes.get(..from), self.bytes.get(from + len..))
        else {
            return self.clone();
        };
        let mut bytes = BytesMut::with_capacity(before.len() + new.len() + after.len());
        bytes.put_slice(before);
        bytes.put_slice(new.as_bytes());
        bytes.put_slice(after);

        if bytes.len() > MAX_MESSAGE {
            return self.clone();
        }
        let mut layout = Layout::clone(&self.layout);
        let place = Splice {
            from: from as u16,
            old: len as u16,
            new: new.len() as u16,
        };
        for field in &mut layout.fields {
            field.line = place
                .moved(Span {
                    at: field.line,
                    len: 0,
                })
                .at;
            field.value = place.moved(field.value);
        }
        layout.body = place
            .moved(Span {
                at: layout.body,
                len: 0,
            })
            .at;
        Message {
            bytes: bytes.freeze(),
            layout: Arc::new(layout),
        }
    }
}

/// A piece of text in the header fields that takes the place of another.
struct Splice {
    from: u16,
    old: u16,
    new: u16,
}

impl Splice {
    fn moved(&self, span: Span) -> Span {
        let Span { at, len } = span;
        if at > self.from {
            Span {
                at: at - self.old + self.new,
                len,
            }
        } else if at + len > self.from {
            Span {
                at,
                len: len - self.old + self.new,
            }
        } else {
            span
        }
    }
}
