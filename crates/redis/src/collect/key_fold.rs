//! Summing up the keys of a sample by pattern.

use std::collections::BTreeMap;

use dbvitals_model::redis::{KeyInfo, KeyPattern};

use super::key_pattern::pattern_of;
use crate::reply;

/// A pattern part with more different words than this is taken for a variable part.
const WORDS: usize = 16;

/// … unless each word stands for this many keys or more, on average: then they are families of their own.
const KEYS_PER_WORD: i64 = 3;

/// Patterns kept; the lightest of the rest are summed up as `*`.
const PATTERNS: usize = 200;

/// Keys kept as the largest, of any type; as many again of the largest that are not strings.
const LARGEST: usize = 50;

/// Longest key name shown, in characters.
const NAME_LIMIT: usize = 200;

/// A key of the sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) database: i64,
    pub(crate) name: Vec<u8>,
    /// `string`, `hash`, …
    pub(crate) kind: String,
    /// 0 where `MEMORY USAGE` is refused.
    pub(crate) memory_bytes: i64,
    /// `None`: never expires.
    pub(crate) ttl_ms: Option<i64>,
}

/// What [`by_pattern`] groups by: database and pattern.
type Groups = BTreeMap<(i64, String), KeyPattern>;

/// The patterns of the keys, heaviest first.
pub(crate) fn by_pattern(seen: &[Seen]) -> Vec<KeyPattern> {
    let mut groups = Groups::new();
    for key in seen {
        add(&mut groups, pattern_of(&key.name), of_one(key));
    }
    let deepest = groups.keys().map(|(_, pattern)| pattern.split(':').count()).max().unwrap_or(0);
    for position in (0..deepest.min(8)).rev() {
        widen(&mut groups, position);
    }
    let mut patterns: Vec<KeyPattern> = groups.into_values().collect();
    patterns.sort_by(|a, b| {
        (b.memory_bytes, b.keys, &a.pattern).cmp(&(a.memory_bytes, a.keys, &b.pattern))
    });
    let rest = patterns.split_off(patterns.len().min(PATTERNS));
    let mut others = Groups::new();
    for pattern in rest {
        add(&mut others, "*".to_owned(), pattern);
    }
    patterns.extend(others.into_values());
    patterns
}

/// Replaces the word at `position` by `*` in patterns that differ only there, if there are many of them.
fn widen(groups: &mut Groups, position: usize) {
    let mut families: BTreeMap<(i64, String), Vec<(i64, String)>> = BTreeMap::new();
    for (database, pattern) in groups.keys() {
        let mut words: Vec<&str> = pattern.split(':').collect();
        let Some(word) = words.get_mut(position) else { continue };
        *word = "*";
        let family = families.entry((*database, words.join(":"))).or_default();
        family.push((*database, pattern.clone()));
    }
    for ((_, wide), members) in families {
        let keys: i64 = members.iter().filter_map(|member| Some(groups.get(member)?.keys)).sum();
        let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
        if members.len() <= WORDS || keys >= count.saturating_mul(KEYS_PER_WORD) {
            continue;
        }
        for member in members {
            if let Some(pattern) = groups.remove(&member) {
                add(groups, wide.clone(), pattern);
            }
        }
    }
}

fn of_one(key: &Seen) -> KeyPattern {
    KeyPattern {
        pattern: String::new(),
        database: key.database,
        keys: 1,
        memory_bytes: key.memory_bytes,
        without_ttl: i64::from(key.ttl_ms.is_none()),
        types: BTreeMap::from([(key.kind.clone(), 1)]),
        name_bytes: i64::try_from(key.name.len()).unwrap_or(i64::MAX),
        largest_bytes: key.memory_bytes,
    }
}

