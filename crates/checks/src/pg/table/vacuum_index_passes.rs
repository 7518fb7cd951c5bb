//! Vacuums that read all indexes more than once.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit, pg::activity::VacuumProgress,
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change::{change, memory},
    skip::Judged,
    view::PgView,
    words,
};

/// Index passes of running vacuums.
pub static CHECK: Check = Check {
    id: "pg-vacuum-index-passes",
    title: "Vacuum with several index passes",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["vacuum_progress", "settings"],
    uses: &[],
    thresholds: &[&PASSES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A vacuum that is running and has gone through all indexes of its table at least `min_passes` times, and goes on
reading the table.

## Why it matters
It remembers dead rows in memory; when that is full it must read every index whole before it can go on. Each
further pass costs as much as the first.

## How to fix
Give it more memory: `autovacuum_work_mem` for autovacuum, `maintenance_work_mem` for your own. Before version 17
a vacuum needs 6 bytes for each dead row and uses at most 1 GB; since then it needs much less. Let it run more
often (`autovacuum_vacuum_scale_factor` of the table), so that fewer rows wait.

## When to ignore
The first vacuum after a great deletion.

## References
PostgreSQL documentation: VACUUM Progress Reporting; `autovacuum_work_mem`.
",
    run: Run::Postgres(run),
};

static PASSES: Threshold = Threshold {
    key: "min_passes",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (1.0, 1000.0),
    why: "one pass at the end is the rule; one in the middle means that there will be a second",
};

/// Most memory a vacuum before version 17 makes use of.
const MOST_BEFORE_17: i64 = 1 << 30;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (vacuums, settings) = (pg.vacuum_progress()?, pg.settings()?);
    let found = vacuums.iter().filter_map(|vacuum| {
        let table = vacuum.relation.clone().unwrap_or_else(|| vacuum.relation_oid.to_string());
        let limit = cx.limit_for(&PASSES, &table);
        let passes = vacuum.index_vacuum_count as f64;
        let is_repeated = match vacuum.phase.as_str() {
            "scanning heap" | "vacuuming indexes" => passes >= limit,
            // It may have been the only pass, at the end.
            "vacuuming heap" => passes > limit,
            _ => false,
        };
        is_repeated.then(|| finding(pg, cx, settings, vacuum, &table, limit))
    });
    Ok(found.collect())
}

fn finding(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    settings: &dbvitals_model::pg::instance::Settings,
    vacuum: &VacuumProgress,
    table: &str,
    limit: f64,
) -> Finding {
    let own = settings.bytes("autovacuum_work_mem").filter(|bytes| *bytes >= 0);
    let name = if vacuum.is_autovacuum && own.is_some() {
        "autovacuum_work_mem"
    } else {
        "maintenance_work_mem"
    };
    let bytes = settings.bytes(name).unwrap_or(0);
    let who = if vacuum.is_autovacuum { "autovacuum" } else { "vacuum" };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::within("table", &vacuum.database, table),
            format!(
                "{who} of {table} has read all its indexes {} time{} and is not done: {name} ({}) holds too few dead rows",
                vacuum.index_vacuum_count,
                if vacuum.index_vacuum_count == 1 { "" } else { "s" },
                words::bytes(bytes as f64)
            ),
            "Give vacuum more memory, and let it run more often on this table.",
        )
        .with(Evidence::new("index passes", vacuum.index_vacuum_count, Unit::Count, "pg_stat_progress_vacuum").against(limit))
        .with(Evidence::new(name, bytes, Unit::Bytes, "pg_settings"))
        .with(Evidence::new(
            "read so far",
            vacuum.heap_blocks_scanned as f64 / vacuum.heap_blocks_total.max(1) as f64,
            Unit::Ratio,
            "pg_stat_progress_vacuum",
        ));
    let most = if pg.server().version.major < 17 { MOST_BEFORE_17 } else { i64::MAX };
    let more = bytes.saturating_mul(4).min(most);
    if bytes > 0 && more > bytes {
        found.fixed_by(change(settings, FixKind::Review, &[(name, memory(more as f64))]))
    } else {
        found
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(passes: i64, phase: &str, is_autovacuum: bool, own: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "maintenance_work_mem", "65536", Some("kB"));
                set(pg, "autovacuum_work_mem", own, Some("kB"));
                *edit(&mut pg.vacuum_progress) = vec![VacuumProgress {
                    database: "app".into(),
                    relation: Some("public.big".into()),
                    phase: phase.into(),
                    index_vacuum_count: passes,
                    is_autovacuum,
                    ..VacuumProgress::default()
                }];
            }),
        )
    }

    #[test]
    fn fires_when_another_pass_must_follow() {
        let one = found(1, "scanning heap", true, "-1").remove(0);
        assert_eq!(
            one.fix.unwrap().statements[0],
            "ALTER SYSTEM SET maintenance_work_mem = '256MB';"
        );
        let own = found(1, "scanning heap", true, "32768").remove(0);
        assert_eq!(
            own.fix.unwrap().statements[0],
            "ALTER SYSTEM SET autovacuum_work_mem = '128MB';"
        );
        assert_eq!(found(2, "vacuuming heap", false, "-1").len(), 1);
        assert_eq!(found(1, "vacuuming indexes", false, "-1").len(), 1);
    }

    #[test]
    fn one_pass_is_the_rule() {
        assert!(found(0, "scanning heap", true, "-1").is_empty());
        assert!(found(1, "vacuuming heap", true, "-1").is_empty());
        assert!(found(1, "cleaning up indexes", true, "-1").is_empty());
        assert!(found(0, "vacuuming indexes", true, "-1").is_empty());
    }

    #[test]
    fn is_skipped_without_progress() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.vacuum_progress = Section::default()));
    }
}
