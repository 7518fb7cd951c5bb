//! Policies that call a function for every row.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::security::Policy};
use dbvitals_query::{Often, condition_calls};

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
A policy of a table with row-level security calls volatile functions for every row. `current_setting` and the
like are stable and silent, and so is a call that is made once, in a subquery of its own: `(SELECT f())`.

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
    let found = policies.iter().filter_map(|policy| {
        let volatile = per_row(policy);
        if volatile.is_empty() {
            return None;
        }
        let table =
            by_oid(relations, policy.table_oid).filter(|t| t.row_security && is_users(t))?;
        let name = table.qualified();
        let functions = listed(&volatile, 5);
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

/// The volatile functions the policy calls for every row; all of them where its text cannot be read.
fn per_row(policy: &Policy) -> Vec<&str> {
    let texts = [&policy.using_expression, &policy.check_expression];
    let calls: Result<Vec<_>, _> =
        texts.into_iter().flatten().map(|text| condition_calls(text)).collect();
    let calls: Vec<_> = calls.unwrap_or_default().into_iter().flatten().collect();
    let is_per_row = |name: &str| {
        let mut named = calls.iter().filter(|call| call.name == name).peekable();
        // Not in the text (an operator's function), or not wrapped everywhere.
        named.peek().is_none() || named.any(|call| call.often != Often::Once)
    };
    let names = policy.volatile_functions.iter().map(String::as_str);
    names.filter(|name| is_per_row(name)).collect()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::relation::Relation;

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
    fn a_call_made_once_is_silent() {
        let volatile = |using: &str, names: &[&str]| {
            let policy = Policy {
                using_expression: Some(using.into()),
                volatile_functions: names.iter().map(|&name| name.into()).collect(),
                ..Policy::default()
            };
            per_row(&policy).join(", ")
        };
        assert_eq!(volatile("(id = ( SELECT whoami() AS whoami))", &["whoami"]), "");
        assert_eq!(
            volatile("((id = ( SELECT whoami() AS w)) OR (random() < 1))", &["whoami", "random"]),
            "random"
        );
        assert_eq!(
            volatile("((id = ( SELECT whoami() AS w)) OR (n = whoami()))", &["whoami"]),
            "whoami"
        );
        assert_eq!(volatile("(id = ", &["whoami"]), "whoami", "not readable");
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
