//! Documents too large for their row.

use dbvitals_model::{Evidence, Severity, Unit};

use super::columns_of_type::by_table;
use crate::pg::table::{ordinary::not_twice, statistics::hidden};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};
use dbvitals_model::pg::schema::Column;

/// Columns of type `jsonb` with large values.
pub static CHECK: Check = Check {
    id: "pg-jsonb-large",
    title: "Large jsonb",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["columns", "relations"],
    uses: &[],
    thresholds: &[&WIDTH],
    fix: None,
    explain: "\
## What it detects
Columns of type `jsonb` or `json` whose values take `min_width_bytes` or more on average, as planner
statistics show.

## Why it matters
Such a value lies outside its row: reading one key fetches and unpacks all of it, and changing one key
writes all of it again, to the table and to WAL.

## How to fix
Move the keys that are read or changed often into columns of their own; keep the rest, and do not select
it when it is not needed.

## When to ignore
Documents that are written once and always read whole.

## References
PostgreSQL documentation: JSON Types; TOAST.
",
    run: Run::Database(run),
};

static WIDTH: Threshold = Threshold {
    key: "min_width_bytes",
    unit: Unit::Bytes,
    default: 2000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "from 2 kB on values leave the row for TOAST, compressed and in pieces",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    not_twice(db)?;
    let is_document = |column: &Column| matches!(column.type_id.as_str(), "jsonb" | "json");
    let of_users = by_table(columns, relations, is_document);
    if !of_users.is_empty() && columns.iter().all(|column| column.average_width.is_none()) {
        return Err(hidden(db));
    }
    let large = by_table(columns, relations, |column| {
        let table = format!("{}.{}", column.schema, column.table);
        let width = column.average_width.map_or(0.0, |width| width as f64);
        is_document(column) && width >= cx.limit_for(&WIDTH, &table)
    });
    let found = large.into_iter().map(|group| {
        let widest = group.columns.iter().filter_map(|c| c.average_width).max().unwrap_or(0) as f64;
        let limit = cx.limit_for(&WIDTH, &group.table());
        let message = format!(
            "{} of {} hold documents of {} on average, outside their rows",
            group.named(),
            group.table(),
            words::bytes(widest)
        );
        let advised = "Move the keys that are read or changed often into columns of their own.";
        group.finding(db, cx, Severity::Info, message, advised).with(
            Evidence::new("average width", widest, Unit::Bytes, "pg_stats.avg_width")
                .against(limit),
        )
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table, table_with};
    use crate::testing::{self};

    fn found(width: Option<i64>) -> dbvitals_model::Snapshot {
        let body = Column { average_width: width, ..column("body", "jsonb", "jsonb") };
        table_with(table(), vec![body])
    }

    #[test]
    fn the_width_has_two_sides() {
        assert!(testing::findings(&CHECK, &found(Some(1999))).is_empty());
        let large = testing::findings(&CHECK, &found(Some(2000))).remove(0);
        assert!(large.message.contains("column body of public.Orders"), "{}", large.message);
    }

    #[test]
    fn is_skipped_when_widths_are_hidden() {
        assert!(testing::skipped(&CHECK, &found(None)).0.remedy.is_some());
    }
}
