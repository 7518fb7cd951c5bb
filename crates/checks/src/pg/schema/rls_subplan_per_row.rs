//! Policies with a subquery that runs for each row.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit, pg::row_security::PolicyRead, plan::Plan,
};

use super::{
    guarded::{costs, costs_of_both, has_subplan_per_row, joined, scans},
    policy,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Subqueries of policies that the plan neither hashes nor runs once.
pub static CHECK: Check = Check {
    id: "pg-rls-subplan-per-row",
    title: "Policy with a subquery for each row",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "policy_costs"],
    uses: &[],
    thresholds: &[&ROWS],
    fix: None,
    explain: "\
## What it detects
The plan of a role that policies bind runs a subquery of a policy for each row of the table (`SubPlan` in a filter,
not hashed), at least `min_rows` times. `dbvitals query rls` asks for that plan. A subquery that the server may still
hash when it executes (`alternatives`, 13) is not told.

## Why it matters
Each run descends an index or reads a table anew: microseconds at best, for every row of every statement. The planner's
cost of it is no measure: it may be a hundred times too high or too low.

## How to fix
Turn the subquery round, so that it does not name the row: instead of `f() IN (SELECT m.who FROM members m WHERE m.team
= docs.team)` write `team IN (SELECT m.team FROM members m WHERE m.who = (SELECT f()))`, which is hashed, or `team = ANY
(ARRAY(SELECT …))`, which is asked once and can use an index on `team`.

## When to ignore
Tables that are only read by a selective index before the policy is asked.

## References
PostgreSQL documentation: Row Security Policies; Using EXPLAIN.
",
    run: Run::Database(run),
};

static ROWS: Threshold = Threshold {
    strict: Some(1_000.0),
    ..policy::min_rows(
        "ten thousand descents of an index take about ten milliseconds, which is all a simple read is meant to take",
    )
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let found = costs(db)?.reads.iter().filter_map(|read| {
        let (open, guarded) = (read.open.value()?, read.guarded.value()?);
        let (filter, rows) = per_row(open, guarded)?;
        let limit = cx.limit_for(&ROWS, &read.qualified());
        (rows >= limit).then(|| finding(db, cx, read, (open, guarded), filter, rows, limit))
    });
    Ok(found.collect())
}

/// The filter with the subquery, and how often it is asked.
fn per_row<'p>(open: &Plan, guarded: &'p Plan) -> Option<(&'p str, f64)> {
    let rows = |plan: &Plan, at: usize| {
        plan.nodes.get(at).and_then(|node| node.estimate.as_ref()).map_or(0.0, |e| e.rows)
    };
    scans(guarded).find_map(|(at, node)| {
        let filter = node.conditions.filter.as_deref().filter(|_| has_subplan_per_row(node))?;
        // An index narrows what is asked; otherwise all rows are.
        let narrowed = node.conditions.index_cond.is_some();
        Some((filter, if narrowed { rows(guarded, at) } else { rows(open, 0) }))
    })
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    read: &PolicyRead,
    (open, guarded): (&Plan, &Plan),
    filter: &str,
    rows: f64,
    limit: f64,
) -> Finding {
    let name = read.qualified();
    let subject = Subject::within("table", db.name(), format!("{name} by {}", read.role));
    let mut found = cx
        .finding(
            Severity::Warning,
            subject.of_table(&name),
            format!(
                "the policies of {name} run a subquery for each of {} rows that {} reads",
                words::count(rows),
                read.role
            ),
            "Write the subquery so that it does not name the row: team = ANY (ARRAY(SELECT … WHERE member = (SELECT …))).",
        )
        .with(Evidence::new("rows asked", rows, Unit::Count, "EXPLAIN").against(limit))
        .with(Evidence::new("policies", joined(read), Unit::Text, "pg_policy"))
        .with(Evidence::new("filter", words::shorten(filter, 200), Unit::Text, "EXPLAIN"));
    found.evidence.extend(costs_of_both(open, guarded));
    found
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::row_security::PolicyCosts;

    use super::*;
    use crate::pg::schema::guarded::sample::{planned, read};
    use crate::testing::{self, edit};

    fn found(filter: &str, rows: u32) -> Vec<Finding> {
        let plan = format!(
            "Seq Scan on public.\"Orders\"  (cost=0.00..5000000.00 rows=5 width=0)\n  Filter: {filter}\n  SubPlan 1\n    \
             ->  Index Scan using m on public.members  (cost=0.29..8.00 rows=1 width=4)\n          Index Cond: (team = \"Orders\".team)\n"
        );
        let open =
            format!("Seq Scan on public.\"Orders\"  (cost=0.00..14000.00 rows={rows} width=0)\n");
        let read = PolicyRead { guarded: planned(&plan), open: planned(&open), ..read() };
        let costs = PolicyCosts { reads: vec![read], ..PolicyCosts::default() };
        testing::findings(&CHECK, &testing::database(|db| *edit(&mut db.policy_costs) = costs))
    }

    #[test]
    fn fires_for_a_subquery_that_is_not_hashed() {
        let one = found("(SubPlan 1)", 10_000).remove(0);
        assert!(one.message.contains("for each of 10,000 rows that web reads"), "{}", one.message);
        assert!(found("(SubPlan 1)", 9_999).is_empty());
        assert_eq!(found("((hashed SubPlan 1) OR EXISTS(SubPlan 2))", 10_000).len(), 1);
    }

    #[test]
    fn hashed_undecided_and_single_ones_are_silent() {
        assert!(found("(hashed SubPlan 1)", 600_000).is_empty());
        assert!(found("(ANY (team = (hashed SubPlan 1).col1))", 600_000).is_empty());
        assert!(found("(alternatives: SubPlan 1 or hashed SubPlan 2)", 600_000).is_empty());
        assert!(found("(team = (InitPlan 1).col1)", 600_000).is_empty());
    }
}
