//! The patterns of one database: found as names come, in bounded memory.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{name_pattern, tally::Tally};

/// Patterns held at most; beyond that they are folded into broader ones.
const MOST: usize = 4096;

/// A pattern part with more different words than this is taken for a variable part.
const WORDS: usize = 16;

/// … unless each word stands for this many keys or more, on average: then they are families of their own.
const KEYS_PER_WORD: u64 = 3;

/// Words of a pattern that may be widened, from its beginning.
const DEPTH: usize = 8;

/// Patterns and their tallies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub(crate) struct Book {
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
    /// Some pattern was widened: a new one may belong to it.
    has_wide: bool,
    buffer: String,
    /// Counts how often numbers of tallies changed.
    generation: u32,
}

/// A pattern.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) pattern: String,
    /// Made of narrower patterns, because their words were too many.
    is_wide: bool,
    pub(crate) tally: Tally,
}

impl From<Vec<Entry>> for Book {
    fn from(entries: Vec<Entry>) -> Self {
        let index =
            entries.iter().enumerate().map(|(at, entry)| (entry.pattern.clone(), at)).collect();
        let has_wide = entries.iter().any(|entry| entry.is_wide);
        Self { entries, index, has_wide, ..Self::default() }
    }
}

impl From<Book> for Vec<Entry> {
    fn from(book: Book) -> Self {
        book.entries
    }
}

impl Book {
    /// The number of the tally of this name's pattern, valid in this [`Self::generation`].
    pub(crate) fn find(&mut self, name: &[u8]) -> usize {
        let mut pattern = std::mem::take(&mut self.buffer);
        name_pattern::write_pattern(name, &mut pattern);
        let found = match self.index.get(&pattern) {
            Some(at) => *at,
            None => match self.wide(&pattern) {
                Some(at) => at,
                None => self.insert(&pattern),
            },
        };
        self.buffer = pattern;
        found
    }

    /// The widened pattern that takes this new one in.
    fn wide(&self, pattern: &str) -> Option<usize> {
        if !self.has_wide {
            return None;
        }
        (0..DEPTH).find_map(|position| {
            let at = *self.index.get(&widened(pattern, position)?)?;
            self.entries.get(at).is_some_and(|entry| entry.is_wide).then_some(at)
        })
    }

    fn insert(&mut self, pattern: &str) -> usize {
        if self.entries.len() >= MOST {
            self.make_room();
            // Folding may have made the pattern that takes this one in.
            if let Some(at) = self.index.get(pattern).copied().or_else(|| self.wide(pattern)) {
                return at;
            }
        }
        self.index.insert(pattern.to_owned(), self.entries.len());
        self.entries.push(Entry { pattern: pattern.to_owned(), ..Entry::default() });
        self.entries.len() - 1
    }

    /// As long as it stays the same, numbers that [`Self::find`] gave are valid.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// The tally that [`Self::find`] named.
    pub(crate) fn tally(&mut self, at: usize) -> Option<&mut Tally> {
        self.entries.get_mut(at).map(|entry| &mut entry.tally)
    }

    /// All tallies.
    pub(crate) fn tallies(&mut self) -> impl Iterator<Item = &mut Tally> {
        self.entries.iter_mut().map(|entry| &mut entry.tally)
    }

    /// All tallies, to be read.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tally> {
        self.entries.iter().map(|entry| &entry.tally)
    }

    /// The patterns, with words that take many values made variable.
    pub(crate) fn finish(self) -> Vec<Entry> {
        let mut groups = by_pattern(self.entries);
        widen_everywhere(&mut groups, KEYS_PER_WORD);
        groups.into_values().collect()
    }

    /// Folds patterns into broader ones until half of the room is free.
    fn make_room(&mut self) {
        let mut groups = by_pattern(std::mem::take(&mut self.entries));
        widen_everywhere(&mut groups, KEYS_PER_WORD);
        if groups.len() > MOST / 2 {
            widen_everywhere(&mut groups, u64::MAX);
        }
        if groups.len() > MOST / 2 {
            fold_rarest(&mut groups, MOST / 4);
        }
        let generation = self.generation + 1;
        *self = Self { generation, ..groups.into_values().collect::<Vec<_>>().into() };
    }
}

type Groups = BTreeMap<String, Entry>;

fn by_pattern(entries: Vec<Entry>) -> Groups {
    entries.into_iter().map(|entry| (entry.pattern.clone(), entry)).collect()
}

/// Widens at every position where that is right, then where several words vary at once.
fn widen_everywhere(groups: &mut Groups, keys_per_word: u64) {
    widen_all(groups, keys_per_word);
    widen_shapes(groups, keys_per_word);
}

