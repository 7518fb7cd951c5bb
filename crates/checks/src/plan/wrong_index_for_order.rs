//! An index read in order from its start, until a filter has let enough rows through.

use dbvitals_model::{Fix, Severity, Unit, pg::DatabaseSnapshot, plan::Node};

use super::{
    candidate, catalogue, expression,
    seen::{
        CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, Seen, counted, each_run, explained, quoted,
    },
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// An index read in order from its start, until a filter has let enough rows through.
pub static CHECK: Check = Check {
    id: "plan-wrong-index-for-order",
    title: "An index is read for its order while the filter waits",
    uses: &["facts"],
    thresholds: &[&MAX_REMOVED_FACTOR, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(CANDIDATE),
    explain: explained! {
        detects: "Index scans without an index condition below a `LIMIT`, whose filter throws away more than \
                  `max_removed_factor` times the rows kept, and more than `min_removed_rows`.",
        matters: "The planner bets that matching rows are spread evenly over the order. When they stand at the far \
                  end, nearly the whole table is read row by row, the slowest way there is.",
        fix: "Create an index with the filter's columns before those of the order. Until then an expression in \
                  `ORDER BY` keeps the planner off.",
        ignore: "The values searched for are nearly always at the near end.",
        references: "PostgreSQL documentation: Indexes and ORDER BY.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_REMOVED_FACTOR: Threshold = Threshold {
    key: "max_removed_factor",
    unit: Unit::Factor,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "reading a hundred rows for one is dearer than sorting the matches",
};

static MIN_REMOVED: Threshold = Threshold {
    key: "min_removed_rows",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a thousand rows are the least that can be felt",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts().ok();
    each_run(view, |seen, at, node, actual| {
        let is_index = matches!(node.kind.as_str(), "Index Scan" | "Index Only Scan");
        let filter = node.conditions.filter.as_deref()?;
        if !is_index || node.conditions.index_cond.is_some() || !below_limit(seen, at) {
            return None;
        }
        let (removed, kept) = (actual.removed.by_filter * actual.loops, actual.rows * actual.loops);
        if removed <= cx.limit(&MAX_REMOVED_FACTOR) * kept.max(1.0)
            || removed <= cx.limit(&MIN_REMOVED)
        {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * removed / (removed + kept).max(1.0))?;
        let problem = format!(
            "reads {} rows in the order of the index to find {} under a LIMIT",
            words::count(removed + kept),
            words::count(kept)
        );
        let advice = "Create an index that begins with the columns the filter compares by = and goes on with those \
                      of ORDER BY. As a stop-gap, `ORDER BY column + 0` keeps the planner from using this index.";
        let columns = expression::index_columns(node, filter);
        let found = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(counted("rows thrown away", removed).against(cx.limit(&MIN_REMOVED)))
            .with(counted("rows kept", kept))
            .with(quoted("filter", filter));
        if columns.is_empty() {
            return Some(found);
        }
        let found = found.with(quoted("leading columns", &columns.join(", ")));
        let fix = facts.and_then(|facts| index_in_order(facts, node, columns));
        Some(match fix {
            Some(fix) => found.fixed_by(fix),
            None => found,
        })
    })
}

/// An index of the columns of the filter, and then of those of the index that gave the order; only where that index
/// is of plain columns in their usual order.
fn index_in_order(facts: &DatabaseSnapshot, node: &Node, mut columns: Vec<String>) -> Option<Fix> {
    let name = node.index.as_deref()?;
    let indexes = facts.indexes.get().ok()?.iter();
    let mut own =
        indexes.filter(|it| it.name == name && catalogue::is_of(node, &it.schema, &it.table));
    let index = own.next().filter(|it| it.method == "btree" && it.expressions.is_none())?;
    if index.key_options.iter().any(|options| *options != 0) || index.predicate.is_some() {
        return None;
    }
    for key in &index.key_names {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    candidate::create_index(node, &columns)
}

/// Whether a `LIMIT` waits for the rows, with nothing between that reads them all first.
fn below_limit(seen: &Seen<'_>, at: usize) -> bool {
    let passes_on = |kind: &str| {
        matches!(
            kind,
            "Nested Loop"
                | "Subquery Scan"
                | "LockRows"
                | "Append"
                | "Merge Append"
                | "Result"
                | "Memoize"
        )
    };
    let mut above = seen.plan.ancestors(at).map(|above| seen.node(above).kind.as_str());
    above.find(|kind| !passes_on(kind)) == Some("Limit")
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn limit(above: &str, removed: u64, condition: &str) -> String {
        format!(
            "{above}  (cost=0.4..9.0 rows=10 width=4) (actual time=0.1..80.0 rows=10 loops=1)\n  \
             ->  Index Scan using orders_created on orders  (cost=0.4..9000.0 rows=900 width=4) \
             (actual time=0.1..79.0 rows=10 loops=1)\n{condition}        \
             Filter: (customer_id = 7)\n        Rows Removed by Filter: {removed}\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &limit("Limit", 1_001, "")).len(), 1);
        assert_eq!(found(&CHECK, &limit("Limit", 1_000, "")).len(), 0);
    }

    #[test]
    fn only_an_order_under_a_limit_is_meant() {
        assert_eq!(found(&CHECK, &limit("Sort", 90_000, "")).len(), 0);
        assert_eq!(
            found(&CHECK, &limit("Limit", 90_000, "        Index Cond: (a = 1)\n")).len(),
            0
        );
    }
}
