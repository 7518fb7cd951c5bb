//! The keys of a server: what they are, what they take, and which of them stand out.

use dbvitals_model::{
    Finding, Measure, Section, Sheet, Unit,
    redis::{KeyPattern, KeySample, KeyShare, RedisSnapshot, TtlBucket},
};

use super::{begin_with, key_sizes, seen, servers, standing_out};
use crate::{registry::CHECKS, words};

/// A gap this large between the keys seen and the server's own account is told.
const UNEXPLAINED: f64 = 0.05;

/// … unless it is less than this: what a server keeps besides its keys is not known to the byte.
const NOISE_BYTES: f64 = 1_048_576.0;

/// Columns of the table of patterns.
const ALL_COLUMNS: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// What is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A summary, and the keys that stand out.
    Keys,
    /// Every pattern.
    Patterns,
}

/// Whether a check rests on the keys.
pub fn is_about_keys(check: &str) -> bool {
    CHECKS
        .iter()
        .filter(|it| it.id == check)
        .any(|it| it.needs.contains(&"key_sample") || it.uses.contains(&"key_sample"))
}

/// A walk of the keys as a sheet, with what the checks say of it; tables have at most so many rows.
pub fn sheet(
    target: &str,
    page: Page,
    redis: &RedisSnapshot,
    keys: &Section<KeySample>,
    findings: &[Finding],
    rows: usize,
) -> Sheet {
    let id = if page == Page::Keys { "redis-keys" } else { "redis-patterns" };
    let mut sheet = begin_with(id, target, &redis.server);
    let Some(sample) = seen(&mut sheet, "the keys", keys) else { return sheet };
    summary(&mut sheet, sample);
    match page {
        Page::Keys => {
            judged(&mut sheet, findings);
            patterns(&mut sheet, page, sample, rows);
            standing_out::tables(&mut sheet, sample, rows);
            spread(&mut sheet, sample, rows);
        }
        Page::Patterns => patterns(&mut sheet, page, sample, rows),
    }
    servers::tables(&mut sheet, sample);
    if let Some(info) = redis.info.value() {
        key_sizes::table(&mut sheet, info, sample);
    }
    remarks(&mut sheet, sample);
    if let Section::Collected(collected) = keys {
        for gap in &collected.gaps {
            sheet.misses("some details", gap);
        }
    }
    sheet
}

fn summary(sheet: &mut Sheet, sample: &KeySample) {
    let how = match sample.way.as_str() {
        "all" => "SCAN of every key",
        "survey" => "SCAN of every name",
        _ => "SCAN at some places",
    };
    sheet.fact("keys", sample.total, Unit::Count, "INFO keyspace");
    if sample.named != sample.total {
        sheet.fact("names seen", sample.named, Unit::Count, how);
    }
    sheet.fact("asked for details", sample.sampled, Unit::Count, "MEMORY USAGE, PTTL, TYPE");
    sheet.fact("patterns", count(sample.patterns.len()), Unit::Count, "inferred from names");
    if let Some(sums) = &sample.reconciled {
        sheet.fact("memory of keys", sums.estimated_bytes, Unit::Bytes, "MEMORY USAGE");
        if sums.margin_bytes > 0.0 {
            sheet.fact("± at 95 %", sums.margin_bytes, Unit::Bytes, "of the estimate");
        }
        sheet.fact(
            "by the server's account",
            sums.expected_bytes,
            Unit::Bytes,
            "used_memory_dataset",
        );
    }
    let never: i64 =
        sample.ttl.iter().filter(|it| it.within_seconds.is_none()).map(|it| it.keys).sum();
    let all: i64 = sample.ttl.iter().map(|it| it.keys).sum();
    if all > 0 {
        let share = 1.0 - never as f64 / all as f64;
        sheet.fact("with a time to live", share, Unit::Ratio, "PTTL");
    }
    if sample.repeated > 0 {
        sheet.fact("named more than once", sample.repeated, Unit::Count, "left out");
    }
    if sample.seconds > 0.0 {
        let speed = sample.named as f64 / sample.seconds;
        sheet.fact("walked", speed, Unit::PerSecond, "keys");
        sheet.fact("in", sample.seconds, Unit::Seconds, "all runs together");
    }
    if let Some(added) = sample.added_latency_ms {
        sheet.fact(
            "most that others waited longer",
            added,
            Unit::Ms,
            "PING on a second connection",
        );
    }
}

