//! Waits for locks that lasted longer than `deadlock_timeout`.

use dbvitals_model::{Evidence, Severity, Subject, Unit, log::LockWait};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Waits for locks that lasted longer than `deadlock_timeout`.
pub static CHECK: Check = Check {
    id: "log-lock-wait",
    title: "Lock waits",
    topic: Topic::Log,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["lock_waits"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL, &PER_HOUR],
    fix: None,
    explain: "\
## What it detects
Waits of one statement for one kind of lock: the longest lasted at least `warning_ms` (or `critical_ms`), or there
were at least `warning_per_hour` of them. Only waits longer than `deadlock_timeout` are logged.

## Why it matters
Who waits for a lock holds a connection, and often locks of its own: queues grow behind queues.

## How to fix
Find the holder: the last statement of its session is told below where it was logged. Keep transactions short, change rows in one
order, let schema changes run with `lock_timeout`.

## When to ignore
Planned migrations.

## References
PostgreSQL documentation: log_lock_waits; deadlock_timeout; Explicit Locking.
",
    run: Run::Log(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ms",
    unit: Unit::Ms,
    default: 5000.0,
    strict: Some(1000.0),
    range: (1.0, 1e9),
    why: "five seconds behind a lock is longer than any page may take",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ms",
    unit: Unit::Ms,
    default: 60000.0,
    strict: Some(30000.0),
    range: (1.0, 1e9),
    why: "after a minute pools are full of those who wait",
};

static PER_HOUR: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 20.0,
    strict: None,
    range: (0.1, 1e9),
    why: "waits that come every few minutes are a habit of the application",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let waits = log.lock_waits()?;
    let hours = facts::hours(log.log());
    let mut found = Vec::new();
    for group in &waits.groups {
        let name = group.fingerprint.clone().unwrap_or_else(|| group.object.clone());
        let per_hour = group.waits as f64 / hours;
        let by_length = cx.above(group.longest_ms, &WARNING, &CRITICAL, &name);
        let is_frequent = per_hour >= cx.limit_for(&PER_HOUR, &name);
        let Some(severity) = by_length.or(is_frequent.then_some(Severity::Warning)) else {
            continue;
        };
        if found.len() == facts::LISTED {
            break;
        }
        let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
        let message = format!(
            "{} of up to {} for {} on {}{}",
            facts::things(group.waits.max(group.acquired), "wait", "waits"),
            words::millis(group.longest_ms),
            group.mode,
            group.object,
            group
                .statement
                .as_ref()
                .map_or_else(String::new, |text| format!(": {}", facts::short(text)))
        );
        let finding = cx
            .finding(
                severity,
                subject(group, &name),
                message,
                "Shorten the transaction that holds the lock; let all change rows in the same order.",
            )
            .with(
                Evidence::new("longest wait", group.longest_ms, Unit::Ms, facts::SOURCE)
                    .against(cx.limit_for(limit, &name)),
            )
            .with(facts::number("waits", group.waits))
            .with(facts::number("waits that ended with the lock", group.acquired))
            .with(Evidence::new("waited in all", group.total_ms, Unit::Ms, facts::SOURCE))
            .with(
                Evidence::new("waits an hour", per_hour, Unit::PerHour, facts::SOURCE)
                    .against(cx.limit_for(&PER_HOUR, &name)),
            );
        found.push(facts::with_names(finding, "last statement of the holder", &group.holders));
    }
    Ok(found)
}

fn subject(group: &LockWait, name: &str) -> Subject {
    let kind = if group.fingerprint.is_some() { "statement" } else { "lock" };
    Subject::new(kind, format!("{name} {}", group.mode))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::testing::{self, edit};

    fn log(longest_ms: f64, waits: i64) -> Snapshot {
        testing::log(|log| {
            edit(&mut log.lock_waits).groups = vec![LockWait {
                mode: "ShareLock".into(),
                longest_ms,
                waits,
                ..LockWait::default()
            }];
            log.first_at = testing::ago(3600);
            log.last_at = testing::ago(0);
        })
    }

    fn severity(longest_ms: f64, waits: i64) -> Option<Severity> {
        testing::findings(&CHECK, &log(longest_ms, waits)).first().map(|found| found.severity)
    }

    #[test]
    fn long_or_frequent_waits_are_told() {
        assert_eq!(severity(4999.0, 1), None);
        assert_eq!(severity(5000.0, 1), Some(Severity::Warning));
        assert_eq!(severity(60_000.0, 1), Some(Severity::Critical));
        assert_eq!(severity(1500.0, 20), Some(Severity::Warning));
        assert_eq!(severity(1500.0, 19), None);
    }
}
