//! Policies that call a function for every row.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::pg::{
    config::advice::listed,
    table::ordinary::{by_oid, is_users, not_twice, rows},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Policies with volatile functions.
pub static CHECK: Check = Check {
    id: "pg-rls-policy-volatile",
    title: "Volatile policy",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "relations"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A policy of a table with row-level security calls volatile functions. `current_setting` and the like are
stable and silent.

## Why it matters
The function runs once for every row that is looked at, no index can be used for the comparison, and its
answer may change within one statement.

## How to fix
Declare the function `STABLE` if it changes nothing, and call it in a subquery, `(SELECT f())`, so that
it runs once.

## When to ignore
Policies on small tables.

## References
PostgreSQL documentation: Row Security Policies; Function Volatility Categories.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (policies, relations) = (db.policies()?, db.relations()?);
    not_twice(db)?;
    let found = policies.iter().filter(|policy| !policy.volatile_functions.is_empty());
    let found = found.filter_map(|policy| {
        let table =
            by_oid(relations, policy.table_oid).filter(|t| t.row_security && is_users(t))?;
        let name = table.qualified();
        let functions = listed(&policy.volatile_functions, 5);
        let subject = Subject::within("policy", db.name(), format!("{name}.{}", policy.name));
        let found = cx.finding(
            Severity::Warning,
            subject.of_table(&name),
            format!(
                "policy {} of {name} calls volatile functions for every row: {functions}",
                policy.name
            ),
            "Declare them STABLE if they change nothing, and call them in a subquery.",
        );
        Some(
            found
                .with(Evidence::new(
                    "volatile functions",
                    functions,
                    Unit::Text,
                    "pg_policy, pg_proc.provolatile",
                ))
                .with(Evidence::new(
                    "rows of the table",
                    rows(table),
                    Unit::Count,
                    "pg_class.reltuples",
                )),
        )
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::{relation::Relation, security::Policy};

    fn found(functions: &[&str], row_security: bool) -> Vec<Finding> {
        let policy = Policy {
            table_oid: 1,
            name: "own".into(),
            volatile_functions: functions.iter().map(|&f| f.to_owned()).collect(),
            ..Policy::default()
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![policy];
                *edit(&mut db.relations) = vec![Relation { row_security, ..table() }];
            }),
        )
    }

    #[test]
    fn fires_for_volatile_functions_in_use() {
        assert!(found(&["whoami"], true)[0].message.contains("for every row: whoami"));
        assert!(found(&[], true).is_empty());
        assert!(found(&["whoami"], false).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
