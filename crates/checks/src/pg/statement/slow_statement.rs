//! Statements that take long on average and are called often enough to matter.

use dbvitals_model::{Evidence, Finding, Severity, Unit, pg::statement::Statement};

use dbvitals_query::Class;

use super::{
    class, command,
    load::{self, LISTED, Load, MIN_BUSY, mean_ms, per_call},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Mean execution time and calls, from `pg_stat_statements`.
pub static CHECK: Check = Check {
    id: "pg-slow-statement",
    title: "Slow statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&MEAN, &CRITICAL_MEAN, &CALLS, &MIN_BUSY],
    fix: None,
    explain: "\
## What it detects
Statements with a mean execution time of at least `mean_ms` and at least `min_calls` calls, in falling
order of total time, twenty at most. From `critical_mean_ms` on they are critical, unless they keep one
session busy for less than `min_busy_ratio` of the time, as a rare report does.

## Why it matters
A user waits for every one of these calls, and each holds a connection, its locks and its snapshot
for as long.

## How to fix
Run `EXPLAIN (ANALYZE, BUFFERS)` with real parameters. Many blocks for few rows mean that an index is
missing; time in reads, that the data does not fit the cache; temporary blocks, that `work_mem` is too
small for the sort or hash; many rows, that the client should ask for less.

## When to ignore
Reports and batch jobs that nobody waits for: raise `mean_ms` for their query id. DDL, vacuum, copies
and this tool's own statements are never reported; writes of many rows have a target of their own, which
pg-statement-over-class-target holds.

## References
PostgreSQL documentation: pg_stat_statements; Using EXPLAIN.
",
    run: Run::Postgres(run),
};

pub(crate) static MEAN: Threshold = Threshold {
    key: "mean_ms",
    unit: Unit::Ms,
    default: 100.0,
    strict: Some(50.0),
    range: (0.1, 3_600_000.0),
    why: "a tenth of a second is where people begin to notice a wait",
};

static CRITICAL_MEAN: Threshold = Threshold {
    key: "critical_mean_ms",
    unit: Unit::Ms,
    default: 1000.0,
    strict: None,
    range: (0.1, 3_600_000.0),
    why: "beyond a second people lose their train of thought, and pools of connections run dry",
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (1.0, 1e9),
    why: "fewer calls are a person at a prompt or a nightly job, and their mean says little",
};

/// Blocks touched for one row from which on a missing index is the first suspicion.
const MANY_BLOCKS_PER_ROW: f64 = 100.0;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let slow = load.by(|s| s.total_exec_time_ms).filter_map(|s| judge(cx, &load, s));
    Ok(slow.take(LISTED).collect())
}

fn judge(cx: &Context<'_>, load: &Load, statement: &Statement) -> Option<Finding> {
    let name = load::name(statement);
    let mean = mean_ms(statement);
    let few = (statement.calls as f64) < cx.limit_for(&CALLS, &name);
    if few || statement.text.as_deref().is_some_and(command::is_maintenance) {
        return None;
    }
    let severity = cx.above(mean, &MEAN, &CRITICAL_MEAN, &name)?;
    let classified = class::of(statement);
    if classified.class == Class::Bulk {
        // Many rows take their time; its class has a target of its own.
        return None;
    }
    let severity = match severity {
        Severity::Critical if !load.is_busy(cx, statement.total_exec_time_ms, &name) => {
            Severity::Warning
        }
        severity => severity,
    };
    let limit = if severity == Severity::Critical { &CRITICAL_MEAN } else { &MEAN };
    let calls = words::count(statement.calls as f64);
    let problem = format!("takes {} on average over {calls} calls", words::millis(mean));
    let found = load.finding(cx, severity, statement, &problem, advice(statement));
    let found = load::held_against(found, "mean time", cx.limit_for(limit, &name));
    let found = load::held_against(found, "calls", cx.limit_for(&CALLS, &name));
    let blocks = (statement.shared_blocks_hit + statement.shared_blocks_read) as f64;
    let found = found
        .with(Evidence::new(
            "class",
            format!("{}: {}", classified.class.as_str(), classified.reason),
            Unit::Text,
            "PostgreSQL's own grammar",
        ))
        .with(Evidence::new(
            "rows per call",
            per_call(statement, statement.rows as f64),
            Unit::Count,
            load.source("rows"),
        ))
        .with(Evidence::new(
            "blocks per call",
            per_call(statement, blocks),
            Unit::Count,
            load.source("shared_blks_hit + shared_blks_read"),
        ));
    Some(found.promising(format!(
        "up to {} of all execution time",
        words::percent(load.time_ratio(statement.total_exec_time_ms))
    )))
}

