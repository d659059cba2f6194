//! Names that nobody else can guess, made from the seed: branches, tags,
//! Call-IDs, and the digests by which messages of others are found again. No
//! randomness here: the same seed and the same order of calls give the same
//! names.

use std::fmt;

use sha2::{Digest, Sha256};

/// What every branch begins with (RFC 3261 8.1.1.7).
const MAGIC_COOKIE: &str = "z9hG4bK";

/// A tag or a Call-ID's part, in hexadecimal on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Tag(u64);

impl Tag {
    /// Reads a tag that we may have made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_hex(text, 16)
            .then(|| u64::from_str_radix(text, 16).ok())
            .flatten()
            .map(Self)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A branch of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Branch(u128);

impl Branch {
    /// Reads a branch that we may have made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(MAGIC_COOKIE)?;
        is_hex(hex, 32)
            .then(|| u128::from_str_radix(hex, 16).ok())
            .flatten()
            .map(Self)
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MAGIC_COOKIE}{:032x}", self.0)
    }
}

/// Digits only: a sign, which the number's parser would take, makes another name.
fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A message's parts, folded to a number under the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u128);

impl Fingerprint {
    /// A tag that the same message always gets (RFC 3261 8.2.7).
    pub(crate) fn tag(self) -> Tag {
        Tag((self.0 >> 64) as u64)
    }
}

/// Makes names.
pub(crate) struct Identities {
    /// The hash with the seed already in it.
    keyed: Sha256,
    counter: u64,
}

/// What a hash is for, so that no two uses can meet.
#[derive(Clone, Copy)]
enum Use {
    Branch = 1,
    Tag = 2,
    CallId = 3,
    Spread = 4,
    Cnonce = 5,
    Fingerprint = 6,
}

impl Identities {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let mut keyed = Sha256::new();
        keyed.update(seed);
        // Fills the first block, which is then hashed once for all.
        keyed.update([0; 32]);
        Self { keyed, counter: 0 }
    }

    pub(crate) fn branch(&mut self) -> Branch {
        Branch(self.next(Use::Branch))
    }

    pub(crate) fn tag(&mut self) -> Tag {
        Tag(self.next(Use::Tag) as u64)
    }

    pub(crate) fn call_id(&mut self) -> Box<str> {
        format!("{:032x}", self.next(Use::CallId)).into()
    }

    pub(crate) fn cnonce(&mut self) -> String {
        format!("{:032x}", self.next(Use::Cnonce))
    }

    /// A number below `bound`, spread evenly enough for a retry time.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next(Use::Spread) as u64)
            .checked_rem(bound)
            .unwrap_or(0)
    }

    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> Fingerprint {
        let mut hash = self.keyed.clone();
        hash.update([Use::Fingerprint as u8]);
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Fingerprint(fold(hash))
    }

    fn next(&mut self, purpose: Use) -> u128 {
        self.counter = self.counter.wrapping_add(1);
        let mut hash = self.keyed.clone();
        hash.update([purpose as u8]);
        hash.update(self.counter.to_le_bytes());
        fold(hash)
    }
}

fn fold(hash: Sha256) -> u128 {
    hash.finalize()
        .iter()
        .take(16)
        .fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_seed_and_are_read_back() {
        let (mut a, mut b) = (Identities::new(&[1; 32]), Identities::new(&[1; 32]));
        let mut other = Identities::new(&[2; 32]);
        let branch = a.branch();
        assert_eq!(branch, b.branch());
        assert_ne!(branch, other.branch());
        assert_ne!(branch, a.branch());
        assert_eq!(Branch::parse(&branch.to_string()), Some(branch));
        let tag = a.tag();
        assert_eq!(Tag::parse(&tag.to_string()), Some(tag));
        assert_eq!(Tag::parse("+123456789012345"), None);
    }
}
