//! Documents too large for their row.

use std::collections::BTreeMap;

use dbvitals_model::{
    Evidence, Severity, Unit,
    pg::{relation::Relation, schema::Column},
};

use super::columns_of_type::by_table;
use crate::pg::table::{ordinary::not_twice, statistics::hidden};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

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
Columns of type `jsonb` or `json` whose values take `min_width_bytes` or more on average: in the row, as
planner statistics show, and outside it, as the TOAST table shows. Where another column of the table may
lie there too, what is outside is nobody's for sure and is not counted.

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

/// Width of the pointer to a value outside its row.
const POINTER: i64 = 18;

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    not_twice(db)?;
    let of_users = by_table(columns, relations, is_document);
    if !of_users.is_empty() && columns.iter().all(|column| column.average_width.is_none()) {
        return Err(hidden(db));
    }
    let outside = outside(columns, relations);
    let width = |column: &Column| {
        let inside = column.average_width.map_or(0.0, |width| width as f64);
        inside + outside.get(&column.table_oid).copied().unwrap_or(0.0)
    };
    let large = by_table(columns, relations, |column| {
        let table = format!("{}.{}", column.schema, column.table);
        is_document(column) && width(column) >= cx.limit_for(&WIDTH, &table)
    });
    let found = large.into_iter().map(|group| {
        let widest = group.columns.iter().map(|column| width(column)).fold(0.0, f64::max);
        let limit = cx.limit_for(&WIDTH, &group.table());
        let message = format!(
            "{} of {} hold documents of {} on average, outside their rows",
            group.named(),
            group.table(),
            words::bytes(widest)
        );
        let advised = "Move the keys that are read or changed often into columns of their own.";
        group.finding(db, cx, Severity::Info, message, advised).with(
            Evidence::new(
                "average width",
                widest,
                Unit::Bytes,
                "pg_stats.avg_width, TOAST size ÷ rows",
            )
            .against(limit),
        )
    });
    Ok(found.collect())
}

fn is_document(column: &Column) -> bool {
    matches!(column.type_id.as_str(), "jsonb" | "json")
}

/// Bytes a row has outside itself, of tables in which only a document can be there. `pg_stats` does not know them: of a
/// value outside it counts the pointer.
fn outside(columns: &[Column], relations: &[Relation]) -> BTreeMap<i64, f64> {
    let mut movable: BTreeMap<i64, Vec<&Column>> = BTreeMap::new();
    let may_move = |column: &&Column| {
        let is_longer_than_a_pointer = column.average_width.is_none_or(|width| width >= POINTER);
        !column.is_dropped
            && matches!(column.storage.as_str(), "x" | "e")
            && is_longer_than_a_pointer
    };
    for column in columns.iter().filter(may_move) {
        movable.entry(column.table_oid).or_default().push(column);
    }
    let per_row = |relation: &Relation| {
        let rows = relation.row_estimate.max(relation.live_rows as f64);
        let is_clear = matches!(movable.get(&relation.oid)?.as_slice(), [one] if is_document(one));
        (is_clear && rows > 0.0).then(|| (relation.oid, relation.toast_bytes as f64 / rows))
    };
    relations.iter().filter_map(per_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table, table_with};
    use crate::testing;

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
    fn what_lies_outside_the_row_counts_when_it_is_sure_whose_it_is() {
        let pointer = |name: &str, kind: &str| Column {
            average_width: Some(18),
            storage: "x".to_owned(),
            ..column(name, kind, kind)
        };
        let big = Relation { toast_bytes: 300_000_000, row_estimate: 100_000.0, ..table() };
        let alone = table_with(big.clone(), vec![pointer("body", "jsonb")]);
        let found = testing::findings(&CHECK, &alone);
        assert!(found[0].message.contains("2.9 kB"), "{}", found[0].message);
        let together =
            table_with(big.clone(), vec![pointer("body", "jsonb"), pointer("note", "text")]);
        assert!(testing::findings(&CHECK, &together).is_empty());
        let short = Column { average_width: Some(9), ..pointer("note", "text") };
        let beside_short = table_with(big, vec![pointer("body", "jsonb"), short]);
        assert_eq!(testing::findings(&CHECK, &beside_short).len(), 1);
    }

    #[test]
    fn is_skipped_when_widths_are_hidden() {
        assert!(testing::skipped(&CHECK, &found(None)).0.remedy.is_some());
    }
}
