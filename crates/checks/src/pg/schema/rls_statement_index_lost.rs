//! Statements whose index row-level security keeps them from.

use std::collections::BTreeSet;

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{
        relation::Relation,
        row_security::{GuardedIndex, GuardedStatement},
    },
    plan::Plan,
};

use super::guarded::{costs, costs_of_both};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::config::advice::listed,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Statements that use an index of a guarded table without policies, and none with them.
pub static CHECK: Check = Check {
    id: "pg-rls-statement-index-lost",
    title: "Statement kept from its index by row-level security",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "policy_costs", "relations"],
    uses: &["guarded_indexes"],
    thresholds: &[&FACTOR],
    fix: None,
    explain: "\
## What it detects
A statement given to `dbvitals query rls --sql` searches a table with an index when no policies are in force, does not
use that index as a role that policies bind, and costs at least `min_cost_factor` times as much by the planner's reckoning.

## Why it matters
Under row-level security a condition may look at rows before the policy does only if its operator is known to tell
nothing of them (leakproof). `LIKE`, `lower()`, full text, `jsonb`, arrays and `numeric` are not: the policy goes
first, and the index on them is of no use to anybody the policy applies to.

## How to fix
Let the index lead with the column the policy compares: `(tenant, …)`, for GIN with `btree_gin`. Compare by a leakproof
type (`bigint` or `text` in place of `numeric` or `citext`). Or search through a function with the rights of its owner
that applies the policy itself. Marking a function `LEAKPROOF` takes a superuser, and a proof.

## When to ignore
Statements that only roles the policies do not apply to will run.

## References
PostgreSQL documentation: Rules and Privileges; CREATE FUNCTION, `LEAKPROOF`.
",
    run: Run::Database(run),
};

static FACTOR: Threshold = Threshold {
    key: "min_cost_factor",
    unit: Unit::Factor,
    default: 2.0,
    strict: None,
    range: (1.0, 1e9),
    why: "below twice the cost the planner may as well have chosen another way for its own reasons",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (costs, relations, indexes) = (costs(db)?, db.relations()?, db.guarded_indexes().ok());
    let indexes = indexes.map_or(&[][..], Vec::as_slice);
    let found = costs.statements.iter().filter_map(|statement| {
        let (open, guarded) = (statement.open.value()?, statement.guarded.value()?);
        let factor = guarded.cost()? / open.cost().filter(|cost| *cost > 0.0)?;
        let kept: BTreeSet<_> = searches(guarded, relations).map(|search| search.index).collect();
        let lost: Vec<Search<'_>> =
            searches(open, relations).filter(|search| !kept.contains(search.index)).collect();
        let first = lost.first()?;
        if factor < cx.limit_for(&FACTOR, &first.table) {
            return None;
        }
        Some(finding((db.name(), indexes), cx, statement, &lost, (open, guarded), factor))
    });
    Ok(found.collect())
}

/// An index that is searched, on a table with policies in force.
struct Search<'p> {
    table: String,
    index: &'p str,
    condition: Option<&'p str>,
}

fn searches<'p>(
    plan: &'p Plan,
    relations: &'p [Relation],
) -> impl Iterator<Item = Search<'p>> + use<'p> {
    plan.nodes.iter().enumerate().filter_map(move |(at, node)| {
        let index = node.index.as_deref()?;
        // A bitmap index scan does not name its table: the scan above it does.
        let above = || plan.ancestors(at).find_map(|at| plan.nodes[at].table());
        let table = node.table().or_else(above)?;
        let is_guarded = relations.iter().any(|r| r.row_security && r.qualified() == table);
        is_guarded.then_some(Search {
            table,
            index,
            condition: node.conditions.index_cond.as_deref(),
        })
    })
}

fn finding(
    (database, indexes): (&str, &[GuardedIndex]),
    cx: &Context<'_>,
    statement: &GuardedStatement,
    lost: &[Search<'_>],
    (open, guarded): (&Plan, &Plan),
    factor: f64,
) -> Finding {
    let names: Vec<String> =
        lost.iter().map(|search| format!("{} of {}", search.index, search.table)).collect();
    let names = listed(&names, 3);
    let text = words::shorten(&statement.text, 80);
    let subject = Subject::within("statement", database, format!("{text} by {}", statement.role));
    let mut found = cx
        .finding(
            Severity::Warning,
            subject,
            format!(
                "as {} the statement cannot search {names}: it costs {} times as much as without policies",
                statement.role,
                words::count(factor)
            ),
            "Lead the index with the column the policy compares, or compare by a leakproof operator.",
        )
        .with(Evidence::new("statement", words::shorten(&statement.text, 200), Unit::Text, "--sql"));
    found.evidence.extend(costs_of_both(open, guarded));
    for search in lost {
        if let Some(condition) = search.condition {
            let condition = words::shorten(condition, 200);
            found = found.with(Evidence::new(
                "condition the index answers",
                condition,
                Unit::Text,
                "EXPLAIN",
            ));
        }
        let known = indexes.iter();
        for index in
            known.filter(|index| index.name == search.index && index.is_leakproof == Some(false))
        {
            let operators = listed(&index.operators, 8);
            found = found.with(Evidence::new(
                format!("operators of {}, none leakproof", index.name),
                operators,
                Unit::Text,
                "pg_amop, pg_proc.proleakproof",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::row_security::PolicyCosts;

    use super::*;
    use crate::pg::schema::{columns_of_type::sample::table, guarded::sample::planned};
    use crate::testing::{self, edit};

    const BY_WORDS: &str = "Bitmap Heap Scan on public.\"Orders\"  (cost=10.00..100.00 rows=9 width=4)\n  \
        Recheck Cond: (words @@ 'x'::tsquery)\n  ->  Bitmap Index Scan on by_words  (cost=0.00..9.00 rows=9 width=0)\n        \
        Index Cond: (words @@ 'x'::tsquery)\n";

    fn found(guarded: &str, row_security: bool) -> Vec<Finding> {
        let statement = GuardedStatement {
            text: "select * from \"Orders\" where words @@ 'x'".into(),
            role: "web".into(),
            open: planned(BY_WORDS),
            guarded: planned(guarded),
        };
        let costs = PolicyCosts { statements: vec![statement], ..PolicyCosts::default() };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policy_costs) = costs;
                *edit(&mut db.relations) = vec![Relation { row_security, ..table() }];
            }),
        )
    }

    fn read_whole(cost: &str) -> String {
        format!(
            "Seq Scan on public.\"Orders\"  (cost=0.00..{cost} rows=9 width=4)\n  Filter: ((tenant = 1) AND (words @@ 'x'::tsquery))\n"
        )
    }

    #[test]
    fn fires_where_the_index_is_out_of_reach_and_that_costs() {
        let one = found(&read_whole("200.00"), true).remove(0);
        assert!(
            one.message.contains("as web the statement cannot search by_words of public.Orders"),
            "{}",
            one.message
        );
        assert!(one.evidence.iter().any(|e| e.label == "condition the index answers"));
        assert!(found(&read_whole("199.00"), true).is_empty());
    }

    #[test]
    fn the_same_index_and_tables_without_policies_are_silent() {
        assert!(found(&BY_WORDS.replace("100.00", "900.00"), true).is_empty());
        assert!(found(&read_whole("9000.00"), false).is_empty());
    }
}
