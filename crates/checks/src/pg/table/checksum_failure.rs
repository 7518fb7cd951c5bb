//! Pages that were read with a wrong checksum.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// `pg_stat_database.checksum_failures`.
pub static CHECK: Check = Check {
    id: "pg-checksum-failure",
    title: "Checksum failure",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &[],
    thresholds: &[&RECENT],
    fix: None,
    explain: "\
## What it detects
A database in which pages failed verification of their checksum since its statistics began. A failure longer ago than
`recent_days`, with none since, is a warning.

## Why it matters
The storage returned something else than was written: a disk, a controller, memory or a file system is at fault, and
what was read may be wrong in more places than were noticed.

## How to fix
Stop writing if you can. Fail over to a standby that verifies, or restore. Check the hardware. Find the relation in the
server log (`page verification failed`) and verify all files with `pg_checksums` (server stopped) or `pg_amcheck`.
After the repair reset the counter with `pg_stat_reset()`.

## When to ignore
After a repair, until the statistics are reset.

## References
PostgreSQL documentation: Data Checksums; `pg_stat_database`.
",
    run: Run::Postgres(run),
};

static RECENT: Threshold = Threshold {
    key: "recent_days",
    unit: Unit::Days,
    default: 30.0,
    strict: None,
    range: (0.0, 36_500.0),
    why: "corruption found last month was dealt with, or has not shown itself again",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let databases = pg.databases()?;
    let unverified = databases.iter().all(|database| database.checksum_failures.is_none());
    if unverified && pg.server().data_checksums == Some(false) {
        return Err(Skip::disabled(
            "data checksums are off: a damaged page is not noticed",
            "pg_checksums --enable (with the server stopped)",
        ));
    }
    let mut found = Vec::new();
    for database in databases {
        let failures = database.checksum_failures.unwrap_or(0);
        if failures <= 0 {
            continue;
        }
        let name = database.name.as_str();
        let limit = cx.limit_for(&RECENT, name);
        let age = pg.seconds_since(database.checksum_last_failure).map(|age| age / 86_400.0);
        let old = age.is_some_and(|days| days > limit);
        let finding = cx
            .finding(
                if old { Severity::Warning } else { Severity::Critical },
                Subject::new("database", name),
                format!("{} pages of {name} failed their checksum", words::count(failures as f64)),
                "Fail over or restore, check the hardware, and find the relation in the server log.",
            )
            .with(
                Evidence::new("failures", failures, Unit::Count, "pg_stat_database.checksum_failures")
                    .against(0.0),
            );
        found.push(match age {
            Some(days) => finding.with(
                Evidence::new(
                    "last failure",
                    days,
                    Unit::Days,
                    "pg_stat_database.checksum_last_failure",
                )
                .against(limit),
            ),
            None => finding,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section};

    use super::*;
    use crate::testing::{self, ago, edit, findings, skipped};

    fn judge(failures: Option<i64>, seconds: i64) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            database.checksum_failures = failures;
            database.checksum_last_failure = ago(seconds);
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn one_failure_is_critical_and_becomes_a_warning_with_time() {
        assert_eq!(judge(Some(1), 30 * 86_400)[0].severity, Severity::Critical);
        assert_eq!(judge(Some(1), 30 * 86_400 + 1)[0].severity, Severity::Warning);
        assert!(judge(Some(0), 1).is_empty());
        assert!(judge(None, 1).is_empty());
    }

    #[test]
    fn is_skipped_where_checksums_are_off_or_databases_unknown() {
        let off = testing::pg(|pg| pg.server.data_checksums = Some(false));
        assert_eq!(skipped(&CHECK, &off).0.reason, Reason::Disabled);
        let blind = testing::pg(|pg| {
            pg.databases = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
