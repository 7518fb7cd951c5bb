//! Commands that stopped everybody else for long.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, redis::SlowlogEntry};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{counted::RECENT, look::cost::cost},
    skip::Judged,
    view::RedisView,
    words,
};

/// Recent entries of the slow log, by command.
pub static CHECK: Check = Check {
    id: "redis-slow-command",
    title: "Slow command",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["slowlog"],
    uses: &[],
    thresholds: &[&SLOW, &MIN_HICCUPS, &RECENT],
    fix: None,
    explain: "\
## What it detects
Commands in the slow log that ran longer than `slow_ms` within the last `recent_seconds`; each entry has a time of its own.
Commands that only ask the server about itself are left out. Of commands whose time does not grow with the data (`GET`,
`HSET` of a few fields) it takes `min_hiccups`.

## Why it matters
One thread runs all commands: while one runs, every other client waits. The time in the slow log is pure
execution, without network or queue, so ten milliseconds there are ten milliseconds of standstill.

## How to fix
Look at the size of the key it touches: read parts of it (`HSCAN`, `LRANGE` by pages), split it, delete with
`UNLINK`. Replace `KEYS` by `SCAN` or by an index of your own. Break long scripts into steps.

## When to ignore
Rare administrative commands on a quiet server.

## References
Redis documentation: SLOWLOG; Diagnosing latency issues.
",
    run: Run::Redis(run),
};

static SLOW: Threshold = Threshold {
    key: "slow_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: None,
    range: (0.1, 1e6),
    why: "a hundred times a usual command and more: others notice; also the default of the slow log",
};

static MIN_HICCUPS: Threshold = Threshold {
    key: "min_hiccups",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a constant-time command that is slow once was interrupted by the machine; thrice is a habit",
};

/// More words than this are many elements at once.
const FEW_WORDS: i64 = 100;

/// Commands by which tools look at a server, and those of the link to replicas.
const NOT_WORK: &[&str] = &[
    "acl", "client", "cluster", "command", "config", "info", "latency", "memory", "psync",
    "replconf", "slowlog", "sync",
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let slowlog = redis.slowlog()?;
    let oldest = cx.limit(&RECENT);
    let mut by_command: BTreeMap<&str, Vec<&SlowlogEntry>> = BTreeMap::new();
    for entry in &slowlog.entries {
        let command = entry.command.split(['|', ' ']).next().unwrap_or_default();
        let is_new = redis.seconds_since(entry.at).is_none_or(|age| age <= oldest);
        let is_slow = entry.duration_us as f64 / 1000.0 > cx.limit_for(&SLOW, command);
        if is_new && is_slow && NOT_WORK.binary_search(&command).is_err() {
            by_command.entry(command).or_default().push(entry);
        }
    }
    let least = cx.limit(&MIN_HICCUPS);
    by_command.retain(|command, entries| {
        entries.len() as f64 >= least || !entries.iter().all(|entry| is_constant(command, entry))
    });
    let found =
        by_command.into_iter().map(|(command, entries)| finding(redis, cx, command, &entries));
    Ok(found.collect())
}

/// Whether a command does the same work however large the data are.
fn is_constant(command: &str, entry: &SlowlogEntry) -> bool {
    let grows_by_words = |cost: &str| cost.ends_with("named");
    cost(command).is_some_and(|cost| {
        cost.starts_with("O(1)") || (grows_by_words(cost) && entry.arguments < FEW_WORDS)
    })
}

