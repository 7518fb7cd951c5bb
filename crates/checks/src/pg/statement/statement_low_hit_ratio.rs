//! Statements that read much of what they touch from outside the cache.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    command,
    load::{self, LISTED, Load, MIN_BUSY, per_call},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Blocks found in the cache against blocks touched.
pub static CHECK: Check = Check {
    id: "pg-statement-low-hit-ratio",
    title: "Statement misses the cache",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&HIT_RATIO, &READS, &MIN_BUSY],
    fix: None,
    explain: "\
## What it detects
Statements that found less than `min_hit_ratio` of their blocks in shared buffers, read at least
`min_blocks_read` blocks, and keep one session busy for at least `min_busy_ratio` of the time.

## Why it matters
What is not in the cache comes from the operating system or the disk, and throws out what others need.

## How to fix
Touch fewer blocks first: an index, a covering index, an index on the sort order. Then see whether
`shared_buffers` holds the working set.

## When to ignore
Reports over data that cannot be cached. DDL, vacuum and copies, which read past the cache by design,
are never reported.

## References
PostgreSQL documentation: pg_stat_statements; Resource Consumption, `shared_buffers`.
",
    run: Run::Postgres(run),
};

static HIT_RATIO: Threshold = Threshold {
    key: "min_hit_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.0, 1.0),
    why: "one block in ten from outside makes a statement as slow as the disk",
};

static READS: Threshold = Threshold {
    key: "min_blocks_read",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "8 MB are read once by anything after a restart",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.shared_blocks_read as f64).filter_map(|statement| {
        let name = load::name(statement);
        let (hit, read) = (statement.shared_blocks_hit as f64, statement.shared_blocks_read as f64);
        let few = read < cx.limit_for(&READS, &name).max(1.0);
        let idle = !load.is_busy(cx, statement.total_exec_time_ms, &name);
        if few || idle || statement.text.as_deref().is_some_and(command::is_maintenance) {
            return None;
        }
        let ratio = hit.max(0.0) / (hit.max(0.0) + read);
        (ratio < cx.limit_for(&HIT_RATIO, &name)).then(|| {
            let problem = format!(
                "finds only {} of its blocks in shared buffers",
                words::percent(ratio)
            );
            let advice = "Touch fewer blocks: look for a missing or covering index. Then see whether \
                          shared_buffers holds the working set.";
            load.finding(cx, Severity::Warning, statement, &problem, advice)
                .with(
                    Evidence::new("hit ratio", ratio, Unit::Ratio, load.source("shared_blks_hit"))
                        .against(cx.limit_for(&HIT_RATIO, &name)),
                )
                .with(
                    Evidence::new("blocks read", read, Unit::Count, load.source("shared_blks_read"))
                        .against(cx.limit_for(&READS, &name)),
                )
                .with(Evidence::new(
                    "blocks read per call",
                    per_call(statement, read),
                    Unit::Count,
                    load.source("shared_blks_read"),
                ))
        })
    });
    Ok(found.take(LISTED).collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::statement::Statement;

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn found(hit: i64, read: i64) -> usize {
        let cold = Statement { shared_blocks_hit: hit, shared_blocks_read: read, ..statement() };
        testing::findings(&CHECK, &with(vec![cold])).len()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(found(9000, 1000), 0, "90 % exactly");
        assert_eq!(found(8999, 1000), 1);
        assert_eq!(found(0, 999), 0);
    }

    #[test]
    fn zero_reads_are_no_hit_ratio() {
        assert_eq!(found(0, 0), 0);
        assert_eq!(found(-5, -5), 0);
    }

    #[test]
    fn a_statement_that_hardly_runs_may_read_what_it_wants() {
        let rare =
            Statement { shared_blocks_read: 100_000, total_exec_time_ms: 9_999.0, ..statement() };
        assert!(testing::findings(&CHECK, &with(vec![rare])).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
