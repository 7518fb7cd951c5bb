//! Columns of the old automatic kind.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::columns_of_type::{Group, SOURCE, by_table, columns_in_tables};
use crate::pg::config::advice::listed;
use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};
use std::collections::BTreeSet;

/// Columns of type `serial`.
pub static CHECK: Check = Check {
    id: "pg-column-type-serial",
    title: "Column of type serial",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["columns", "sequences", "relations"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Integer columns whose default takes the next value of a sequence that belongs to them (`serial`,
`bigserial`), one finding per database. The evidence covers the largest tables of the database and index
keys.

## Why it matters
Privileges on the sequence are separate and forgotten; the default can be dropped or overruled
unnoticed, and copies of the table (`LIKE … INCLUDING DEFAULTS`) share the sequence.

## How to fix
Use `GENERATED ALWAYS AS IDENTITY` for new tables; change old ones when they are changed anyway: drop
the default and the sequence, add the identity, set its start.

## When to ignore
Schemas that a framework creates this way: it works.

## References
PostgreSQL documentation: Identity Columns; Serial Types.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, sequences, relations) = (db.columns()?, db.sequences()?, db.relations()?);
    not_twice(db)?;
    let fed: BTreeSet<(&str, &str, &str)> = sequences
        .iter()
        .filter_map(|sequence| {
            let schema = sequence.owner_schema.as_deref()?;
            Some((schema, sequence.owner_table.as_deref()?, sequence.owner_column.as_deref()?))
        })
        .collect();
    let groups = by_table(columns, relations, |column| {
        column.has_default
            && column.identity.is_empty()
            && matches!(column.type_id.as_str(), "int2" | "int4" | "int8")
            && fed.contains(&(&*column.schema, &*column.table, &*column.name))
    });
    let Some(first) = groups.first() else { return Ok(Vec::new()) };
    let count: usize = groups.iter().map(|group| group.columns.len()).sum();
    let tables: Vec<String> = groups.iter().map(Group::table).collect();
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("database", db.name()),
            format!(
                "{} of type serial in database {}: {}",
                columns_in_tables(count, groups.len()),
                db.name(),
                listed(&tables, 5)
            ),
            "Use GENERATED ALWAYS AS IDENTITY for new tables.",
        )
        .with(Evidence::new("columns", count as f64, Unit::Count, SOURCE))
        .with(Evidence::new("first columns", first.detail(), Unit::Text, SOURCE));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table};
    use crate::testing::{self, edit};
    use dbvitals_model::pg::schema::{Column, Sequence};

    fn found(change: impl FnOnce(&mut Column, &mut Sequence)) -> Vec<Finding> {
        let mut id = Column { has_default: true, ..column("id", "integer", "int4") };
        let mut sequence = Sequence {
            owner_schema: Some("public".into()),
            owner_table: Some("Orders".into()),
            owner_column: Some("id".into()),
            ..Sequence::default()
        };
        change(&mut id, &mut sequence);
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.columns) = vec![id];
                *edit(&mut db.sequences) = vec![sequence];
                *edit(&mut db.relations) = vec![table()];
            }),
        )
    }

    #[test]
    fn fires_for_a_default_fed_by_an_own_sequence() {
        let one = found(|_, _| {}).remove(0);
        assert!(one.message.starts_with("1 column in 1 table of type serial"), "{}", one.message);
        assert!(found(|_, sequence| sequence.owner_column = Some("no".into())).is_empty());
        assert!(found(|id, _| id.has_default = false).is_empty());
    }

    #[test]
    fn identity_is_silent() {
        assert!(found(|id, _| id.identity = "a".into()).is_empty());
    }
}
