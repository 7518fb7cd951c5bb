//! Policies that ask the same question for every row.

use dbvitals_model::{
    Evidence, Fix, FixKind, Severity, Unit,
    pg::{row_security::PolicyFunction, security::Policy},
};
use dbvitals_query::{ConditionCall, Often, condition_calls, wrap_calls};

use super::policy;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{config::advice::listed, table::ordinary::sql_name},
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Stable functions without a column, outside of a subquery.
pub static CHECK: Check = Check {
    id: "pg-rls-function-per-row",
    title: "Policy asks anew for every row",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["policies", "policy_functions", "relations"],
    uses: &[],
    thresholds: &[&ROWS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A policy (`USING`) of a table of at least `min_rows` rows calls a stable function whose arguments do not depend on
the row (`auth.uid()`, `current_setting('app.tenant')`) outside of a subquery. Volatile functions are told by
pg-rls-policy-volatile.

## Why it matters
Wherever no index answers the comparison, the function runs for every row that is looked at and gives the same
answer each time. In a subquery, `(SELECT f())`, the planner makes the call once per statement.

## How to fix
Write the policy anew with each such call in a subquery: `ALTER POLICY … USING (owner = (SELECT auth.uid()))`.

## When to ignore
Policies that an index always serves.

## References
PostgreSQL documentation: Row Security Policies; Function Volatility Categories.
",
    run: Run::Database(run),
};

static ROWS: Threshold = policy::min_rows(
    "ten thousand calls of a short function take some milliseconds, which is where a read begins to be slow",
);

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let functions = db.policy_functions()?;
    let found = policy::in_force(db, cx, &ROWS)?.into_iter().filter_map(|one| {
        let calls = alike(one.policy, functions);
        if calls.is_empty() {
            return None;
        }
        let calls = listed(&calls, 5);
        let name = one.table.qualified();
        let alter = |using: &str| {
            let (policy, table) = (sql::ident(&one.policy.name), sql_name(one.table));
            format!("ALTER POLICY {policy} ON {table} USING ({using});")
        };
        let advice =
            format!("Put each of these calls into a subquery of its own, (SELECT …): {calls}.");
        let found = one
            .finding(cx, &format!("asks {calls} anew for every row"), advice)
            .with(Evidence::new("calls", calls, Unit::Text, "pg_policy, pg_proc.provolatile"));
        let wrapped = wrap_calls(one.using(), |call| is_alike(one.policy, functions, call));
        Some(match wrapped {
            Some(wrapped) => found.fixed_by(
                Fix::new(FixKind::Review, [alter(&wrapped)])
                    .locking(
                        "AccessExclusiveLock",
                        format!("all reads and writes of {name}, for a moment"),
                    )
                    .undone_by([alter(one.using())]),
            ),
            None => found,
        })
    });
    Ok(found.collect())
}

/// The stable calls a policy makes for every row with the same arguments, by name.
fn alike(policy: &Policy, functions: &[PolicyFunction]) -> Vec<String> {
    let Some(Ok(calls)) = policy.using_expression.as_deref().map(condition_calls) else {
        return Vec::new();
    };
    let mut names: Vec<String> = calls
        .iter()
        .filter(|call| is_alike(policy, functions, call))
        .map(|call| match &call.schema {
            Some(schema) => format!("{schema}.{}", call.name),
            None => call.name.clone(),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a call is made for every row with the same arguments, and gives the same answer within a statement.
fn is_alike(policy: &Policy, functions: &[PolicyFunction], call: &ConditionCall) -> bool {
    let in_schema = |schema: &str| call.schema.as_deref().is_none_or(|named| named == schema);
    let mut own = functions.iter().filter(|f| {
        f.table_oid == policy.table_oid && f.policy == policy.name && f.function == call.name
    });
    let is_stable = own.any(|f| in_schema(&f.function_schema) && f.volatility == "s")
        // Built-in functions leave no dependency; this is the one that policies use.
        || (call.name == "current_setting" && in_schema("pg_catalog"));
    call.often == Often::PerRowAlike && is_stable
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(using: &str, rows: f64, volatility: &str) -> Vec<Finding> {
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
            function: "uid".into(),
            volatility: volatility.into(),
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
    fn fires_for_calls_that_could_be_made_once() {
        let one = found("(owner = auth.uid())", 1e4, "s").remove(0);
        assert!(one.message.contains("asks auth.uid anew for every row"), "{}", one.message);
        let fix = one.fix.unwrap();
        assert_eq!(
            fix.statements,
            ["ALTER POLICY own ON public.\"Orders\" USING ((owner = (SELECT auth.uid())));"]
        );
        assert!(fix.reversible);
        assert_eq!(found("(tenant = (current_setting('a'::text))::int)", 1e4, "s").len(), 1);
        assert!(found("(owner = auth.uid())", 9_999.0, "s").is_empty());
    }

    #[test]
    fn wrapped_volatile_immutable_and_dependent_calls_are_silent() {
        assert!(found("(owner = ( SELECT auth.uid() AS uid))", 1e6, "s").is_empty());
        assert!(found("(owner = auth.uid())", 1e6, "v").is_empty(), "told by another check");
        assert!(found("(owner = auth.uid())", 1e6, "i").is_empty(), "made once when planned");
        assert!(found("auth.uid(owner)", 1e6, "s").is_empty(), "depends on the row");
        assert!(found("(owner = CURRENT_USER)", 1e6, "s").is_empty());
        assert!(found("(cut off", 1e6, "s").is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
