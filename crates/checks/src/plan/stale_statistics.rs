//! A table in a plan whose statistics are older than its rows.

use std::collections::BTreeSet;

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit, plan::Node};

use super::{
    catalogue,
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    sql,
    view::StatementView,
    words,
};

/// A table in a plan whose statistics are older than its rows.
pub static CHECK: Check = Check {
    id: "plan-stale-statistics",
    title: "The planner works with old statistics",
    needs: &["plans", "facts"],
    thresholds: &[&MAX_CHANGED, &MIN_CHANGED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Safe),
    explain: explained! {
        detects: "Scans of tables of which more than `max_changed_ratio` of the rows, `min_changed_rows` at least, \
                  changed since they were last analysed, or that never were. \
                  Where the scan was executed and its rows were guessed right by half it is a remark only.",
        matters: "All estimates rest on these statistics. Findings about a plan made from old ones may vanish with \
                  `ANALYZE`.",
        fix: "`ANALYZE` the table; lower `autovacuum_analyze_scale_factor` for it.",
        ignore: "The table has the same spread of values whatever changes (a queue, say).",
        references: "PostgreSQL documentation: ANALYZE; Routine Vacuuming.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_CHANGED: Threshold = Threshold {
    key: "max_changed_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 100.0),
    why: "autovacuum analyses after a tenth by default: more means that it does not come along",
};

static MIN_CHANGED: Threshold = Threshold {
    key: "min_changed_rows",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "small tables are read whole whatever their statistics say",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts()?;
    let mut told = BTreeSet::new();
    each(view, |seen, at, node| {
        let table = catalogue::table(facts, node)?;
        let changed = table.modified_since_analyze as f64;
        let ratio = changed / table.row_estimate.max(1.0);
        let never = table.last_analyze.is_none()
            && table.last_autoanalyze.is_none()
            && table.row_estimate < 0.0;
        let rows = table.live_rows as f64;
        let is_old = changed >= cx.limit(&MIN_CHANGED) && ratio > cx.limit(&MAX_CHANGED);
        if !(is_old || (never && rows >= cx.limit(&MIN_CHANGED))) || !node.is_scan() {
            return None;
        }
        // Nobody can tell what fresh statistics would change: the scan itself is what rests on the old ones.
        let gain = seen.gain(cx, seen.whole(at))?;
        if !told.insert(table.qualified()) {
            return None;
        }
        let problem = if never {
            format!("was planned without statistics: {} has never been analysed", table.qualified())
        } else {
            format!(
                "was planned with old statistics: {} rows changed since ANALYZE",
                words::count(changed)
            )
        };
        let (severity, right) = if is_right(node) {
            (Severity::Info, "; the number of rows was guessed right all the same")
        } else {
            (Severity::Warning, "")
        };
        let problem = problem + right;
        let name = sql::qualified(&table.schema, &table.name);
        let advice = "Run ANALYZE and plan again before anything else; let autovacuum analyse this table more often.";
        let fix = Fix::new(FixKind::Safe, [format!("ANALYZE {name};")])
            .locking("ShareUpdateExclusiveLock", format!("other maintenance of {name}"));
        let changed =
            Evidence::new("rows changed since", changed, Unit::Count, "pg_stat_user_tables");
        let ratio = Evidence::new("of its rows", ratio, Unit::Ratio, "pg_class")
            .against(cx.limit(&MAX_CHANGED));
        let mut finding = seen.finding(cx, severity, at, gain, (&problem, advice));
        finding.impact = Some("unknown until it is planned again with fresh statistics".to_owned());
        finding.evidence.clear();
        Some(finding.with(changed).with(ratio).fixed_by(fix))
    })
}

/// Whether a scan that was executed gave about the rows that were planned.
fn is_right(node: &Node) -> bool {
    let both = node.actual.zip(node.estimate);
    both.is_some_and(|(actual, planned)| {
        let (rows, planned) = (actual.rows.max(1.0), planned.rows.max(1.0));
        (rows / planned).max(planned / rows) <= 2.0
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::relation::Relation;

    use super::{super::seen::testing::*, *};

    fn judged(
        modified_since_analyze: i64,
        row_estimate: f64,
        ms: f64,
    ) -> Vec<dbvitals_model::Finding> {
        let plan = format!(
            "Append  (cost=0.0..9000.0 rows=10 width=4) (actual time=0.1..{ms} rows=10 loops=1)\n  \
             ->  Seq Scan on app.t  (cost=0.0..9000.0 rows=10 width=4) (actual time=0.1..{ms} rows=10 loops=1)\n  \
             ->  Seq Scan on app.t t_1  (cost=0.0..9000.0 rows=10 width=4) (actual time=0.1..{ms} rows=10 loops=1)\n"
        );
        found_with(&CHECK, &plan, |facts| {
            let (schema, name, live_rows) = ("app".to_owned(), "t".to_owned(), 90_000);
            let table = Relation {
                schema,
                name,
                live_rows,
                modified_since_analyze,
                row_estimate,
                ..Relation::default()
            };
            *crate::testing::edit(&mut facts.relations) = vec![table];
        })
    }

    #[test]
    fn the_limits_have_two_sides() {
        let finding = judged(1_001, 10_000.0, 50.0);
        assert_eq!(finding.len(), 1, "one for each table, however often it is read");
        assert_eq!(finding[0].fix.as_ref().unwrap().statements, ["ANALYZE app.t;"]);
        assert_eq!(judged(1_000, 10_000.0, 50.0).len(), 0);
        assert_eq!(judged(999, 100.0, 50.0).len(), 0);
    }

    #[test]
    fn a_table_never_analysed_is_told_and_a_quick_scan_is_not() {
        assert!(judged(0, -1.0, 50.0)[0].message.contains("never been analysed"));
        assert_eq!(judged(50_000, 10_000.0, 1.0).len(), 0);
    }
}
