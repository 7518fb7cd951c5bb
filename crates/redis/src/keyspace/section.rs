//! What a walk found, as a section of the snapshot.

use std::{collections::BTreeMap, fmt::Write as _};

use dbvitals_model::{
    Reason, Section, Unavailable,
    redis::{
        EncodingUse, KeyInfo, KeyPattern, KeySample, KeyShare, Reconciled, ScannedNode, TtlBucket,
    },
};

use super::{
    Way,
    book::{Book, Entry},
    estimate::{self, Account, Frame, Part},
    facts::Facts,
    leaders::{Key, Leaders},
    state::{State, TTL_ENDS},
    tally::{Stored, Tally},
};
use crate::{reply, unavailable::keys_hidden};

/// Patterns kept; the lightest of the rest are summed up as `*`.
const PATTERNS: usize = 200;

/// A gap between estimate and account from which shares are of the latter.
const UNEXPLAINED: f64 = 0.05;

/// Longest key name shown, in characters.
const NAME_LIMIT: usize = 200;

/// The section, or why there is none.
pub(super) fn of(state: &State, facts: Option<&Facts>) -> Section<KeySample> {
    let named = state.named();
    let has_scanned = state.databases().any(|it| it.cursor > 0 || it.is_done);
    if named == 0
        && !has_scanned
        && let Some(why) = state.refusals.get("SCAN").or_else(|| state.refusals.get(""))
    {
        return Section::Unavailable(why.clone());
    }
    let hidden = usize::try_from(state.hidden).unwrap_or(usize::MAX);
    let is_hidden = |facts: &Facts| keys_hidden(&facts.user, hidden, facts.before_7);
    if named == 0
        && hidden > 0
        && let Some(facts) = facts
    {
        return Section::Unavailable(is_hidden(facts));
    }
    let mut gaps: Vec<Unavailable> = state.refusals.values().cloned().collect();
    gaps.extend(facts.filter(|_| hidden > 0).map(is_hidden));
    for lost in &state.lost {
        let why = lost.problem.as_deref().unwrap_or("it cannot be reached");
        gaps.push(Unavailable {
            reason: Reason::Failed,
            detail: format!("the keys of {} are missing: {why}", lost.endpoint),
            remedy: Some("start the node, or let a replica take over its slots".to_owned()),
        });
    }
    Section::Collected(dbvitals_model::Collected { value: value(state, hidden == 0), gaps })
}

fn value(state: &State, sees_all: bool) -> KeySample {
    let (patterns, parts, sums) = patterns(state);
    let asked: i64 = patterns.iter().map(|it| it.keys).sum();
    let named = integer(state.named() as f64);
    let has_every_name = sees_all
        && state.lost.is_empty()
        && state.too_long == 0
        && state.databases().all(|it| it.is_done && !it.is_sampled);
    let mut sample = KeySample {
        way: way(state.way, has_every_name && asked >= named).to_owned(),
        sampled: asked,
        named,
        total: state.databases().map(|it| it.keys).sum(),
        is_complete: has_every_name && asked >= named,
        has_every_name,
        repeated: integer(state.repeats.estimated()),
        patterns,
        largest: largest(state),
        hottest: shown(&state.hottest),
        idlest: shown(&state.idlest),
        longest_names: shown(&state.longest),
        expiring: integer(state.expiring as f64),
        expiring_in_fullest_minute: i64::from(state.minutes.values().copied().max().unwrap_or(0)),
        ttl: sums.ttl,
        encodings: sums.encodings,
        hits: state.hits.values().cloned().collect(),
        reconciled: reconciled(state, &parts),
        nodes: nodes(state),
        slots: state.slots.fullest(),
        notes: state.notes.clone(),
        seconds: state.seconds,
        added_latency_ms: state.worst_ms,
    };
    sample.notes.extend(notes(state));
    sample
}

fn way(way: Way, is_complete: bool) -> &'static str {
    match way {
        _ if is_complete => "all",
        Way::All => "all",
        Way::Survey(_) => "survey",
        Way::Places(_) => "places",
    }
}

/// Sums over all patterns.
#[derive(Debug, Default)]
struct Sums {
    ttl: Vec<TtlBucket>,
    encodings: Vec<EncodingUse>,
}