/// Folds patterns that begin alike and have the same separators, if there are many of them: words that are not the
/// same in all of them vary.
fn widen_shapes(groups: &mut Groups, keys_per_word: u64) {
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pattern in groups.keys() {
        families.entry(shape(pattern)).or_default().push(pattern.clone());
    }
    for members in families.into_values() {
        let keys: u64 = members.iter().filter_map(|it| Some(groups.get(it)?.tally.named)).sum();
        let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
        if members.len() <= WORDS || keys >= count.saturating_mul(keys_per_word) {
            continue;
        }
        let wide = common(&members);
        for member in members {
            if let Some(entry) = groups.remove(&member) {
                fold(groups, &wide, entry.tally);
            }
        }
    }
}

/// The first word and all separators: `tok_-` of `tok_a-b`.
fn shape(pattern: &str) -> String {
    let first = pattern.bytes().position(name_pattern::is_separator).unwrap_or(pattern.len());
    let (word, rest) = pattern.split_at(first);
    let is_separator = |c: &char| c.is_ascii() && name_pattern::is_separator(*c as u8);
    word.chars().chain(rest.chars().filter(is_separator)).collect()
}

/// What patterns of one shape have in common, with `*` for the rest.
fn common(members: &[String]) -> String {
    let words = |pattern: &str| -> Vec<String> {
        pattern
            .split_inclusive(|c: char| c.is_ascii() && name_pattern::is_separator(c as u8))
            .map(str::to_owned)
            .collect()
    };
    let mut all = members.iter().map(|member| words(member));
    let mut kept = all.next().unwrap_or_default();
    for other in all {
        for (mine, theirs) in kept.iter_mut().zip(other) {
            if *mine != theirs {
                let end = mine.len()
                    - usize::from(mine.bytes().next_back().is_some_and(name_pattern::is_separator));
                mine.replace_range(..end, "*");
            }
        }
    }
    // Neighbouring variables become one.
    name_pattern::pattern_of(kept.concat().as_bytes())
}

/// Widens at every position, the last ones first. Words that stand for `keys_per_word` or more keys each, on
/// average, stay.
fn widen_all(groups: &mut Groups, keys_per_word: u64) {
    for position in (0..DEPTH).rev() {
        widen(groups, position, keys_per_word);
    }
}

/// Replaces the word at `position` by `*` in patterns that differ only there, if there are many of them.
fn widen(groups: &mut Groups, position: usize, keys_per_word: u64) {
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pattern in groups.keys() {
        if let Some(wide) = widened(pattern, position) {
            families.entry(wide).or_default().push(pattern.clone());
        }
    }
    for (wide, members) in families {
        let keys: u64 = members.iter().filter_map(|it| Some(groups.get(it)?.tally.named)).sum();
        let words = u64::try_from(members.len()).unwrap_or(u64::MAX);
        if members.len() <= WORDS || keys >= words.saturating_mul(keys_per_word) {
            continue;
        }
        for member in members {
            if let Some(entry) = groups.remove(&member) {
                fold(groups, &wide, entry.tally);
            }
        }
    }
}

/// Keeps the patterns with most memory and keys; the rest are summed up by their first word, or as `*`.
fn fold_rarest(groups: &mut Groups, keep: usize) {
    let mut order: Vec<(u64, String)> =
        groups.values().map(|entry| (entry.tally.named, entry.pattern.clone())).collect();
    order.sort_unstable_by(|a, b| b.cmp(a));
    let mut firsts: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for (_, pattern) in order.into_iter().skip(keep) {
        if let Some(entry) = groups.remove(&pattern) {
            firsts.entry(first_word(&pattern)).or_default().push(entry);
        }
    }
    let few = firsts.len() <= keep;
    for (first, entries) in firsts {
        let wide = if few { first } else { "*".to_owned() };
        for entry in entries {
            fold(groups, &wide, entry.tally);
        }
    }
}

fn fold(groups: &mut Groups, wide: &str, tally: Tally) {
    let group = groups
        .entry(wide.to_owned())
        .or_insert_with(|| Entry { pattern: wide.to_owned(), ..Entry::default() });
    group.is_wide = true;
    group.tally.merge(tally);
}

/// `user:*` of `user:a:b`.
fn first_word(pattern: &str) -> String {
    let end = pattern.bytes().position(name_pattern::is_separator);
    let first = end.and_then(|end| pattern.get(..=end)).unwrap_or_default();
    if first.starts_with('*') { "*".to_owned() } else { format!("{first}*") }
}

