//! Policies without `TO` that roles evaluate for whom they are not meant.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::security::Policy};
use dbvitals_query::policy_text;

use crate::pg::{
    config::advice::listed,
    table::ordinary::{by_oid, is_users, not_twice, rows, sql_name},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
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

static ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "below ten thousand rows a further condition costs little",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (policies, relations) = (db.policies()?, db.relations()?);
    not_twice(db)?;
    let found = policies.iter()// What is inserted is asked about once, row by row as it comes.
        .filter(|policy| policy.is_permissive && is_public(policy) && policy.command != "INSERT").filter_map(|policy| {
        let table = by_oid(relations, policy.table_oid).filter(|t| t.row_security && is_users(t))?;
        let name = table.qualified();
        let limit = cx.limit_for(&ROWS, &name);
        let using = policy.using_expression.as_deref().unwrap_or_default();
        let asks = policy_text(using, &table.name).is_ok_and(|text| text.tests_role);
        let beside: Vec<&Policy> = policies.iter().filter(|other| meets(policy, other)).collect();
        if rows(table) < limit || (!asks && beside.is_empty()) {
            return None;
        }
        let why = if asks {
            "asks for the role in its condition".to_owned()
        } else {
            let mut roles: Vec<&str> =
                beside.iter().flat_map(|other| other.roles.iter().map(String::as_str)).collect();
            roles.sort_unstable();
            roles.dedup();
            format!("is also put to {}, who have a policy of their own", listed(&roles, 5))
        };
        let subject = Subject::within("policy", db.name(), format!("{name}.{}", policy.name));
        Some(
            cx.finding(
                Severity::Info,
                subject.of_table(&name),
                format!("policy {} of {name} names no role and {why}", policy.name),
                format!(
                    "Name the roles it is for: ALTER POLICY {} ON {} TO …; it takes AccessExclusiveLock for a moment, and TO public undoes it.",
                    sql::ident(&policy.name),
                    sql_name(table)
                ),
            )
            .with(Evidence::new("policy", words::shorten(using, 200), Unit::Text, "pg_policy"))
            .with(Evidence::new("command", policy.command.as_str(), Unit::Text, "pg_policy"))
            .with(Evidence::new("rows of the table", rows(table), Unit::Count, "pg_class.reltuples").against(limit)),
        )
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
