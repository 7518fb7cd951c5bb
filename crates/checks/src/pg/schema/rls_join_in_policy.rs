//! Policies that join tables.

use dbvitals_model::{Evidence, Severity, Unit};
use dbvitals_query::policy_text;

use super::policy;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::config::advice::listed,
    skip::Judged,
    view::DatabaseView,
};

/// Policies whose subqueries read several tables.
pub static CHECK: Check = Check {
    id: "pg-rls-join-in-policy",
    title: "Policy joins tables",
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
A policy (`USING`) of a table of at least `min_rows` rows has a subquery that joins two tables or more, or a subquery
within a subquery, each with a table.

## Why it matters
The join is part of every statement on the table, for every role the policy applies to: for each row where it depends
on the row, else once per statement. The policies of the tables it reads are evaluated too, and an estimate that is
wrong inside of it makes the plan of the whole statement wrong.

## How to fix
Keep what decides in one place: the key on the row itself (`tenant_id`), or the user's keys in one table that the policy
looks up once, `team = ANY (ARRAY(SELECT …))`. A `STABLE` function that yields the keys can hide the join, and is asked
once in a subquery.

## When to ignore
Small tables behind it, where the join takes less than a millisecond and does not depend on the row.

## References
PostgreSQL documentation: Row Security Policies.
",
    run: Run::Database(run),
};

static ROWS: Threshold = policy::min_rows(
    "below ten thousand rows the join costs little even if it is made for each of them",
);

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let found = policy::in_force(db, cx, &ROWS)?.into_iter().filter_map(|one| {
        let subqueries = policy_text(one.using(), &one.table.name).ok()?.subqueries;
        let joins = subqueries.iter().any(|query| query.tables.len() > 1 || query.is_nested);
        if !joins {
            return None;
        }
        let tables: Vec<&str> =
            subqueries.iter().flat_map(|query| query.tables.iter().map(String::as_str)).collect();
        let tables = listed(&tables, 6);
        let depends = subqueries.iter().any(|query| query.depends_on_row);
        let often = if depends { "for each row" } else { "once per statement" };
        let advice = "Keep what decides on the row, or look the user's keys up once in one table.";
        let found = one.finding(cx, &format!("joins {tables} {often}"), advice);
        Some(found.with(Evidence::new("tables", tables, Unit::Text, "pg_policy")))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Finding, Section,
        pg::{relation::Relation, security::Policy},
    };

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(using: &str, rows: f64) -> Vec<Finding> {
        let policy = Policy {
            table_oid: 1,
            name: "own".into(),
            using_expression: Some(using.into()),
            ..Policy::default()
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![policy];
                *edit(&mut db.relations) =
                    vec![Relation { row_security: true, row_estimate: rows, ..table() }];
            }),
        )
    }

    const JOIN: &str = "(team IN ( SELECT m.team FROM (members m JOIN people p ON ((p.id = m.person))) WHERE (p.login = f())))";

    #[test]
    fn fires_for_a_join_and_says_how_often_it_is_made() {
        let one = found(JOIN, 1e4).remove(0);
        assert!(
            one.message.ends_with("joins members, people once per statement"),
            "{}",
            one.message
        );
        let each = JOIN.replace("p.login = f()", "m.team = \"Orders\".team");
        assert!(found(&each, 1e4)[0].message.ends_with("for each row"));
        assert!(found(JOIN, 9_999.0).is_empty());
        let nested = "(team IN ( SELECT m.team FROM members m WHERE (m.person IN ( SELECT p.id FROM people p))))";
        assert_eq!(found(nested, 1e4).len(), 1);
    }

    #[test]
    fn single_tables_are_silent() {
        assert!(found("(team IN ( SELECT m.team FROM members m))", 1e6).is_empty());
        let two =
            "((team IN ( SELECT m.team FROM members m)) OR (id IN ( SELECT s.id FROM shares s)))";
        assert!(found(two, 1e6).is_empty(), "each is asked on its own");
        assert!(found("(owner = ( SELECT f() AS f))", 1e6).is_empty());
        assert!(found("(cut off", 1e6).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
