//! A scan of a table with row-level security that evaluates its policy for every row.

use dbvitals_model::{Evidence, Severity, Unit, pg::DatabaseSnapshot};

use super::{
    candidate, catalogue, expression,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained, quoted},
    thrown::{MIN_REMOVED, MIN_REMOVED_RATIO, Thrown},
};
use crate::{
    check::{Check, Run},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A scan of a table with row-level security that evaluates its policy for every row.
pub static CHECK: Check = Check {
    id: "plan-row-security-first",
    title: "A policy is evaluated for every row",
    needs: &["plans", "facts"],
    thresholds: &[&MIN_REMOVED_RATIO, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(CANDIDATE),
    explain: explained! {
        detects: "Sequential scans of tables with row-level security whose filter holds a condition of their policies \
                  (where those are not known: asks for the current role, a setting or a subquery), throwing away more than `min_removed_ratio` of the rows, `min_removed_rows` at least.",
        matters: "A policy is a filter that must come first. Without an index for it every row is read and asked, and \
                  conditions that are not leakproof cannot use their own index before it.",
        fix: "Wrap functions in a subquery, index the policy's column, use leakproof operators.",
        ignore: "Roles that see most of the table.",
        references: "PostgreSQL documentation: Row Security Policies; CREATE FUNCTION (LEAKPROOF).",
    },
    run: Run::Statement(run),
    ..PLAN
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts()?;
    each(view, |seen, at, node| {
        let (thrown, filter) = Thrown::measured(node, cx)?;
        let table = catalogue::table(facts, node).filter(|it| it.row_security)?;
        if !holds_policy(facts, table.oid, filter) {
            return None;
        }
        let gain = seen.gain(cx, seen.whole(at) * thrown.ratio)?;
        let problem = format!(
            "has row-level security evaluated on {} rows to let {} through",
            words::count(thrown.all()),
            words::count(thrown.kept)
        );
        let advice = "Wrap what does not depend on the row in a subquery, `(SELECT current_setting(…))`, index the column \
                      the policy compares, and keep the user's own conditions to leakproof operators (= and < are, LIKE \
                      and lower() are not): others wait until the policy has been evaluated and no index helps them.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        let finding = finding
            .with(thrown.evidence(cx))
            .with(Evidence::new("policies", table.policies as f64, Unit::Count, "pg_policy"))
            .with(quoted("filter", filter));
        // The policy's own columns come first: nothing else may be asked before it.
        let columns = expression::index_columns(node, filter);
        Some(match candidate::create_index(node, &columns) {
            Some(fix) => finding.fixed_by(fix),
            None => finding,
        })
    })
}

/// Whether a condition of one of the table's policies is part of a filter. Subqueries are written otherwise there.
fn holds_policy(facts: &DatabaseSnapshot, table_oid: i64, filter: &str) -> bool {
    let Ok(policies) = facts.policies.get() else { return is_policy(filter) };
    let parts: Vec<String> =
        expression::conjuncts(filter).into_iter().map(expression::unqualified).collect();
    let own = policies.iter().filter(|policy| policy.table_oid == table_oid);
    own.filter_map(|policy| policy.using_expression.as_deref()).any(|using| {
        if using.contains("SELECT ") {
            return is_policy(filter);
        }
        let wanted: Vec<String> =
            expression::conjuncts(using).into_iter().map(expression::unqualified).collect();
        // Permissive policies are put together by OR.
        wanted.iter().all(|part| parts.contains(part) || parts.iter().any(|it| it.contains(part)))
    })
}

/// What policies are made of: settings, the current role, subqueries.
fn is_policy(filter: &str) -> bool {
    let filter = filter.to_ascii_lowercase();
    [
        "current_setting(",
        "current_user",
        "session_user",
        "current_role",
        "auth.",
        "subplan",
        "exists(",
    ]
    .iter()
    .any(|mark| filter.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    use dbvitals_model::pg::relation::Relation;

    fn judged(filter: &str, removed: u64, row_security: bool) -> usize {
        let plan = format!(
            "Seq Scan on app.docs  (cost=0.00..9000.00 rows=10 width=4) (actual time=0.1..90.0 rows=1 loops=1)\n  \
             Filter: {filter}\n  Rows Removed by Filter: {removed}\n"
        );
        let found = found_with(&CHECK, &plan, |facts| {
            let (schema, name) = ("app".to_owned(), "docs".to_owned());
            let table = Relation { schema, name, row_security, policies: 1, ..Relation::default() };
            *crate::testing::edit(&mut facts.relations) = vec![table];
        });
        found.len()
    }

    #[test]
    fn the_limits_have_two_sides() {
        let policy = "(tenant = (current_setting('app.tenant'::text))::integer)";
        assert_eq!(judged(policy, 10_001, true), 1);
        assert_eq!(judged(policy, 10_000, true), 0);
    }

    #[test]
    fn an_ordinary_filter_is_no_policy() {
        assert_eq!(judged("(tenant = 7)", 90_000, true), 0);
        assert_eq!(judged("(owner = CURRENT_USER)", 90_000, false), 0);
    }
}
