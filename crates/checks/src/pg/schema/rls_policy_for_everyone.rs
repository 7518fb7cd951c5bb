//! Policies without `TO` that roles evaluate for whom they are not meant.

use dbvitals_model::{Evidence, Severity, Unit, pg::security::Policy};
use dbvitals_query::policy_text;

use super::policy;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{config::advice::listed, table::ordinary::sql_name},
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Permissive policies to PUBLIC beside policies to roles, or that ask for the role themselves.
pub static CHECK: Check = Check {
    id: "pg-rls-policy-for-everyone",
    title: "Policy evaluated by roles it is not for",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["policies", "relations"],
    uses: &[],
    thresholds: &[&ROWS],
    fix: None,
    explain: "\
## What it detects
A permissive policy of a table of at least `min_rows` rows says no `TO` (it is for PUBLIC), and either asks in its
condition which role is at work (`CURRENT_USER = 'batch'`, `auth.role() = 'authenticated'`), or stands beside a policy
for the same command that names roles: those roles are put both to theirs and to this one.

## Why it matters
`TO` is decided once, when the statement is planned; a condition is asked of every row. Permissive policies are joined
by OR: a second one also lets its rows through, keeps the planner from using one index, and is asked of all rows the
first one does not let through.

## How to fix
Say whom it is for: `ALTER POLICY … TO role`, and leave the question about the role out of the condition. Roles it does
not name are no longer let through by it: check that each has a policy of its own.

## When to ignore
Policies that are meant for everybody on top of the others.

## References
PostgreSQL documentation: CREATE POLICY, `TO`.
",
    run: Run::Database(run),
};

static ROWS: Threshold =
    policy::min_rows("below ten thousand rows a further condition costs little");

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let policies = db.policies()?;
    // What is inserted is asked about once, row by row as it comes.
    let is_judged =
        |policy: &Policy| policy.is_permissive && is_public(policy) && policy.command != "INSERT";
    let in_force = policy::in_force(db, cx, &ROWS)?.into_iter();
    let found = in_force.filter(|one| is_judged(one.policy)).filter_map(|one| {
        let asks = policy_text(one.using(), &one.table.name).is_ok_and(|text| text.tests_role);
        let beside = policies.iter().filter(|other| meets(one.policy, other));
        let mut roles: Vec<&str> =
            beside.flat_map(|other| other.roles.iter().map(String::as_str)).collect();
        roles.sort_unstable();
        roles.dedup();
        let why = if asks {
            "asks for the role in its condition".to_owned()
        } else if roles.is_empty() {
            return None;
        } else {
            format!("is also put to {}, who have a policy of their own", listed(&roles, 5))
        };
        let advice = format!(
            "Name the roles it is for: ALTER POLICY {} ON {} TO …; it takes AccessExclusiveLock for a moment, and TO public \
             undoes it.",
            sql::ident(&one.policy.name),
            sql_name(one.table)
        );
        let found = one.finding(cx, &format!("names no role and {why}"), advice);
        let command = one.policy.command.as_str();
        Some(found.with(Evidence::new("command", command, Unit::Text, "pg_policy")))
    });
    Ok(found.collect())
}

fn is_public(policy: &Policy) -> bool {
    policy.roles.iter().any(|role| role == "public")
}

/// Whether a permissive policy for named roles applies to the same command of the same table.
fn meets(policy: &Policy, other: &Policy) -> bool {
    let same = |a: &str, b: &str| a == "ALL" || b == "ALL" || a == b;
    other.is_permissive
        && other.table_oid == policy.table_oid
        && !is_public(other)
        && same(&policy.command, &other.command)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn policy(name: &str, command: &str, role: &str, using: &str) -> Policy {
        Policy {
            table_oid: 1,
            name: name.into(),
            command: command.into(),
            roles: vec![role.into()],
            is_permissive: true,
            using_expression: Some(using.into()),
            ..Policy::default()
        }
    }

    fn found(policies: Vec<Policy>, rows: f64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = policies;
                *edit(&mut db.relations) =
                    vec![Relation { row_security: true, row_estimate: rows, ..table() }];
            }),
        )
    }

    #[test]
    fn fires_for_a_question_that_to_answers() {
        let asks =
            || vec![policy("own", "ALL", "public", "((CURRENT_USER = 'web'::name) AND (a = 1))")];
        let one = found(asks(), 1e4).remove(0);
        assert!(one.message.ends_with("asks for the role in its condition"), "{}", one.message);
        assert!(one.recommendation.contains("ALTER POLICY own ON public.\"Orders\" TO"));
        assert!(found(asks(), 9_999.0).is_empty());
        assert!(
            found(vec![policy("own", "ALL", "web", "(CURRENT_USER = 'web'::name)")], 1e6)
                .is_empty()
        );
    }

    #[test]
    fn fires_beside_a_policy_that_names_roles() {
        let both = |command: &str| {
            vec![
                policy("own", "ALL", "public", "(owner = f())"),
                policy("batch", command, "batch", "(kind = 'x'::text)"),
            ]
        };
        let one = found(both("SELECT"), 1e4).remove(0);
        assert!(one.message.contains("also put to batch"), "{}", one.message);
        let restrictive = |mut all: Vec<Policy>| {
            all[1].is_permissive = false;
            all
        };
        assert!(found(restrictive(both("SELECT")), 1e6).is_empty());
        let mut apart = both("SELECT");
        apart[0].command = "DELETE".into();
        assert!(found(apart, 1e6).is_empty());
        let mut inserts = both("ALL");
        inserts[0].command = "INSERT".into();
        assert!(found(inserts, 1e6).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