/// The pattern with its word at `position` made variable; `None` where there is no such word, or it is one already.
fn widened(pattern: &str, position: usize) -> Option<String> {
    let mut start = 0;
    for _ in 0..position {
        let rest = pattern.as_bytes().get(start..)?;
        start += rest.iter().position(|byte| name_pattern::is_separator(*byte))? + 1;
    }
    let rest = pattern.get(start..)?;
    let length = rest.bytes().position(name_pattern::is_separator).unwrap_or(rest.len());
    let word = rest.get(..length)?;
    if word.is_empty() || word == "*" {
        return None;
    }
    Some(format!("{}*{}", pattern.get(..start)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn book(names: impl IntoIterator<Item = String>) -> Book {
        let mut book = Book::default();
        for name in names {
            let at = book.find(name.as_bytes());
            book.tally(at).unwrap().name(name.as_bytes());
        }
        book
    }

    fn patterns(names: impl IntoIterator<Item = String>) -> Vec<(String, u64)> {
        let entries = book(names).finish().into_iter();
        entries.map(|entry| (entry.pattern, entry.tally.named)).collect()
    }

    fn letters(n: u8) -> char {
        char::from(b'a' + n)
    }

    #[test]
    fn many_words_in_one_place_are_a_variable() {
        let names = (0_u8..26).map(|n| format!("profile:{}x:card", letters(n)));
        assert_eq!(patterns(names), [("profile:*:card".to_owned(), 26)]);
        let names = (0_u8..26).map(|n| format!("profile|{}x-card", letters(n)));
        assert_eq!(patterns(names), [("profile|*-card".to_owned(), 26)]);
    }

    #[test]
    fn several_words_may_vary_at_once() {
        let names = (0_u8..26).map(|n| format!("tok_{}x-{}y", letters(n), letters(25 - n)));
        assert_eq!(patterns(names), [("tok_*".to_owned(), 26)]);
        let names = (0_u8..26).map(|n| format!("a:{}x:same:{}y", letters(n), letters(25 - n)));
        assert_eq!(patterns(names), [("a:*:same:*".to_owned(), 26)]);
    }

    #[test]
    fn families_with_many_keys_stay_apart() {
        let names =
            (0_u8..26).flat_map(|n| (0..10).map(move |i| format!("{}family:{i}", letters(n))));
        assert_eq!(patterns(names).len(), 26);
    }

    #[test]
    fn millions_of_words_take_bounded_memory_and_no_rare_family_is_lost() {
        let word = |n: u32| {
            let letter = |shift: u32| char::from(b'a' + u8::try_from((n >> shift) & 15).unwrap());
            [0, 4, 8, 12, 16].map(letter).iter().collect::<String>()
        };
        let mut book = book((0..60_000).map(|n| format!("profile:{}:card", word(n))));
        assert!(book.entries.len() <= MOST, "{}", book.entries.len());
        for n in 0..20 {
            let at = book.find(format!("ledger:{n}").as_bytes());
            book.tally(at).unwrap().name(b"ledger:0");
        }
        let entries = book.finish();
        assert_eq!(
            entries.len(),
            2,
            "{:?}",
            entries.iter().map(|it| &it.pattern).collect::<Vec<_>>()
        );
        assert_eq!((entries[0].pattern.as_str(), entries[0].tally.named), ("ledger:*", 20));
        assert_eq!(entries[1].tally.named, 60_000);
    }

    #[test]
    fn a_name_is_not_taken_for_a_number() {
        let names = ["user:1", "user:2", "user:count"].map(str::to_owned);
        assert_eq!(patterns(names).len(), 2);
    }

    proptest! {
        #[test]
        fn no_key_is_lost(names in prop::collection::vec("([a-c]{1,2}[:/-])?[a-z0-9]{0,3}", 0..80)) {
            let count = u64::try_from(names.len()).unwrap();
            prop_assert_eq!(patterns(names).iter().map(|(_, keys)| keys).sum::<u64>(), count);
        }
    }

    #[test]
    fn odd_names_take_bounded_memory() {
        // Every name has its own first, second and third word: only the last resort folds them.
        let names = (0..30_000_u32).map(|n| {
            let word = |salt: u32| {
                let mixed = n.wrapping_mul(2_654_435_761).rotate_left(salt);
                let letter =
                    |at: u32| char::from(b'g' + u8::try_from((mixed >> (4 * at)) & 15).unwrap());
                (0..6).map(letter).collect::<String>()
            };
            format!("{}:{}:{}", word(0), word(7), word(13))
        });
        let book = book(names);
        assert!(book.entries.len() <= MOST);
        let named: u64 = book.finish().iter().map(|entry| entry.tally.named).sum();
        assert_eq!(named, 30_000);
    }
}
