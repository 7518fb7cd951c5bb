//! More connections allowed than the machine can serve.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use super::session;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// `max_connections`, by itself and times `work_mem`.
pub static CHECK: Check = Check {
    id: "pg-max-connections-oversized",
    title: "max_connections too high",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["activity", "host"],
    thresholds: &[&CONNECTIONS, &MEMORY_RATIO],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
`max_connections` is above `max_connections_count`, or `work_mem` for every allowed connection is more
than `max_memory_ratio` of the machine's memory, where that is known.

## Why it matters
A machine serves a few connections per processor core at a time; the others only wait for each other. A
high limit turns a burst into a server out of memory instead of a queue in the pool.

## How to fix
Put a pooler in transaction mode in front, then lower `max_connections` to what the cores can serve, with
room for maintenance. Standbys need at least the primary's value: lower it on the primary first.

## When to ignore
Servers whose connections are idle nearly always, with memory to spare.

## References
PostgreSQL documentation: Connections and Authentication, `max_connections`; `work_mem`.
",
    run: Run::Postgres(run),
};

static CONNECTIONS: Threshold = Threshold {
    key: "max_connections_count",
    unit: Unit::Count,
    default: 500.0,
    strict: None,
    range: (10.0, 1e6),
    why: "beyond some hundred, connections cost throughput on any machine; a pooler serves thousands",
};

static MEMORY_RATIO: Threshold = Threshold {
    key: "max_memory_ratio",
    unit: Unit::Ratio,
    default: 1.0,
    strict: None,
    range: (0.01, 100.0),
    why: "one sort in every session would take all memory there is",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let used = pg.activity().ok().map(|sessions| session::clients(pg, sessions).count() as f64);
    let memory = pg.host().and_then(|host| host.memory.value());
    let memory = memory.map(|memory| memory.total_bytes as f64).filter(|total| *total > 0.0);
    let max = settings
        .number("max_connections")
        .ok_or_else(|| Skip::not_applicable("max_connections is not known"))?;
    let name = "max_connections";
    let limit = cx.limit_for(&CONNECTIONS, name);
    let granted = settings.bytes("work_mem").map(|each| each as f64 * max);
    let ratio = granted.zip(memory).map(|(granted, memory)| granted / memory);
    let exhausting = ratio.filter(|ratio| *ratio > cx.limit_for(&MEMORY_RATIO, name));
    if max <= limit && exhausting.is_none() {
        return Ok(Vec::new());
    }
    let message = match (exhausting, memory) {
        (Some(ratio), Some(memory)) => format!(
            "max_connections {} × work_mem is {} of the machine's {}",
            words::count(max),
            words::percent(ratio),
            words::bytes(memory)
        ),
        _ => format!("max_connections is {}", words::count(max)),
    };
    let mut found = cx
        .finding(
            Severity::Warning,
            Subject::new("setting", name),
            message,
            "Put a pooler in transaction mode in front, then lower max_connections; on standbys last.",
        )
        .with(Evidence::new(name, max, Unit::Count, "pg_settings").against(limit));
    if let Some(ratio) = ratio {
        found = found.with(
            Evidence::new("max_connections × work_mem", ratio, Unit::Ratio, "share of memory")
                .against(cx.limit_for(&MEMORY_RATIO, name)),
        );
    }
    if let Some(used) = used {
        found = found.with(Evidence::new("connections now", used, Unit::Count, "pg_stat_activity"));
    }
    // Twice of what is used now, in hundreds, where that is less.
    let lower = (used.unwrap_or(0.0) * 2.0 / 100.0).ceil().max(1.0) * 100.0;
    if lower < max {
        let change = [(name, format!("{lower:.0}"))];
        found = found.fixed_by(setting_change::change(settings, FixKind::Manual, &change));
    }
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, host::Memory};

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(max: &str, work_mem_kb: &str, total_bytes: i64) -> Vec<Finding> {
        let snapshot = testing::host(|host, pg| {
            *edit(&mut host.memory) = Memory { total_bytes, ..Memory::default() };
            set(pg, "max_connections", max, None);
            set(pg, "work_mem", work_mem_kb, Some("kB"));
        });
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert!(found("500", "4096", 64 << 30).is_empty());
        assert_eq!(found("501", "4096", 64 << 30).len(), 1);
        assert!(found("256", "65536", 16 << 30).is_empty(), "all memory exactly");
        let greedy = found("257", "65536", 16 << 30).remove(0);
        assert_eq!(
            greedy.message,
            "max_connections 257 × work_mem is 100 % of the machine's 16 GB"
        );
        assert!(found("257", "65536", 0).is_empty(), "memory unknown");
    }

    #[test]
    fn the_fix_leaves_twice_the_present_use() {
        let fix = found("2000", "4096", 64 << 30).remove(0).fix.unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET max_connections = '100';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET max_connections = '2000';");
        assert_eq!(fix.kind, FixKind::Manual);
    }

    #[test]
    fn is_skipped_without_the_setting() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
        let none = testing::pg(|pg| pg.settings = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
