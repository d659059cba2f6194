//! Bringing the rare head into the form that the accessors count on: no folded
//! lines, no carriage return inside a line, UTF-8. The only place where a
//! received message is copied.

use bytes::{BufMut, Bytes, BytesMut};

/// A copy of the message in which
/// * a line fold and the blanks around it are one space (RFC 3261 7.3.1),
/// * a carriage return that ends no line is a space, for others might see a
///   line end there,
/// * a byte that is not UTF-8 is the character it stands for in Latin-1, which
///   is what old phones send.
///
/// The body is left as it is.
pub(crate) fn tidy(message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(message.len() + 16);
    let mut at = 0;
    let mut ended = false;
    while !ended && let Some((line, next)) = line(message, at) {
        // A return before the text would be a blank there, and so a fold.
        if at > 0 && matches!(line.first(), Some(b' ' | b'\t' | b'\r')) {
            unfold(&mut out, line);
        } else {
            put_line(&mut out, line);
        }
        out.put_slice(b"\r\n");
        at = next;
        ended = line.is_empty();
    }
    let rest = message.get(at..).unwrap_or_default();
    if ended {
        out.put_slice(rest)
    } else {
        put_line(&mut out, rest)
    }
    out.freeze()
}

/// The line at `at` without its end, and where the next one begins.
fn line(message: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = message.get(at..)?;
    let len = memchr::memchr(b'\n', rest)?;
    let line = rest.get(..len)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), at + len + 1))
}

/// Adds a continuation line to the one that was just ended.
fn unfold(out: &mut BytesMut, line: &[u8]) {
    out.truncate(out.len().saturating_sub(2));
    while matches!(out.last(), Some(b' ' | b'\t')) {
        out.truncate(out.len() - 1);
    }
    out.put_u8(b' ');
    put_line(out, line.trim_ascii());
}

fn put_line(out: &mut BytesMut, line: &[u8]) {
    for chunk in line.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            out.put_u8(if byte == b'\r' { b' ' } else { byte });
        }
        for byte in chunk.invalid() {
            out.put_slice(char::from(*byte).encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}