fn judged(sheet: &mut Sheet, findings: &[Finding]) {
    let row = |finding: &Finding| -> Vec<Measure> {
        vec![
            finding.severity.to_string().into(),
            finding.message.clone().into(),
            finding.check.clone().into(),
        ]
    };
    let columns = [("severity", Unit::Text), ("finding", Unit::Text), ("check", Unit::Text)];
    sheet.table("findings", "Findings", &columns, findings.iter().map(row).collect());
}

fn patterns(sheet: &mut Sheet, page: Page, sample: &KeySample, rows: usize) {
    let columns = [
        ("pattern", Unit::Text),
        ("db", Unit::Count),
        ("keys", Unit::Count),
        ("± keys", Unit::Count),
        ("memory", Unit::Bytes),
        ("share", Unit::Ratio),
        ("± share", Unit::Ratio),
        ("mean", Unit::Bytes),
        ("p99", Unit::Bytes),
        ("expire", Unit::Ratio),
        ("type", Unit::Text),
        ("idle", Unit::Seconds),
    ];
    // A summary has no room for all of it.
    let kept = if page == Page::Keys { &[0, 1, 2, 4, 5, 6, 9, 10][..] } else { &ALL_COLUMNS };
    let columns: Vec<(&str, Unit)> =
        kept.iter().filter_map(|at| columns.get(*at).copied()).collect();
    let title = match sample.patterns.len() {
        all if all > rows => format!("Patterns (the {rows} with most memory, of {all})"),
        _ => "Patterns".to_owned(),
    };
    let shown = sample.patterns.iter().take(rows).map(|it| {
        let cells = pattern(it);
        kept.iter().filter_map(|at| cells.get(*at).cloned()).collect()
    });
    let shown = shown.collect();
    sheet.table("patterns", title, &columns, shown);
    let rest: Vec<&KeyPattern> = sample.patterns.iter().skip(rows).collect();
    if !rest.is_empty() {
        let share: f64 = rest.iter().filter_map(|it| Some(it.share.as_ref()?.memory_ratio)).sum();
        sheet.note(format!(
            "{} more patterns take {} of the memory: --top shows more",
            rest.len(),
            words::percent(share)
        ));
    }
}

fn pattern(it: &KeyPattern) -> Vec<Measure> {
    let share = it.share.clone().unwrap_or_else(|| KeyShare {
        keys: it.keys as f64,
        memory_bytes: it.memory_bytes as f64,
        ..KeyShare::default()
    });
    let asked = it.keys.max(1) as f64;
    let mut types: Vec<(&String, &i64)> = it.types.iter().collect();
    types.sort_by_key(|(_, keys)| std::cmp::Reverse(**keys));
    let names: Vec<&str> = types.into_iter().map(|(kind, _)| kind.as_str()).collect();
    vec![
        it.pattern.clone().into(),
        it.database.into(),
        share.keys.round().into(),
        share.keys_margin.round().into(),
        share.memory_bytes.into(),
        share.memory_ratio.into(),
        share.memory_ratio_margin.into(),
        (it.memory_bytes as f64 / asked).into(),
        it.p99_bytes.into(),
        (1.0 - it.without_ttl as f64 / asked).into(),
        names.join(", ").into(),
        it.idle_seconds.map_or(f64::NAN, |seconds| seconds as f64).into(),
    ]
}

fn spread(sheet: &mut Sheet, sample: &KeySample, rows: usize) {
    let all: i64 = sample.ttl.iter().map(|it| it.keys).sum();
    let row = |it: &TtlBucket| -> Vec<Measure> {
        let share = it.keys as f64 / all.max(1) as f64;
        vec![span(it.within_seconds).into(), it.keys.into(), share.into()]
    };
    let columns = [("expire", Unit::Text), ("keys", Unit::Count), ("share", Unit::Ratio)];
    let spans = sample.ttl.iter().filter(|it| it.keys > 0).map(row).collect();
    sheet.table("ttl", "Times to live", &columns, spans);
    let asked: i64 = sample.encodings.iter().map(|it| it.keys).sum();
    let columns = [
        ("type", Unit::Text),
        ("encoding", Unit::Text),
        ("of keys asked", Unit::Ratio),
        ("mean", Unit::Bytes),
        ("elements, mean", Unit::Count),
    ];
    let encodings = sample.encodings.iter().take(rows).map(|it| -> Vec<Measure> {
        let elements = it.elements as f64 / it.counted_keys as f64;
        vec![
            it.kind.clone().into(),
            it.encoding.clone().into(),
            (it.keys as f64 / asked.max(1) as f64).into(),
            (it.memory_bytes as f64 / it.keys.max(1) as f64).into(),
            elements.round().into(),
        ]
    });
    sheet.table("encodings", "How keys are stored", &columns, encodings.collect());
    let columns = [
        ("pattern", Unit::Text),
        ("db", Unit::Count),
        ("keys", Unit::Count),
        ("lookups", Unit::Count),
        ("hit ratio", Unit::Ratio),
    ];
    let hits = sample.hits.iter().take(rows).map(|it| -> Vec<Measure> {
        let ratio = it.hits as f64 / it.lookups.max(1) as f64;
        vec![
            it.pattern.clone().into(),
            it.database.into(),
            it.keys.into(),
            it.lookups.into(),
            ratio.into(),
        ]
    });
    sheet.table("hit-ratios", "Hit ratios that applications publish", &columns, hits.collect());
}

