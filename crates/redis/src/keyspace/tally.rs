//! What is known of the keys of one pattern, in a few hundred bytes however many they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{sizes::Sizes, state::TTL_ENDS};

/// The largest sizes kept one by one, to tell an outlier from the rule.
const LARGEST: usize = 4;

/// Sums over the keys of a pattern.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Names seen.
    pub(crate) named: u64,
    pub(crate) name_bytes: u64,
    /// Keys asked for their details.
    pub(crate) asked: u64,
    pub(crate) bytes: f64,
    /// Sum of the squares of the sizes.
    pub(crate) squares: f64,
    /// Descending.
    pub(crate) largest: Vec<i64>,
    pub(crate) sizes: Sizes,
    pub(crate) without_ttl: u64,
    /// Keys by the span in which they expire, the last one open.
    pub(crate) ttl: [u64; TTL_ENDS.len() + 1],
    /// Of the keys asked for their type.
    pub(crate) types: BTreeMap<String, u64>,
    pub(crate) idle: Mean,
    pub(crate) frequency: Mean,
    /// By type and encoding.
    pub(crate) encodings: BTreeMap<String, Stored>,
    /// Only where places are drawn: sums over places, for the error of a share.
    pub(crate) places: Option<Places>,
}

/// A mean under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mean {
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

impl Mean {
    /// Takes in a number.
    pub(crate) fn add(&mut self, number: i64) {
        self.count += 1;
        self.sum += number as f64;
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
    }

    /// The mean, rounded.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of integers")]
    pub(crate) fn rounded(self) -> Option<i64> {
        (self.count > 0).then(|| (self.sum / self.count as f64).round() as i64)
    }
}

/// Keys of one type and encoding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) kind: String,
    pub(crate) encoding: String,
    pub(crate) keys: i64,
    pub(crate) memory_bytes: i64,
    pub(crate) counted_keys: i64,
    pub(crate) elements: i64,
    pub(crate) counted_bytes: i64,
}

/// Sums over the places (batches of neighbours) that were drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Places {
    /// Keys of the pattern in the place under way.
    pub(crate) here: u64,
    /// Σ y², y being the keys of the pattern in a place.
    pub(crate) squares: f64,
    /// Σ y·m, m being all keys of the place.
    pub(crate) products: f64,
}

/// The details of a key, as far as they were asked and answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Details<'a> {
    pub(crate) memory_bytes: i64,
    /// `None`: never expires.
    pub(crate) ttl_ms: Option<i64>,
    /// `None`: not asked.
    pub(crate) kind: Option<&'a str>,
}

impl Tally {
    /// Takes in a name.
    pub(crate) fn name(&mut self, name: &[u8]) {
        self.named += 1;
        self.name_bytes += u64::try_from(name.len()).unwrap_or(0);
    }

    /// Takes in what was asked of a key.
    pub(crate) fn details(&mut self, details: Details<'_>) {
        let size = details.memory_bytes;
        self.asked += 1;
        self.bytes += size as f64;
        self.squares += (size as f64) * (size as f64);
        self.sizes.add(size);
        if self.largest.len() < LARGEST || self.largest.last().is_some_and(|last| size > *last) {
            let at = self.largest.partition_point(|other| *other >= size);
            self.largest.insert(at, size);
            self.largest.truncate(LARGEST);
        }
        match details.ttl_ms {
            None => self.without_ttl += 1,
            Some(ttl) => {
                let span = TTL_ENDS.partition_point(|end| *end * 1000 < ttl);
                if let Some(count) = self.ttl.get_mut(span) {
                    *count += 1;
                }
            }
        }
        if let Some(kind) = details.kind {
            match self.types.get_mut(kind) {
                Some(count) => *count += 1,
                None => {
                    self.types.insert(kind.to_owned(), 1);
                }
            }
        }
    }