fn add(groups: &mut Groups, pattern: String, more: KeyPattern) {
    let group = groups.entry((more.database, pattern.clone())).or_insert_with(|| KeyPattern {
        pattern,
        database: more.database,
        ..KeyPattern::default()
    });
    group.keys = group.keys.saturating_add(more.keys);
    group.memory_bytes = group.memory_bytes.saturating_add(more.memory_bytes);
    group.without_ttl = group.without_ttl.saturating_add(more.without_ttl);
    group.name_bytes = group.name_bytes.saturating_add(more.name_bytes);
    group.largest_bytes = group.largest_bytes.max(more.largest_bytes);
    for (kind, count) in more.types {
        let sum = group.types.entry(kind).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// The largest keys of any type, and the largest that are not strings; heaviest first.
pub(crate) fn largest(seen: &[Seen]) -> Vec<&Seen> {
    let mut sorted: Vec<&Seen> = seen.iter().collect();
    sorted.sort_by(|a, b| (b.memory_bytes, &a.name).cmp(&(a.memory_bytes, &b.name)));
    let mut collections = 0;
    let mut kept = Vec::new();
    for (rank, key) in sorted.into_iter().enumerate() {
        let is_collection = key.kind != "string";
        if rank < LARGEST || (is_collection && collections < LARGEST) {
            kept.push(key);
        }
        collections += usize::from(is_collection);
    }
    kept
}

/// A key as it is kept, without encoding and elements.
pub(crate) fn shown(key: &Seen) -> KeyInfo {
    KeyInfo {
        name: printable(&key.name),
        database: key.database,
        kind: key.kind.clone(),
        encoding: None,
        memory_bytes: key.memory_bytes,
        elements: None,
        ttl_ms: key.ttl_ms,
    }
}

/// A name fit to be shown: invalid UTF-8 replaced, control characters escaped, shortened.
fn printable(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name.get(..name.len().min(4 * NAME_LIMIT)).unwrap_or(name));
    let escape =
        |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    reply::shorten(&text.chars().map(escape).collect::<String>(), NAME_LIMIT)
}

/// Keys with a time to live, and the most that expire within one and the same minute.
pub(crate) fn expiries(seen: &[Seen]) -> (i64, i64) {
    let mut minutes: BTreeMap<i64, i64> = BTreeMap::new();
    let mut expiring = 0;
    for ttl in seen.iter().filter_map(|key| key.ttl_ms) {
        expiring += 1;
        *minutes.entry(ttl / 60_000).or_default() += 1;
    }
    (expiring, minutes.values().copied().max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: &str, kind: &str, memory_bytes: i64, ttl_ms: Option<i64>) -> Seen {
        let name = name.as_bytes().to_vec();
        Seen { database: 0, name, kind: kind.to_owned(), memory_bytes, ttl_ms }
    }

    #[test]
    fn sums_up_by_pattern() {
        let seen = [
            key("user:1", "hash", 100, None),
            key("user:22", "hash", 300, Some(5)),
            key("queue", "list", 1000, None),
        ];
        let patterns = by_pattern(&seen);
        assert_eq!(patterns[0].pattern, "queue");
        let users = &patterns[1];
        assert_eq!((users.pattern.as_str(), users.keys, users.memory_bytes), ("user:*", 2, 400));
        assert_eq!((users.without_ttl, users.largest_bytes, users.name_bytes), (1, 300, 13));
        assert_eq!(users.types["hash"], 2);
    }

    #[test]
    fn many_words_in_one_place_are_a_variable() {
        let names: Vec<String> =
            (0_u8..26).map(|n| format!("profile:{}x:card", char::from(b'a' + n))).collect();
        let seen: Vec<Seen> = names.iter().map(|name| key(name, "string", 1, None)).collect();
        let patterns = by_pattern(&seen);
        assert_eq!((patterns.len(), patterns[0].pattern.as_str()), (1, "profile:*:card"));
    }

    #[test]
    fn families_with_many_keys_stay_apart() {
        let seen: Vec<Seen> = (0_u8..26)
            .flat_map(|n| (0..10).map(move |i| format!("{}family:{i}", char::from(b'a' + n))))
            .map(|name| key(&name, "string", 1, None))
            .collect();
        assert_eq!(by_pattern(&seen).len(), 26);
    }

    #[test]
    fn large_collections_are_kept_besides_larger_strings() {
        let mut seen: Vec<Seen> =
            (0..100).map(|n| key(&format!("s{n}"), "string", 1000 + n, None)).collect();
        seen.push(key("set", "set", 10, None));
        let kept = largest(&seen);
        assert_eq!((kept.len(), kept[0].memory_bytes), (LARGEST + 1, 1099));
        assert_eq!(kept[LARGEST].name, b"set");
    }

    #[test]
    fn finds_the_fullest_minute() {
        let ttl = |ttl| key("k", "string", 1, ttl);
        let seen = [ttl(Some(1)), ttl(Some(59_999)), ttl(Some(60_000)), ttl(None)];
        assert_eq!(expiries(&seen), (3, 2));
    }

    #[test]
    fn names_are_printable() {
        assert_eq!(printable(b"a\nb\xff"), "a\\nb\u{fffd}");
    }

    proptest! {
        #[test]
        fn no_key_is_lost(names in prop::collection::vec("([a-c]{1,2}:)?[a-z0-9]{0,3}", 0..80)) {
            let seen: Vec<Seen> = names.iter().map(|name| key(name, "string", 7, None)).collect();
            let patterns = by_pattern(&seen);
            let count = i64::try_from(names.len()).unwrap();
            prop_assert_eq!(patterns.iter().map(|it| it.keys).sum::<i64>(), count);
            prop_assert_eq!(patterns.iter().map(|it| it.memory_bytes).sum::<i64>(), count * 7);
        }
    }
}