/// Every pattern with its share, the heaviest first.
fn patterns(state: &State) -> (Vec<KeyPattern>, Vec<Part>, Sums) {
    let mut entries: Vec<(i64, Entry)> = Vec::new();
    for (database, book) in &state.books {
        entries.extend(book.clone().finish().into_iter().map(|entry| (*database, entry)));
    }
    entries.retain(|(_, entry)| entry.tally.named > 0);
    let frames: BTreeMap<i64, Frame> =
        state.books.keys().map(|database| (*database, frame(state, *database))).collect();
    let part_of = |database: i64, tally: &Tally| {
        estimate::part(tally, &frames.get(&database).copied().unwrap_or_default())
    };
    entries.sort_by(|(_, a), (_, b)| b.tally.bytes.total_cmp(&a.tally.bytes));
    let mut rest: BTreeMap<i64, Entry> = BTreeMap::new();
    for (database, entry) in entries.split_off(entries.len().min(PATTERNS)) {
        let other = rest.entry(database).or_default();
        other.pattern = "*".to_owned();
        other.tally.merge(entry.tally);
    }
    entries.extend(rest);
    let parts: Vec<Part> =
        entries.iter().map(|(database, entry)| part_of(*database, &entry.tally)).collect();
    // Where names are missing that much of the memory belongs to, a share of what was met would be too large.
    let has_every_name = frames.values().all(|frame| frame.is_whole);
    let account = reconciled(state, &parts).filter(|_| !has_every_name);
    let account = account.map(|sums| Account {
        expected: sums.expected_bytes,
        is_whole: sums.unexplained_ratio > UNEXPLAINED,
    });
    let shares = estimate::shares(&parts, account);
    let sums = sums(&entries, &shares);
    let mut patterns: Vec<KeyPattern> = entries
        .into_iter()
        .zip(shares)
        .map(|((database, entry), share)| pattern(database, entry, share))
        .collect();
    patterns.sort_by(|a, b| {
        let weight = |it: &KeyPattern| it.share.as_ref().map_or(0.0, |share| share.memory_bytes);
        weight(b)
            .total_cmp(&weight(a))
            .then(b.keys.cmp(&a.keys))
            .then_with(|| a.pattern.cmp(&b.pattern))
    });
    (patterns, parts, sums)
}

/// What was drawn from one database, on all servers together.
fn frame(state: &State, database: i64) -> Frame {
    let of_it = || state.databases().filter(move |it| it.number == database);
    let named: f64 = of_it().map(|it| it.named as f64).sum();
    let all = (state.named() as f64).max(1.0);
    // Repeats that were not noticed are spread over the databases as the names are.
    let unnoticed = state.repeats.unnoticed() * named / all;
    Frame {
        total: of_it().map(|it| it.keys as f64).sum(),
        named: (named - unnoticed).max(0.0),
        is_whole: of_it().all(|it| it.is_done && !it.is_sampled),
        typical: typical(state),
        places: state.places.get(&database).copied(),
    }
}

/// Mean size of the keys asked.
fn typical(state: &State) -> f64 {
    let tallies = || state.books.values().flat_map(Book::all);
    let asked: f64 = tallies().map(|tally| tally.asked as f64).sum();
    tallies().map(|tally| tally.bytes).sum::<f64>() / asked.max(1.0)
}

fn sums(entries: &[(i64, Entry)], shares: &[KeyShare]) -> Sums {
    let mut spans = [0.0; TTL_ENDS.len() + 1];
    let mut never = 0.0;
    let mut stored: BTreeMap<String, EncodingUse> = BTreeMap::new();
    for ((_, entry), share) in entries.iter().zip(shares) {
        let tally = &entry.tally;
        let scale = if tally.asked > 0 { share.keys / tally.asked as f64 } else { 0.0 };
        for (sum, count) in spans.iter_mut().zip(tally.ttl) {
            *sum += scale * count as f64;
        }
        never += scale * tally.without_ttl as f64;
        for (name, more) in &tally.encodings {
            let sum = stored.entry(name.clone()).or_default();
            *sum = EncodingUse {
                keys: sum.keys + more.keys,
                memory_bytes: sum.memory_bytes.saturating_add(more.memory_bytes),
                counted_keys: sum.counted_keys + more.counted_keys,
                elements: sum.elements.saturating_add(more.elements),
                counted_bytes: sum.counted_bytes.saturating_add(more.counted_bytes),
                ..encoding(more)
            };
        }
    }
    // The last span is open: what expires later than the last end is told with the longest one there is.
    let ends = TTL_ENDS.into_iter().chain([i64::MAX]).map(Some);
    let mut ttl: Vec<TtlBucket> = ends
        .zip(spans)
        .map(|(within_seconds, keys)| TtlBucket { within_seconds, keys: integer(keys) })
        .collect();
    ttl.push(TtlBucket { within_seconds: None, keys: integer(never) });
    let mut encodings: Vec<EncodingUse> = stored.into_values().collect();
    encodings.sort_by(|a, b| {
        b.memory_bytes.cmp(&a.memory_bytes).then_with(|| a.encoding.cmp(&b.encoding))
    });
    Sums { ttl, encodings }
}

fn encoding(stored: &Stored) -> EncodingUse {
    EncodingUse {
        kind: stored.kind.clone(),
        encoding: stored.encoding.clone(),
        keys: stored.keys,
        memory_bytes: stored.memory_bytes,
        counted_keys: stored.counted_keys,
        elements: stored.elements,
        counted_bytes: stored.counted_bytes,
    }
}