    /// Takes in how a key is stored.
    pub(crate) fn encoding(
        &mut self,
        kind: &str,
        encoding: &str,
        bytes: i64,
        elements: Option<i64>,
    ) {
        let stored = self.encodings.entry(format!("{kind} {encoding}")).or_insert_with(|| Stored {
            kind: kind.to_owned(),
            encoding: encoding.to_owned(),
            ..Stored::default()
        });
        stored.keys += 1;
        stored.memory_bytes = stored.memory_bytes.saturating_add(bytes);
        if let Some(elements) = elements {
            stored.counted_keys += 1;
            stored.elements = stored.elements.saturating_add(elements);
            stored.counted_bytes = stored.counted_bytes.saturating_add(bytes);
        }
    }

    /// The only type met so far, if there is only one.
    pub(crate) fn only_type(&self) -> Option<&str> {
        let mut types = self.types.keys();
        types.next().filter(|_| types.next().is_none()).map(String::as_str)
    }

    /// Keys asked for their type.
    pub(crate) fn typed(&self) -> u64 {
        self.types.values().sum()
    }

    /// The place under way ends; it had `all` keys.
    pub(crate) fn end_place(&mut self, all: u64) {
        let places = self.places.get_or_insert_default();
        let here = places.here as f64;
        places.squares += here * here;
        places.products += here * all as f64;
        places.here = 0;
    }

    /// Adds all of another.
    pub(crate) fn merge(&mut self, other: Self) {
        self.named += other.named;
        self.name_bytes += other.name_bytes;
        self.asked += other.asked;
        self.bytes += other.bytes;
        self.squares += other.squares;
        self.largest.extend(other.largest);
        self.largest.sort_unstable_by(|a, b| b.cmp(a));
        self.largest.truncate(LARGEST);
        self.sizes.merge(&other.sizes);
        self.without_ttl += other.without_ttl;
        for (count, more) in self.ttl.iter_mut().zip(other.ttl) {
            *count += more;
        }
        for (kind, count) in other.types {
            *self.types.entry(kind).or_default() += count;
        }
        self.idle.merge(other.idle);
        self.frequency.merge(other.frequency);
        for (name, more) in other.encodings {
            let stored = self.encodings.entry(name).or_default();
            *stored = Stored {
                keys: stored.keys + more.keys,
                memory_bytes: stored.memory_bytes.saturating_add(more.memory_bytes),
                counted_keys: stored.counted_keys + more.counted_keys,
                elements: stored.elements.saturating_add(more.elements),
                counted_bytes: stored.counted_bytes.saturating_add(more.counted_bytes),
                ..more
            };
        }
        if let Some(more) = other.places {
            let places = self.places.get_or_insert_default();
            places.here += more.here;
            places.squares += more.squares;
            places.products += more.products;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sizes: &[i64]) -> Tally {
        let mut tally = Tally::default();
        for size in sizes {
            tally.name(b"name");
            let details = Details {
                memory_bytes: *size,
                ttl_ms: (*size > 9).then_some(1),
                kind: Some("set"),
            };
            tally.details(details);
        }
        tally
    }

    #[test]
    fn two_halves_are_the_whole() {
        let mut both = of(&[1, 20, 3]);
        both.merge(of(&[50, 6, 70]));
        assert_eq!(both, of(&[1, 20, 3, 50, 6, 70]));
        assert_eq!(both.largest, [70, 50, 20, 6]);
        assert_eq!((both.without_ttl, both.only_type(), both.typed()), (3, Some("set"), 6));
    }

    #[test]
    fn encodings_are_summed_up_by_type() {
        let mut tally = Tally::default();
        tally.encoding("hash", "hashtable", 100, Some(5));
        tally.encoding("hash", "hashtable", 200, None);
        tally.encoding("set", "hashtable", 1, None);
        let hash = &tally.encodings["hash hashtable"];
        assert_eq!(
            (hash.keys, hash.memory_bytes, hash.counted_keys, hash.counted_bytes),
            (2, 300, 1, 100)
        );
        assert_eq!(tally.encodings.len(), 2);
    }
}
