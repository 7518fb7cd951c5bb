//! A slow log that cannot show what is slow.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Unit,
    redis::{Config, Info, Slowlog},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `slowlog-log-slower-than`, `slowlog-max-len` and how quickly the log fills.
pub static CHECK: Check = Check {
    id: "redis-slowlog-blind",
    title: "Slow log shows too little",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info", "slowlog"],
    thresholds: &[&SLOWER_THAN, &MIN_REACH, &MIN_LENGTH],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A slow log that is off, keeps nothing, records only commands slower than `slower_than_ms`, or is full with
everything in it younger than `min_reach_seconds`.

## Why it matters
It is the only record of which command on which key stopped the server.

## How to fix
Record from `slower_than_ms` on and keep at least `min_length` entries. An entry takes some hundred bytes.

## When to ignore
While a higher threshold is wanted for a while, to find the worst only.

## References
Redis documentation: SLOWLOG.
",
    run: Run::Redis(run),
};

static SLOWER_THAN: Threshold = Threshold {
    key: "slower_than_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: None,
    range: (0.001, 1e6),
    why: "the server's own default; from there on a command counts as slow here",
};

static MIN_REACH: Threshold = Threshold {
    key: "min_reach_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a look once an hour should not miss what happened in between",
};

static MIN_LENGTH: Threshold = Threshold {
    key: "min_length",
    unit: Unit::Count,
    default: 1024.0,
    strict: None,
    range: (1.0, 1e6),
    why: "some hundred kilobytes for eight times the default of 128",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info, slowlog) = (redis.config()?, redis.info().ok(), redis.slowlog().ok());
    let slower_than = facts::setting_number(config, "slowlog-log-slower-than")? / 1000.0;
    let length = facts::setting_number(config, "slowlog-max-len")?;
    let threshold = cx.limit(&SLOWER_THAN);
    let mut found = Vec::new();
    if slower_than < 0.0 || slower_than > threshold {
        found.push(misses(cx, config, info, slower_than, threshold));
    }
    let reach = slowlog.and_then(|slowlog| reach(redis, slowlog, length));
    let is_short = reach.is_some_and(|reach| reach < cx.limit(&MIN_REACH));
    if length <= 0.0 || is_short {
        found.push(forgets(cx, config, info, length, reach));
    }
    Ok(found)
}

/// How far a full log reaches back; `None` when it is not full.
fn reach(redis: &RedisView<'_>, slowlog: &Slowlog, length: f64) -> Option<f64> {
    let is_full = slowlog.length as f64 >= length && length > 0.0;
    // Of a long log only a part is read, and our own entries are left out.
    let read_all = slowlog.entries.len() as f64 >= slowlog.length as f64 * 0.9;
    let oldest = slowlog.entries.iter().filter_map(|entry| entry.at).min();
    redis.seconds_since(oldest).filter(|_| is_full && read_all)
}

fn misses(
    cx: &Context<'_>,
    config: &Config,
    info: Option<&Info>,
    slower_than: f64,
    threshold: f64,
) -> Finding {
    let message = if slower_than < 0.0 {
        "the slow log is off".to_owned()
    } else {
        format!("the slow log misses commands faster than {}", words::millis(slower_than))
    };
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("slowlog-log-slower-than"),
            message,
            "Record slower commands from there on where they are felt.",
        )
        .with(
            Evidence::new("slowlog-log-slower-than", slower_than, Unit::Ms, "CONFIG GET")
                .against(threshold),
        );
    let wanted = format!("{:.0}", threshold * 1000.0);
    let changes = [("slowlog-log-slower-than", wanted.as_str())];
    config_fix::set(finding, FixKind::Safe, info, Some(config), &changes)
}

fn forgets(
    cx: &Context<'_>,
    config: &Config,
    info: Option<&Info>,
    length: f64,
    reach: Option<f64>,
) -> Finding {
    let message = match reach {
        Some(reach) => format!(
            "the slow log is full with {length:.0} entries, the oldest from {} ago",
            words::seconds(reach)
        ),
        None => "the slow log keeps no entry".to_owned(),
    };
    let mut finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("slowlog-max-len"),
            message,
            "Keep more entries; each takes some hundred bytes.",
        )
        .with(
            Evidence::new("slowlog-max-len", length, Unit::Count, "CONFIG GET")
                .against(cx.limit(&MIN_LENGTH)),
        );
    if let Some(reach) = reach {
        finding = finding.with(
            Evidence::new("reaches back", reach, Unit::Seconds, "SLOWLOG GET")
                .against(cx.limit(&MIN_REACH)),
        );
    }
    let wanted = cx.limit(&MIN_LENGTH).max(length * 8.0);
    let wanted = format!("{wanted:.0}");
    let changes = [("slowlog-max-len", wanted.as_str())];
    config_fix::set(finding, FixKind::Safe, info, Some(config), &changes)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::SlowlogEntry};

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, only, severity},
        testing::{ago, edit},
    };

    fn with(slower_than: &str, length: &str, entries: i64, oldest: i64) -> Snapshot {
        let config = [("slowlog-log-slower-than", slower_than), ("slowlog-max-len", length)];
        built_with(&[], &config, |redis| {
            let entry = |n| SlowlogEntry { at: ago(oldest - n), ..SlowlogEntry::default() };
            let entries_read = (0..entries).map(entry).collect();
            *edit(&mut redis.slowlog) = Slowlog { length: entries, entries: entries_read };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(&CHECK, &with("10000", "128", 0, 0)), None);
        assert_eq!(severity(&CHECK, &with("10001", "128", 0, 0)), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("-1", "128", 0, 0)), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("0", "128", 0, 0)), None, "records everything");
        assert_eq!(severity(&CHECK, &with("10000", "0", 0, 0)), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("10000", "128", 128, 3600)), None);
        assert_eq!(severity(&CHECK, &with("10000", "128", 128, 3599)), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("10000", "128", 127, 5)), None, "not full");
    }

    #[test]
    fn fixes_only_what_is_wrong() {
        let (statements, undo) = fix(&CHECK, &with("-1", "128", 0, 0));
        assert_eq!(statements, ["CONFIG SET slowlog-log-slower-than 10000", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET slowlog-log-slower-than -1", "CONFIG REWRITE"]);
        let (statements, _) = fix(&CHECK, &with("10000", "128", 128, 60));
        assert_eq!(statements, ["CONFIG SET slowlog-max-len 1024", "CONFIG REWRITE"]);
        let message = only(&CHECK, &with("10000", "128", 128, 60)).message;
        assert_eq!(message, "the slow log is full with 128 entries, the oldest from 60 s ago");
    }
}
