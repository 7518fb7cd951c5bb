//! Unique keys that NULL gets around.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::pg::{
    config::advice::listed,
    table::ordinary::{by_oid, is_users, not_twice, subject},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};
use dbvitals_model::pg::{index::Index, schema::Column};
use std::collections::BTreeMap;

/// Unique keys of several columns, some of which may be NULL.
pub static CHECK: Check = Check {
    id: "pg-nullable-unique-key",
    title: "Nullable unique key",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "columns", "relations"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A unique key over several columns of which at least one may be NULL. Keys of one column, partial ones,
those over expressions and those with NULLS NOT DISTINCT are silent.

## Why it matters
A row with NULL in any of the columns equals no other: the same combination can be there any number of
times, while everybody believes it to be unique.

## How to fix
Declare the columns NOT NULL, create the key with NULLS NOT DISTINCT (15 and later), or one partial
unique index for each case.

## When to ignore
Where NULL means that the rule does not apply.

## References
PostgreSQL documentation: Unique Constraints.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, columns, relations) = (db.indexes()?, db.columns()?, db.relations()?);
    not_twice(db)?;
    let nullable: BTreeMap<(i64, i64), &Column> = columns
        .iter()
        .filter(|column| !column.is_not_null && !column.is_dropped)
        .map(|column| ((column.table_oid, column.number), column))
        .collect();
    let mut tables: BTreeMap<i64, Vec<(&Index, Vec<&Column>)>> = BTreeMap::new();
    for index in indexes.iter().filter(|index| may_be_bypassed(index)) {
        let open: Vec<&Column> = index
            .key_columns
            .iter()
            .filter_map(|number| nullable.get(&(index.table_oid, *number)).copied())
            .collect();
        // Where no value was ever NULL the rule holds, at least so far.
        let only_filled = open.iter().all(|column| column.null_ratio == Some(0.0));
        if !open.is_empty() && !only_filled {
            tables.entry(index.table_oid).or_default().push((index, open));
        }
    }
    let found = tables.into_iter().filter_map(|(oid, keys)| {
        let table = by_oid(relations, oid).filter(|t| is_users(t) && !t.is_partition)?;
        let each: Vec<String> = keys
            .iter()
            .map(|(index, open)| {
                let names: Vec<&str> = open.iter().map(|column| column.name.as_str()).collect();
                format!("{} ({} may be NULL)", index.name, names.join(", "))
            })
            .collect();
        let found = cx.finding(
            Severity::Info,
            subject(db, table),
            format!(
                "unique keys of {} can be got around by NULL: {}",
                table.qualified(),
                listed(&each, 5)
            ),
            "Declare the columns NOT NULL, or the key NULLS NOT DISTINCT (15 and later).",
        );
        Some(found.with(Evidence::new(
            "keys",
            keys.len() as f64,
            Unit::Count,
            "pg_index, pg_attribute",
        )))
    });
    Ok(found.collect())
}

fn may_be_bypassed(index: &Index) -> bool {
    index.is_unique
        && !index.is_primary
        && index.is_valid
        && !index.nulls_not_distinct
        && index.key_columns.len() > 1
        && index.predicate.is_none()
        && index.expressions.is_none()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table};
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Index, &mut Column)) -> Vec<Finding> {
        let mut key = Index {
            table_oid: 1,
            name: "by_user".into(),
            is_unique: true,
            is_valid: true,
            key_columns: vec![1, 2],
            ..Index::default()
        };
        let mut second = Column { number: 2, ..column("deleted_at", "date", "date") };
        change(&mut key, &mut second);
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.indexes) = vec![key];
                *edit(&mut db.columns) = vec![second];
                *edit(&mut db.relations) = vec![table()];
            }),
        )
    }

    #[test]
    fn fires_for_a_nullable_part_of_a_key() {
        assert!(found(|_, _| {})[0].message.contains("by_user (deleted_at may be NULL)"));
        assert_eq!(found(|_, column| column.null_ratio = Some(0.1)).len(), 1);
    }

    #[test]
    fn keys_that_hold_are_silent() {
        assert!(found(|_, column| column.is_not_null = true).is_empty());
        assert!(found(|_, column| column.null_ratio = Some(0.0)).is_empty());
        assert!(found(|key, _| key.nulls_not_distinct = true).is_empty());
        assert!(found(|key, _| key.predicate = Some("deleted_at is null".into())).is_empty());
        assert!(found(|key, _| key.key_columns = vec![2]).is_empty());
        assert!(found(|key, _| key.is_unique = false).is_empty());
    }

    #[test]
    fn is_skipped_without_columns() {
        testing::skipped(&CHECK, &testing::database(|db| db.columns = Section::default()));
    }
}
