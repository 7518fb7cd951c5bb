//! Policies that call a function with other rights for every row.

use dbvitals_model::{
    Evidence, Severity, Unit,
    pg::{row_security::PolicyFunction, security::Policy},
};
use dbvitals_query::{Often, condition_calls};

use super::policy;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::config::advice::listed,
    skip::Judged,
    view::DatabaseView,
};

/// Calls of `SECURITY DEFINER` functions with a value of the row.
pub static CHECK: Check = Check {
    id: "pg-rls-security-definer-helper",
    title: "Policy calls a SECURITY DEFINER function for every row",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["policies", "policy_functions", "relations"],
    uses: &[],
    thresholds: &[&ROWS],
    fix: None,
    explain: "\
## What it detects
A policy of a table of at least `min_rows` rows calls a function declared `SECURITY DEFINER` with a column of the row,
so that the call is made for every row. A call without a column is told by pg-rls-function-per-row.

## Why it matters
Such a function is never inlined: each call changes the role and back, enters the function, and runs its own statement.
Neither an index nor a join can take its place, and the planner reckons with the function's declared cost instead of
what it does.

## How to fix
Turn it round: let the function yield the keys the user may see, and compare them with the column, asked once:
`team = ANY (ARRAY(SELECT my_teams()))`, with an index on `team`. Or drop `SECURITY DEFINER` where the caller may read
what the function reads, so that a function in SQL can be inlined.

## When to ignore
Tables whose policies also compare an indexed column that leaves few rows.

## References
PostgreSQL documentation: CREATE FUNCTION, `SECURITY DEFINER`; Row Security Policies.
",
    run: Run::Database(run),
};

static ROWS: Threshold = policy::min_rows(
    "ten thousand calls of a short function take ten milliseconds or more, which is all a simple read is meant to take",
);

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let functions = db.policy_functions()?;
    let found = policy::in_force(db, cx, &ROWS)?.into_iter().filter_map(|one| {
        let called = per_row(one.policy, functions);
        if called.is_empty() {
            return None;
        }
        let names: Vec<String> =
            called.iter().map(|f| format!("{}.{}", f.function_schema, f.function)).collect();
        let names = listed(&names, 5);
        let what = format!("calls {names} for every row, with the rights of its owner");
        let advice = "Let the function yield the keys that may be seen, asked once: column = ANY (ARRAY(SELECT keys())).";
        let found = one.finding(cx, &what, advice);
        let found = found.with(Evidence::new("functions", names, Unit::Text, "pg_proc.prosecdef"));
        Some(called.iter().fold(found, |found, function| {
            let label = format!("cost the planner reckons with for {}", function.function);
            found.with(Evidence::new(label, function.cost, Unit::Count, "pg_proc.procost"))
        }))
    });
    Ok(found.collect())
}

/// The functions with other rights that the policy calls with a value of the row.
fn per_row<'f>(policy: &Policy, functions: &'f [PolicyFunction]) -> Vec<&'f PolicyFunction> {
    let text = policy.using_expression.as_deref().unwrap_or_default();
    let calls = condition_calls(text).unwrap_or_default();
    let is_called = |function: &PolicyFunction| {
        calls.iter().any(|call| {
            call.often == Often::PerRow
                && call.name == function.function
                && call.schema.as_deref().is_none_or(|schema| schema == function.function_schema)
        })
    };
    let own = functions.iter().filter(|f| {
        f.is_security_definer && f.table_oid == policy.table_oid && f.policy == policy.name
    });
    own.filter(|function| is_called(function)).collect()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(using: &str, is_security_definer: bool, rows: f64) -> Vec<Finding> {
        let policy = Policy {
            table_oid: 1,
            name: "own".into(),
            using_expression: Some(using.into()),
            ..Policy::default()
        };
        let function = PolicyFunction {
            table_oid: 1,
            policy: "own".into(),
            function_schema: "auth".into(),
            function: "may_see".into(),
            is_security_definer,
            cost: 100.0,
            ..PolicyFunction::default()
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![policy];
                *edit(&mut db.policy_functions) = vec![function];
                *edit(&mut db.relations) =
                    vec![Relation { row_security: true, row_estimate: rows, ..table() }];
            }),
        )
    }

    #[test]
    fn fires_for_a_call_with_a_column() {
        let one = found("auth.may_see(team)", true, 1e4).remove(0);
        assert!(one.message.contains("calls auth.may_see for every row"), "{}", one.message);
        assert!(found("auth.may_see(team)", true, 9_999.0).is_empty());
    }

    #[test]
    fn own_rights_and_calls_made_once_are_silent() {
        assert!(found("auth.may_see(team)", false, 1e6).is_empty());
        assert!(found("(team = ( SELECT auth.may_see() AS m))", true, 1e6).is_empty());
        assert!(found("(team = auth.may_see())", true, 1e6).is_empty(), "told by another check");
        assert!(found("other.may_see(team)", true, 1e6).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
