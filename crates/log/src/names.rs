//! Names (databases, users, applications, addresses) as small numbers, and counts by them, in bounded memory.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use dbvitals_model::log::NamedCount;

use crate::shape::mixer::number_of;

/// A map whose keys are mixed numbers already.
pub(crate) type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Unchanged>>;

/// Takes a number for its own hash.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Unchanged(u64);

impl Hasher for Unchanged {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = number_of(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Different names that are kept; further ones are one name.
const NAMES: usize = 20_000;
/// Bytes of a name that are kept.
const NAME_BYTES: usize = 120;
/// Different names that one tally counts.
const TALLIED: usize = 12;

/// The number of a name.
pub(crate) type Name = u32;

/// The name of what has none.
pub(crate) const NONE: Name = 0;
const OTHERS: Name = 1;

/// Names by number.
#[derive(Debug)]
pub(crate) struct Names {
    by_hash: ByHash<Name>,
    names: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self { by_hash: ByHash::default(), names: vec![String::new(), "(others)".to_owned()] }
    }
}

impl Names {
    /// The number of a name.
    #[inline]
    pub(crate) fn number(&mut self, name: &[u8]) -> Name {
        if name.is_empty() {
            return NONE;
        }
        let hash = number_of(name);
        if let Some(number) = self.by_hash.get(&hash) {
            return *number;
        }
        if self.names.len() >= NAMES {
            return OTHERS;
        }
        let number = Name::try_from(self.names.len()).unwrap_or(OTHERS);
        self.names.push(crate::record::text(name, NAME_BYTES));
        self.by_hash.insert(hash, number);
        number
    }

    /// The name of a number.
    pub(crate) fn name(&self, number: Name) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}

/// The last number of a name, since neighbouring records often have the same one.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    name: Vec<u8>,
    number: Name,
}

impl Memo {
    #[inline]
    pub(crate) fn number(&mut self, name: &[u8], names: &mut Names) -> Name {
        if self.name != name {
            self.number = names.number(name);
            self.name.clear();
            self.name.extend_from_slice(name);
        }
        self.number
    }
}

/// Counts by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally(Vec<(Name, u64)>);

impl Tally {
    /// Counts a name once more. What has no name is not counted.
    #[inline]
    pub(crate) fn add(&mut self, name: Name) {
        self.add_many(name, 1);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(name, count)| self.add_many(*name, *count));
    }

    fn add_many(&mut self, name: Name, count: u64) {
        if name == NONE {
            return;
        }
        if let Some(place) = self.0.iter().position(|(known, _)| *known == name) {
            self.0[place].1 += count;
            // The frequent ones stand first and are found soon.
            if place > 0 && self.0[place].1 > self.0[place - 1].1 {
                self.0.swap(place, place - 1);
            }
        } else if self.0.len() < TALLIED {
            self.0.push((name, count));
        } else {
            match self.0.iter_mut().find(|(known, _)| *known == OTHERS) {
                Some((_, counted)) => *counted += count,
                None => self.0.push((OTHERS, count)),
            }
        }
    }

    /// The counts, most frequent first.
    pub(crate) fn counts(&self, names: &Names) -> Vec<NamedCount> {
        let mut counts: Vec<NamedCount> = self
            .0
            .iter()
            .map(|(name, count)| NamedCount {
                name: names.name(*name).to_owned(),
                count: i64::try_from(*count).unwrap_or(i64::MAX),
            })
            .collect();
        counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_in_bounded_memory() {
        let mut names = Names::default();
        let mut tally = Tally::default();
        for at in 0..100_u32 {
            let name = names.number(format!("app{}", at % 20).as_bytes());
            tally.add(name);
            tally.add(names.number(b"web"));
        }
        let counts = tally.counts(&names);
        assert_eq!((counts[0].name.as_str(), counts[0].count), ("web", 100));
        assert_eq!(counts.iter().map(|count| count.count).sum::<i64>(), 200);
        assert!(counts.len() <= TALLIED + 1);
        assert!(counts.iter().any(|count| count.name == "(others)"));
    }
}
