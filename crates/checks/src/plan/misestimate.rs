//! The lowest node of a plan whose number of rows was badly guessed.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit, pg::DatabaseSnapshot, plan::Node};

use super::{
    candidate, catalogue, expression,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, Seen, counted, each_run, explained},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    sql,
    view::StatementView,
    words,
};

/// The lowest node of a plan whose number of rows was badly guessed.
pub static CHECK: Check = Check {
    id: "plan-misestimate",
    title: "The planner expected another number of rows",
    severity: Severity::Critical,
    uses: &["facts"],
    thresholds: &[&MAX_FACTOR, &GRAVE_FACTOR, &MIN_ROWS, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Safe),
    explain: explained! {
        detects: "The lowest node whose rows differ from the plan by more than `max_estimate_factor`, critical from \
                  `critical_estimate_factor`; nodes of fewer than `min_rows` rows, and those that may have ended early \
                  under a `LIMIT`, are left out. What stands above a wrong guess is wrong because of it and is not \
                  reported.",
        matters: "Join order, join method, memory and parallelism are all chosen by the number of rows. A wrong guess \
                  at the bottom is multiplied on the way up.",
        fix: "`ANALYZE` first. Then extended statistics on columns that depend on one another, a higher statistics \
                  target, statistics on the expression.",
        ignore: "The plan is good in spite of the guess: force another one to see.",
        references: "PostgreSQL documentation: How the Planner Uses Statistics; CREATE STATISTICS.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_FACTOR: Threshold = Threshold {
    key: "max_estimate_factor",
    unit: Unit::Factor,
    default: 10.0,
    strict: None,
    range: (1.0, 1e6),
    why: "up to ten the planner mostly chooses the same",
};

static GRAVE_FACTOR: Threshold = Threshold {
    key: "critical_estimate_factor",
    unit: Unit::Factor,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "two orders of magnitude change join methods",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "guesses about few rows are coarse by nature, and harmless",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts().ok();
    each_run(view, |seen, at, node, actual| {
        let factor = error(seen, cx, at)?;
        let is_lowest =
            !(at + 1..seen.plan.end_of(at)).any(|below| error(seen, cx, below).is_some());
        let decides = |above: usize| {
            let kind = seen.node(above).kind.as_str();
            seen.node(above).is_join()
                || matches!(kind, "Sort" | "Hash" | "Aggregate" | "Memoize" | "Gather")
        };
        if !is_lowest || !seen.plan.ancestors(at).any(decides) {
            return None;
        }
        // What was decided by the estimate stands above; half of it is a fair guess at what a better plan saves.
        let gain = seen.gain(cx, (seen.account.total - seen.whole(at)) / 2.0)?;
        let planned = node.estimate?.rows;
        let is_grave = factor >= cx.limit(&GRAVE_FACTOR);
        let severity = if is_grave { Severity::Critical } else { Severity::Warning };
        let few = if actual.rows > planned { "more" } else { "fewer" };
        let problem = format!(
            "gave {} rows where {} were planned, {} times {few}; everything above was chosen by this guess",
            words::count(actual.rows),
            words::count(planned),
            words::count(factor)
        );
        let finding = seen
            .finding(cx, severity, at, gain, (&problem, advice(node)))
            .with(
                Evidence::new("error of the estimate", factor, Unit::Factor, "EXPLAIN ANALYZE")
                    .against(cx.limit(&MAX_FACTOR)),
            )
            .with(counted("rows planned", planned))
            .with(counted("rows", actual.rows));
        Some(match statistics(node, facts) {
            Some(fix) => finding.fixed_by(fix),
            None => finding,
        })
    })
}

/// By how much a node's rows were guessed wrong, where that is bad and not an early end.
fn error(seen: &Seen<'_>, cx: &Context<'_>, at: usize) -> Option<f64> {
    let node = seen.node(at);
    let (actual, estimate) = (node.actual.filter(|it| it.loops > 0.0)?, node.estimate?);
    let (rows, planned) = (actual.rows.max(1.0), estimate.rows.max(1.0));
    if hands_on(node)
        || rows.max(planned) < cx.limit(&MIN_ROWS)
        || (rows < planned && may_end_early(seen, at))
    {
        return None;
    }
    let factor = (rows / planned).max(planned / rows);
    (factor > cx.limit(&MAX_FACTOR)).then_some(factor)
}

/// Whether somebody above may have stopped asking before the node was through.
fn may_end_early(seen: &Seen<'_>, at: usize) -> bool {
    let stops = |above: usize| {
        let node = seen.node(above);
        let is_partial = matches!(
            node.join_type.as_deref(),
            Some("Semi" | "Anti" | "Right Semi" | "Right Anti")
        );
        matches!(node.kind.as_str(), "Limit" | "Merge Join" | "Memoize")
            || is_partial
            || has_empty_table(seen, above)
    };
    seen.node(at).is_aside()
        || seen.plan.ancestors(at).any(|above| stops(above) || seen.node(above).is_aside())
}

/// Whether it is a hash join whose table stayed empty: then one row of the outer side is all that is asked for.
fn has_empty_table(seen: &Seen<'_>, join: usize) -> bool {
    let is_empty = |at: usize| {
        let node = seen.node(at);
        node.kind == "Hash" && node.actual.is_some_and(|it| it.rows * it.loops < 1.0)
    };
    seen.node(join).kind == "Hash Join" && seen.plan.children(join).any(is_empty)
}

/// Whether it hands on the rows of the node below: the guess is not its own, and a merge join that reads some of them
/// again makes them look more.
fn hands_on(node: &Node) -> bool {
    matches!(
        node.kind.as_str(),
        "Sort" | "Incremental Sort" | "Materialize" | "Hash" | "Gather" | "Gather Merge" | "Limit"
    )
}

fn advice(node: &Node) -> &'static str {
    let filter = node.conditions.filter.as_deref().unwrap_or_default();
    if node.is_scan() && expression::conjuncts(filter).into_iter().any(hides_columns) {
        "The condition is on an expression or on a pattern, of which the planner knows nothing: write it on the plain \
         column, or let CREATE STATISTICS … ON (expression) (14 and later) and ANALYZE tell it."
    } else if node.function.is_some() {
        "The planner knows nothing of a function's result: declare ROWS of the function, or a support function."
    } else if node.is_scan() {
        "Run ANALYZE; if the guess stays wrong, columns of the condition depend on one another or an expression hides \
         them: CREATE STATISTICS tells the planner, a higher statistics target helps with rare values."
    } else {
        "The inputs were guessed well and their combination was not: look at skew of the joined or grouped columns, \
         raise their statistics target, or create extended statistics on what is grouped together."
    }
}

