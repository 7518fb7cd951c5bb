//! Tables that are empty after a crash and absent on standbys.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use super::ordinary::{not_twice, rows, sql_name, stored, subject};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Unlogged tables with rows in them.
pub static CHECK: Check = Check {
    id: "pg-unlogged-table",
    title: "Unlogged table",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &[],
    thresholds: &[&MIN_ROWS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
An unlogged table with at least `min_rows` rows.

## Why it matters
After a crash it is emptied, on a standby it cannot be read, and a restored base backup does not have its rows.
That is a bargain for caches and staging, and a loss for anything else.

## How to fix
Where the rows matter, `ALTER TABLE … SET LOGGED`: it rewrites the table and writes it all to WAL.

## When to ignore
Caches, session stores and staging tables whose rows can be made again.

## References
PostgreSQL documentation: CREATE TABLE, UNLOGGED.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (0.0, 1e12),
    why: "an empty one has nothing to lose",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    not_twice(db)?;
    let mut found = Vec::new();
    for table in stored(relations).filter(|table| table.persistence == "u" && table.kind == "r") {
        let (name, quoted, count) = (table.qualified(), sql_name(table), rows(table));
        if count < cx.limit_for(&MIN_ROWS, &name) {
            continue;
        }
        let room = words::bytes(table.total_bytes() as f64);
        let fix = Fix::new(FixKind::Review, [format!("ALTER TABLE {quoted} SET LOGGED;")])
            .locking(
                "AccessExclusiveLock",
                format!(
                    "all reads and writes of {name} while {room} are rewritten and written to WAL"
                ),
            )
            .undone_by([format!("ALTER TABLE {quoted} SET UNLOGGED;")]);
        found.push(
            cx.finding(
                Severity::Info,
                subject(db, table),
                format!("{name} is unlogged: a crash would lose its {} rows", words::count(count)),
                "Make sure that its rows can be made again; otherwise make it logged.",
            )
            .with(
                Evidence::new("rows", count, Unit::Count, "pg_class.reltuples")
                    .against(cx.limit_for(&MIN_ROWS, &name)),
            )
            .with(Evidence::new("size", table.total_bytes(), Unit::Bytes, "pg_total_relation_size"))
            .fixed_by(fix),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, within};
    use crate::testing::{findings, skipped};

    fn unlogged(count: i64) -> Relation {
        Relation { persistence: "u".into(), live_rows: count, row_estimate: -1.0, ..orders() }
    }

    #[test]
    fn rows_have_two_sides() {
        assert!(findings(&CHECK, &with(vec![unlogged(0)])).is_empty());
        let found = findings(&CHECK, &with(vec![unlogged(1)]));
        assert_eq!(found[0].severity, Severity::Info);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER TABLE app.orders SET LOGGED;"]
        );
    }

    #[test]
    fn logged_and_temporary_tables_are_silent() {
        let temporary = Relation { persistence: "t".into(), ..unlogged(9) };
        assert!(findings(&CHECK, &with(vec![orders(), temporary])).is_empty());
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
