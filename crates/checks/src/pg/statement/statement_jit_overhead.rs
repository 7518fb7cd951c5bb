//! Statements that are compiled for longer than it pays.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit, pg::statement::Statement};

use super::load::{self, LISTED, Load, MIN_BUSY, per_call};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
    words,
};

/// Time of just-in-time compilation against execution time.
pub static CHECK: Check = Check {
    id: "pg-statement-jit-overhead",
    title: "Just-in-time compilation costs more than it gains",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (15, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&JIT_RATIO, &MIN_BUSY],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Statements that spend more than `max_jit_ratio` of their time on just-in-time compilation and keep one
session busy for at least `min_busy_ratio` of the time.

## Why it matters
Compilation happens again at every execution. When the planner overestimates a statement's cost it takes
tens of milliseconds to speed up what takes a few.

## How to fix
Switch `jit` off for the role or database that runs short statements, or raise `jit_above_cost`. First
see whether the estimate is wrong: fresh or extended statistics mend more than this.

## When to ignore
Analytical statements that are faster with it: compare with `SET jit = off`.

## References
PostgreSQL documentation: Just-in-Time Compilation; pg_stat_statements.
",
    run: Run::Postgres(run),
};

static JIT_RATIO: Threshold = Threshold {
    key: "max_jit_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 1.0),
    why: "compiled expressions rarely save more than a fifth of a statement's time",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.jit_time_ms.unwrap_or(0.0)).filter_map(|statement| {
        let name = load::name(statement);
        let time = statement.total_exec_time_ms;
        let jit = statement.jit_time_ms?;
        if time <= 0.0 || !load.is_busy(cx, time, &name) {
            return None;
        }
        let ratio = (jit / time).min(1.0);
        (ratio > cx.limit_for(&JIT_RATIO, &name)).then(|| finding(cx, &load, statement, jit, ratio))
    });
    Ok(found.take(LISTED).collect())
}

fn finding(cx: &Context<'_>, load: &Load, statement: &Statement, jit: f64, ratio: f64) -> Finding {
    let each = per_call(statement, jit);
    let problem = format!(
        "spends {} of its time on just-in-time compilation ({} per call)",
        words::percent(ratio),
        words::millis(each)
    );
    let advice = "Switch jit off where it runs, or raise jit_above_cost; see first whether the \
                  planner's row estimates are far too high.";
    let found = load
        .finding(cx, Severity::Warning, statement, &problem, advice)
        .with(
            Evidence::new("JIT share of its time", ratio, Unit::Ratio, load.source("jit_*_time"))
                .against(cx.limit_for(&JIT_RATIO, &load::name(statement))),
        )
        .with(Evidence::new("JIT per call", each, Unit::Ms, load.source("jit_*_time")));
    let Some(database) = statement.database.as_deref().map(sql::ident) else { return found };
    let scope = match &statement.user {
        Some(user) => format!("ROLE {} IN DATABASE {database}", sql::ident(user)),
        None => format!("DATABASE {database}"),
    };
    let fix = Fix::new(FixKind::Review, [format!("ALTER {scope} SET jit = off;")])
        .locking("none", "nothing; new sessions plan without just-in-time compilation")
        .undone_by([format!("ALTER {scope} RESET jit;")]);
    found.fixed_by(fix).promising(format!("saves {} per call", words::millis(each)))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, TargetData};

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn found(jit: Option<f64>) -> Vec<Finding> {
        let compiled = Statement { jit_time_ms: jit, ..statement() };
        testing::findings(&CHECK, &with(vec![compiled]))
    }

    #[test]
    fn the_share_has_two_sides() {
        assert_eq!(found(Some(2000.0)).len(), 0, "20 % exactly");
        assert_eq!(found(Some(2000.1)).len(), 1);
        assert_eq!(found(None).len(), 0);
    }

    #[test]
    fn the_fix_holds_for_the_role_in_its_database() {
        let fix = found(Some(9000.0)).remove(0).fix.unwrap();
        assert_eq!(fix.statements, ["ALTER ROLE web IN DATABASE app SET jit = off;"]);
        assert_eq!(fix.undo, ["ALTER ROLE web IN DATABASE app RESET jit;"]);
    }

    #[test]
    fn does_not_apply_before_version_15() {
        let mut snapshot = with(vec![statement()]);
        if let TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
            pg.server.version.major = 14;
        }
        assert_eq!(testing::skipped(&CHECK, &snapshot).0.reason, Reason::Version);
        testing::skipped(&CHECK, &without_statements());
    }
}
