//! Columns that hold a time without saying where.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use super::columns_of_type::{Group, REWRITE_LOCK, SOURCE, by_table, columns_in_tables};
use crate::pg::config::advice::listed;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Columns of type `timestamp` where `timestamptz` is meant.
pub static CHECK: Check = Check {
    id: "pg-column-type-timestamp-without-time-zone",
    title: "Timestamp without time zone",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["columns", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
Columns of type `timestamp without time zone`, one finding per database. The evidence covers the largest
tables of the database and index keys; small tables beyond them are not seen.

## Why it matters
Such a value is no moment: it means another one for each `TimeZone`, it cannot be ordered across a
change of the clocks, and comparing it with `now()` converts silently.

## How to fix
Change it to `timestamptz`, naming the zone the values were written in. When that is UTC and the
session's `TimeZone` is UTC too, no rewrite is needed; otherwise the table is rewritten under an
exclusive lock.

## When to ignore
Times on a wall clock by intention: opening hours, appointments that follow the local clock.

## References
PostgreSQL documentation: Data Types, Date/Time Types.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    let groups = by_table(columns, relations, |column| column.type_id == "timestamp");
    let Some(first) = groups.first() else { return Ok(Vec::new()) };
    let count: usize = groups.iter().map(|group| group.columns.len()).sum();
    let tables: Vec<String> = groups.iter().map(Group::table).collect();
    let fix = Fix::new(
        FixKind::Manual,
        first.changes(|column| {
            format!("TYPE timestamptz USING {} AT TIME ZONE 'UTC'", sql::ident(&column.name))
        }),
    );
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("database", db.name()),
            format!(
                "{} without time zone in database {}: {}",
                columns_in_tables(count, groups.len()), db.name(), listed(&tables, 5)
            ),
            "Use timestamptz for new columns; change existing ones, naming the zone they were written in.",
        )
        .with(Evidence::new("columns", count as f64, Unit::Count, SOURCE))
        .with(Evidence::new("first columns", first.detail(), Unit::Text, SOURCE))
        .fixed_by(fix.locking(REWRITE_LOCK, first.blocks()));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table_of};
    use crate::testing;

    #[test]
    fn one_finding_per_database() {
        let at = |name| column(name, "timestamp without time zone", "timestamp");
        let found = testing::findings(&CHECK, &table_of(vec![at("created"), at("changed")]));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].message.starts_with("2 columns in 1 table without time zone"),
            "{}",
            found[0].message
        );
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.kind, FixKind::Manual);
        assert_eq!(
            fix.statements,
            ["ALTER TABLE public.\"Orders\" \
              ALTER COLUMN created TYPE timestamptz USING created AT TIME ZONE 'UTC', \
              ALTER COLUMN changed TYPE timestamptz USING changed AT TIME ZONE 'UTC';"]
        );
    }

    #[test]
    fn partitions_dropped_columns_and_extensions_are_silent() {
        crate::pg::schema::columns_of_type::sample::silent(
            &CHECK,
            column("at", "timestamp", "timestamp"),
        );
        let fine = column("at", "timestamp with time zone", "timestamptz");
        assert!(testing::findings(&CHECK, &table_of(vec![fine])).is_empty());
    }
}
