//! Many policies that are asked one after the other.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::security::Policy};

use super::policy;
use crate::pg::{
    config::advice::listed,
    table::ordinary::{by_oid, is_users, not_twice, rows},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Permissive policies for the same command and role.
pub static CHECK: Check = Check {
    id: "pg-rls-multiple-permissive-policies",
    title: "Many permissive policies",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["policies", "relations"],
    uses: &[],
    thresholds: &[&POLICIES, &ROWS],
    fix: None,
    explain: "\
## What it detects
More than `max_policies` permissive policies that apply to the same command and the same role of a table of at
least `min_rows` rows with row-level security. A policy `FOR ALL` applies to every command, one `TO public` to
every role.

## Why it matters
Permissive policies are joined by OR: a row that only the last one lets through is put to each of them, and an OR
over different columns keeps the planner from using one index.

## How to fix
Write one policy per command and role with the conditions joined in the cheapest order, and say with `TO` which
roles a policy is for.

## When to ignore
Where an index serves each of the conditions.

## References
PostgreSQL documentation: CREATE POLICY.
",
    run: Run::Database(run),
};

static POLICIES: Threshold = Threshold {
    key: "max_policies",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1000.0),
    why: "an owner, a group and an administrator are an ordinary design; more is sediment",
};

static ROWS: Threshold =
    policy::min_rows("below ten thousand rows the policies cost little however many there are");

const COMMANDS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (policies, relations) = (db.policies()?, db.relations()?);
    not_twice(db)?;
    let mut by_table: BTreeMap<i64, Vec<&Policy>> = BTreeMap::new();
    for policy in policies.iter().filter(|policy| policy.is_permissive) {
        by_table.entry(policy.table_oid).or_default().push(policy);
    }
    let found = by_table.into_iter().filter_map(|(oid, policies)| {
        let table = by_oid(relations, oid).filter(|t| t.row_security && is_users(t))?;
        let name = table.qualified();
        let limit = cx.limit_for(&POLICIES, &name);
        let (command, role, together) = most(&policies)?;
        if together.len() as f64 <= limit || rows(table) < cx.limit_for(&ROWS, &name) {
            return None;
        }
        let count = together.len();
        Some(
            cx.finding(
                Severity::Info,
                Subject::within("table", db.name(), &name),
                format!("{count} permissive policies of {name} are asked one after the other for {command} by {role}"),
                "Write one policy per command and role with the conditions joined.",
            )
            .with(Evidence::new("policies", count as f64, Unit::Count, "pg_policy").against(limit))
            .with(Evidence::new("names", listed(&together, 10), Unit::Text, "pg_policy"))
            .with(Evidence::new("rows of the table", rows(table), Unit::Count, "pg_class.reltuples")),
        )
    });
    Ok(found.collect())
}

/// The command and role that the most policies apply to, with their names.
fn most<'a>(policies: &[&'a Policy]) -> Option<(&'static str, &'a str, Vec<&'a str>)> {
    let roles = policies.iter().flat_map(|policy| policy.roles.iter().map(String::as_str));
    let mut roles: Vec<&str> = roles.collect();
    roles.sort_unstable();
    roles.dedup();
    let pairs =
        COMMANDS.into_iter().flat_map(|command| roles.iter().map(move |role| (command, *role)));
    let counted = pairs.map(|(command, role)| {
        let applies = |policy: &&&Policy| {
            let for_command = policy.command == "ALL" || policy.command == command;
            for_command && policy.roles.iter().any(|to| to == role || to == "public")
        };
        (
            command,
            role,
            policies.iter().filter(applies).map(|policy| policy.name.as_str()).collect::<Vec<_>>(),
        )
    });
    // The first of equals, so that the finding stays what it is.
    counted.reduce(|best, next| if next.2.len() > best.2.len() { next } else { best })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn policy(name: &str, command: &str, role: &str) -> Policy {
        Policy {
            table_oid: 1,
            name: name.into(),
            command: command.into(),
            roles: vec![role.into()],
            is_permissive: true,
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

    fn four() -> Vec<Policy> {
        vec![
            policy("a", "ALL", "public"),
            policy("b", "SELECT", "web"),
            policy("c", "SELECT", "public"),
            policy("d", "ALL", "web"),
        ]
    }

    #[test]
    fn fires_for_four_that_meet_in_one_command_and_role() {
        let one = found(four(), 1e4).remove(0);
        assert!(one.message.starts_with("4 permissive policies"), "{}", one.message);
        assert!(one.message.ends_with("for SELECT by web"));
        assert!(found(four(), 9_999.0).is_empty());
    }

    #[test]
    fn three_restrictive_and_unrelated_ones_are_silent() {
        let with = |change: fn(&mut Policy)| {
            let mut all = four();
            change(&mut all[1]);
            found(all, 1e6)
        };
        assert!(with(|policy| policy.command = "DELETE".into()).is_empty());
        assert!(with(|policy| policy.roles = vec!["batch".into()]).is_empty());
        assert!(with(|policy| policy.is_permissive = false).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
