//! Too few workers for the tables.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change, table::ordinary::stored};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// `autovacuum_max_workers` against the number of tables.
pub static CHECK: Check = Check {
    id: "pg-autovacuum-workers",
    title: "Few autovacuum workers",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["relations"],
    thresholds: &[&MIN, &TABLES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`autovacuum_max_workers` is below `min_workers`, or there are more than `max_tables_per_worker` tables
for each worker.

## Why it matters
A worker vacuums one table at a time: while large ones are worked on, small busy ones fill with dead
rows.

## How to fix
Raise it, together with `autovacuum_vacuum_cost_limit`, which all workers share. Until 17 it needs a
restart.

## When to ignore
Servers with many tables that never change.

## References
PostgreSQL documentation: Automatic Vacuuming, `autovacuum_max_workers`.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_workers",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 100.0),
    why: "3 is the default: with fewer one large table keeps all others waiting",
};

static TABLES: Threshold = Threshold {
    key: "max_tables_per_worker",
    unit: Unit::Count,
    default: 2500.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a worker that spends a second on each table needs most of an hour for 2,500 of them",
};

/// More workers than this share a cost limit too thin to help.
const MOST_WORKERS: f64 = 10.0;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let relations = pg.by_database().filter_map(|db| db.relations().ok());
    let tables: usize = relations.map(|relations| stored(relations).count()).sum();
    let name = "autovacuum_max_workers";
    let workers = advice::number(settings, name)?;
    if settings.is_on("autovacuum") == Some(false) || workers < 1.0 {
        return Err(Skip::not_applicable("autovacuum is off"));
    }
    let (least, most) = (cx.limit(&MIN), cx.limit(&TABLES));
    let (tables, per_worker) = (tables as f64, tables as f64 / workers);
    if workers >= least && (per_worker <= most || workers >= MOST_WORKERS) {
        return Ok(Vec::new());
    }
    let wanted = (tables / most).ceil().clamp(least.max(workers + 1.0), MOST_WORKERS.max(least));
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!("{workers} autovacuum workers serve {} tables", words::count(tables)),
        "Raise it together with autovacuum_vacuum_cost_limit, which the workers share.",
    )
    .with(Evidence::new("workers", workers, Unit::Count, "pg_settings").against(least))
    .with(
        Evidence::new(
            "tables per worker",
            per_worker,
            Unit::Count,
            "pg_class of the examined databases",
        )
        .against(most),
    )
    .fixed_by(change(settings, FixKind::Review, &[(name, format!("{wanted:.0}"))]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, app, edit, set};
    use dbvitals_model::pg::relation::Relation;

    fn found(workers: &str, tables: usize) -> Vec<Finding> {
        let table = Relation { kind: "r".into(), schema: "app".into(), ..Relation::default() };
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "autovacuum_max_workers", workers, None);
                *edit(&mut app(pg).relations) = vec![table; tables];
            }),
        )
    }

    #[test]
    fn both_limits_have_two_sides() {
        assert!(found("3", 7500).is_empty());
        let many = found("3", 7501).remove(0);
        assert_eq!(
            many.fix.unwrap().statements[0],
            "ALTER SYSTEM SET autovacuum_max_workers = '4';"
        );
        let few = found("2", 0).remove(0);
        assert_eq!(
            few.fix.unwrap().statements[0],
            "ALTER SYSTEM SET autovacuum_max_workers = '3';"
        );
        assert!(found("10", 90_000).is_empty(), "more would not help");
    }

    #[test]
    fn is_skipped_when_off() {
        testing::skipped(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "autovacuum_max_workers", "1", None);
                set(pg, "autovacuum", "off", None);
            }),
        );
    }
}