/// `within a day`.
fn span(within_seconds: Option<i64>) -> &'static str {
    match within_seconds {
        None => "never",
        Some(60) => "within a minute",
        Some(3600) => "within an hour",
        Some(86_400) => "within a day",
        Some(604_800) => "within a week",
        Some(2_592_000) => "within 30 days",
        Some(7_776_000) => "within 90 days",
        Some(31_536_000) => "within a year",
        Some(_) => "later",
    }
}

fn remarks(sheet: &mut Sheet, sample: &KeySample) {
    for note in &sample.notes {
        sheet.note(note.clone());
    }
    if !sample.has_every_name && sample.total > 0 {
        let share = sample.named as f64 / sample.total as f64;
        sheet.note(format!(
            "{} of the names were seen: what is rare may be among the others",
            words::percent(share.min(1.0))
        ));
    }
    let Some(sums) = &sample.reconciled else { return };
    if sums.unexplained_ratio <= UNEXPLAINED
        || sums.unexplained_ratio * sums.expected_bytes < NOISE_BYTES
    {
        return;
    }
    if sample.is_complete {
        sheet.note(format!(
            "{} of the memory is in no key: it may be freed but not given back, or belong to what MEMORY \
             USAGE estimates by a few elements",
            words::percent(sums.unexplained_ratio)
        ));
    } else {
        sheet.note(format!(
            "{} of the memory lies in keys not asked: a walk of all keys (--full) finds them",
            words::percent(sums.unexplained_ratio)
        ));
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::redis::Reconciled;

    use super::*;
    use crate::testing;

    fn sample() -> KeySample {
        let share =
            KeyShare { keys: 2e6, memory_ratio: 0.5, memory_bytes: 1e8, ..KeyShare::default() };
        let pattern = |name: &str| KeyPattern {
            pattern: name.to_owned(),
            keys: 100,
            memory_bytes: 5000,
            without_ttl: 25,
            share: Some(share.clone()),
            ..KeyPattern::default()
        };
        KeySample {
            way: "survey".to_owned(),
            sampled: 200,
            named: 2_000_000,
            total: 2_000_000,
            has_every_name: true,
            patterns: vec![pattern("a:*"), pattern("b:*")],
            reconciled: Some(Reconciled {
                unexplained_ratio: 0.2,
                expected_bytes: 1e9,
                ..Reconciled::default()
            }),
            ..KeySample::default()
        }
    }

    fn of(page: Page, sample: KeySample, rows: usize) -> Sheet {
        sheet("cache", page, &testing::healthy_redis(), &Section::collected(sample), &[], rows)
    }

    #[test]
    fn memory_that_no_key_accounts_for_announces_a_full_walk() {
        let notes = of(Page::Keys, sample(), 10).notes;
        assert!(
            notes.iter().any(|note| note.starts_with("20 %") && note.contains("--full")),
            "{notes:?}"
        );
        for (unexplained_ratio, expected_bytes) in [(0.04, 1e9), (0.2, 5e6)] {
            let sums = Reconciled { unexplained_ratio, expected_bytes, ..Reconciled::default() };
            let known = KeySample { reconciled: Some(sums), ..sample() };
            assert_eq!(of(Page::Keys, known, 10).notes, [""; 0]);
        }
    }

    #[test]
    fn patterns_are_cut_and_the_rest_is_told() {
        let sheet = of(Page::Patterns, sample(), 1);
        assert_eq!(sheet.tables[0].rows.len(), 1);
        assert_eq!(sheet.tables[0].rows[0][9], Measure::Number(0.75));
        assert!(sheet.notes[0].starts_with("1 more patterns take 50 %"), "{:?}", sheet.notes);
    }

    #[test]
    fn checks_that_rest_on_keys_are_known() {
        assert!(is_about_keys("redis-big-key") && is_about_keys("redis-hot-key"));
        assert!(!is_about_keys("redis-swapping") && !is_about_keys("nonsense"));
    }
}
