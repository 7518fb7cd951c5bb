//! Policies that take longer than a read is meant to take in all.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, pg::row_security::PolicyRead};

use super::{
    guarded::{Grade, Price, costs, costs_of_both, joined, price},
    policy::EVALUATION,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// What policies add to a read of their table, by role.
pub static CHECK: Check = Check {
    id: "pg-rls-evaluation-over-target",
    title: "Policies slower than their target",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "policy_costs"],
    uses: &[],
    thresholds: &[&EVALUATION, &NOISE],
    fix: None,
    explain: "\
## What it detects
A read of a whole table takes more than `max_evaluation_ms` and `min_added_ratio` longer for a role that policies bind than without them.
`dbvitals query rls --analyze` measures it (a warning); without `--analyze` it is reckoned from the planner's costs (told
as information), which are an order of magnitude for plain comparisons and may be further off for functions. Subqueries that
run for each row are told by pg-rls-subplan-per-row unless they were measured.

## Why it matters
A policy is part of every statement on its table. Where no index answers it, it is asked of every row that is read,
before any condition of the statement itself that is not leakproof.

## How to fix
Let an index find the rows: compare a column with a value that is asked once, `tenant = (SELECT current_setting(…))`,
and index that column. Subqueries: `team = ANY (ARRAY(SELECT …))` is asked once and can use an index.

## When to ignore
Roles that read tables whole anyway, at night.

## References
PostgreSQL documentation: Row Security Policies; `EXPLAIN`.
",
    run: Run::Database(run),
};

static NOISE: Threshold = Threshold {
    key: "min_added_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 100.0),
    why: "two executions of the same read differ by some percent on a machine that has other work",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let found = costs(db)?.reads.iter().filter_map(|read| {
        let price = price(read)?;
        let limit = cx.limit_for(&EVALUATION, &read.qualified());
        let is_noise = read.measured.value().is_some_and(|seen| {
            let open = seen.open_ms.unwrap_or(f64::MAX);
            seen.guarded_ms < open * (1.0 + cx.limit(&NOISE))
        });
        // A subquery for each row is told by another check, and its price is no measure.
        (price.per_read_ms > limit && price.grade != Grade::Guessed && !is_noise)
            .then(|| finding(db, cx, read, price, limit))
    });
    Ok(found.collect())
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    read: &PolicyRead,
    price: Price,
    limit: f64,
) -> Finding {
    let name = read.qualified();
    let (severity, known) = match price.grade {
        Grade::Measured => (Severity::Warning, "measured"),
        Grade::Sampled => (Severity::Warning, "reckoned from a measured sample"),
        Grade::Planned | Grade::Guessed => {
            (Severity::Info, "by the planner's cost, an order of magnitude")
        }
    };
    let subject = Subject::within("table", db.name(), format!("{name} by {}", read.role));
    let mut found = cx
        .finding(
            severity,
            subject.of_table(&name),
            format!(
                "the policies of {name} add {} to a read of it by {} ({} rows asked, {known})",
                words::millis(price.per_read_ms),
                read.role,
                words::count(price.rows)
            ),
            if price.grade == Grade::Planned {
                "Measure it with dbvitals query rls --analyze; then let an index find the rows that are let through."
            } else {
                "Let an index find the rows that are let through, and ask once what does not depend on the row."
            },
        )
        .with(
            Evidence::new("added to a read", price.per_read_ms, Unit::Ms, price.grade.as_str())
                .against(limit),
        )
        .with(Evidence::new(
            "added per million rows",
            price.per_row_ms * 1e6,
            Unit::Ms,
            price.grade.as_str(),
        ))
        .with(Evidence::new("policies", joined(read), Unit::Text, "pg_policy"));
    if let (Some(open), Some(guarded)) = (read.open.value(), read.guarded.value()) {
        found.evidence.extend(costs_of_both(open, guarded));
    }
    if !read.others.is_empty() {
        let others = read.others.join(", ");
        found = found.with(Evidence::new("roles alike", others, Unit::Text, "pg_roles"));
    }
    found
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, pg::row_security::PolicyCosts, pg::security::Policy};

    use super::*;
    use crate::pg::schema::guarded::sample::{measured, planned, read};
    use crate::testing::{self, edit};

    fn found(read: PolicyRead) -> Vec<Finding> {
        let costs = PolicyCosts { reads: vec![read], ..PolicyCosts::default() };
        testing::findings(&CHECK, &testing::database(|db| *edit(&mut db.policy_costs) = costs))
    }

    #[test]
    fn what_was_measured_is_a_warning_above_ten_milliseconds() {
        let seen =
            |guarded| found(PolicyRead { measured: measured(6e5, guarded, 115.0, true), ..read() });
        let one = seen(227.0).remove(0);
        assert_eq!(one.severity, Severity::Warning);
        assert!(one.message.contains("add 112 ms to a read of it by web"), "{}", one.message);
        assert_eq!(one.key, "pg-rls-evaluation-over-target@main/table:app.public.Orders by web");
        assert!(seen(126.4).is_empty(), "a tenth of the read");
        let fast =
            |guarded| found(PolicyRead { measured: measured(6e5, guarded, 20.0, true), ..read() });
        assert_eq!((fast(30.1).len(), fast(29.9).len()), (1, 0));
    }

    #[test]
    fn what_the_planner_thinks_is_information() {
        let one = found(read()).remove(0);
        assert_eq!(one.severity, Severity::Info);
        assert!(one.message.contains("add 45 ms") && one.message.contains("order of magnitude"));
        assert!(found(PolicyRead { guarded: read().open, ..read() }).is_empty());
        let guess = planned(
            "Seq Scan on public.\"Orders\"  (cost=0.00..5000000.00 rows=5 width=0)\n  Filter: (SubPlan 1)\n",
        );
        assert!(found(PolicyRead { guarded: guess, ..read() }).is_empty(), "told by another check");
        assert!(found(PolicyRead { open: Section::default(), ..read() }).is_empty());
    }

    #[test]
    fn an_audit_says_how_to_ask() {
        let with = |policies: Vec<Policy>| {
            testing::database(|db| {
                db.policy_costs = Section::default();
                *edit(&mut db.policies) = policies;
            })
        };
        let skip = testing::skipped(&CHECK, &with(vec![Policy::default()]));
        assert_eq!(skip.0.remedy.as_deref(), Some("dbvitals query rls"));
        assert!(testing::findings(&CHECK, &with(Vec::new())).is_empty(), "nothing to ask for");
    }
}
