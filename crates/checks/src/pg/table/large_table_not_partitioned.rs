//! Very large tables that are asked for ranges of time.

use dbvitals_model::{
    Evidence, Severity, Unit,
    pg::{relation::Relation, schema::Column, statement::Statement},
};

use super::{
    ordinary::{not_twice, rows, stored, subject},
    range_filter::filters_by_range,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Large tables with a time-ordered column that statements filter by range.
pub static CHECK: Check = Check {
    id: "pg-large-table-not-partitioned",
    title: "Large table not partitioned",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations", "columns", "statements"],
    uses: &[],
    thresholds: &[&MIN_SIZE, &MIN_ROWS, &ORDER],
    fix: None,
    explain: "\
## What it detects
A table of more than `min_size_bytes` or `min_rows`, not partitioned, with a column of type date or timestamp that recorded
statements compare by range, and whose values follow the order of the rows (correlation of at least `min_correlation`,
where statistics tell).

## Why it matters
Partitions by that column would let such statements read their own period only, vacuum work on the part that changes, and
old periods be dropped at once instead of deleted row by row.

## How to fix
Partition by ranges of that column, so that a statement touches a few partitions. Its unique keys must then include the
column.

## When to ignore
Tables that are read by key only, and whose rows are kept for ever.

## References
PostgreSQL documentation: Table Partitioning, Overview.
",
    run: Run::Database(run),
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 53_687_091_200.0,
    strict: None,
    range: (0.0, 1e16),
    why: "beyond 50 GB vacuum, index builds and restores of one table take hours",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 100_000_000.0,
    strict: None,
    range: (0.0, 1e13),
    why: "beyond a hundred million rows deleting old ones costs more than they did",
};

static ORDER: Threshold = Threshold {
    key: "min_correlation",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.0, 1.0),
    why: "rows that came in the order of the column will also leave in it",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, columns) = (db.relations()?, db.columns()?);
    let statements = db.server().statements()?;
    not_twice(db)?;
    let mut found = Vec::new();
    for table in stored(relations).filter(|table| table.kind == "r" && !table.is_partition) {
        let name = table.qualified();
        let (size, count) = (table.total_bytes() as f64, rows(table));
        if size <= cx.limit_for(&MIN_SIZE, &name) && count <= cx.limit_for(&MIN_ROWS, &name) {
            continue;
        }
        let ordered = |column: &&Column| {
            column.table_oid == table.oid
                && matches!(column.type_id.as_str(), "date" | "timestamp" | "timestamptz")
                && column.correlation.is_none_or(|c| c.abs() >= cx.limit_for(&ORDER, &name))
        };
        let calls = |column: &Column| calls(&statements.leaders, db.name(), table, column);
        let best = columns
            .iter()
            .filter(ordered)
            .map(|column| (column, calls(column)))
            .filter(|(_, calls)| *calls > 0)
            .max_by_key(|(column, calls)| (*calls, std::cmp::Reverse(column.number)));
        let Some((column, calls)) = best else { continue };
        let finding = cx
            .finding(
                Severity::Info,
                subject(db, table),
                format!(
                    "{name} ({}, {} rows) is one table and is asked for ranges of {}",
                    words::bytes(size),
                    words::count(count),
                    column.name
                ),
                format!(
                    "Partition it by ranges of {}, of a length that a statement touches few.",
                    column.name
                ),
            )
            .with(
                Evidence::new("size", size, Unit::Bytes, "pg_total_relation_size")
                    .against(cx.limit_for(&MIN_SIZE, &name)),
            )
            .with(
                Evidence::new("rows", count, Unit::Count, "pg_class.reltuples")
                    .against(cx.limit_for(&MIN_ROWS, &name)),
            )
            .with(Evidence::new("column", column.name.clone(), Unit::Text, "pg_attribute"))
            .with(Evidence::new("calls with a range", calls, Unit::Count, "pg_stat_statements"));
        found.push(match column.correlation {
            Some(correlation) => finding.with(
                Evidence::new(
                    "correlation",
                    correlation.abs(),
                    Unit::Ratio,
                    "pg_stats.correlation",
                )
                .against(cx.limit_for(&ORDER, &name)),
            ),
            None => finding,
        });
    }
    Ok(found)
}

/// Calls of recorded statements of this database that compare the column by range.
fn calls(statements: &[Statement], database: &str, table: &Relation, column: &Column) -> i64 {
    statements
        .iter()
        .filter(|statement| statement.database.as_deref().is_none_or(|name| name == database))
        .filter(|statement| {
            statement
                .text
                .as_deref()
                .is_some_and(|text| filters_by_range(text, &table.name, &column.name))
        })
        .map(|statement| statement.calls)
        .sum()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::statement::Statements};

    use super::*;
    use crate::pg::table::sample::{orders, with_more};
    use crate::testing::{app, edit, findings, skipped};

    const RANGE: &str = "SELECT * FROM app.orders WHERE placed_at >= $1";

    fn judge(
        heap_bytes: i64,
        live_rows: i64,
        text: &str,
        correlation: Option<f64>,
    ) -> Vec<Finding> {
        let table = Relation { heap_bytes, live_rows, ..orders() };
        let snapshot = with_more(vec![table], |pg| {
            *edit(&mut app(pg).columns) = vec![Column {
                table_oid: 1,
                number: 2,
                name: "placed_at".into(),
                type_id: "timestamptz".into(),
                correlation,
                ..Column::default()
            }];
            pg.statements = Section::collected(Statements {
                leaders: vec![Statement {
                    text: Some(text.into()),
                    calls: 7,
                    ..Statement::default()
                }],
                ..Statements::default()
            });
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn size_and_rows_have_two_sides() {
        let found = judge(53_687_091_201, 1, RANGE, Some(0.99));
        assert_eq!(found[0].severity, Severity::Info);
        assert!(found[0].recommendation.contains("placed_at"));
        assert!(judge(53_687_091_200, 100_000_000, RANGE, None).is_empty());
        assert_eq!(judge(1, 100_000_001, RANGE, None).len(), 1);
    }

    #[test]
    fn an_unordered_or_unasked_column_is_silent() {
        assert!(judge(60_000_000_000, 1, RANGE, Some(-0.89)).is_empty());
        assert_eq!(judge(60_000_000_000, 1, RANGE, Some(-0.9)).len(), 1);
        let by_key = "SELECT placed_at FROM app.orders WHERE id = $1";
        assert!(judge(60_000_000_000, 1, by_key, None).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        let blind = with_more(vec![], |pg| {
            pg.statements = Section::unavailable(Reason::Extension, "not installed");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Extension);
    }
}
