//! A sequential scan that throws nearly everything away.

use dbvitals_model::{Severity, Unit, pg::relation::Relation, plan::Node};

use super::{
    expression,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each, explained, quoted},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A sequential scan that throws nearly everything away.
pub static CHECK: Check = Check {
    id: "plan-slow-scan",
    title: "A table is read whole for a few of its rows",
    uses: &["facts"],
    thresholds: &[&MIN_REMOVED_RATIO, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(CANDIDATE),
    explain: explained! {
        detects: "Sequential scans that throw away more than `min_removed_ratio` of the rows they read, and more than \
                  `min_removed_rows`. Of a plan without `ANALYZE` this is known only where the size of the table is.",
        matters: "Every row and page of the table is read at every execution; the time grows with the table, not with \
                  the answer.",
        fix: "Create an index on the columns of the filter: those compared with `=` first, then one compared by \
                  range. Let the planner prove that it uses it.",
        ignore: "Statements run once a night; tables about to be emptied.",
        references: "PostgreSQL documentation: Using EXPLAIN; Multicolumn Indexes; pg_trgm.",
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
    let facts = view.facts().ok();
    each(view, |seen, at, node| {
        if node.kind != "Seq Scan" {
            return None;
        }
        let filter = node.conditions.filter.as_deref()?;
        let (kept, removed) = if let Some(actual) = &node.actual {
            (actual.rows * actual.loops, actual.all_removed())
        } else {
            let table = facts?.relations.get().ok()?.iter().find(|it| is_table(it, node))?;
            let kept = node.estimate?.rows;
            (kept, (table.row_estimate - kept).max(0.0))
        };
        let ratio = removed / (removed + kept).max(1.0);
        if ratio <= cx.limit(&MIN_REMOVED_RATIO) || removed <= cx.limit(&MIN_REMOVED) {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * ratio)?;
        let problem =
            format!("reads {} rows to keep {}", words::count(removed + kept), words::count(kept));
        let columns = expression::index_columns(filter);
        let advice = advice(filter, &columns);
        let found = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(counted("rows thrown away", removed).against(cx.limit(&MIN_REMOVED)))
            .with(counted("rows kept", kept))
            .with(quoted("filter", filter));
        Some(match expression::create_index(node, &columns) {
            Some(fix) => found.fixed_by(fix),
            None => found,
        })
    })
}

fn is_table(relation: &Relation, node: &Node) -> bool {
    node.relation.as_deref() == Some(relation.name.as_str())
        && node.schema.as_ref().is_none_or(|schema| *schema == relation.schema)
}

fn advice(filter: &str, columns: &[String]) -> &'static str {
    if !columns.is_empty() {
        "Index the columns of the filter; the statement below is a candidate, to be proved by planning with it. \
         If such an index exists, see why it was not used: a type that differs, or old statistics."
    } else if filter.contains("~~ '%") || filter.contains("~~* '%") {
        "A pattern that begins with a wildcard can use a trigram index only (pg_trgm, gin_trgm_ops)."
    } else {
        "No plain comparison of a column is in the filter: rewrite it so that a column stands alone on one side, or \
         index the expression."
    }
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(removed: u64, ms: f64) -> String {
        format!(
            "Seq Scan on app.orders o  (cost=0.00..9000.00 rows=10 width=4) (actual time=0.1..{ms} rows=10 loops=1)\n  \
             Filter: ((status = 'new'::text) AND (total > 5))\n  Rows Removed by Filter: {removed}\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &scan(10_001, 50.0)).len(), 1);
        assert_eq!(found(&CHECK, &scan(10_000, 50.0)).len(), 0);
        assert_eq!(found(&CHECK, &scan(10_001, 4.9)).len(), 0, "too fast to matter");
    }

    #[test]
    fn the_index_is_a_candidate_of_the_filter() {
        let finding = found(&CHECK, &scan(90_000, 50.0)).remove(0);
        assert_eq!(
            finding.fix.unwrap().statements,
            ["CREATE INDEX CONCURRENTLY orders_status_total_idx ON app.orders (status, total);"]
        );
        assert!(
            finding.message.starts_with("Seq Scan on app.orders o (node 1) reads 90"),
            "{}",
            finding.message
        );
        assert!(finding.impact.unwrap().starts_with("saves up to 50 ms of 50 ms"));
    }

    #[test]
    fn a_plan_alone_needs_the_size_of_the_table() {
        let plan = "Seq Scan on app.orders  (cost=0.00..9000.00 rows=10 width=4)\n  Filter: (status = 'new'::text)\n";
        assert_eq!(found(&CHECK, plan).len(), 0);
        let with_rows = |row_estimate: f64| {
            found_with(&CHECK, plan, |facts| {
                let (schema, name) = ("app".to_owned(), "orders".to_owned());
                let table = Relation { schema, name, row_estimate, ..Relation::default() };
                *crate::testing::edit(&mut facts.relations) = vec![table];
            })
        };
        assert_eq!(with_rows(10_010.0).len(), 0);
        let finding = with_rows(500_000.0).remove(0);
        assert!(finding.impact.unwrap().contains("an estimate"));
    }
}
