//! A scan of a table with row-level security that evaluates its policy for every row.

use dbvitals_model::{Evidence, Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained, quoted};
use crate::{
    check::{Check, Run, Threshold},
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
    explain: explained! {
        detects: "Sequential scans of tables with row-level security whose filter asks for the current role, a setting \
                  or a subquery, throwing away more than `min_removed_ratio` of the rows, `min_removed_rows` at least.",
        matters: "A policy is a filter that must come first. Without an index for it every row is read and asked, and \
                  conditions that are not leakproof cannot use their own index before it.",
        fix: "Wrap functions in a subquery, index the policy's column, use leakproof operators.",
        ignore: "Roles that see most of the table.",
        references: "PostgreSQL documentation: Row Security Policies; CREATE FUNCTION (LEAKPROOF).",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_REMOVED_RATIO: Threshold = Threshold {
    key: "min_removed_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.0, 1.0),
    why: "an index pays when it spares most of the table",
};

static MIN_REMOVED: Threshold = Threshold {
    key: "min_removed_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: Some(1_000.0),
    range: (0.0, 1e12),
    why: "ten thousand rows are filtered in about a millisecond",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts()?;
    each_run(view, |seen, at, node, actual| {
        let filter = node.conditions.filter.as_deref()?;
        let relations = facts.relations.get().ok()?;
        let table = relations.iter().find(|it| {
            it.row_security
                && node.relation.as_deref() == Some(it.name.as_str())
                && node.schema.as_ref().is_none_or(|schema| *schema == it.schema)
        })?;
        if node.kind != "Seq Scan" || !is_policy(filter) {
            return None;
        }
        let (kept, removed) = (actual.rows * actual.loops, actual.removed.by_filter * actual.loops);
        let ratio = removed / (removed + kept).max(1.0);
        if ratio <= cx.limit(&MIN_REMOVED_RATIO) || removed <= cx.limit(&MIN_REMOVED) {
            return None;
        }
        let gain = seen.gain(cx, seen.whole(at) * ratio)?;
        let problem = format!(
            "has row-level security evaluated on {} rows to let {} through",
            words::count(removed + kept),
            words::count(kept)
        );
        let advice = "Wrap what does not depend on the row in a subquery, `(SELECT current_setting(…))`, index the column \
                      the policy compares, and keep the user's own conditions to leakproof operators (= and < are, LIKE \
                      and lower() are not): others wait until the policy has been evaluated and no index helps them.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("rows thrown away", removed).against(cx.limit(&MIN_REMOVED)))
                .with(Evidence::new("policies", table.policies as f64, Unit::Count, "pg_policy"))
                .with(quoted("filter", filter)),
        )
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
