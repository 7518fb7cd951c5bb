//! Noticing that `SCAN` named a key twice, in bounded memory.
//!
//! Up to a limit every name's hash is remembered and a repeat is left out. Beyond it only names whose hash falls into
//! a shrinking part of all hashes are remembered: a fair sample of the names, whose repeats stand for the rest.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher},
};

use serde::{Deserialize, Serialize};

/// Hashes remembered.
const MOST: usize = 131_072;

/// Hashes are random already: hashing them again would be wasted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Names seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Repeats {
    known: HashSet<u64, BuildHasherDefault<Same>>,
    /// One of 2^`thinned` names is remembered.
    thinned: u32,
    repeated: u64,
}

impl Repeats {
    /// Whether this name of this database is known to have been seen before.
    pub(crate) fn is_repeat(&mut self, database: i64, name: &[u8]) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((database, name));
        if !self.keeps(hash) {
            return false;
        }
        if !self.known.insert(hash) {
            self.repeated += 1;
            return true;
        }
        while self.known.len() > MOST {
            self.thinned += 1;
            let thinned = self.thinned;
            self.known.retain(|hash| is_kept(*hash, thinned));
        }
        false
    }

    fn keeps(&self, hash: u64) -> bool {
        is_kept(hash, self.thinned)
    }

    /// Repeats that were not noticed one by one, estimated from those that were.
    pub(crate) fn unnoticed(&self) -> f64 {
        self.repeated as f64 * (2_f64.powi(i32::try_from(self.thinned).unwrap_or(64)) - 1.0)
    }

    /// All repeats, noticed or estimated.
    pub(crate) fn estimated(&self) -> f64 {
        self.repeated as f64 + self.unnoticed()
    }
}

fn is_kept(hash: u64, thinned: u32) -> bool {
    hash.trailing_zeros() >= thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(count: u32, repeated: u32) -> Repeats {
        let mut repeats = Repeats::default();
        for n in (0..count).chain(0..repeated) {
            repeats.is_repeat(0, n.to_string().as_bytes());
        }
        repeats
    }

    #[test]
    fn few_names_are_all_remembered() {
        let mut repeats = twice(1000, 10);
        assert_eq!((repeats.repeated, repeats.unnoticed()), (10, 0.0));
        assert!(repeats.is_repeat(0, b"5"));
        assert!(!repeats.is_repeat(1, b"5"), "of another database");
    }

    #[test]
    fn repeats_among_many_names_are_estimated_in_bounded_memory() {
        let repeats = twice(600_000, 60_000);
        assert!(repeats.known.len() <= MOST);
        let error = repeats.estimated() / 60_000.0 - 1.0;
        assert!(error.abs() < 0.05, "{}", repeats.estimated());
    }
}
