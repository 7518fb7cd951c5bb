//! Large tables whose rows are mostly reached without an index.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Share of rows fetched through an index, of all rows read.
pub static CHECK: Check = Check {
    id: "pg-low-index-usage",
    title: "Low index usage",
    topic: Topic::Indexes,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "databases"],
    uses: &[],
    thresholds: &[&MIN_RATIO, &MIN_ROWS, &MIN_READ],
    fix: None,
    explain: "\
## What it detects
A table of at least `min_rows_count` rows of which less than `min_usage_ratio` of all rows read were reached
through an index, when at least `min_read_factor` times its size was read altogether.
`pg-sequential-scan-heavy-table` names the tables whose scans are large and frequent.

## Why it matters
Rows reached by scanning cost reading everything before them.

## How to fix
Look at the statements on this table; index the columns their filters select by.

## When to ignore
Tables read whole on purpose.

## References
PostgreSQL documentation: `pg_stat_all_tables`.
",
    run: Run::Database(run),
};

static MIN_RATIO: Threshold = Threshold {
    key: "min_usage_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.0, 1.0),
    why: "the share from which the field calls a transactional table well indexed (PgHero, Heroku)",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows_count",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "below a hundred thousand rows a scan is often the better plan",
};

static MIN_READ: Threshold = Threshold {
    key: "min_read_factor",
    unit: Unit::Factor,
    default: 20.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a load, an analyze and a dump read a table a few times without any application",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    db.stats()?;
    let age_days = db.statistics_age_days();
    let mut found = Vec::new();
    for table in relations.iter().filter(|table| table.kind == "r" && table.extension.is_none()) {
        let name = table.qualified();
        let rows = table.row_estimate.max(table.live_rows as f64);
        let scanned = table.seq_rows_read as f64;
        let fetched = table.index_rows_fetched.unwrap_or(0) as f64;
        let read = scanned + fetched;
        let limit = |threshold| cx.limit_for(threshold, &name);
        if rows < limit(&MIN_ROWS) || read < rows * limit(&MIN_READ) {
            continue;
        }
        let usage = fetched / read;
        if usage >= limit(&MIN_RATIO) {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Warning,
                parts::table_subject(db, table),
                format!(
                    "{} of the rows read from {name} came through an index",
                    words::percent(usage)
                ),
                "Look at the statements on this table and index what they select by.",
            )
            .with(
                Evidence::new("index usage", usage, Unit::Ratio, "pg_stat_all_tables")
                    .against(limit(&MIN_RATIO)),
            )
            .with(Evidence::new("rows scanned", scanned, Unit::Count, "seq_tup_read"))
            .with(Evidence::new("rows fetched by index", fetched, Unit::Count, "idx_tup_fetch"));
        found.push(match age_days {
            Some(age) => {
                finding.with(Evidence::new("statistics age", age, Unit::Days, "stats_reset"))
            }
            None => finding,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::relation::Relation;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn fires(rows: f64, scanned: i64, fetched: i64) -> bool {
        let table = Relation {
            row_estimate: rows,
            live_rows: 0,
            seq_rows_read: scanned,
            index_rows_fetched: Some(fetched),
            ..fixture::table()
        };
        let snapshot = testing::database(|db| *edit(&mut db.relations) = vec![table]);
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert!(fires(100_000.0, 5_100_000, 94_900_000));
        assert!(!fires(100_000.0, 5_000_000, 95_000_000));
        assert!(!fires(99_999.0, 5_100_000, 94_900_000));
    }

    #[test]
    fn a_table_that_was_hardly_read_says_nothing() {
        assert!(!fires(100_000.0, 1_999_999, 0));
        assert!(fires(100_000.0, 2_000_000, 0));
    }
}
