//! The few keys that lead by some number, of millions.

use std::{cmp::Reverse, collections::BinaryHeap};

use serde::{Deserialize, Serialize};

/// A key worth remembering.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Index of the server it lives on.
    pub(crate) node: usize,
    pub(crate) database: i64,
    pub(crate) name: Vec<u8>,
    /// Empty where it was not asked.
    pub(crate) kind: String,
    pub(crate) memory_bytes: i64,
    /// `None`: never expires.
    pub(crate) ttl_ms: Option<i64>,
    pub(crate) idle_seconds: Option<i64>,
    pub(crate) frequency: Option<i64>,
    pub(crate) encoding: Option<String>,
    pub(crate) elements: Option<i64>,
}

/// The keys with the highest number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Leaders {
    room: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

/// Ordered by number, then by name so that equal runs give equal results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ranked {
    number: i64,
    key: Key,
}

impl Ranked {
    fn order(&self) -> (i64, Reverse<(i64, &[u8])>) {
        (self.number, Reverse((self.key.database, &self.key.name)))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl Leaders {
    /// Remembers this many.
    pub(crate) fn new(room: usize) -> Self {
        Self { room, heap: BinaryHeap::new() }
    }

    /// Whether a key with this number would be remembered.
    pub(crate) fn wants(&self, number: i64) -> bool {
        self.heap.len() < self.room
            || self.heap.peek().is_some_and(|Reverse(last)| number > last.number)
    }

    /// Offers a key.
    pub(crate) fn offer(&mut self, number: i64, key: Key) {
        self.heap.push(Reverse(Ranked { number, key }));
        if self.heap.len() > self.room {
            self.heap.pop();
        }
    }

    /// The keys, in no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.heap.iter().map(|Reverse(ranked)| &ranked.key)
    }

    /// Puts more details in the place of the same key.
    pub(crate) fn replace(&mut self, key: &Key) {
        let is_same =
            |it: &Key| (it.node, it.database, &it.name) == (key.node, key.database, &key.name);
        if !self.keys().any(is_same) {
            return;
        }
        let mut all = std::mem::take(&mut self.heap).into_vec();
        for Reverse(ranked) in all.iter_mut().filter(|Reverse(ranked)| is_same(&ranked.key)) {
            ranked.key = key.clone();
        }
        self.heap = all.into();
    }

    /// The keys, the leader first.
    pub(crate) fn into_keys(self) -> Vec<Key> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked.key).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: &str) -> Key {
        Key { name: name.as_bytes().to_vec(), ..Key::default() }
    }

    proptest! {
        #[test]
        fn the_highest_stay(numbers in prop::collection::vec(0_i64..100, 0..60)) {
            let mut leaders = Leaders::new(5);
            for (at, number) in numbers.iter().enumerate() {
                if leaders.wants(*number) {
                    leaders.offer(*number, Key { memory_bytes: *number, ..key(&at.to_string()) });
                }
            }
            let kept: Vec<i64> = leaders.into_keys().iter().map(|key| key.memory_bytes).collect();
            let mut sorted = numbers;
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            sorted.truncate(5);
            prop_assert_eq!(kept, sorted);
        }
    }
}
