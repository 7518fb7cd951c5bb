//! Indexes that row-level security keeps from being used.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::row_security::GuardedIndex};

use super::policy;
use crate::pg::{
    config::advice::listed,
    table::ordinary::{by_oid, is_users, rows},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Indexes whose operators are not leakproof, on tables with policies, without a single scan.
pub static CHECK: Check = Check {
    id: "pg-rls-index-not-leakproof",
    title: "Index kept from use by row-level security",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["guarded_indexes", "relations"],
    uses: &["databases"],
    thresholds: &[&ROWS, &AGE],
    fix: None,
    explain: "\
## What it detects
On a table of at least `min_rows` rows with policies in force: an index without a single scan in at least
`min_statistics_age_days`, whose operators are not leakproof (full text, trigrams, `jsonb`, arrays, `numeric`,
`citext`, ranges and others).

## Why it matters
Under row-level security a condition may look at rows before the policy does only if its operator is known to tell
nothing of them (leakproof). Otherwise the policy goes first, and the index cannot be used by anybody the policy
applies to: the statement that was fast for the owner reads the whole table for everybody else.

## How to fix
Let the policy's own column lead: an index over `(tenant, …)`, or, for GIN, one with `btree_gin` that begins with
it. Compare by a leakproof type where there is one (`bigint` or `text` in place of `numeric` or `citext`). Or search
through a function with the rights of the owner that applies the policy itself. Marking an operator's function
`LEAKPROOF` takes a superuser, and a proof.

## When to ignore
Indexes used only by roles the policies do not apply to, and not yet.

## References
PostgreSQL documentation: Rules and Privileges; CREATE FUNCTION, `LEAKPROOF`.
",
    run: Run::Database(run),
};

static ROWS: Threshold =
    policy::min_rows("a table below ten thousand rows is read whole in a few milliseconds");

static AGE: Threshold = Threshold {
    key: "min_statistics_age_days",
    unit: Unit::Days,
    default: 1.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "an index that a day of work has not touched may be one that cannot be used",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, relations) = (db.guarded_indexes()?, db.relations()?);
    let age = db.statistics_age_days();
    let elsewhere = |index: &GuardedIndex| {
        // A sibling's scans count: reads may go to a standby.
        db.siblings().any(|other| {
            other
                .guarded_indexes()
                .is_ok_and(|all| all.iter().any(|i| i.oid == index.oid && i.scans > 0))
        })
    };
    let found = indexes.iter().filter_map(|index| {
        let table = by_oid(relations, index.table_oid).filter(|t| t.row_security && is_users(t))?;
        let name = format!("{}.{}", index.schema, index.name);
        let limit = cx.limit_for(&ROWS, &name);
        let idle = index.scans == 0 && age.is_some_and(|age| age >= cx.limit_for(&AGE, &name));
        let shut = index.is_leakproof == Some(false) && !index.is_constraint;
        if !idle || !shut || rows(table) < limit || elsewhere(index) {
            return None;
        }
        let column = index.first_column.as_deref().unwrap_or_default();
        let table_name = table.qualified();
        Some(
            cx.finding(
                Severity::Info,
                Subject::within("index", db.name(), &name).of_table(&table_name),
                format!(
                    "{name} on {column} cannot serve roles that the policies of {table_name} ({} rows) apply to: none of its operators is leakproof",
                    words::count(rows(table))
                ),
                "Lead the index with the column the policy compares, or compare by a leakproof type.",
            )
            .with(Evidence::new("operators", listed(&index.operators, 8), Unit::Text, "pg_amop, pg_proc.proleakproof"))
            .with(Evidence::new("scans", index.scans, Unit::Count, "pg_stat_all_indexes"))
            .with(Evidence::new("rows of the table", rows(table), Unit::Count, "pg_class.reltuples").against(limit)),
        )
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut GuardedIndex, &mut Relation)) -> Vec<Finding> {
        let mut index = GuardedIndex {
            table_oid: 1,
            schema: "app".into(),
            name: "by_words".into(),
            method: "gin".into(),
            first_column: Some("words".into()),
            operators: vec!["@@".into()],
            is_leakproof: Some(false),
            ..GuardedIndex::default()
        };
        let mut table = Relation { row_security: true, row_estimate: 1e4, ..table() };
        change(&mut index, &mut table);
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.guarded_indexes) = vec![index];
                *edit(&mut db.relations) = vec![table];
            }),
        )
    }

    #[test]
    fn fires_for_an_index_no_policy_lets_through() {
        let one = found(|_, _| {}).remove(0);
        assert!(one.message.contains("by_words on words cannot serve"), "{}", one.message);
        assert!(found(|_, table| table.row_estimate = 9_999.0).is_empty());
    }

    #[test]
    fn used_leakproof_unknown_and_constraint_indexes_are_silent() {
        assert!(found(|index, _| index.scans = 1).is_empty());
        assert!(found(|index, _| index.is_leakproof = Some(true)).is_empty());
        assert!(found(|index, _| index.is_leakproof = None).is_empty());
        assert!(found(|index, _| index.is_constraint = true).is_empty());
        assert!(found(|_, table| table.row_security = false).is_empty());
    }

    #[test]
    fn young_statistics_prove_nothing() {
        let young = testing::pg(|pg| {
            edit(&mut pg.databases)[0].stats_reset = testing::ago(86_399);
            let db = testing::app(pg);
            *edit(&mut db.guarded_indexes) = vec![GuardedIndex {
                table_oid: 1,
                is_leakproof: Some(false),
                ..GuardedIndex::default()
            }];
            *edit(&mut db.relations) =
                vec![Relation { row_security: true, row_estimate: 1e6, ..table() }];
        });
        assert!(testing::findings(&CHECK, &young).is_empty());
    }

    #[test]
    fn is_skipped_without_indexes() {
        testing::skipped(&CHECK, &testing::database(|db| db.guarded_indexes = Section::default()));
    }
}
