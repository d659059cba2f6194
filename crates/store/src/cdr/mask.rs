//! Which records of a run: all, none, or a bit for each.

/// Which records of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mask {
    /// Every one.
    All,
    /// None.
    Nothing,
    /// Those whose bit is set.
    Bits(Bits),
}

/// A bit for each record, and how many are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    count: u32,
}

impl Mask {
    /// Of the words, the first record in the lowest bit of the first. Bits
    /// behind the last record are not set.
    pub fn of(words: Vec<u64>) -> Self {
        match words.iter().map(|word| word.count_ones()).sum() {
            0 => Self::Nothing,
            count => Self::Bits(Bits { words, count }),
        }
    }

    /// How many records it has of a run of `rows`.
    pub fn count(&self, rows: usize) -> u64 {
        match self {
            Self::All => rows as u64,
            Self::Nothing => 0,
            Self::Bits(bits) => u64::from(bits.count),
        }
    }

    /// Those that both have.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::All, mask) | (mask, Self::All) => mask,
            (Self::Bits(a), Self::Bits(b)) => a.join(&b, |a, b| a & b),
        }
    }

    /// Those that one of them has.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nothing, mask) | (mask, Self::Nothing) => mask,
            (Self::Bits(a), Self::Bits(b)) => a.join(&b, |a, b| a | b),
        }
    }

    /// Whether it has the record at a place.
    #[cfg(test)]
    pub fn has(&self, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Bits(bits) => bits
                .words
                .get(at / 64)
                .is_some_and(|word| word >> (at % 64) & 1 == 1),
        }
    }

    /// The places of `take` of its records, after the first `skip`, of a run of `rows`.
    pub fn slice(&self, rows: usize, skip: u64, take: u64) -> Vec<usize> {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let take = usize::try_from(take).unwrap_or(usize::MAX);
        match self {
            Self::All => (skip..rows).take(take).collect(),
            Self::Nothing => Vec::new(),
            Self::Bits(bits) => bits.ones().skip(skip).take(take).collect(),
        }
    }

    /// The places of every `step`th of its records from the number `first` on, of
    /// a run of `rows`.
    pub fn every(&self, rows: usize, first: u64, step: u64) -> Vec<usize> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let step = usize::try_from(step.max(1)).unwrap_or(usize::MAX);
        match self {
            Self::All => (first..rows).step_by(step).collect(),
            Self::Nothing => Vec::new(),
            Self::Bits(bits) => bits.every(first, step),
        }
    }

    #[cfg(test)]
    pub fn places(&self, rows: usize) -> Vec<usize> {
        self.slice(rows, 0, u64::MAX)
    }
}

impl Bits {
    /// The places of the set bits, in order.
    pub fn ones(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).unwrap_or(0);
                (word != 0).then(|| {
                    word &= word - 1;
                    at * 64 + bit
                })
            })
        })
    }

    /// See [`Mask::every`]: whole words are passed over by their numbers of bits.
    fn every(&self, first: usize, step: usize) -> Vec<usize> {
        let mut places = Vec::new();
        // The number of the next one, counted from the word's first.
        let mut next = first;
        for (at, word) in self.words.iter().enumerate() {
            let count = word.count_ones() as usize;
            let (mut rest, mut passed) = (*word, 0);
            while next < count {
                for _ in passed..next {
                    rest &= rest - 1;
                }
                passed = next;
                places.push(at * 64 + rest.trailing_zeros() as usize);
                next = next.saturating_add(step);
            }
            next -= count;
        }
        places
    }

    /// Those that are to be kept.
    pub fn keep(&self, kept: impl Fn(usize) -> bool) -> Mask {
        let mut words = vec![0_u64; self.words.len()];
        for at in self.ones().filter(|at| kept(*at)) {
            if let Some(word) = words.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        Mask::of(words)
    }

    fn join(mut self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Mask {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a = f(*a, *b);
        }
        Mask::of(self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_join_as_sets_do() {
        let set = |places: &[usize]| {
            let mut words = vec![0; 3];
            for at in places {
                words[at / 64] |= 1 << (at % 64);
            }
            Mask::of(words)
        };
        let (a, b) = (set(&[0, 63, 64, 130]), set(&[63, 130, 131]));
        assert_eq!(a.clone().and(b.clone()), set(&[63, 130]));
        assert_eq!(a.clone().or(b), set(&[0, 63, 64, 130, 131]));
        assert_eq!(a.clone().and(set(&[1])), Mask::Nothing);
        assert_eq!(a.clone().or(Mask::Nothing), a);
        assert_eq!(a.clone().and(Mask::All), a);
        assert_eq!(a.slice(192, 1, 2), [63, 64]);
        assert_eq!(Mask::All.slice(5, 3, 9), [3, 4]);
        assert_eq!(Mask::All.every(9, 1, 3), [1, 4, 7]);
        assert_eq!(a.every(192, 1, 2), [63, 130]);
        assert_eq!(a.every(192, 0, 1), a.places(192));
        assert_eq!(a.every(192, 3, 9), [130]);
        assert!(a.every(192, 4, 1).is_empty());
        assert_eq!((a.count(192), Mask::All.count(192)), (4, 192));
        assert!(a.has(64) && !a.has(65));
    }
}
