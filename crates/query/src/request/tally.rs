//! What many requests tell of one pair: whether its calls follow the rows, or only happened to agree.

use std::collections::HashMap;

/// Requests after which a number of calls that never changes, while that of the rows does, is no list.
const ENOUGH: u32 = 3;

/// Pairs that are remembered; of further ones each request stands alone.
const MOST: usize = 10_000;

/// All pairs that were seen, by their places.
#[derive(Debug, Default)]
pub(super) struct Tallies(HashMap<(u32, u32), Tally>);

/// The least and the most that one pair had.
#[derive(Debug, Clone, Copy)]
struct Tally {
    requests: u32,
    rows: (u64, u64),
    calls: (u64, u64),
}

impl Tallies {
    /// Adds a request in which a child was called so often, after so many rows of a list. Answers the number of such
    /// requests; nothing where the calls do not care for the rows.
    pub(super) fn add(&mut self, pair: (u32, u32), rows: u64, calls: u64) -> Option<u32> {
        if self.0.len() >= MOST && !self.0.contains_key(&pair) {
            return Some(1);
        }
        let none = Tally { requests: 0, rows: (rows, rows), calls: (calls, calls) };
        let it = self.0.entry(pair).or_insert(none);
        it.requests = it.requests.saturating_add(1);
        it.rows = (it.rows.0.min(rows), it.rows.1.max(rows));
        it.calls = (it.calls.0.min(calls), it.calls.1.max(calls));
        let rows_vary = it.rows.1 > it.rows.0 + it.rows.0 / 2;
        let is_fixed = it.requests >= ENOUGH && rows_vary && it.calls.0 == it.calls.1;
        (!is_fixed).then_some(it.requests)
    }
}
