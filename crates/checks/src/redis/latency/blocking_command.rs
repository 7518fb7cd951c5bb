//! Commands whose time grows with the data, on data that have grown.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    redis::{CommandStat, Info, Window},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        counted::{Counted, RECENT, since_start},
        facts,
    },
    skip::Judged,
    view::RedisView,
    words,
};

/// `INFO commandstats` of commands that walk a whole keyspace or collection.
pub static CHECK: Check = Check {
    id: "redis-blocking-command",
    title: "Command that walks everything",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&MEAN, &MIN_KEYS, &RECENT],
    fix: None,
    explain: "\
## What it detects
`KEYS` on a server of at least `min_keys`, and other commands that walk a whole collection (`SMEMBERS`, `HGETALL`,
`SORT`, set operations, `FLUSHALL` without `ASYNC` …) that take `mean_ms` or more on average. Counted in the window where it was
called in it, else since the start: then as information when that is longer ago than `recent_seconds`.

## Why it matters
Their time grows with the data, and every other client waits for it. What was harmless in a test stops a
production server.

## How to fix
`SCAN`, `SSCAN`, `HSCAN`, ranges of limited length, `UNLINK`, `FLUSHALL ASYNC`. Take `KEYS` away from applications
with an ACL.

## When to ignore
An administrator's single look, on a quiet server.

## References
Redis documentation: KEYS, SCAN; Diagnosing latency issues.
",
    run: Run::Redis(run),
};

static MEAN: Threshold = Threshold {
    key: "mean_ms",
    unit: Unit::Ms,
    default: 1.0,
    strict: None,
    range: (0.001, 1e6),
    why: "a millisecond is the time of a hundred usual commands: thousands of elements are walked",
};

static MIN_KEYS: Threshold = Threshold {
    key: "min_keys",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "below a thousand keys KEYS is as quick as any command",
};

/// Commands that walk a whole collection or keyspace, and what to use instead.
const WALKERS: &[(&str, &str)] = &[
    ("keys", "Use SCAN, or keep an index of the names in a set. Deny KEYS to applications."),
    ("smembers", "Use SSCAN, or split the set."),
    ("hgetall", "Use HMGET for the fields needed, HSCAN for all, or split the hash."),
    ("hkeys", "Use HSCAN, or split the hash."),
    ("hvals", "Use HSCAN, or split the hash."),
    ("lrange", "Read pages of limited length."),
    ("zrange", "Read pages of limited length."),
    ("zrangebyscore", "Add LIMIT, and read pages."),
    ("zrevrange", "Read pages of limited length."),
    ("sort", "Sort in the application, or keep a sorted set."),
    ("sunion", "Prepare the result when the sets change, or ask a replica."),
    ("sinter", "Prepare the result when the sets change, or ask a replica."),
    ("sdiff", "Prepare the result when the sets change, or ask a replica."),
    ("del", "Use UNLINK, which frees memory in the background."),
    ("flushall", "Add ASYNC, which frees memory in the background."),
    ("flushdb", "Add ASYNC, which frees memory in the background."),
    ("save", "Use BGSAVE, which writes in a child process."),
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    let (keys, _) = facts::keys(info);
    let find = |(name, advice): &(&str, &'static str)| {
        let (stat, counted) = stat_of(redis, info, window, name)?;
        let mean = stat.us_per_call / 1000.0;
        let walks_keys = *name == "keys" && keys >= cx.limit_for(&MIN_KEYS, name);
        let is_slow = mean >= cx.limit_for(&MEAN, name);
        (walks_keys || is_slow).then(|| finding(cx, stat, counted, mean, keys, advice))
    };
    Ok(WALKERS.iter().filter_map(find).collect())
}

/// How often a command was called: in the window where it was called in it, else since the start, since
/// a job that runs once an hour is in hardly any window.
fn stat_of<'a>(
    redis: &RedisView<'_>,
    info: &'a Info,
    window: Option<&'a Window>,
    name: &str,
) -> Option<(&'a CommandStat, Counted)> {
    let find = |commands: &'a [CommandStat]| {
        commands.iter().find(|stat| stat.name == name && stat.calls > 0)
    };
    if let Some((window, stat)) = window.and_then(|it| Some((it, find(&it.commands)?))) {
        let (count, seconds) = (stat.calls as f64, window.seconds);
        return Some((stat, Counted { count, seconds, in_window: true }));
    }
    let stat = find(&info.commands)?;
    Some((stat, since_start(redis, stat.calls as f64)?))
}

fn finding(
    cx: &Context<'_>,
    stat: &CommandStat,
    counted: Counted,
    mean: f64,
    keys: f64,
    advice: &str,
) -> Finding {
    let source = counted.source("INFO commandstats");
    let found = cx
        .finding(
            counted.severity(Severity::Warning, cx),
            Subject::new("command", &stat.name),
            format!(
                "{} was called {} time(s) {}, {} each",
                stat.name,
                words::count(counted.count),
                counted.when(),
                words::millis(mean)
            ),
            advice,
        )
        .with(Evidence::new("calls", counted.count, Unit::Count, source.clone()))
        .with(
            Evidence::new("mean", mean, Unit::Ms, source).against(cx.limit_for(&MEAN, &stat.name)),
        )
        .with(counted.age());
    if stat.name == "keys" {
        let limit = cx.limit_for(&MIN_KEYS, "keys");
        return found
            .with(Evidence::new("keys", keys, Unit::Count, "INFO keyspace").against(limit));
    }
    found
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Keyspace};

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, only, severity, window},
        testing::edit,
    };

    fn stat(name: &str, calls: i64, us_per_call: f64) -> CommandStat {
        CommandStat { name: name.into(), calls, us_per_call, ..CommandStat::default() }
    }

    fn with(stat: CommandStat, keys: i64, uptime: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            redis.server.uptime_seconds = uptime;
            let info = edit(&mut redis.info);
            info.commands = vec![stat];
            info.keyspace = vec![Keyspace { keys, ..Keyspace::default() }];
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |name, us, keys| severity(&CHECK, &with(stat(name, 5, us), keys, 3600));
        assert_eq!(of("hgetall", 999.0, 9_000_000), None, "small hashes");
        assert_eq!(of("hgetall", 1000.0, 1), Some(Severity::Warning));
        assert_eq!(of("keys", 10.0, 999), None, "few keys");
        assert_eq!(of("keys", 10.0, 1000), Some(Severity::Warning));
        assert_eq!(of("get", 90_000.0, 1000), None, "reads one key");
    }

    #[test]
    fn old_counters_are_information_unless_the_window_saw_it() {
        let old = with(stat("keys", 5, 10.0), 5000, 86_401);
        assert_eq!(severity(&CHECK, &old), Some(Severity::Info));
        let quiet = edited(old, |redis| window(redis, &[]));
        assert_eq!(severity(&CHECK, &quiet), Some(Severity::Info), "an hourly job, say");
        let busy = edited(quiet, |redis| {
            edit(&mut redis.window).commands = vec![stat("keys", 2, 4000.0)];
        });
        assert_eq!(only(&CHECK, &busy).message, "keys was called 2 time(s) in 10 s, 4 ms each");
    }
}