fn pattern(database: i64, entry: Entry, share: KeyShare) -> KeyPattern {
    let tally = entry.tally;
    let (asked, typed) = (tally.asked as f64, tally.typed() as f64);
    let named = (tally.named as f64).max(1.0);
    // Of a pattern with one type only some keys are asked for it.
    let types = tally
        .types
        .iter()
        .map(|(kind, count)| (kind.clone(), integer(*count as f64 * asked / typed.max(1.0))));
    KeyPattern {
        pattern: entry.pattern,
        database,
        keys: integer(asked),
        memory_bytes: integer(tally.bytes),
        without_ttl: integer(tally.without_ttl as f64),
        types: types.collect(),
        name_bytes: integer(tally.name_bytes as f64 * asked / named),
        largest_bytes: tally.largest.first().copied().unwrap_or(0),
        median_bytes: tally.sizes.percentile(0.5),
        p99_bytes: tally.sizes.percentile(0.99),
        idle_seconds: tally.idle.rounded(),
        frequency: tally.frequency.rounded(),
        encodings: tally.encodings.values().map(encoding).collect(),
        share: Some(share),
    }
}

fn largest(state: &State) -> Vec<KeyInfo> {
    let mut keys: Vec<Key> =
        state.largest.keys().chain(state.collections.keys()).cloned().collect();
    keys.sort_by(|a, b| {
        (b.memory_bytes, a.database, &a.name).cmp(&(a.memory_bytes, b.database, &b.name))
    });
    keys.dedup_by(|a, b| (a.database, &a.name) == (b.database, &b.name));
    keys.iter().map(info).collect()
}

fn shown(leaders: &Leaders) -> Vec<KeyInfo> {
    leaders.clone().into_keys().iter().map(info).collect()
}

fn info(key: &Key) -> KeyInfo {
    KeyInfo {
        name: printable(&key.name),
        database: key.database,
        kind: key.kind.clone(),
        encoding: key.encoding.clone(),
        memory_bytes: key.memory_bytes,
        elements: key.elements,
        ttl_ms: key.ttl_ms,
        idle_seconds: key.idle_seconds,
        frequency: key.frequency,
        name_bytes: i64::try_from(key.name.len()).unwrap_or(i64::MAX),
    }
}

/// A name fit to be shown: control characters and bytes that are no text escaped, shortened.
pub(super) fn printable(name: &[u8]) -> String {
    let mut text = String::new();
    let cut = name.get(..name.len().min(4 * NAME_LIMIT)).unwrap_or(name);
    for chunk in cut.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    reply::shorten(&text, NAME_LIMIT)
}

fn reconciled(state: &State, parts: &[Part]) -> Option<Reconciled> {
    let is_asked = !state.refusals.contains_key("MEMORY USAGE") && state.lost.is_empty();
    let mut expected = 0.0;
    for node in &state.nodes {
        let keys: i64 = node.databases.iter().map(|it| it.keys).sum();
        let expiring: i64 = node.databases.iter().filter_map(|it| it.expires).sum();
        expected += estimate::expected(node.dataset_bytes? as f64, keys as f64, expiring as f64);
    }
    let (estimated_bytes, margin_bytes) = estimate::memory(parts);
    let missing = expected - estimated_bytes - margin_bytes;
    (is_asked && expected > 0.0 && estimated_bytes > 0.0).then(|| Reconciled {
        expected_bytes: expected,
        estimated_bytes,
        margin_bytes,
        unexplained_ratio: (missing / expected).max(0.0),
    })
}

fn nodes(state: &State) -> Vec<ScannedNode> {
    let all = state.nodes.iter().chain(&state.lost);
    let role = |is_replica| if is_replica { "replica" } else { "primary" };
    all.map(|node| ScannedNode {
        endpoint: node.endpoint.clone(),
        role: role(node.is_replica).to_owned(),
        keys: node.databases.iter().map(|it| integer(it.named as f64)).sum(),
        total: node.databases.iter().map(|it| it.keys).sum(),
        slots: node.slots,
        dataset_bytes: node.dataset_bytes,
        problem: node.problem.clone(),
    })
    .collect()
}

fn notes(state: &State) -> Vec<String> {
    let mut notes = Vec::new();
    if state.too_long > 0 {
        notes.push(format!("{} names of more than a megabyte were passed over", state.too_long));
    }
    if state.nodes.iter().any(|node| node.is_replica) {
        notes.push(
            "idle times and use counters of a replica are its own, and are left out".to_owned(),
        );
    }
    notes
}

#[expect(clippy::cast_possible_truncation, reason = "a count or a size, well below 2^63")]
fn integer(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable() {
        assert_eq!(printable(b"a\nb\xff\x00"), "a\\nb\\xff\\u{0}");
        assert_eq!(printable("žluť".as_bytes()), "žluť");
        assert_eq!(printable(&[b'x'; 5000]).chars().count(), NAME_LIMIT + 1);
    }
}
