//! A bitmap that had to forget rows and remember pages only.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    memory::{self, MOST_MEMORY},
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A bitmap that had to forget rows and remember pages only.
pub static CHECK: Check = Check {
    id: "plan-bitmap-lossy",
    title: "A bitmap does not fit into memory",
    thresholds: &[&MAX_LOSSY, &MOST_MEMORY, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Bitmap heap scans of which more than `max_lossy_ratio` of the pages were remembered without their \
                  rows. No more memory than `max_work_mem_bytes` is ever proposed.",
        matters: "On such a page every row is looked at and checked again.",
        fix: "A more selective condition, or more `work_mem` for this statement only.",
        ignore: "Reports that run once a night, when nobody waits.",
        references: "PostgreSQL documentation: Resource Consumption (work_mem, hash_mem_multiplier).",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_LOSSY: Threshold = Threshold {
    key: "max_lossy_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "a few lossy pages cost less than the memory that would spare them",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        let blocks = node.heap_blocks?;
        let (exact, lossy) = (blocks.exact as f64, blocks.lossy as f64);
        let ratio = lossy / (exact + lossy).max(1.0);
        if ratio <= cx.limit(&MAX_LOSSY) {
            return None;
        }
        let (rechecked, kept) = (actual.removed.by_recheck, actual.rows);
        // What the pages cost beside the rows that were wanted anyway.
        let gain = seen.gain(cx, seen.own(at) * rechecked / (rechecked + kept).max(1.0))?;
        let problem = format!(
            "remembered {} of {} pages without their rows and looked at {} rows again in vain",
            words::count(lossy),
            words::count(exact + lossy),
            words::count(rechecked * actual.loops)
        );
        let advice = "Make the index condition more selective (a second column, a partial index), or grant this \
                      statement more work_mem.";
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(
                Evidence::new("lossy pages", ratio, Unit::Ratio, "EXPLAIN ANALYZE")
                    .against(cx.limit(&MAX_LOSSY)),
            )
            .with(counted("rows looked at in vain", rechecked * actual.loops));
        // A page takes up about 100 bytes in a bitmap that knows its rows.
        Some(memory::granting(finding, (exact + lossy) * 100.0 / 1024.0, cx))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(exact: u64, lossy: u64, vain: u64) -> String {
        format!(
            "Bitmap Heap Scan on t  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..100.0 rows=1000 loops=1)\n  \
             Recheck Cond: (a < 10)\n  Rows Removed by Index Recheck: {vain}\n  \
             Heap Blocks: exact={exact} lossy={lossy}\n"
        )
    }

    #[test]
    fn the_limit_has_two_sides() {
        assert_eq!(found(&CHECK, &scan(90, 11, 50_000)).len(), 1);
        assert_eq!(found(&CHECK, &scan(90, 10, 50_000)).len(), 0);
    }

    #[test]
    fn lossy_pages_that_cost_nothing_stay_silent() {
        assert_eq!(found(&CHECK, &scan(10, 9_000, 0)).len(), 0);
    }
}
