//! Integer keys whose largest value comes close to the end of their type.

use dbvitals_model::{
    Evidence, FixKind, Severity, Subject, Unit,
    pg::{
        index::Index,
        schema::{Column, Constraint, Sequence},
    },
};

use super::{
    integer_range::{CRITICAL, WARNING, largest, widened},
    ordinary::not_twice,
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    eta::{self, Eta, Needs, Pace},
    skip::Judged,
    view::DatabaseView,
    words,
};

/// The largest sampled value of `smallint` and `integer` keys against their type.
pub static CHECK: Check = Check {
    id: "pg-integer-key-overflow",
    title: "Integer key overflow",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["columns", "indexes"],
    uses: &["constraints", "sequences", "growth"],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
A `smallint` or `integer` column of a primary key, unique index or foreign key whose largest value, as the last
analyze saw it, is at `warning_ratio` (or `critical_ratio`) of the type's end. Columns whose own sequence says as
much are left to `pg-sequence-exhaustion`. Between two snapshots a day or more apart, with the date of its end.

## Why it matters
The next value beyond the end fails with `integer out of range`, and with it every insert. A referring column
that was forgotten when its parent was widened fails in the same way.

## How to fix
Widen the column to `bigint`: plainly while the table is small, through a new column filled in batches when it
is large. Widen what refers to it in the same step.

## When to ignore
Keys that carry a code (a date as a number, say) rather than count upwards.

## References
PostgreSQL documentation: Numeric Types; `pg_stats.histogram_bounds`.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, indexes) = (db.columns()?, db.indexes()?);
    let constraints = db.constraints().map_or(&[][..], Vec::as_slice);
    let sequences = db.sequences().map_or(&[][..], Vec::as_slice);
    let growth = db.server().growth().ok();
    not_twice(db)?;
    let keys: Vec<(&Column, i64)> = columns
        .iter()
        .filter(|column| !column.is_dropped && is_key(column, indexes, constraints))
        .filter_map(|column| {
            Some((column, largest(&column.type_id).filter(|end| *end < i64::MAX)?))
        })
        .collect();
    let unseen = |(column, _): &(&Column, i64)| column.null_ratio.is_none();
    if !keys.is_empty()
        && columns.iter().all(|column| column.null_ratio.is_none())
        && keys.iter().all(unseen)
    {
        return Err(super::statistics::hidden(db));
    }
    let mut found = Vec::new();
    for (column, end) in keys {
        let Some(seen) = column.histogram_max else { continue };
        let name = format!("{}.{}.{}", column.schema, column.table, column.name);
        let share = seen as f64 / end as f64;
        let Some(severity) = cx.above(share, &WARNING, &CRITICAL, &name) else { continue };
        if is_told_by_its_sequence(column, seen, sequences) {
            continue;
        }
        let grown = growth.and_then(|growth| {
            Some((growth, growth.of_key(db.name(), column.table_oid, column.number)?))
        });
        let date =
            grown.and_then(|(growth, values)| date(growth.seconds, values as f64, end - seen));
        let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
        let table = format!("{}.{}", column.schema, column.table);
        let finding = cx
            .finding(
                severity,
                Subject::within("column", db.name(), &name).of_table(table),
                format!(
                    "key {name} has reached {seen}, {} of what its type {} holds",
                    words::percent(share),
                    column.type_name
                ),
                "Plan its change to bigint, with every column that refers to it.",
            )
            .with(
                Evidence::new("share used", share, Unit::Ratio, "pg_stats.histogram_bounds")
                    .against(cx.limit_for(limit, &name)),
            )
            .with(Evidence::new("largest value seen", seen, Unit::Count, "last analyze"))
            .with(Evidence::new("largest value possible", end, Unit::Count, "type"))
            .fixed_by(widened(&column.schema, &column.table, &column.name))
            .promising("inserts do not stop one day");
        let source = "the largest value at two analyses";
        found.push(match date {
            Some(date) => date.told(finding, Unit::Count, db.server().now(), source),
            None => finding,
        });
    }
    Ok(found)
}

/// A day at least: what two analyses saw lies further apart than the two looks, or less far.
const OBSERVED: Needs = Needs { seconds: 86_400.0, steps: 1_000.0 };

fn date(seconds: f64, values: f64, left: i64) -> Option<Eta> {
    let pace = Pace { grown: values, seconds, steps: values };
    eta::eta(left.max(0) as f64, pace, OBSERVED)
}

fn is_key(column: &Column, indexes: &[Index], constraints: &[Constraint]) -> bool {
    let indexed = indexes.iter().any(|index| {
        index.table_oid == column.table_oid
            && (index.is_primary || index.is_unique)
            && index.key_columns.contains(&column.number)
    });
    indexed
        || constraints.iter().any(|constraint| {
            constraint.kind == "f"
                && constraint.table_oid == column.table_oid
                && constraint.columns.contains(&column.number)
        })
}

