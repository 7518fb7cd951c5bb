//! Policies no index serves.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::table::ordinary::{by_oid, is_users, not_twice, rows, sql_name};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};
use dbvitals_model::pg::{index::Index, relation::Relation, security::Policy};

/// Policies of large tables whose columns lead no index.
pub static CHECK: Check = Check {
    id: "pg-rls-policy-without-index",
    title: "Policy without index",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "relations", "indexes"],
    uses: &[],
    thresholds: &[&ROWS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A policy decides by columns of its table (`USING`), none of which is the first of an index, on a table
of at least `min_rows` rows with row-level security.

## Why it matters
The policy is added to every statement: without an index each one reads all rows to find those its user
may see.

## How to fix
Create an index that begins with the column the policy compares; a reload or restart is not needed.

## When to ignore
Policies that admit nearly all rows.

## References
PostgreSQL documentation: Row Security Policies.
",
    run: Run::Database(run),
};

static ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a table below ten thousand rows is read whole in a few milliseconds",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (policies, relations, indexes) = (db.policies()?, db.relations()?, db.indexes()?);
    not_twice(db)?;
    let mut found = Vec::new();
    for policy in policies.iter().filter(|p| !p.columns.is_empty() && p.command != "INSERT") {
        let table = by_oid(relations, policy.table_oid).filter(|t| t.row_security && is_users(t));
        let Some(table) = table else { continue };
        let limit = cx.limit_for(&ROWS, &table.qualified());
        let leads = |index: &Index| {
            index.table_oid == table.oid
                && index.is_valid
                // A partial index serves only statements that repeat its predicate.
                && index.predicate.is_none()
                && index.key_columns.first().is_some_and(|first| policy.columns.contains(first))
        };
        if rows(table) >= limit && !indexes.iter().any(leads) {
            found.push(finding(db, cx, policy, table, limit));
        }
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    policy: &Policy,
    table: &Relation,
    limit: f64,
) -> Finding {
    let name = table.qualified();
    let columns = policy.column_names.join(", ");
    let subject = Subject::within("policy", db.name(), format!("{name}.{}", policy.name));
    let found = cx
        .finding(
            Severity::Warning,
            subject.of_table(&name),
            format!(
                "policy {} of {name} decides by {columns}, which leads no index: every statement reads {} rows",
                policy.name, words::count(rows(table))
            ),
            "Create an index that begins with the column the policy compares.",
        )
        .with(Evidence::new("rows of the table", rows(table), Unit::Count, "pg_class.reltuples").against(limit))
        .with(Evidence::new("columns of the policy", columns, Unit::Text, "pg_depend"));
    let found = match &policy.using_expression {
        Some(text) => {
            found.with(Evidence::new("policy", words::shorten(text, 200), Unit::Text, "pg_policy"))
        }
        None => found,
    };
    // An index on a partitioned table cannot be built concurrently.
    let Some(column) = policy.column_names.first().filter(|_| table.kind == "r") else {
        return found;
    };
    let on = sql_name(table);
    let create = format!("CREATE INDEX CONCURRENTLY ON {on} ({});", sql::ident(column));
    let fix = Fix::new(FixKind::Review, [create]).locking(
        "ShareUpdateExclusiveLock",
        format!("VACUUM and DDL on {on}, not reads or writes"),
    );
    found.fixed_by(fix).promising("statements read the rows their user may see, not all of them")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Policy, &mut Relation, &mut Index)) -> Vec<Finding> {
        let mut policy = Policy {
            table_oid: 1,
            name: "own".into(),
            command: "ALL".into(),
            columns: vec![3],
            column_names: vec!["Tenant".into()],
            ..Policy::default()
        };
        let mut table = Relation { row_security: true, row_estimate: 10_000.0, ..table() };
        let mut index =
            Index { table_oid: 1, is_valid: true, key_columns: vec![1, 3], ..Index::default() };
        change(&mut policy, &mut table, &mut index);
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![policy];
                *edit(&mut db.relations) = vec![table];
                *edit(&mut db.indexes) = vec![index];
            }),
        )
    }

    #[test]
    fn fires_and_offers_the_index() {
        let one = found(|_, _, _| {}).remove(0);
        assert_eq!(
            one.fix.unwrap().statements,
            ["CREATE INDEX CONCURRENTLY ON public.\"Orders\" (\"Tenant\");"]
        );
        assert!(found(|_, table, _| table.kind = "p".into())[0].fix.is_none());
    }

    #[test]
    fn small_served_and_idle_policies_are_silent() {
        assert!(found(|_, table, _| table.row_estimate = 9_999.0).is_empty());
        assert!(found(|_, _, index| index.key_columns = vec![3]).is_empty());
        assert!(found(|_, table, _| table.row_security = false).is_empty());
        assert_eq!(
            found(|_, _, index| {
                index.key_columns = vec![3];
                index.predicate = Some("(deleted_at IS NULL)".into());
            })
            .len(),
            1,
            "a partial index serves few statements"
        );
        assert!(found(|policy, _, _| policy.columns.clear()).is_empty());
        assert!(found(|policy, _, _| policy.command = "INSERT".into()).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
