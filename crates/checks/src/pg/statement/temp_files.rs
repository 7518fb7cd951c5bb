//! Temporary files: how much a database writes, and large ones now.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit,
    pg::{counters::TempFiles, database::Database},
};

use super::work_mem;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `pg_stat_database.temp_bytes` per day, and the largest file in the temporary folders.
pub static CHECK: Check = Check {
    id: "pg-temp-files",
    title: "Many or large temporary files",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["settings", "temp_files"],
    thresholds: &[&PER_DAY, &LARGEST],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A database that writes more than `max_bytes_per_day` of temporary files a day since its statistics began,
or a temporary file of more than `max_file_bytes` right now. Statistics younger than a day are counted
as a day's.

## Why it matters
Sorts and hashes that do not fit `work_mem` go to disk and come back: slow for their statement, and for
everyone who shares the disk. A runaway join can fill it.

## How to fix
`log_temp_files` names the statements. Give them an index, fewer rows, or their role more `work_mem`;
`temp_file_limit` bounds the damage of a runaway.

## When to ignore
Warehouses, where large sorts are the work: raise `max_bytes_per_day` for the database.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_database`; `log_temp_files`.
",
    run: Run::Postgres(run),
};

static PER_DAY: Threshold = Threshold {
    key: "max_bytes_per_day",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "1 GB a day is a thousand sorts of 1 MB that a little more work_mem would keep in memory",
};

static LARGEST: Threshold = Threshold {
    key: "max_file_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "the server splits temporary files at 1 GB: a file of that size is the sign of a runaway",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let databases = pg.databases()?;
    let work_mem = pg.settings().ok().and_then(|settings| settings.bytes("work_mem"));
    let files = pg.temp_files().ok();
    let mut found: Vec<Finding> = databases
        .iter()
        .filter(|database| !database.is_template)
        .filter_map(|database| spilling(pg, cx, database, work_mem))
        .collect();
    found.extend(files.and_then(|files| large_file(pg, cx, files)));
    Ok(found)
}

fn spilling(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    database: &Database,
    work_mem: Option<i64>,
) -> Option<Finding> {
    let days = pg.seconds_since(database.stats_reset.or(pg.server().started_at))? / 86_400.0;
    let per_day = database.temp_bytes as f64 / days.max(1.0);
    let limit = cx.limit_for(&PER_DAY, &database.name);
    if per_day <= limit {
        return None;
    }
    let each = database.temp_bytes as f64 / database.temp_files.max(1) as f64;
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("database", &database.name),
            format!(
                "database {} writes {} of temporary files a day",
                database.name,
                words::bytes(per_day)
            ),
            "Set log_temp_files to name the statements; give them an index, fewer rows, or their role \
             more work_mem.",
        )
        .with(
            Evidence::new("per day", per_day, Unit::Bytes, "pg_stat_database.temp_bytes")
                .against(limit),
        )
        .with(Evidence::new("mean size of a file", each, Unit::Bytes, "temp_bytes / temp_files"))
        .with(Evidence::new("statistics age", days, Unit::Days, "pg_stat_database.stats_reset"));
    match work_mem.and_then(|current| work_mem::enough_for(each, current)) {
        Some(megabytes) => Some(
            found
                .fixed_by(work_mem::fix(None, &database.name, megabytes))
                .promising("keeps sorts and hashes of usual size in memory"),
        ),
        None => Some(found),
    }
}

fn large_file(pg: &PgView<'_>, cx: &Context<'_>, files: &TempFiles) -> Option<Finding> {
    let limit = cx.limit_for(&LARGEST, pg.name());
    let largest = files.largest_bytes as f64;
    // A file that was split at 1 GB cannot be larger: at the limit counts.
    (largest > 0.0 && largest >= limit).then(|| {
        cx.finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "a temporary file of {} exists now ({} in all)",
                words::bytes(largest),
                words::bytes(files.total_bytes as f64)
            ),
            "Find the statement in pg_stat_activity and cancel it if it is a runaway; bound the next \
             one with temp_file_limit.",
        )
        .with(Evidence::new("largest file", largest, Unit::Bytes, "pg_ls_tmpdir").against(limit))
        .with(Evidence::new("files", files.files, Unit::Count, "pg_ls_tmpdir"))
        .with(Evidence::new("all files", files.total_bytes, Unit::Bytes, "pg_ls_tmpdir"))
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit};

    const GIB: i64 = 1 << 30;

    fn with(temp_bytes: i64, age_seconds: i64) -> Snapshot {
        testing::pg(|pg| {
            testing::set(pg, "work_mem", "4096", Some("kB"));
            let database = &mut edit(&mut pg.databases)[0];
            database.temp_bytes = temp_bytes;
            database.temp_files = 1000;
            database.stats_reset = ago(age_seconds);
        })
    }

    #[test]
    fn a_days_amount_has_two_sides() {
        let found = |bytes| testing::findings(&CHECK, &with(bytes, 10 * 86_400));
        assert!(found(10 * GIB).is_empty());
        let spilling = found(10 * GIB + 10).remove(0);
        assert_eq!(spilling.message, "database app writes 1 GB of temporary files a day");
        assert_eq!(spilling.fix.unwrap().statements, ["ALTER DATABASE app SET work_mem = '64MB';"]);
    }

    #[test]
    fn an_hours_statistics_are_not_scaled_up() {
        assert!(testing::findings(&CHECK, &with(GIB, 3600)).is_empty());
        assert_eq!(testing::findings(&CHECK, &with(GIB + 1, 3600)).len(), 1);
    }

    #[test]
    fn one_large_file_is_a_finding_of_its_own() {
        let found = |largest_bytes| {
            let snapshot = testing::pg(|pg| {
                *edit(&mut pg.temp_files) = TempFiles { files: 1, total_bytes: 1, largest_bytes };
            });
            testing::findings(&CHECK, &snapshot).len()
        };
        assert_eq!((found(0), found(GIB - 1), found(GIB)), (0, 0, 1));
    }

    #[test]
    fn judges_databases_without_seeing_files_but_not_without_databases() {
        let mut snapshot = with(100 * GIB, 86_400);
        if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
            pg.temp_files = Section::unavailable(Reason::Permission, "hidden");
        }
        assert_eq!(testing::findings(&CHECK, &snapshot).len(), 1);
        let none = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
