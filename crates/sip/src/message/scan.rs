//! Finding where things stand in a message: one pass over the head, offsets
//! only. What the values mean is for others; nothing is copied here, except
//! where the head has to be tidied up first (see `tidy`).

use bytes::{Buf, Bytes};
use smallvec::SmallVec;

use super::error::ParseErrorKind;
use super::tidy::tidy;
use crate::header::{NameId, TOKEN};

/// The largest message: more than a UDP datagram can carry, and places in it
/// fit into 16 bits.
pub const MAX_MESSAGE: usize = 64 * 1024 - 1;

/// The most header fields (lines) a message may have.
pub const MAX_FIELDS: usize = 256;

/// How many fields the usual message has at most.
const USUAL_FIELDS: usize = 28;

/// A piece of the message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) at: u16,
    pub(crate) len: u16,
}

impl Span {
    fn new(from: usize, to: usize) -> Self {
        // Lossless: nothing longer than MAX_MESSAGE is scanned.
        Span {
            at: from as u16,
            len: to.saturating_sub(from) as u16,
        }
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        let at = usize::from(self.at);
        at..at + usize::from(self.len)
    }
}

/// A header field line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) id: NameId,
    name_len: u8,
    pub(crate) line: u16,
    pub(crate) value: Span,
}

impl Field {
    /// The name as it stands.
    pub(crate) fn name(self) -> Span {
        Span {
            at: self.line,
            len: self.name_len.into(),
        }
    }
}

/// The longest name of a header field; a longer one is passed over.
const MAX_NAME: usize = u8::MAX as usize;

/// How many names the layout finds without a search: those of the least rank,
/// which are the ones that every message has.
const RANKED: usize = 8;

/// The first line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StartLine {
    Request { method: Span, uri: Span },
    Response { status: u16, reason: Span },
}

/// Where everything stands.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) start: StartLine,
    pub(crate) fields: SmallVec<[Field; USUAL_FIELDS]>,
    /// For the first names by rank, one more than the place of the first field
    /// of that name.
    first: [u16; RANKED],
    /// A name that is there twice though it must not.
    pub(crate) repeated: Option<NameId>,
    /// Where the body begins.
    pub(crate) body: u16,
}

impl Layout {
    /// The first field of that name; not for `NameId::OTHER`.
    pub(crate) fn first(&self, id: NameId) -> Option<&Field> {
        match self.first.get(id.rank()) {
            Some(place) => self.fields.get(usize::from(*place).checked_sub(1)?),
            None => self.fields.iter().find(|f| f.id == id),
        }
    }
}

/// A message that was read to its end, with what was wrong on the way.
pub(crate) struct Scanned {
    pub(crate) bytes: Bytes,
    pub(crate) layout: Layout,
    pub(crate) fault: Option<ParseErrorKind>,
}

/// Reads the head of a message. Line ends before it are skipped (RFC 3261 7.5).
/// An error is a datagram in which not even a SIP start line can be seen; a
/// fault in what follows is noted beside the layout.
pub(crate) fn scan(mut bytes: Bytes) -> Result<Scanned, ParseErrorKind> {
    let blank = bytes
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    bytes.advance(blank);
    if bytes.is_empty() {
        return Err(ParseErrorKind::KeepAlive);
    }
    if bytes.len() > MAX_MESSAGE {
        return Err(ParseErrorKind::TooLarge);
    }
    let mut pass = Pass::run(&bytes)?;
    if pass.untidy || !is_tidy(&bytes, &pass) {
        bytes = tidy(&bytes);
        if bytes.len() > MAX_MESSAGE {
            return Err(ParseErrorKind::TooLarge);
        }
        pass = Pass::run(&bytes)?;
    }
    Ok(Scanned {
        bytes,
        layout: pass.layout,
        fault: pass.fault,
    })
}

/// Whether the head is UTF-8 and has no carriage return but in line ends.
fn is_tidy(bytes: &[u8], pass: &Pass) -> bool {
    let head = bytes.get(..usize::from(pass.layout.body)).unwrap_or(bytes);
    (head.is_ascii() || std::str::from_utf8(head).is_ok())
        && memchr::memchr_iter(b'\r', head).count() == pass.returns
}

struct Pass {
    layout: Layout,
    fault: Option<ParseErrorKind>,
    /// There are folded lines.
    untidy: bool,
    /// How many lines ended in CR LF.
    returns: usize,
}

impl Pass {
    fn run(bytes: &[u8]) -> Result<Pass, ParseErrorKind> {
        let line = Line::at(bytes, 0);
        let (start, fault) = start_line(bytes.get(..line.end).unwrap_or_default())?;
        let layout = Layout {
            start,
            fields: SmallVec::new(),
            first: [0; RANKED],
            repeated: None,
            body: 0,
        };
        let mut pass = Pass {
            layout,
            fault,
            untidy: false,
            returns: usize::from(line.has_return),
        };
        pass.fields(bytes, line.next);
        Ok(pass)
    }

