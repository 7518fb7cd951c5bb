//! Tables with very many columns.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::pg::table::ordinary::{is_users, not_twice, subject};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Tables with more columns than a person can overlook.
pub static CHECK: Check = Check {
    id: "pg-wide-table",
    title: "Wide table",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &["columns"],
    thresholds: &[&MAX],
    fix: None,
    explain: "\
## What it detects
A table with more than `max_columns` columns. Dropped columns, which count against the server's limit of
1,600, are left out where the columns were read.

## Why it matters
Every update writes the whole row again, every read steps over the columns before the one it wants, and
adding columns ends at the limit.

## How to fix
Split off the columns that are seldom used or change often; keep attributes that most rows lack in one
`jsonb` column.

## When to ignore
Staging tables of imports, and tables of an analysis.

## References
PostgreSQL documentation: Limits.
",
    run: Run::Database(run),
};

static MAX: Threshold = Threshold {
    key: "max_columns",
    unit: Unit::Count,
    default: 200.0,
    strict: Some(100.0),
    range: (1.0, 1600.0),
    why: "beyond 200 columns rows hardly fit a page and few statements need them all; 1,600 is the end",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, columns) = (db.relations()?, db.columns().ok());
    not_twice(db)?;
    let mut found = Vec::new();
    let tables = relations.iter().filter(|r| matches!(r.kind.as_str(), "r" | "p"));
    for table in tables.filter(|table| is_users(table) && !table.is_partition) {
        let limit = cx.limit_for(&MAX, &table.qualified());
        if table.columns as f64 <= limit {
            continue;
        }
        let read =
            columns.map_or(&[][..], Vec::as_slice).iter().filter(|c| c.table_oid == table.oid);
        let (all, live) = read
            .fold((0, 0), |(all, live), column| (all + 1, live + i64::from(!column.is_dropped)));
        let count = if all >= table.columns { live } else { table.columns };
        if count as f64 > limit {
            found.push(
                cx.finding(
                    Severity::Info,
                    subject(db, table),
                    format!("table {} has {count} columns", table.qualified()),
                    "Split off the columns that are seldom used or change often.",
                )
                .with(Evidence::new("columns", count, Unit::Count, "pg_attribute").against(limit))
                .with(Evidence::new(
                    "of 1,600 taken",
                    table.columns,
                    Unit::Count,
                    "pg_class.relnatts",
                )),
            );
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table};
    use crate::testing::{self, edit};
    use dbvitals_model::pg::{relation::Relation, schema::Column};

    fn found(count: i64, dropped: i64) -> Vec<Finding> {
        let wide = Relation { columns: count, ..table() };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.relations) = vec![wide];
                *edit(&mut db.columns) = (0..count)
                    .map(|number| Column {
                        is_dropped: number < dropped,
                        ..column("c", "text", "text")
                    })
                    .collect();
            }),
        )
    }

    #[test]
    fn the_limit_has_two_sides_and_leaves_dropped_columns_out() {
        assert!(found(200, 0).is_empty());
        assert_eq!(found(201, 0)[0].message, "table public.Orders has 201 columns");
        assert!(found(201, 1).is_empty());
    }

    #[test]
    fn is_skipped_without_relations() {
        testing::skipped(&CHECK, &testing::database(|db| db.relations = Section::default()));
    }
}