/// Whether a condition compares what a function or an operator makes of a column.
fn hides_columns(condition: &str) -> bool {
    expression::called(condition).is_some()
}

/// Values kept of a column, or of columns together, unless a statistics target says otherwise.
const USUAL_LIST: f64 = 100.0;
/// Values kept where those are too few: a sample of 300,000 rows.
const LONG_LIST: u32 = 1_000;

/// Whether a column has more different values than a list of the usual length holds, and no more than a long one does.
fn has_many_values(facts: Option<&DatabaseSnapshot>, node: &Node, column: &str) -> bool {
    let columns = facts.and_then(|facts| facts.columns.get().ok()).into_iter().flatten();
    let mut own =
        columns.filter(|it| it.name == column && catalogue::is_of(node, &it.schema, &it.table));
    let distinct = own.next().and_then(|it| it.n_distinct);
    distinct.is_some_and(|it| it > USUAL_LIST && it <= f64::from(LONG_LIST))
}

fn statistics(node: &Node, facts: Option<&DatabaseSnapshot>) -> Option<Fix> {
    let table = candidate::table_of(node)?;
    let it = &node.conditions;
    // A bitmap's condition is written once more at the table. Columns tied to another table have no share of their own:
    // a node without a name has none of them.
    let conditions = [&it.filter, &it.index_cond, &it.recheck_cond].into_iter().flatten();
    let nameless = Node::default();
    let mut columns: Vec<String> = Vec::new();
    for column in conditions.flat_map(|text| expression::index_columns(&nameless, text)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        // Of an expression ANALYZE learns nothing.
        return None;
    }
    let analyze = format!("ANALYZE {table};");
    if columns.len() < 2 {
        return Some(
            Fix::new(FixKind::Safe, [analyze])
                .locking("ShareUpdateExclusiveLock", "other maintenance"),
        );
    }
    let name = format!("{}_{}_stat", node.relation.as_deref()?, columns.join("_"));
    let name = match &node.schema {
        Some(schema) => sql::qualified(schema, &name),
        None => sql::ident(&name),
    };
    let create = format!(
        "CREATE STATISTICS {name} (dependencies, mcv) ON {} FROM {table};",
        sql::idents(&columns)
    );
    // A list that is too short for all combinations makes them look rarer than they are.
    let is_long = columns.iter().any(|column| has_many_values(facts, node, column));
    let raise = is_long.then(|| format!("ALTER STATISTICS {name} SET STATISTICS {LONG_LIST};"));
    let fix = Fix::new(CANDIDATE, [create].into_iter().chain(raise).chain([analyze]))
        .locking("ShareUpdateExclusiveLock", "other maintenance");
    Some(fix.undone_by([format!("DROP STATISTICS {name};")]))
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn join(planned: u64, rows: u64) -> String {
        format!(
            "Hash Join  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..500.0 rows=9000 loops=1)\n  \
             Hash Cond: (a.id = b.id)\n  \
             ->  Seq Scan on a  (cost=0.0..10.0 rows={planned} width=4) (actual time=0.1..5.0 rows={rows} loops=1)\n        \
             Filter: ((city = 'x'::text) AND (zip = 5))\n  \
             ->  Hash  (cost=0.4..8.0 rows=10 width=4) (actual time=0.1..0.3 rows=10 loops=1)\n        \
             ->  Seq Scan on b  (cost=0.4..8.0 rows=10 width=4) (actual time=0.1..0.3 rows=10 loops=1)\n"
        )
    }

    #[test]
    fn only_the_lowest_culprit_is_named() {
        let finding = found(&CHECK, &join(100, 5_000));
        assert_eq!(finding.len(), 1, "the join above is wrong because of it");
        assert_eq!(finding[0].subject.name, "1.1 Seq Scan on a");
        let fix = finding[0].fix.clone().unwrap();
        assert_eq!(
            fix.statements[0],
            "CREATE STATISTICS a_city_zip_stat (dependencies, mcv) ON city, zip FROM a;"
        );
    }

    #[test]
    fn the_limits_have_two_sides() {
        let worst = |planned| {
            found(&CHECK, &join(planned, 10_000))
                .first()
                .map(|it| (it.severity, it.subject.name.clone()))
        };
        assert_eq!(worst(100).unwrap(), (Severity::Critical, "1.1 Seq Scan on a".to_owned()));
        assert_eq!(worst(101).unwrap().0, Severity::Warning);
        assert_eq!(worst(1_000), None, "then the join is the lowest, and nothing depends on it");
    }

    #[test]
    fn an_early_end_is_no_error() {
        let limit = "Limit  (cost=1.0..2.0 rows=1 width=4) (actual time=0.1..500.0 rows=1 loops=1)\n  \
             ->  Nested Loop  (cost=1.0..900.0 rows=100000 width=4) (actual time=0.1..500.0 rows=1 loops=1)\n";
        assert_eq!(found(&CHECK, limit).len(), 0);
    }

    #[test]
    fn an_empty_table_of_a_hash_join_ends_the_other_side_early() {
        let join = |rows: u64| {
            format!(
                "Sort  (cost=1.0..900.0 rows=100 width=4) (actual time=500.0..500.0 rows=0 loops=1)\n  \
                 ->  Hash Join  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..500.0 rows=0 loops=1)\n        \
                 Hash Cond: (a.id = b.id)\n        \
                 ->  Seq Scan on a  (cost=0.0..10.0 rows=110000 width=4) (actual time=0.1..5.0 rows=1 loops=1)\n        \
                 ->  Hash  (cost=0.4..8.0 rows=10 width=4) (actual time=0.1..490.0 rows={rows} loops=1)\n              \
                 ->  Seq Scan on b  (cost=0.4..8.0 rows=10 width=4) (actual time=0.1..480.0 rows={rows} loops=1)\n"
            )
        };
        assert_eq!(found(&CHECK, &join(0)).len(), 0);
        assert_eq!(found(&CHECK, &join(1)).len(), 1);
    }

    #[test]
    fn rows_that_a_merge_join_reads_again_are_no_error() {
        let plan = "Merge Join  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..500.0 rows=90000 loops=1)\n  \
             Merge Cond: (a.id = b.id)\n  \
             ->  Sort  (cost=0.0..10.0 rows=90 width=4) (actual time=0.1..5.0 rows=90 loops=1)\n        \
             ->  Seq Scan on a  (cost=0.0..10.0 rows=90 width=4) (actual time=0.1..5.0 rows=90 loops=1)\n  \
             ->  Sort  (cost=0.4..8.0 rows=22000 width=4) (actual time=0.1..90.0 rows=4175746 loops=1)\n        \
             ->  Seq Scan on b  (cost=0.4..8.0 rows=22000 width=4) (actual time=0.1..9.0 rows=22000 loops=1)\n";
        assert_eq!(found(&CHECK, plan).len(), 0);
    }
}
