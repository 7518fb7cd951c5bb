//! WAL buffers too small for what is written between two flushes.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{counted::counted, setting_change},
    skip::Judged,
    view::PgView,
    words,
};

/// WAL written early because its buffers were full.
pub static CHECK: Check = Check {
    id: "pg-wal-buffers-full",
    title: "WAL buffers full",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Info,
    versions: (14, u32::MAX),
    needs: &["wal"],
    uses: &["settings", "window"],
    thresholds: &[&RATE, &MIN_TIMES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Sessions had to write WAL out before their commit, because its buffers were full, at least `min_times`
times and at least `max_per_second` times a second on average.

## Why it matters
A session that fills the buffers waits for the disk in the middle of its statement, holding locks.

## How to fix
Raise `wal_buffers` to 64 MB; it needs a restart. More hardly ever helps: look at the WAL disk then.

## When to ignore
Bulk loads alone: they write faster than any buffer lasts.

## References
PostgreSQL documentation: Write Ahead Log, `wal_buffers`; `pg_stat_wal`.
",
    run: Run::Postgres(run),
};

static RATE: Threshold = Threshold {
    key: "max_per_second",
    unit: Unit::PerSecond,
    default: 1.0,
    strict: Some(0.1),
    range: (0.0, 1e6),
    why: "below once a second the wait is lost among the commits' own",
};

static MIN_TIMES: Threshold = Threshold {
    key: "min_times",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "one large load causes some hundred and is over",
};

/// What the fix raises `wal_buffers` to.
const ROOMY_BYTES: f64 = 67_108_864.0;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (wal, settings, window) = (pg.wal()?, pg.settings().ok(), pg.window().ok());
    let recent = window.and_then(|window| Some((window, window.wal.as_ref()?)));
    let age = pg.seconds_since(wal.stats_reset.or(pg.server().started_at));
    let enough = cx.limit(&MIN_TIMES);
    let Some(seen) = counted(recent, wal, age, |seen| seen.counters.buffers_full as f64 >= enough)
    else {
        return Ok(Vec::new());
    };
    let times = seen.counters.buffers_full as f64;
    let Some(rate) = seen.per_second(times).filter(|rate| *rate >= cx.limit(&RATE)) else {
        return Ok(Vec::new());
    };
    let source = seen.source("pg_stat_wal.wal_buffers_full");
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!(
                "WAL buffers were full {} times {}, {rate:.1} a second",
                words::count(times),
                seen.when()
            ),
            "Raise wal_buffers to 64 MB at the next restart. If they are that large already, look \
             at the disk the WAL is written to.",
        )
        .with(
            Evidence::new("buffers full", rate, Unit::PerSecond, source.clone())
                .against(cx.limit(&RATE)),
        )
        .with(Evidence::new("times", times, Unit::Count, source).against(enough))
        .with(seen.time());
    let present = settings.and_then(|settings| settings.bytes("wal_buffers"));
    let finding = match present {
        Some(size) => finding.with(Evidence::new("wal_buffers", size, Unit::Bytes, "pg_settings")),
        None => finding,
    };
    let small = present.is_some_and(|size| (size as f64) < ROOMY_BYTES);
    Ok(vec![match settings.filter(|_| small) {
        Some(settings) => {
            let change = [("wal_buffers", setting_change::memory(ROOMY_BYTES))];
            finding.fixed_by(setting_change::change(settings, FixKind::Review, &change))
        }
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::counters::Wal};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn with(times: i64, age: i64, buffers: &str) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "wal_buffers", buffers, Some("8kB"));
            edit(&mut pg.settings).0[0].context = "postmaster".into();
            *edit(&mut pg.wal) =
                Wal { buffers_full: times, stats_reset: ago(age), ..Wal::default() };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(1000, 1000, "512")).len(), 1);
        assert!(testing::findings(&CHECK, &with(1000, 1001, "512")).is_empty(), "rate");
        assert!(testing::findings(&CHECK, &with(999, 1, "512")).is_empty(), "few");
        assert!(testing::findings(&CHECK, &with(0, 1000, "512")).is_empty());
    }

    #[test]
    fn raises_small_buffers_and_says_that_it_needs_a_restart() {
        let found = testing::findings(&CHECK, &with(1000, 10, "512"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["ALTER SYSTEM SET wal_buffers = '64MB';"]);
        assert!(fix.blocks.contains("restart"));
        let large = testing::findings(&CHECK, &with(1000, 10, "8192"));
        assert_eq!(large[0].fix, None);
    }

    #[test]
    fn is_skipped_without_counters_and_before_14() {
        let hidden = testing::pg(|pg| pg.wal = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
        let old = testing::pg(|pg| pg.server.version.major = 13);
        assert_eq!(testing::skipped(&CHECK, &old).0.reason, Reason::Version);
    }
}
