//! An index scan whose filter throws away most of what the index finds.

use dbvitals_model::{Severity, Unit};

use super::{
    candidate, expression,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained, quoted},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// An index scan whose filter throws away most of what the index finds.
pub static CHECK: Check = Check {
    id: "plan-inefficient-index",
    title: "An index finds far more rows than the statement needs",
    thresholds: &[&MAX_REMOVED_FACTOR, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(CANDIDATE),
    explain: explained! {
        detects: "Index and bitmap scans whose filter throws away more than `max_removed_factor` times the rows it \
                  keeps, and more than `min_removed_rows` per execution.",
        matters: "Each row thrown away was fetched from its page first, one by one: dearer than a row of a sequential \
                  scan.",
        fix: "Put the columns of the filter into the index, those compared with `=` first; or make the index \
                  partial where the filter is always the same.",
        ignore: "The index serves many statements and this one is rare.",
        references: "PostgreSQL documentation: Multicolumn Indexes; Partial Indexes.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_REMOVED_FACTOR: Threshold = Threshold {
    key: "max_removed_factor",
    unit: Unit::Factor,
    default: 10.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a tenth kept is where reading the rest costs as much as a second column in the index",
};

static MIN_REMOVED: Threshold = Threshold {
    key: "min_removed_rows",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a thousand rows per execution are the least that can be felt",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        let is_index =
            matches!(node.kind.as_str(), "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan");
        let condition =
            node.conditions.index_cond.as_deref().or(node.conditions.recheck_cond.as_deref());
        let (condition, filter) = (condition?, node.conditions.filter.as_deref()?);
        let (removed, kept) = (actual.removed.by_filter, actual.rows);
        let is_bad =
            removed > cx.limit(&MAX_REMOVED_FACTOR) * kept && removed > cx.limit(&MIN_REMOVED);
        if !is_index || !is_bad {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * removed / (removed + kept).max(1.0))?;
        let problem = format!(
            "finds {} rows per execution and throws {} of them away",
            words::count(removed + kept),
            words::count(removed)
        );
        let advice = "Extend the index by the columns of the filter, or make it partial; the statement below is a \
                      candidate, to be proved by planning with it.";
        let mut columns = expression::index_columns(node, condition);
        for column in expression::index_columns(node, filter) {
            if !columns.contains(&column) {
                columns.insert(0, column);
            }
        }
        let found = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(
                counted("rows thrown away per execution", removed).against(cx.limit(&MIN_REMOVED)),
            )
            .with(counted("rows kept per execution", kept))
            .with(quoted("index condition", condition))
            .with(quoted("filter", filter));
        let fix = (columns.len() > 1).then(|| candidate::create_index(node, &columns)).flatten();
        Some(match fix {
            Some(fix) => found.fixed_by(fix),
            None => found,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(kept: u64, removed: u64) -> String {
        format!(
            "Index Scan using orders_customer on orders  (cost=0.4..9.0 rows=10 width=4) \
             (actual time=0.1..80.0 rows={kept} loops=1)\n  Index Cond: (customer_id = 7)\n  \
             Filter: (status = 'new'::text)\n  Rows Removed by Filter: {removed}\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &scan(100, 1_001)).len(), 1);
        assert_eq!(found(&CHECK, &scan(100, 1_000)).len(), 0);
        assert_eq!(found(&CHECK, &scan(101, 1_001)).len(), 0);
    }

    #[test]
    fn the_index_takes_both_columns() {
        let fix = found(&CHECK, &scan(1, 50_000)).remove(0).fix.unwrap();
        assert!(fix.statements[0].ends_with("ON orders (status, customer_id);"), "{fix:?}");
    }

    #[test]
    fn what_the_filter_keeps_is_no_problem() {
        let plain = "Index Scan using i on t  (cost=0.4..9.0 rows=10 width=4) (actual time=0.1..80.0 rows=9 loops=1)";
        assert_eq!(found(&CHECK, plain).len(), 0);
    }
}
