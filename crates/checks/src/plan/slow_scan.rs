//! A sequential scan that throws nearly everything away.

use dbvitals_model::{
    Severity,
    pg::{DatabaseSnapshot, index::Index},
    plan::Node,
};

use super::{
    candidate, catalogue, expression, implicit_cast,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained, quoted, reckoned},
    thrown::{self, MIN_REMOVED, MIN_REMOVED_RATIO, Thrown},
};
use crate::{
    check::{Check, Run},
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

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts().ok();
    each(view, |seen, at, node| {
        let filter = thrown::filter(node)?;
        let (kept, removed) = if let Some(actual) = &node.actual {
            (actual.rows * actual.loops, actual.all_removed())
        } else {
            let table = catalogue::table(facts?, node)?;
            let kept = node.estimate?.rows;
            (kept, (table.row_estimate - kept).max(0.0))
        };
        let thrown = Thrown::judged(kept, removed, cx)?;
        let gain = seen.gain(cx, seen.own(at) * thrown.ratio)?;
        let problem =
            format!("reads {} rows to keep {}", words::count(thrown.all()), words::count(kept));
        let columns = columns(facts, node, filter);
        let index = facts.and_then(|facts| catalogue::index_over(facts, node, &columns));
        let advice = advice(filter, &columns, index);
        let found = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, &advice))
            .with(reckoned(node, "rows thrown away", removed).against(cx.limit(&MIN_REMOVED)))
            .with(reckoned(node, "rows kept", kept))
            .with(quoted("filter", filter));
        Some(match candidate::create_index(node, &columns) {
            Some(fix) if index.is_none() => found.fixed_by(fix),
            _ => found,
        })
    })
}

/// What an index could be made of: the columns of the filter, those left out that are compared in another type.
fn columns(facts: Option<&DatabaseSnapshot>, node: &Node, filter: &str) -> Vec<String> {
    let hidden: Vec<String> = expression::conjuncts(filter)
        .into_iter()
        .filter_map(expression::cast_column)
        .filter(|(column, cast)| {
            let own_type = facts.and_then(|facts| implicit_cast::type_of(facts, node, column));
            own_type.is_some() && implicit_cast::hides(cast, own_type)
        })
        .map(|(column, _)| column)
        .collect();
    let mut columns = expression::index_columns(node, filter);
    columns.retain(|column| !hidden.contains(column));
    columns
}

fn advice(filter: &str, columns: &[String], index: Option<&Index>) -> String {
    if let Some(index) = index {
        return format!(
            "Index {} has these columns and was not chosen: see whether statistics are old (ANALYZE), whether the rows \
             are more than was thought, and whether random_page_cost fits the disks.",
            index.name
        );
    }
    let advice = if !columns.is_empty() {
        "Index the columns of the filter; the statement below is a candidate, to be proved by planning with it."
    } else if expression::conjuncts(filter).into_iter().any(expression::is_prefix_pattern) {
        "A pattern with a fixed beginning can be looked up in a B-tree with the operator class text_pattern_ops \
         (or in any B-tree, where the collation is C)."
    } else if filter.contains("~~ '%") || filter.contains("~~* '%") {
        "A pattern that begins with a wildcard can use a trigram index only (pg_trgm, gin_trgm_ops)."
    } else {
        "No plain comparison of a column is in the filter: rewrite it so that a column stands alone on one side, or \
         index the expression."
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::{relation::Relation, schema::Column};

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
        assert!(finding.evidence.iter().all(|it| it.source != "EXPLAIN ANALYZE"), "nothing ran");
        assert!(finding.impact.unwrap().contains("an estimate"));
    }

    #[test]
    fn what_ties_a_subquery_to_its_row_is_indexed() {
        let plan = "Seq Scan on app.orders o  (cost=0.0..9000.0 rows=10 width=4) (actual time=0.1..90.0 rows=10 loops=99)\n  \
             Filter: (c.c_custkey = o.o_custkey)\n  Rows Removed by Filter: 299990\n";
        let finding = found(&CHECK, plan).remove(0);
        assert_eq!(
            finding.fix.unwrap().statements,
            ["CREATE INDEX CONCURRENTLY orders_o_custkey_idx ON app.orders (o_custkey);"]
        );
    }

    #[test]
    fn a_cast_leaves_nothing_to_index() {
        let plan = "Seq Scan on app.orders  (cost=0.0..9000.0 rows=10 width=4) (actual time=0.1..90.0 rows=1 loops=1)\n  \
             Filter: ((code)::text = '4711'::text)\n  Rows Removed by Filter: 299990\n";
        let told = |own: &str| {
            let (schema, table) = ("app".to_owned(), "orders".to_owned());
            let (name, type_name) = ("code".to_owned(), own.to_owned());
            let column = Column { schema, table, name, type_name, ..Column::default() };
            found_with(&CHECK, plan, |facts| {
                *crate::testing::edit(&mut facts.columns) = vec![column];
            })
        };
        assert!(told("integer")[0].fix.is_none());
        assert!(told("character varying(20)")[0].fix.is_some());
    }

    #[test]
    fn an_index_that_is_there_is_not_proposed() {
        let told = |keys: &[&str], predicate: Option<&str>| {
            let index = Index {
                schema: "app".to_owned(),
                table: "orders".to_owned(),
                name: "there".to_owned(),
                method: "btree".to_owned(),
                is_valid: true,
                key_names: keys.iter().map(|key| (*key).to_owned()).collect(),
                predicate: predicate.map(str::to_owned),
                ..Index::default()
            };
            found_with(&CHECK, &scan(90_000, 50.0), |facts| {
                *crate::testing::edit(&mut facts.indexes) = vec![index];
            })
            .remove(0)
        };
        let known = told(&["total", "status", "at"], None);
        assert!(known.fix.is_none() && known.recommendation.starts_with("Index there has"));
        assert!(told(&["status", "at", "total"], None).fix.is_some());
        assert!(told(&["status", "total"], Some("(total > 9)")).fix.is_some());
    }

    #[test]
    fn a_pattern_with_a_beginning_can_be_looked_up() {
        let advice = |filter: &str| {
            let plan =
                scan(90_000, 50.0).replace("((status = 'new'::text) AND (total > 5))", filter);
            found(&CHECK, &plan).remove(0).recommendation
        };
        assert!(advice("((part.name)::text ~~ 'forest%'::text)").contains("text_pattern_ops"));
        assert!(
            advice("((info IS NOT NULL) AND ((info ~~ 'a%1%'::text) OR (info ~~ 'b%'::text)))")
                .contains("text_pattern_ops")
        );
        assert!(advice("(info ~~ '%x%'::text)").contains("trigram"));
        assert!(advice("((info ~~ 'a%'::text) OR (info ~~ '%b'::text))").contains("trigram"));
    }
}
