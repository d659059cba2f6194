//! Sets of bytes as tables, for the loops that look at every byte.

/// A set of bytes, made at compile time.
pub(crate) struct ByteSet([bool; 256]);

#[allow(clippy::indexing_slicing)] // By a byte into 256 places, or run by the compiler.
impl ByteSet {
    pub(crate) const fn none() -> Self {
        ByteSet([false; 256])
    }

    /// The set and these bytes.
    pub(crate) const fn with(mut self, bytes: &[u8]) -> Self {
        let mut at = 0;
        while at < bytes.len() {
            self.0[bytes[at] as usize] = true;
            at += 1;
        }
        self
    }

    /// The set without these bytes.
    pub(crate) const fn without(mut self, bytes: &[u8]) -> Self {
        let mut at = 0;
        while at < bytes.len() {
            self.0[bytes[at] as usize] = false;
            at += 1;
        }
        self
    }

    /// The set and all from `first` to `last`.
    pub(crate) const fn with_range(mut self, first: u8, last: u8) -> Self {
        let mut at = first as usize;
        while at <= last as usize {
            self.0[at] = true;
            at += 1;
        }
        self
    }

    /// The set and ASCII's letters and digits.
    pub(crate) const fn with_alphanumeric(self) -> Self {
        self.with_range(b'a', b'z')
            .with_range(b'A', b'Z')
            .with_range(b'0', b'9')
    }

    pub(crate) const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }

    /// How many bytes at the beginning of `text` are in the set.
    pub(crate) fn span(&self, text: &[u8]) -> usize {
        text.iter()
            .position(|b| !self.has(*b))
            .unwrap_or(text.len())
    }

    /// Whether all are in the set.
    pub(crate) fn covers(&self, text: &[u8]) -> bool {
        // Without a way out in the middle: nearly always all are.
        text.iter().fold(true, |all, b| all & self.has(*b))
    }
}
