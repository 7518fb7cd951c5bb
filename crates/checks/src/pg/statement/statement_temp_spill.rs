//! Statements whose sorts and hashes do not fit `work_mem`.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit, pg::statement::Statement};

use super::{
    command,
    load::{self, LISTED, Load, per_call},
    work_mem,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Temporary blocks written per call.
pub static CHECK: Check = Check {
    id: "pg-statement-temp-spill",
    title: "Statement spills to temporary files",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["settings", "window"],
    thresholds: &[&SPILL, &CALLS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Statements with at least `min_calls` calls that write more than `max_temp_bytes` of temporary files per
call.

## Why it matters
A sort or hash that does not fit `work_mem` is written to disk and read back, often several times: slower
by a factor, and it takes the disk from everyone.

## How to fix
An index that delivers rows in order, fewer or narrower rows, or more `work_mem` for the one role that
needs it. Raise it for everybody only when every session together still fits the machine.

## When to ignore
Nightly reports that have the time. Index builds, vacuum and copies are never reported.

## References
PostgreSQL documentation: Resource Consumption, `work_mem`; pg_stat_statements.
",
    run: Run::Postgres(run),
};

static SPILL: Threshold = Threshold {
    key: "max_temp_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e13),
    why: "10 MB per call is more than twice the default work_mem, and fits memory anywhere",
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a query somebody tried a few times is not part of the workload",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let current = pg.settings().ok().and_then(|settings| settings.bytes("work_mem"));
    let load = Load::of(pg, statements, window)?;
    let block = pg.server().block_size_bytes as f64;
    let found = load.by(|s| s.temp_blocks_written as f64).filter_map(|statement| {
        let name = load::name(statement);
        let spill = per_call(statement, statement.temp_blocks_written as f64 * block);
        let few = (statement.calls as f64) < cx.limit_for(&CALLS, &name);
        let maintenance = statement.text.as_deref().is_some_and(command::is_maintenance);
        let spills = spill > cx.limit_for(&SPILL, &name);
        (spills && !few && !maintenance).then(|| finding(cx, &load, statement, spill, current))
    });
    Ok(found.take(LISTED).collect())
}

fn finding(
    cx: &Context<'_>,
    load: &Load,
    statement: &Statement,
    spill: f64,
    current: Option<i64>,
) -> Finding {
    let name = load::name(statement);
    let enough = current.and_then(|current| work_mem::enough_for(spill, current));
    let advice = match enough {
        Some(_) => {
            "Give this role more work_mem, or the statement an index that delivers the order."
        }
        None => {
            "Sort or join fewer rows, or add an index that delivers the order: this spill is too \
                 large for work_mem."
        }
    };
    let problem = format!("writes {} of temporary files per call", words::bytes(spill));
    let mut found = load.finding(cx, Severity::Warning, statement, &problem, advice).with(
        Evidence::new(
            "temporary files per call",
            spill,
            Unit::Bytes,
            load.source("temp_blks_written"),
        )
        .against(cx.limit_for(&SPILL, &name)),
    );
    if let Some(current) = current {
        found = found.with(Evidence::new("work_mem", current, Unit::Bytes, "pg_settings"));
    }
    match (&statement.database, enough) {
        (Some(database), Some(megabytes)) => found
            .fixed_by(work_mem::fix(statement.user.as_deref(), database, megabytes))
            .promising("its sorts and hashes stay in memory"),
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn spilling(blocks_per_call: i64, calls: i64) -> Statement {
        Statement { calls, temp_blocks_written: blocks_per_call * calls, ..statement() }
    }

    fn found(statement: Statement) -> Vec<Finding> {
        testing::findings(&CHECK, &with(vec![statement]))
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(found(spilling(1280, 10)).len(), 0, "10 MB exactly");
        assert_eq!(found(spilling(1281, 10)).len(), 1);
        assert_eq!(found(spilling(1281, 9)).len(), 0);
    }

    #[test]
    fn the_fix_gives_memory_to_the_one_role() {
        let fix = found(spilling(2048, 10)).remove(0).fix.unwrap();
        assert_eq!(fix.statements, ["ALTER ROLE web IN DATABASE app SET work_mem = '64MB';"]);
        assert_eq!(fix.undo, ["ALTER ROLE web IN DATABASE app RESET work_mem;"]);
        let many_users = Statement { user: None, ..spilling(2048, 10) };
        let fix = found(many_users).remove(0).fix.unwrap();
        assert_eq!(fix.statements, ["ALTER DATABASE app SET work_mem = '64MB';"]);
    }

    #[test]
    fn a_huge_spill_is_not_moved_into_memory() {
        let huge = found(spilling(1_000_000, 10)).remove(0);
        assert!(huge.fix.is_none());
        assert!(huge.recommendation.contains("fewer rows"));
    }

    #[test]
    fn an_index_build_sorts_on_disk_by_nature() {
        let build = Statement { text: Some("CREATE INDEX ON t (a)".into()), ..spilling(9999, 10) };
        assert!(found(build).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