fn finding(
    redis: &RedisView<'_>,
    cx: &Context<'_>,
    command: &str,
    entries: &[&SlowlogEntry],
) -> Finding {
    let slowest = entries.iter().max_by_key(|entry| entry.duration_us);
    let longest = slowest.map_or(0.0, |entry| entry.duration_us as f64 / 1000.0);
    let on = slowest.and_then(|entry| entry.key.as_ref());
    let touching = on.map(|key| format!(" on {}", words::shorten(key, 60))).unwrap_or_default();
    let times = entries.len();
    let mut found = cx
        .finding(
            Severity::Warning,
            Subject::new("command", command),
            format!(
                "{command} stopped all clients for up to {}{touching}, {times} time(s)",
                words::millis(longest)
            ),
            advice(command),
        )
        .with(
            Evidence::new("slowest", longest, Unit::Ms, "SLOWLOG GET")
                .against(cx.limit_for(&SLOW, command)),
        )
        .with(Evidence::new("entries", times as f64, Unit::Count, "SLOWLOG GET"));
    if let Some(key) = on {
        found = found.with(Evidence::new("key", key.as_str(), Unit::Text, "SLOWLOG GET"));
    }
    if let Some(client) = slowest.and_then(|entry| entry.client.as_ref()) {
        found = found.with(Evidence::new("client", client.as_str(), Unit::Text, "SLOWLOG GET"));
    }
    let newest = entries.iter().filter_map(|entry| entry.at).max();
    match redis.seconds_since(newest) {
        Some(age) => found.with(Evidence::new("last seen", age, Unit::Seconds, "SLOWLOG GET")),
        None => found,
    }
}

/// What to do about a slow command.
pub(crate) fn advice(command: &str) -> &'static str {
    match command {
        "keys" => "Use SCAN, or keep an index of the names in a set.",
        "smembers" | "hgetall" | "hkeys" | "hvals" | "lrange" | "zrange" | "sort" => {
            "Read the collection by parts (SSCAN, HSCAN, ranges of limited length), or split it."
        }
        "sunion" | "sinter" | "sdiff" | "zunionstore" | "zinterstore" => {
            "Keep the sets small, prepare the result when they change, or ask a replica."
        }
        "del" => "Use UNLINK, which frees memory in the background.",
        "flushall" | "flushdb" => "Add ASYNC, which frees memory in the background.",
        "eval" | "evalsha" | "fcall" => "Do less in one call: bound the loop and call it again.",
        "save" => "Use BGSAVE.",
        _ => "Look at the size of the key it touches, and do less in one command.",
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::{ago, edit},
    };

    fn entry(command: &str, duration_us: i64, age: i64) -> SlowlogEntry {
        SlowlogEntry {
            command: command.into(),
            duration_us,
            at: ago(age),
            key: Some("board".into()),
            ..SlowlogEntry::default()
        }
    }

    fn with(entries: Vec<SlowlogEntry>) -> Snapshot {
        built_with(&[], &[], |redis| edit(&mut redis.slowlog).entries = entries)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |us, age| severity(&CHECK, &with(vec![entry("zrange", us, age)]));
        assert_eq!(of(10_000, 5), None);
        assert_eq!(of(10_001, 5), Some(Severity::Warning));
        assert_eq!(of(10_001, 86_400), Some(Severity::Warning));
        assert_eq!(of(10_001, 86_401), None, "long ago");
    }

    #[test]
    fn one_finding_for_each_command_names_the_slowest() {
        let entries =
            vec![entry("keys", 11_000, 9), entry("keys", 95_000, 5), entry("info", 99_000, 1)];
        let found = only(&CHECK, &with(entries));
        assert_eq!(found.message, "keys stopped all clients for up to 95 ms on board, 2 time(s)");
        assert_eq!(found.key, "redis-slow-command@cache/command:keys");
    }

    #[test]
    fn a_hiccup_of_a_quick_command_is_the_machine_s() {
        let times = |count, command, arguments| {
            let one = SlowlogEntry { arguments, ..entry(command, 50_000, 5) };
            severity(&CHECK, &with(vec![one; count]))
        };
        assert_eq!(times(2, "get", 2), None);
        assert_eq!(times(3, "get", 2), Some(Severity::Warning));
        assert_eq!(times(1, "hset", 4), None);
        assert_eq!(times(1, "hset", 100), Some(Severity::Warning), "many fields at once");
        assert_eq!(times(1, "hgetall", 2), Some(Severity::Warning));
    }

    #[test]
    fn looking_is_not_work() {
        assert!(NOT_WORK.is_sorted());
        assert_eq!(severity(&CHECK, &with(vec![entry("memory|usage", 90_000, 1)])), None);
    }
}