    fn fields(&mut self, bytes: &[u8], mut at: usize) {
        loop {
            let line = Line::at(bytes, at);
            self.returns += usize::from(line.has_return);
            match bytes.get(at..line.end) {
                Some(text) if !text.is_empty() => {
                    self.untidy |= matches!(text.first(), Some(b' ' | b'\t'));
                    self.field(text, at);
                }
                _ => {
                    at = line.next;
                    if !line.ended {
                        self.note(ParseErrorKind::NoEnd);
                    }
                    break;
                }
            }
            at = line.next;
        }
        self.layout.body = at as u16;
    }

    /// Notes a field. A line that is none is skipped (RFC 3261 8.2.2: what is
    /// malformed and not needed is ignored).
    fn field(&mut self, line: &[u8], at: usize) {
        let Some(colon) = memchr::memchr(b':', line) else {
            return;
        };
        let Some((name, value)) = line.split_at_checked(colon) else {
            return;
        };
        let name = name.trim_ascii_end();
        let id = NameId::lookup(name);
        let is_name = id != NameId::OTHER || !name.is_empty() && TOKEN.covers(name);
        if !is_name || name.len() > MAX_NAME {
            return;
        }
        let count = self.layout.fields.len();
        if count == MAX_FIELDS {
            return self.note(ParseErrorKind::TooManyFields);
        }
        if let Some(first) = self.layout.first.get_mut(id.rank()) {
            if *first == 0 {
                *first = count as u16 + 1;
            } else if id.is_single() {
                self.layout.repeated.get_or_insert(id);
            }
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii_start();
        let from = at + line.len() - value.len();
        let value = Span::new(from, from + value.trim_ascii_end().len());
        self.layout.fields.push(Field {
            id,
            name_len: name.len() as u8,
            line: at as u16,
            value,
        });
    }

    fn note(&mut self, fault: ParseErrorKind) {
        self.fault.get_or_insert(fault);
    }
}

/// A line of the head.
struct Line {
    /// Where its text ends.
    end: usize,
    /// Where the next one begins.
    next: usize,
    /// Whether it has a line end at all, and whether that has a CR.
    ended: bool,
    has_return: bool,
}

impl Line {
    fn at(bytes: &[u8], at: usize) -> Line {
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(len) => {
                let has_return = rest.get(..len).is_some_and(|l| l.ends_with(b"\r"));
                let end = at + len - usize::from(has_return);
                Line {
                    end,
                    next: at + len + 1,
                    ended: true,
                    has_return,
                }
            }
            None => Line {
                end: bytes.len(),
                next: bytes.len(),
                ended: false,
                has_return: false,
            },
        }
    }
}

type Start = (StartLine, Option<ParseErrorKind>);

fn start_line(line: &[u8]) -> Result<Start, ParseErrorKind> {
    match line.get(..4) {
        Some(protocol) if protocol.eq_ignore_ascii_case(b"SIP/") => status_line(line),
        _ => request_line(line),
    }
}

fn status_line(line: &[u8]) -> Result<Start, ParseErrorKind> {
    let (version, rest) = cut(line, b' ').ok_or(ParseErrorKind::NotSip)?;
    let code = rest.get(..3).ok_or(ParseErrorKind::NotSip)?;
    let mut status = 0;
    for digit in code {
        if !digit.is_ascii_digit() {
            return Err(ParseErrorKind::NotSip);
        }
        status = status * 10 + u16::from(digit - b'0');
    }
    let fault = match rest.get(3) {
        _ if !version.eq_ignore_ascii_case(b"SIP/2.0") => Some(ParseErrorKind::Version),
        Some(b'0'..=b'9') => Some(ParseErrorKind::Status),
        Some(byte) if *byte != b' ' => Some(ParseErrorKind::StartLine),
        _ if !(100..=699).contains(&status) => Some(ParseErrorKind::Status),
        _ => None,
    };
    let reason = Span::new((version.len() + 5).min(line.len()), line.len());
    Ok((StartLine::Response { status, reason }, fault))
}

fn request_line(line: &[u8]) -> Result<Start, ParseErrorKind> {
    let (method, rest) = cut(line, b' ').ok_or(ParseErrorKind::NotSip)?;
    let text = rest.trim_ascii();
    let space = memchr::memrchr2(b' ', b'\t', text).ok_or(ParseErrorKind::NotSip)?;
    let (uri, version) = text.split_at_checked(space).ok_or(ParseErrorKind::NotSip)?;
    let version = version.trim_ascii();
    let is_sip = version
        .get(..4)
        .is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/"));
    if !is_sip || method.is_empty() || !TOKEN.covers(method) {
        return Err(ParseErrorKind::NotSip);
    }
    // Exactly one space each, and no blank in the URI: what then fits together
    // is the whole line.
    let fault = if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        Some(ParseErrorKind::Version)
    } else if text.len() != rest.len()
        || memchr::memchr2(b' ', b'\t', uri).is_some()
        || uri.is_empty()
    {
        Some(ParseErrorKind::StartLine)
    } else {
        None
    };
    let from = method.len() + 1;
    let uri = Span::new(from, from + uri.len());
    Ok((
        StartLine::Request {
            method: Span::new(0, method.len()),
            uri,
        },
        fault,
    ))
}

fn cut(line: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (before, rest) = line.split_at_checked(memchr::memchr(at, line)?)?;
    Some((before, rest.get(1..)?))
}