fn is_told_by_its_sequence(column: &Column, seen: i64, sequences: &[Sequence]) -> bool {
    sequences.iter().any(|sequence| {
        sequence.owner_schema.as_deref() == Some(column.schema.as_str())
            && sequence.owner_table.as_deref() == Some(column.table.as_str())
            && sequence.owner_column.as_deref() == Some(column.name.as_str())
            && sequence.last_value.is_some_and(|last| last >= seen)
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Finding, Reason, Section,
        pg::{DatabaseSnapshot, growth::KeyGrowth},
    };

    use super::*;
    use crate::testing::{self, edit, findings, skipped};

    fn column(seen: Option<i64>) -> Column {
        Column {
            table_oid: 1,
            schema: "app".into(),
            table: "orders".into(),
            number: 1,
            name: "id".into(),
            type_name: "integer".into(),
            type_id: "int4".into(),
            null_ratio: Some(0.0),
            histogram_max: seen,
            ..Column::default()
        }
    }

    fn keyed(db: &mut DatabaseSnapshot, column: Column) {
        *edit(&mut db.columns) = vec![column];
        *edit(&mut db.indexes) = vec![Index {
            table_oid: 1,
            is_primary: true,
            is_unique: true,
            key_columns: vec![1],
            ..Index::default()
        }];
    }

    fn judge(column: Column) -> Vec<Finding> {
        findings(&CHECK, &testing::database(|db| keyed(db, column)))
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity = |seen| judge(column(Some(seen))).first().map(|found| found.severity);
        assert_eq!(severity(1_503_238_552), None);
        assert_eq!(severity(1_503_238_553), Some(Severity::Warning));
        assert_eq!(severity(1_825_361_099), Some(Severity::Warning));
        assert_eq!(severity(1_825_361_101), Some(Severity::Critical));
    }

    #[test]
    fn two_snapshots_give_a_date() {
        let found = |values, days: f64| {
            let snapshot = testing::pg(|pg| {
                keyed(testing::app(pg), column(Some(1_600_000_000)));
                let growth = edit(&mut pg.growth);
                growth.seconds = days * 86_400.0;
                growth.keys =
                    vec![KeyGrowth { database: "app".into(), table_oid: 1, number: 1, values }];
            });
            findings(&CHECK, &snapshot).remove(0)
        };
        let dated =
            |finding: &Finding| finding.evidence.iter().any(|e| e.label == "used up between");
        assert!(dated(&found(70_000_000, 7.0)));
        assert!(!dated(&found(70_000_000, 0.5)), "half a day");
        assert!(!dated(&found(0, 7.0)), "no analyze in between");
    }

    #[test]
    fn small_integers_end_sooner_and_large_ones_never() {
        let small = Column { type_id: "int2".into(), ..column(Some(30_000)) };
        let found = judge(small);
        assert_eq!(found[0].severity, Severity::Critical);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.lock, "AccessExclusiveLock");
        assert_eq!(fix.statements, ["ALTER TABLE app.orders ALTER COLUMN id TYPE bigint;"]);
        assert!(judge(Column { type_id: "int8".into(), ..column(Some(i64::MAX)) }).is_empty());
    }

    #[test]
    fn a_column_that_is_no_key_may_hold_anything() {
        let snapshot =
            testing::database(|db| *edit(&mut db.columns) = vec![column(Some(2_147_483_647))]);
        assert!(findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn a_referring_column_is_a_key() {
        let snapshot = testing::database(|db| {
            *edit(&mut db.columns) = vec![column(Some(2_147_483_647))];
            *edit(&mut db.constraints) = vec![Constraint {
                kind: "f".into(),
                table_oid: 1,
                columns: vec![1],
                ..Constraint::default()
            }];
        });
        assert_eq!(findings(&CHECK, &snapshot).len(), 1);
    }

    #[test]
    fn what_its_sequence_says_is_not_said_twice() {
        let snapshot = testing::database(|db| {
            keyed(db, column(Some(2_000_000_000)));
            *edit(&mut db.sequences) = vec![Sequence {
                owner_schema: Some("app".into()),
                owner_table: Some("orders".into()),
                owner_column: Some("id".into()),
                last_value: Some(2_000_000_001),
                ..Sequence::default()
            }];
        });
        assert!(findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn is_skipped_where_statistics_are_hidden() {
        let hidden = Column { null_ratio: None, ..column(None) };
        let skip = skipped(&CHECK, &testing::database(|db| keyed(db, hidden))).0;
        assert_eq!(skip.reason, Reason::Permission);
        assert_eq!(skip.remedy.as_deref(), Some("GRANT pg_read_all_data TO monitor;"));
        let blind = testing::database(|db| {
            db.columns = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Timeout);
    }
}