/// What to do, from where the counters say the time goes.
fn advice(statement: &Statement) -> String {
    let blocks = (statement.shared_blocks_hit + statement.shared_blocks_read) as f64;
    let per_row = blocks / statement.rows.max(1) as f64;
    let hint = if statement.temp_blocks_written > statement.calls {
        "It spills to disk: give its sort or hash more work_mem, or an index that delivers the order."
    } else if per_row > MANY_BLOCKS_PER_ROW {
        "It touches many blocks for each row: look for a missing index."
    } else if load::io_ms(statement) > statement.total_exec_time_ms / 2.0 {
        "It mostly waits for reads: touch fewer blocks, or give them cache."
    } else if per_call(statement, statement.rows as f64) > 10_000.0 {
        "It returns many rows: ask for fewer, in pages."
    } else {
        "Look for rows thrown away by a filter, and for row estimates far from the truth."
    };
    format!("Run EXPLAIN (ANALYZE, BUFFERS) with real parameters. {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pg::statement::sample::{in_window, statement, with, without_statements},
        settings::{Profile, Settings},
        testing,
    };

    fn slow(mean_ms: f64, calls: i64) -> Statement {
        Statement { calls, total_exec_time_ms: mean_ms * calls as f64, ..statement() }
    }

    fn severity(statement: Statement) -> Option<Severity> {
        testing::findings(&CHECK, &with(vec![statement])).first().map(|found| found.severity)
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(slow(100.0, 50)), Some(Severity::Warning));
        assert_eq!(severity(slow(99.9, 50)), None);
        assert_eq!(severity(slow(100.0, 49)), None);
        assert_eq!(severity(slow(999.9, 50)), Some(Severity::Warning));
        assert_eq!(severity(slow(1000.0, 50)), Some(Severity::Critical));
    }

    #[test]
    fn the_strict_profile_halves_the_mean() {
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        let found =
            |mean| testing::findings_with(&CHECK, &with(vec![slow(mean, 50)]), &strict).len();
        assert_eq!((found(49.9), found(50.0)), (0, 1));
    }

    #[test]
    fn a_rare_report_is_never_critical() {
        let mut snapshot = with(vec![slow(2000.0, 50)]);
        let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
            unreachable!()
        };
        testing::edit(&mut pg.statements).since = testing::ago(60 * 86_400);
        let found = testing::findings(&CHECK, &snapshot);
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn a_finding_names_the_statement_and_says_where_to_look() {
        let missing_index = Statement { shared_blocks_hit: 5_000_000, ..slow(200.0, 1000) };
        let found = testing::findings(&CHECK, &with(vec![missing_index]));
        assert_eq!(found[0].key, "pg-slow-statement@main/statement:app.42");
        assert_eq!(
            found[0].message,
            "statement 42 (select * from orders where customer = $1) takes 200 ms on average over \
             1,000 calls"
        );
        assert!(found[0].recommendation.contains("missing index"));
    }

    #[test]
    fn lists_twenty_by_total_time() {
        let many = (1..=30).map(|n| Statement { query_id: n, ..slow(100.0, 50 + n) });
        let found = testing::findings(&CHECK, &with(many.collect()));
        assert_eq!(found.len(), 20);
        assert_eq!(found[0].subject.name, "30");
    }

    #[test]
    fn maintenance_and_our_own_statements_are_not_findings() {
        for text in ["VACUUM orders", "copy orders to stdout", "/* dbvitals */ select 1"] {
            assert_eq!(severity(Statement { text: Some(text.into()), ..slow(5000.0, 90) }), None);
        }
    }

    #[test]
    fn a_long_window_counts_more_than_the_past() {
        let found = |seconds| testing::findings(&CHECK, &in_window(seconds, vec![slow(150.0, 60)]));
        assert_eq!(found(60.0).len(), 1);
        assert!(found(59.0).is_empty(), "a short one does not count");
    }

    #[test]
    fn is_skipped_without_statements_or_when_all_are_hidden() {
        let skip = testing::skipped(&CHECK, &without_statements());
        assert_eq!(skip.0.reason, dbvitals_model::Reason::Extension);
        let hidden = Statement { query_id: 0, text: None, ..slow(1.0, 1) };
        let skip = testing::skipped(&CHECK, &with(vec![hidden]));
        assert_eq!(skip.0.remedy.as_deref(), Some("GRANT pg_read_all_stats TO monitor;"));
    }
}
